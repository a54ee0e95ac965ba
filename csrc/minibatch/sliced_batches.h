// The mini-batches of both sides, seen along directions: every batch is projected and sorted once,
// not once for each pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/aligned.h"
#include "base/monitor.h"
#include "base/views.h"
#include "minibatch/drawn.h"
#include "oned/sort.h"

namespace otcore::minibatch {

// Batch b is x batch b for b < kx, y batch b - kx from there on. Projections are made in the type
// of the points, less a point among x: costs do not change, the rounding does.
template <class T>
class SlicedBatches {
 public:
  // Memory of a thread; it grows to its size at the first use.
  struct Scratch {
    std::vector<T> points;
    AlignedArray<T> columns;
    std::optional<oned::Sorter<T>> sorters[2];  // of x batches and y batches
    std::vector<double> sorted;
  };

  // The arrays behind x, y and directions (a row each) must live until the last use.
  // InvalidArgument for "inner_projections" that are not finite.
  SlicedBatches(const Side<T>& x, const Side<T>& y, MatrixView<const T> directions);

  // Takes kx * mx and ky * my point numbers, which must live until the last use. Errors:
  // DrawnSide::take.
  void take(const std::int64_t* batches_x, const std::int64_t* batches_y, int n_threads,
            Monitor& monitor);

  [[nodiscard]] const Side<T>& x() const { return x_.side(); }
  [[nodiscard]] const Side<T>& y() const { return y_.side(); }
  [[nodiscard]] const std::vector<double>& masses_x() const { return x_.masses(); }
  [[nodiscard]] const std::vector<double>& masses_y() const { return y_.masses(); }
  [[nodiscard]] const DrawnSide<T>& drawn(std::size_t b) const { return is_x(b) ? x_ : y_; }

  [[nodiscard]] std::size_t batches() const { return x().k + y().k; }
  [[nodiscard]] std::size_t size(std::size_t b) const { return drawn(b).side().m; }
  // The batch's number on its own side.
  [[nodiscard]] std::size_t number(std::size_t b) const { return is_x(b) ? b : b - x().k; }
  // Where the batch's points stand among those of all batches, and how many those are.
  [[nodiscard]] std::size_t place(std::size_t b) const {
    return is_x(b) ? b * x().m : x().k * x().m + (b - x().k) * y().m;
  }
  [[nodiscard]] std::size_t places() const { return place(batches()); }

  [[nodiscard]] std::size_t slices() const { return directions_.rows; }
  [[nodiscard]] MatrixView<const T> directions() const { return directions_; }

  // The projections on some groups of kGroup directions, sorted and as the points stand, as the
  // sliced room's sort_columns has them: groups * kGroup * size(b) numbers each. InvalidArgument as
  // throw_overflow().
  void sort_columns(std::size_t b, std::size_t first_group, std::size_t groups, Scratch& scratch,
                    T* sorted, T* projections) const;

  // out[l * stride + k] = the k-th smallest projection on direction first + l, l < count, and where
  // in the batch it was, at the same place of `order`, unless that is null. The directions do not
  // cross a multiple of kGroup, unless they start at one.
  void sort_rows(std::size_t b, std::size_t first, std::size_t count, Scratch& scratch, T* out,
                 std::size_t stride, std::int32_t* order) const;

 private:
  [[nodiscard]] bool is_x(std::size_t b) const { return b < x().k; }
  const T* gather(std::size_t b, Scratch& scratch) const;

  DrawnSide<T> x_;
  DrawnSide<T> y_;
  MatrixView<const T> directions_;
  std::vector<T> groups_;  // the directions, group by group and there coordinate by coordinate
  std::vector<T> centre_;
  const std::int64_t* batches_x_ = nullptr;
  const std::int64_t* batches_y_ = nullptr;
};

// InvalidArgument("X, Y, inner_projections"): projections or their costs overflow.
[[noreturn]] void throw_overflow();

}  // namespace otcore::minibatch
