#include "exact/range.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "base/finite.h"
#include "base/thread_pool.h"
#include "exact/tuning.h"

namespace otcore::exact {

template <class T>
void throw_not_finite(MatrixView<const T> costs) {
  require_finite("M", costs, "finite costs");
  throw std::logic_error("a cost matrix was taken for not finite");
}

template <class T>
CostRange range_of(MatrixView<const T> costs, int n_threads, Monitor& monitor) {
  const std::size_t step = std::max<std::size_t>(1, kArcsPerSweep / costs.cols);
  std::vector<CostRange> parts((costs.rows + step - 1) / step);
  parallel_for(
      parts.size(), n_threads,
      [&](std::size_t chunk, int) {
        const std::size_t first = chunk * step;
        parts[chunk] = cost_kernels<T>().range(costs.row(first), costs.stride,
                                               std::min(step, costs.rows - first), costs.cols);
      },
      &monitor);
  CostRange all{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                true};
  for (const CostRange& part : parts) {
    if (!part.finite) throw_not_finite(costs);
    all.low = std::min(all.low, part.low);
    all.high = std::max(all.high, part.high);
  }
  return all;
}

double magnitude(const CostRange& range) {
  return std::max(std::abs(range.low), std::abs(range.high));
}

double scale_for(double magnitude) {
  constexpr double kLargest = 0x1p300;
  if (magnitude == 0.0 || (magnitude < kLargest && magnitude > 1 / kLargest)) return 1.0;
  return std::exp2(std::clamp(-std::floor(std::log2(magnitude)), -1000.0, 1000.0));
}

template void throw_not_finite(MatrixView<const float>);
template void throw_not_finite(MatrixView<const double>);
template CostRange range_of(MatrixView<const float>, int, Monitor&);
template CostRange range_of(MatrixView<const double>, int, Monitor&);

}  // namespace otcore::exact
