#include "minibatch/sliced_batches.h"

#include <algorithm>

#include "base/error.h"
#include "base/finite.h"
#include "base/sizes.h"
#include "base/thread_pool.h"
#include "cost/tiles.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::minibatch {

using sliced::kGroup;

void throw_overflow() {
  throw InvalidArgument("X, Y, inner_projections", "the projections or their costs overflow",
                        "points whose projections are finite, with costs below 2^1020");
}

template <class T>
SlicedBatches<T>::SlicedBatches(const Side<T>& x, const Side<T>& y, MatrixView<const T> directions)
    : x_(x, "X", "a"), y_(y, "Y", "b"), directions_(directions), centre_(directions.cols) {
  require_finite("inner_projections", directions, "finite numbers");
  const std::size_t dims = directions.cols;
  const std::size_t groups = (directions.rows + kGroup - 1) / kGroup;
  // A vector may be read beyond the end.
  groups_.assign(checked_mul(groups * kGroup, dims, "inner_projections") + kGroup, T{0});
  for (std::size_t first = 0; first < directions.rows; first += kGroup) {
    T* group = groups_.data() + first * dims;
    const std::size_t count = std::min(kGroup, directions.rows - first);
    for (std::size_t c = 0; c < dims; ++c, group += kGroup) {
      for (std::size_t l = 0; l < count; ++l) group[l] = directions.row(first + l)[c];
    }
  }
}

template <class T>
void SlicedBatches<T>::take(const std::int64_t* batches_x, const std::int64_t* batches_y,
                            int n_threads, Monitor& monitor) {
  batches_x_ = batches_x;
  batches_y_ = batches_y;
  x_.check_points(batches_x);  // before they make the centre
  std::vector<double> mean(directions_.cols);
  cost::mean<T, double>({x().points, batches_x, x().m}, mean.data());
  std::transform(mean.begin(), mean.end(), centre_.begin(),
                 [](double number) { return static_cast<T>(number); });
  parallel_for(
      batches(), n_threads,
      [&](std::size_t b, int) {
        if (is_x(b)) {
          x_.take(b, batches_x + b * x().m);
        } else {
          y_.take(number(b), batches_y + number(b) * y().m);
        }
      },
      &monitor);
}

// The batch's points, less the centre.
template <class T>
const T* SlicedBatches<T>::gather(std::size_t b, Scratch& scratch) const {
  const std::int64_t* batch = (is_x(b) ? batches_x_ : batches_y_) + number(b) * size(b);
  const MatrixView<const T> points = drawn(b).side().points;
  scratch.points.resize(size(b) * points.cols);
  T* to = scratch.points.data();
  for (std::size_t r = 0; r < size(b); ++r, to += points.cols) {
    const T* point = points.row(static_cast<std::size_t>(batch[r]));
    for (std::size_t c = 0; c < points.cols; ++c) to[c] = point[c] - centre_[c];
  }
  return scratch.points.data();
}

template <class T>
void SlicedBatches<T>::sort_columns(std::size_t b, std::size_t first_group, std::size_t groups,
                                    Scratch& scratch, T* sorted, T* projections) const {
  const std::size_t m = size(b);
  const sliced::Points<T> points{gather(b, scratch), m, directions_.cols, nullptr};
  if (scratch.columns == nullptr) {
    const std::size_t most = std::max(x().m, y().m);
    scratch.columns = aligned_array<T>(kGroup * round_up(most, sliced::kColumnPadding), "m");
  }
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t first = (first_group + g) * kGroup;
    const std::size_t at = g * m * kGroup;
    if (!sliced::project_kernels<T>().sort_columns(
            points, groups_.data() + first * directions_.cols, std::min(kGroup, slices() - first),
            scratch.columns.get(), sorted + at,
            projections == nullptr ? nullptr : projections + at)) {
      throw_overflow();
    }
  }
}

template <class T>
void SlicedBatches<T>::sort_rows(std::size_t b, std::size_t first, std::size_t count,
                                 Scratch& scratch, T* out, std::size_t stride,
                                 std::int32_t* order) const {
  const std::size_t m = size(b);
  const sliced::Points<T> points{gather(b, scratch), m, directions_.cols, nullptr};
  auto& sorter = scratch.sorters[is_x(b) ? 0 : 1];
  if (!sorter) sorter.emplace(m);
  scratch.sorted.resize(m);
  for (std::size_t l = 0; l < count; l += kGroup) {
    const std::size_t slice = first + l;
    const std::size_t some = std::min(kGroup, count - l);
    const T* group = groups_.data() + slice / kGroup * kGroup * directions_.cols + slice % kGroup;
    sliced::project_kernels<T>().project(points, group, some, out + l * stride, stride);
    for (std::size_t s = l; s < l + some; ++s) {
      T* row = out + s * stride;
      const std::ptrdiff_t bad =
          order == nullptr ? sorter->values(row, scratch.sorted.data())
                           : sorter->order(row, scratch.sorted.data(), order + s * stride);
      if (bad >= 0) throw_overflow();
      std::transform(scratch.sorted.begin(), scratch.sorted.end(), row,
                     [](double number) { return static_cast<T>(number); });
    }
  }
}

template class SlicedBatches<float>;
template class SlicedBatches<double>;

}  // namespace otcore::minibatch
