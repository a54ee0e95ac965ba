#include "minibatch/places.h"

#include <algorithm>
#include <vector>

#include "base/thread_pool.h"

namespace otcore::minibatch {
namespace {

// Numbers of a task.
constexpr std::size_t kNumbersPerTask = std::size_t{1} << 15;

}  // namespace

template <class T>
void add_up_places(const Side<T>& side, const std::int64_t* batches, const double* by_place,
                   int n_threads, T* out) {
  const std::size_t points = side.points.rows;
  const std::size_t dims = side.points.cols;
  const std::size_t places = side.k * side.m;
  // The places of a point, in their order.
  std::vector<std::size_t> starts(points + 1);
  for (std::size_t q = 0; q < places; ++q) ++starts[static_cast<std::size_t>(batches[q]) + 1];
  for (std::size_t p = 0; p < points; ++p) starts[p + 1] += starts[p];
  std::vector<std::size_t> held(places);
  std::vector<std::size_t> next(starts.begin(), starts.end() - 1);
  for (std::size_t q = 0; q < places; ++q) held[next[static_cast<std::size_t>(batches[q])]++] = q;

  const std::size_t at_once = std::max<std::size_t>(1, kNumbersPerTask / dims);
  parallel_for((points + at_once - 1) / at_once, n_threads, [&](std::size_t task, int) {
    std::vector<double> sums(dims);
    for (std::size_t p = task * at_once; p < std::min(points, (task + 1) * at_once); ++p) {
      T* row = out + p * dims;
      const auto narrow = [row, dims](const double* numbers) {
        std::transform(numbers, numbers + dims, row, [](double x) { return static_cast<T>(x); });
      };
      const std::size_t count = starts[p + 1] - starts[p];
      if (count == 1) {
        narrow(by_place + held[starts[p]] * dims);
        continue;
      }
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t h = starts[p]; h < starts[p + 1]; ++h) {
        const double* from = by_place + held[h] * dims;
        for (std::size_t c = 0; c < dims; ++c) sums[c] += from[c];
      }
      narrow(sums.data());
    }
  });
}

template void add_up_places(const Side<float>&, const std::int64_t*, const double*, int, float*);
template void add_up_places(const Side<double>&, const std::int64_t*, const double*, int, double*);

}  // namespace otcore::minibatch
