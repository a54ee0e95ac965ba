#include "cost/pull_back.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/thread_pool.h"
#include "cost/kernels.h"

namespace otcore::cost {
namespace {

// Points whose derivatives are a task.
constexpr std::size_t kPointsPerTask = 16;

// The derivatives in the points that `own` numbers.
template <class T>
void pull_back(MatrixView<const T> points, MatrixView<const T> others, const std::int64_t* own,
               const std::int64_t* other, const double* mass, std::size_t count, int n_threads,
               T* out) {
  // The pairs of a point, in their order.
  std::vector<std::size_t> starts(points.rows + 1);
  for (std::size_t e = 0; e < count; ++e) ++starts[static_cast<std::size_t>(own[e]) + 1];
  for (std::size_t i = 0; i < points.rows; ++i) starts[i + 1] += starts[i];
  std::vector<std::size_t> next(starts.begin(), starts.end() - 1);
  std::vector<std::int64_t> partners(count);
  std::vector<double> weights(count);
  for (std::size_t e = 0; e < count; ++e) {
    const std::size_t at = next[static_cast<std::size_t>(own[e])]++;
    partners[at] = other[e];
    weights[at] = 2.0 * mass[e];
  }

  // Whether point i has the partners of the point before it: of a dense plan, all have the same.
  const auto follows = [&](std::size_t i) {
    const auto first = partners.begin() + static_cast<std::ptrdiff_t>(starts[i - 1]);
    const auto middle = partners.begin() + static_cast<std::ptrdiff_t>(starts[i]);
    return std::equal(first, middle, middle,
                      partners.begin() + static_cast<std::ptrdiff_t>(starts[i + 1]));
  };
  const auto add = pull_back_kernel<T>(kernels());
  parallel_for((points.rows + kPointsPerTask - 1) / kPointsPerTask, n_threads,
               [&](std::size_t task, int) {
                 const std::size_t end = std::min(points.rows, (task + 1) * kPointsPerTask);
                 for (std::size_t i = task * kPointsPerTask; i < end;) {
                   std::size_t rows = 1;
                   while (rows < kPullBackRows && i + rows < end && follows(i + rows)) ++rows;
                   add(points.row(i), points.stride, rows,
                       {others.data, others.stride, partners.data() + starts[i],
                        starts[i + 1] - starts[i], points.cols},
                       weights.data() + starts[i], out + i * points.cols);
                   i += rows;
                 }
               });
}

}  // namespace

template <class T>
void pull_squares_back(MatrixView<const T> x, MatrixView<const T> y, const WeightedPairs& pairs,
                       int n_threads, T* in_x, T* in_y) {
  const auto [rows, cols, mass, count] = pairs;
  if (in_x != nullptr) pull_back(x, y, rows, cols, mass, count, n_threads, in_x);
  if (in_y != nullptr) pull_back(y, x, cols, rows, mass, count, n_threads, in_y);
}

template void pull_squares_back(MatrixView<const float>, MatrixView<const float>,
                                const WeightedPairs&, int, float*, float*);
template void pull_squares_back(MatrixView<const double>, MatrixView<const double>,
                                const WeightedPairs&, int, double*, double*);

}  // namespace otcore::cost
