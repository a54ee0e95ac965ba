#include "exact/start.h"

#include <algorithm>
#include <limits>

namespace otcore::exact {

void scale_start(const double* start, const Masses& masses, double width, double scale,
                 std::vector<double>& out) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  out.assign(masses.demand().size(), -kInfinity);
  double highest = -kInfinity;
  for (const std::int32_t j : masses.cols()) highest = std::max(highest, start[j]);
  for (const std::int32_t j : masses.cols()) {
    out[static_cast<std::size_t>(j)] = std::max((start[j] - highest) * scale, -width);
  }
}

}  // namespace otcore::exact
