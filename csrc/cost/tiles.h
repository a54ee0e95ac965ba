// Ground costs for blocks of points, on the fly: pack each side once, then compute any block of
// pairs into a caller's buffer. Nothing here allocates. This is what solvers that never hold the
// whole matrix, and batches of small problems, are built on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/views.h"
#include "cost/cost.h"

namespace otcore::cost {

// Columns of a tile are padded to a multiple of this (64 bytes), the same at every ISA level.
template <class T>
constexpr std::size_t kColumnPadding = 64 / sizeof(T);

// How many T a packed set of points takes (points, norms and padding): a multiple of 64 bytes, so
// that sets may follow each other. About n * d, or 2 n * d for squared distances in many
// dimensions.
template <class T>
std::size_t packed_rows_size(const Metric& metric, std::size_t rows, std::size_t dims);
template <class T>
std::size_t packed_cols_size(const Metric& metric, std::size_t cols, std::size_t dims);

// Points of one side: rows index[0..count) of `points`, or its first `count` rows where index is
// null.
template <class In>
struct PointSet {
  MatrixView<const In> points;
  const std::int64_t* index = nullptr;
  std::size_t count = 0;

  [[nodiscard]] const In* row(std::size_t i) const {
    return points.row(index == nullptr ? i : static_cast<std::size_t>(index[i]));
  }
};

// centre[0..d) = the mean of the points. Both sides of a problem are packed with the same centre;
// any vector is correct, one inside the data is accurate and fast (see docs/numerics.md). Metrics
// that do not need one ignore it.
template <class In, class T>
void mean(const PointSet<In>& points, T* centre);

// Converts to T and lays out for tile(). `out` has packed_*_size() entries and is aligned to 64
// bytes. Returns the position of the first zero vector under cosine, or -1 when all is well.
template <class In, class T>
std::ptrdiff_t pack_rows(const Metric& metric, const PointSet<In>& points, const T* centre, T* out);
template <class In, class T>
std::ptrdiff_t pack_cols(const Metric& metric, const PointSet<In>& points, const T* centre, T* out);

// d >= 1. A cost depends on its two points, the centre and the ISA level alone: not on where in a
// tile it stands, nor on what else is packed. out[i * out_stride + j] = c(x_i, y_j) for i < rows, j
// < cols; +infinity for cols <= j < round_up(cols, kColumnPadding<T>), so out_stride is at least
// that.
template <class T>
void tile(const Metric& metric, const T* packed_rows, std::size_t rows, const T* packed_cols,
          std::size_t cols, std::size_t dims, T* out, std::size_t out_stride);

// |x_i - x_j|^2 of two packed rows of at least kGramDims coordinates, Kind::sqeuclidean: tile()
// up to rounding, for single pairs: tile() reads a panel of columns for each.
template <class T>
T squared_distance(const T* packed_row, const T* other, std::size_t dims);

}  // namespace otcore::cost
