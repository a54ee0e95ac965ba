// Where the costs of a sweep come from, in a form that exponents are made of quickly: a matrix that
// is read in place (a copy of whole panels where it is small), or points that are centred, scaled
// and packed once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/aligned.h"
#include "base/sizes.h"
#include "base/views.h"
#include "cost/cost.h"
#include "cost/tiles.h"
#include "entropic/kernels.h"
#include "entropic/tuning.h"

namespace otcore::entropic {

// From one row to the next of a strip of columns: an odd number of cache lines, so that rows do not
// compete for the same lines of the cache.
template <class T>
constexpr std::size_t odd_lines(std::size_t padded_cols) {
  return padded_cols + (padded_cols / kWidth<T> % 2 == 0 ? kWidth<T> : 0);
}
template <class T>
constexpr std::size_t strip_stride(std::size_t padded_cols) {
  return odd_lines<T>(std::min(kStripColumns, padded_cols));
}

// C_ij = offset + unit * K_ij, where the K_ij are costs of a range of about 1 whatever that of the
// C_ij is. For points whose costs are products, K_ij = r_i + s_j - 2 <x_i, y_j> with the norms r
// and s of the points as they are packed, so that nothing but the product is left to the kernels.
template <class T>
class Source {
 public:
  explicit Source(MatrixView<const T> costs) { reset(costs); }
  Source(MatrixView<const T> x, MatrixView<const T> y, const cost::Metric& metric)
      : metric_(metric), points_(true) {
    reset(x, y);
  }

  void reset(MatrixView<const T> costs);
  void reset(MatrixView<const T> x, MatrixView<const T> y);

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t cols() const { return cols_; }
  [[nodiscard]] std::size_t padded_cols() const { return round_up(cols_, kWidth<T>); }
  // 0 for a matrix.
  [[nodiscard]] std::size_t dims() const { return dims_; }
  [[nodiscard]] double range() const { return range_; }
  [[nodiscard]] double offset() const { return offset_; }
  [[nodiscard]] double unit() const { return unit_; }
  // Null where costs are no products.
  [[nodiscard]] const double* row_norms() const { return norms_of(row_norms_); }
  [[nodiscard]] const double* col_norms() const { return norms_of(col_norms_); }

  // What a thread needs to make blocks.
  struct Scratch {
    AlignedArray<T> rows;
    AlignedArray<T> costs;
  };
  [[nodiscard]] Scratch scratch() const;

  // Calls make(block, col) for blocks of rows x [col, ...) that cover `rows` <= kMaxBlockRows rows
  // from `row` on and the columns [first, end), whole panels. Exponents are u_i + v_j - factor *
  // (K_ij - norms); u belongs to the first of the rows, v to the first
  // of the columns. Costs of columns beyond the
  // last are finite or infinite, never NaN.
  template <class Make>
  void blocks(T factor, const T* u, const T* v, std::size_t row, std::size_t rows,
              std::size_t first, std::size_t end, const Scratch& scratch, const Make& make) const {
    Block<T> block{};
    block.u = u;
    block.rows = rows;
    block.dims = dims_;
    block.factor = factor;
    const auto emit = [&](std::size_t col, std::size_t cols) {
      block.v = v + (col - first);
      block.cols = cols;
      make(static_cast<const Block<T>&>(block), col);
    };
    if (products_) {
      for (std::size_t i = 0; i < rows * dims_; ++i) {
        scratch.rows[i] = T(2) * factor * x_[row * dims_ + i];
      }
      block.x = scratch.rows.get();
      block.y = y_.get() + first * dims_;
      emit(first, end - first);
    } else if (points_) {
      block.scale = T(1);
      block.costs = scratch.costs.get();
      block.stride = strip_stride_;
      pack_block(row, rows, scratch.rows.get());
      for (std::size_t col = first; col < end; col += kStripColumns) {
        const std::size_t cols = std::min(kStripColumns, end - col);
        tile_block(scratch.rows.get(), rows, col, cols, scratch.costs.get());
        emit(col, cols);
      }
    } else {
      block.scale = scale_;
      block.shift = shift_;
      const std::size_t whole = std::min(end, whole_cols_);
      if (first < whole) {
        block.costs = costs_.row(row) + first;
        block.stride = costs_.stride;
        emit(first, whole - first);
      }
      if (whole < end) {
        copy_tail(row, rows, whole, scratch.costs.get());
        block.costs = scratch.costs.get();
        block.stride = kWidth<T>;
        emit(whole, kWidth<T>);
      }
    }
  }

 private:
  const double* norms_of(const std::vector<double>& norms) const {
    return products_ ? norms.data() : nullptr;
  }
  void pack_block(std::size_t row, std::size_t rows, T* out) const;
  void tile_block(const T* packed_rows, std::size_t rows, std::size_t col, std::size_t cols,
                  T* out) const;
  void copy_tail(std::size_t row, std::size_t rows, std::size_t col, T* out) const;

  cost::Metric metric_;
  bool points_ = false;
  bool products_ = false;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::size_t dims_ = 0;
  double range_ = 0.0;
  double offset_ = 0.0;
  double unit_ = 1.0;

  MatrixView<const T> costs_;
  std::size_t whole_cols_ = 0;  // of costs_, in whole panels
  AlignedArray<T> copy_;
  T scale_ = T(1);
  T shift_ = T(0);

  AlignedArray<T> x_;      // [rows][dims], centred and scaled
  AlignedArray<T> y_;      // panels of [dims][kWidth], or packed for cost::tile
  std::size_t panel_ = 0;  // size of a packed panel
  std::size_t strip_stride_ = 0;
  std::vector<T> origin_;
  std::vector<double> row_norms_;
  std::vector<double> col_norms_;
};

}  // namespace otcore::entropic
