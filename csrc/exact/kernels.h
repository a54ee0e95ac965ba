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
};

struct Kernels {
  CostKernels<float> f32;
  CostKernels<double> f64;

  // Solves the assignment problem; returns the number of augmenting paths searched.
  std::size_t (*assign)(const Assignment& problem);
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
