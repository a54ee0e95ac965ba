#include "minibatch/batches.h"

#include <string>

#include "base/error.h"
#include "base/sizes.h"
#include "base/thread_pool.h"

namespace otcore::minibatch {
namespace {

// Coordinates below which packing on one thread is quicker than waking others
// (bench_minibatch, table).
constexpr std::size_t kParallelPacking = std::size_t{1} << 15;

}  // namespace

template <class T>
Batches<T>::Batches(const Side<T>& x, const Side<T>& y, const cost::Metric& metric)
    : metric_(metric),
      x_(make_side({x, "X", "a"}, cost::packed_rows_size<double>(metric, x.m, x.points.cols))),
      y_(make_side({y, "Y", "b"}, cost::packed_cols_size<double>(metric, y.m, y.points.cols))),
      centre_(x.points.cols) {
  if (x.points.cols != y.points.cols) {
    throw InvalidArgument("Y", std::to_string(y.points.cols) + " coordinates",
                          "as many as X has, " + std::to_string(x.points.cols));
  }
}

template <class T>
typename Batches<T>::PackedSide Batches<T>::make_side(const DrawnSide<T>& drawn,
                                                      std::size_t packed_size) {
  const std::size_t stride = round_up(packed_size, kCacheLine / sizeof(double));
  const std::size_t numbers = checked_mul(drawn.side().k, stride, "k");
  return {drawn, stride, aligned_array<double>(numbers, "k")};
}

template <class T>
void Batches<T>::pack(const std::int64_t* batches_x, const std::int64_t* batches_y, int n_threads,
                      Monitor& monitor) {
  x_.drawn.check_points(batches_x);  // before they make the centre
  cost::mean<T, double>({x().points, batches_x, x().m}, centre_.data());
  const std::size_t kx = x().k;
  const std::size_t coordinates = (kx * x().m + y().k * y().m) * x().points.cols;
  parallel_for(
      kx + y().k, coordinates < kParallelPacking ? 1 : n_threads,
      [&](std::size_t chunk, int) {
        if (chunk < kx) {
          pack_batch(x_, chunk, batches_x + chunk * x().m);
        } else {
          pack_batch(y_, chunk - kx, batches_y + (chunk - kx) * y().m);
        }
      },
      &monitor);
}

template <class T>
void Batches<T>::pack_batch(PackedSide& to, std::size_t i, const std::int64_t* batch) {
  to.drawn.take(i, batch);
  const cost::PointSet<T> points{to.drawn.side().points, batch, to.drawn.side().m};
  double* out = to.packed.get() + i * to.stride;
  const std::ptrdiff_t zero =
      &to == &x_ ? cost::pack_rows<T, double>(metric_, points, centre_.data(), out)
                 : cost::pack_cols<T, double>(metric_, points, centre_.data(), out);
  if (zero >= 0) {
    throw InvalidArgument(to.drawn.points_name(),
                          "row " + std::to_string(batch[zero]) + " is a zero vector",
                          "vectors with a direction for metric 'cosine'");
  }
}

template <class T>
void Batches<T>::costs(std::size_t i, std::size_t j, double* out, std::size_t stride) const {
  cost::tile<double>(metric_, x_.packed.get() + i * x_.stride, x().m,
                     y_.packed.get() + j * y_.stride, y().m, x().points.cols, out, stride);
  for (std::size_t r = 0; r < x().m; ++r) {
    if (all_finite(out + r * stride, y().m)) continue;
    throw InvalidArgument("X, Y", "ground costs overflow", "smaller coordinates");
  }
}

template class Batches<float>;
template class Batches<double>;

}  // namespace otcore::minibatch
