#include "minibatch/batches.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/sizes.h"
#include "base/thread_pool.h"

namespace otcore::minibatch {
namespace {

// Coordinates below which packing on one thread is quicker than waking others
// (bench_minibatch, table).
constexpr std::size_t kParallelPacking = std::size_t{1} << 15;

// Also where the compiler may not reorder floating-point sums: integer logic vectorises.
template <class T>
bool all_finite(const T* numbers, std::size_t count) {
  int bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    bad |= static_cast<int>(!(std::abs(numbers[i]) <= std::numeric_limits<T>::max()));
  }
  return bad == 0;
}

}  // namespace

template <class T>
Batches<T>::Batches(const Side<T>& x, const Side<T>& y, const cost::Metric& metric)
    : metric_(metric),
      x_(make_side(x, cost::packed_rows_size<double>(metric, x.m, x.points.cols), "X", "a")),
      y_(make_side(y, cost::packed_cols_size<double>(metric, y.m, y.points.cols), "Y", "b")),
      centre_(x.points.cols) {
  if (x.points.cols != y.points.cols) {
    throw InvalidArgument("Y", std::to_string(y.points.cols) + " coordinates",
                          "as many as X has, " + std::to_string(x.points.cols));
  }
}

template <class T>
typename Batches<T>::PackedSide Batches<T>::make_side(const Side<T>& side, std::size_t packed_size,
                                                      const char* points_name,
                                                      const char* weights_name) {
  PackedSide made{side, points_name, weights_name, 0, nullptr, {}, {}};
  made.stride = round_up(packed_size, kCacheLine / sizeof(double));
  made.packed = aligned_array<double>(checked_mul(side.k, made.stride, "k"), "k");
  if (side.weights != nullptr) made.weights.resize(side.k * side.m);
  made.masses.assign(side.k, static_cast<double>(side.m));
  return made;
}

template <class T>
void Batches<T>::pack(const std::int64_t* batches_x, const std::int64_t* batches_y, int n_threads,
                      Monitor& monitor) {
  x_.check_points(batches_x);  // before they make the centre
  cost::mean<T, double>({x_.side.points, batches_x, x_.side.m}, centre_.data());
  const std::size_t kx = x_.side.k;
  const std::size_t coordinates = (kx * x_.side.m + y_.side.k * y_.side.m) * x_.side.points.cols;
  parallel_for(
      kx + y_.side.k, coordinates < kParallelPacking ? 1 : n_threads,
      [&](std::size_t chunk, int) {
        if (chunk < kx) {
          pack_batch(x_, chunk, batches_x + chunk * x_.side.m);
        } else {
          pack_batch(y_, chunk - kx, batches_y + (chunk - kx) * y_.side.m);
        }
      },
      &monitor);
}

template <class T>
void Batches<T>::pack_batch(PackedSide& to, std::size_t i, const std::int64_t* batch) {
  to.check_points(batch);
  to.normalise_weights(i, batch);
  const cost::PointSet<T> points{to.side.points, batch, to.side.m};
  double* out = to.packed.get() + i * to.stride;
  const std::ptrdiff_t zero =
      &to == &x_ ? cost::pack_rows<T, double>(metric_, points, centre_.data(), out)
                 : cost::pack_cols<T, double>(metric_, points, centre_.data(), out);
  if (zero >= 0) {
    throw InvalidArgument(to.points_name,
                          "row " + std::to_string(batch[zero]) + " is a zero vector",
                          "vectors with a direction for metric 'cosine'");
  }
}

template <class T>
void Batches<T>::PackedSide::check_points(const std::int64_t* batch) const {
  const std::size_t dims = side.points.cols;
  for (std::size_t r = 0; r < side.m; ++r) {
    const T* point = side.points.row(static_cast<std::size_t>(batch[r]));
    if (all_finite(point, dims)) continue;
    std::size_t c = 0;
    while (std::isfinite(point[c])) ++c;
    throw InvalidArgument::entry(points_name, {static_cast<std::size_t>(batch[r]), c},
                                 static_cast<double>(point[c]), "finite numbers");
  }
}

template <class T>
void Batches<T>::PackedSide::normalise_weights(std::size_t i, const std::int64_t* batch) {
  if (weights.empty()) return;
  double* out = weights.data() + i * side.m;
  double sum = 0.0;
  for (std::size_t r = 0; r < side.m; ++r) {
    out[r] = side.weights[batch[r]];
    if (!(out[r] >= 0.0) || std::isinf(out[r])) {
      throw InvalidArgument::entry(weights_name, {static_cast<std::size_t>(batch[r])}, out[r],
                                   "finite weights, not negative");
    }
    sum += out[r];
  }
  if (!(sum > 0.0) || std::isinf(sum)) {
    throw InvalidArgument(weights_name,
                          "the weights of batch " + std::to_string(i) + " sum to " + shown(sum),
                          "a positive, finite sum in every batch");
  }
  for (std::size_t r = 0; r < side.m; ++r) out[r] /= sum;
  masses[i] = sum;
}

template <class T>
void Batches<T>::costs(std::size_t i, std::size_t j, double* out, std::size_t stride) const {
  cost::tile<double>(metric_, x_.packed.get() + i * x_.stride, x_.side.m,
                     y_.packed.get() + j * y_.stride, y_.side.m, x_.side.points.cols, out, stride);
  for (std::size_t r = 0; r < x_.side.m; ++r) {
    if (all_finite(out + r * stride, y_.side.m)) continue;
    throw InvalidArgument("X, Y", "ground costs overflow", "smaller coordinates");
  }
}

template class Batches<float>;
template class Batches<double>;

}  // namespace otcore::minibatch
