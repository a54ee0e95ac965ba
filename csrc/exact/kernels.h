// The exact room's kernels: one table of functions per instruction-set level.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otcore::exact {

// The smallest and largest entry of a matrix, and whether all entries are finite. Where they are
// not, low and high say nothing.
struct CostRange {
  double low;
  double high;
  bool finite;
};

// The arc that pricing chose: its row's position in the row list, its column and its reduced cost
// C_ij - u_i - v_j, which is the most negative of the rows looked at; position is -1 where no arc's
// reduced cost is below -tolerance.
struct Entering {
  std::ptrdiff_t position;
  std::size_t col;
  double reduced;
};

// The smallest C_ij - v_j of a row and the lowest j that has it.
struct RowMinimum {
  double value;
  std::size_t col;
};

// The cheapest of a row's arcs at given prices, its place in the row, and the second lowest price.
struct Cheapest {
  double price;
  double second;
  std::size_t arc;
};

// The lowest reduced cost among a row's arcs and its place in the row; -1 where none was low
// enough.
struct ArcMinimum {
  double reduced;
  std::ptrdiff_t arc;
};

// As Entering, for sparse arcs: the row's position in the row list, the arc, and the position at
// which the next look starts.
struct EnteringArc {
  std::ptrdiff_t position;
  std::size_t arc;
  std::size_t next;
  double reduced;
};

// group_minima cuts a row into so many groups. Not a power of two, so that neighbours on a grid
// whose width is one are in different groups.
constexpr std::size_t kMinimumGroups = 72;

// The state of one assignment problem, all in the caller's memory. Columns are padded to a multiple
// of 8 with infinite costs; the arrays over columns have the padded length.
struct Assignment {
  std::size_t n;       // rows and columns
  std::size_t stride;  // of costs, and the padded number of columns
  const double* costs;
  double* v;                 // [stride] column potentials: the answer
  std::int64_t* row_of_col;  // [stride] the answer, -1 while free
  std::int64_t* col_of_row;  // [n] the answer
  // Scratch.
  std::int64_t* free_rows;  // [n]
  std::int64_t* pred;       // [stride]
  double* dist;             // [stride]
  double* open_v;           // [stride]
  std::int64_t* closed;     // [n]
  double* closed_dist;      // [n]
};

// Kernels that read costs of type T where they are: rows of `cols` entries, row i at
// costs + i * stride. `scale` is a power of two, so products with it are exact.
template <class T>
struct CostKernels {
  CostRange (*range)(const T* costs, std::size_t stride, std::size_t rows, std::size_t cols);

  // Copies to float64, columns cols..padded become +infinity, and ranges the entries.
  CostRange (*pack)(const T* costs, std::size_t stride, std::size_t rows, std::size_t cols,
                    double* out, std::size_t padded);

  // v_j = min over the listed rows of scale * C_ij.
  void (*column_minima)(const T* costs, std::size_t stride, double scale,
                        const std::int32_t* row_list, std::size_t rows, std::size_t cols,
                        double* v);

  // The minimum over j of scale * C_ij - v_j for one row; with its column, or alone.
  RowMinimum (*row_minimum)(const T* row, double scale, const double* v, std::size_t cols);
  double (*row_minimum_value)(const T* row, double scale, const double* v, std::size_t cols);

  // Looks at the listed rows in turn, from position `start` and around, `block` rows at a time, and
  // returns the best arc of the first block that has one below -tolerance.
  Entering (*price)(const T* costs, std::size_t stride, double scale, const std::int32_t* row_list,
                    std::size_t rows, std::size_t cols, const double* minus_u, const double* v,
                    std::size_t start, std::size_t block, double tolerance);

  // The minima of scale * C - v over the columns j with j mod kMinimumGroups = g, for each g: the
  // k-th smallest of them bounds the row's k-th smallest reduced cost.
  void (*group_minima)(const T* row, double scale, const double* v, std::size_t cols,
                       double* minima);

  // minima[j] = min(minima[j], scale * C_j - shift).
  void (*fold_minima)(const T* row, double scale, double shift, std::size_t cols, double* minima);

  // Writes the columns where scale * C - v < limit, ascending; returns how many. Room for cols.
  std::size_t (*below)(const T* row, double scale, const double* v, std::size_t cols, double limit,
                       std::int32_t* out);
};

// Points in a block of a cloud (cloud_side.h), and the stride of a tile of costs between two: whole
// panels of columns, and whole blocks of rows of the cost kernels.
constexpr std::size_t kBlockPoints = 48;

struct Kernels {
  CostKernels<float> f32;
  CostKernels<double> f64;

  // Solves the assignment problem; returns the number of augmenting paths searched.
  std::size_t (*assign)(const Assignment& problem);

  // The cheapest of `count` > 0 arcs at costs[k] + prices[cols[k]].
  Cheapest (*two_cheapest)(const std::int32_t* cols, const double* costs, std::size_t count,
                           const double* prices);

  // Looks at the arcs of the listed rows in turn, from position `start` and around, `block` arcs at
  // a time, and returns the best of the first block that has one below -tolerance.
  EnteringArc (*price_arcs)(const std::size_t* starts, const std::int32_t* cols,
                            const double* costs, const std::int32_t* row_list, std::size_t rows,
                            const double* minus_u, const double* v, std::size_t start,
                            std::size_t block, double tolerance);

  // The places row * kBlockPoints + col of a tile where C - v_col < limits[row], ascending; returns
  // how many. Room for all of the tile.
  std::size_t (*tile_below)(const double* costs, std::size_t rows, std::size_t cols,
                            const double* v, const double* limits, std::int32_t* out);

  // The places where <x_row, y_col> + start_col > above[row], in float32, likewise. Rows of `dims`
  // numbers; columns by coordinate, kBlockPoints of each, and as many starts.
  std::size_t (*products_above)(const float* x, std::size_t rows, const float* y, std::size_t dims,
                                const float* starts, const float* above, std::int32_t* out);
};

namespace baseline {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}

// The table of the level in use.
const Kernels& kernels();

template <class T>
const CostKernels<T>& cost_kernels();
template <>
inline const CostKernels<float>& cost_kernels<float>() {
  return kernels().f32;
}
template <>
inline const CostKernels<double>& cost_kernels<double>() {
  return kernels().f64;
}

}  // namespace otcore::exact
