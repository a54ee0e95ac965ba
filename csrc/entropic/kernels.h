// The entropic room's kernels: one table of functions per instruction-set level.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otcore::entropic {

// Columns come in panels of 64 bytes: arrays over columns are padded to whole panels.
template <class T>
constexpr std::size_t kWidth = 64 / sizeof(T);

// Exponents of a block of pairs, z_ij = u_i + v_j + <x_i, y_j> or, where there are no points,
// z_ij = u_i + v_j - factor * (scale * C_ij + shift).
template <class T>
struct Block {
  const T* u;
  const T* v;
  std::size_t rows;  // at most kMaxBlockRows
  std::size_t cols;  // whole panels

  const T* x;  // [rows][dims]
  const T* y;  // panels of [dims][kWidth]
  std::size_t dims;

  const T* costs;
  std::size_t stride;
  T scale;
  T shift;
  T factor;
};

// What Side (side.h) makes of one side's potentials p and weights w.
template <class T>
struct SideInput {
  std::size_t count;
  const double* potentials;
  double factor;  // exponent = factor * (p - offset) - norm_factor * norm + lift
  double offset;
  const double* norms;  // null: none
  double norm_factor;
  const double* weights;  // null: ones
  double lift;
  const double* lifts;  // [count], added to lift; null: none
};

template <class T>
struct Kernels {
  // out = z.
  void (*exponents)(const Block<T>& block, T* out, std::size_t out_stride);

  // out = 2^z, and sums_i += sum_j weights_j 2^z.
  void (*exponentials)(const Block<T>& block, const T* weights, T* out, std::size_t out_stride,
                       double* sums);
  // The same, where `out` holds a block of the same shape: it is folded, column_sums_j += sum_i
  // fold_weights_i out_ij, before it is overwritten.
  void (*replace)(const Block<T>& block, const T* weights, T* out, std::size_t out_stride,
                  double* sums, const T* fold_weights, T* column_sums);
  // out = 2^z alone.
  void (*powers)(const Block<T>& block, T* out, std::size_t out_stride);

  // The remaining ones look at `rows` x `cols` numbers, cols in whole panels.

  // z <- 2^z, sums_i += sum_j weights_j 2^z, moments_i += sum_j weights_j 2^z z, maxima_i =
  // max(maxima_i, max_j z_ij + shifts_j).
  void (*moments)(T* z, std::size_t stride, std::size_t rows, std::size_t cols, const T* weights,
                  const T* shifts, double* sums, double* moments, T* maxima);
  // maxima_i = max(maxima_i, max_j z_ij); maxima_j = max(maxima_j, max_i z_ij).
  void (*row_maxima)(const T* z, std::size_t stride, std::size_t rows, std::size_t cols, T* maxima);
  void (*col_maxima)(const T* z, std::size_t stride, std::size_t rows, std::size_t cols, T* maxima);
  // z <- 2^(z - shift_j).
  void (*shifted_powers)(T* z, std::size_t stride, std::size_t rows, std::size_t cols,
                         const T* shift);
  // sums_j += sum_i weights_i e_ij.
  void (*fold)(const T* e, std::size_t stride, std::size_t rows, std::size_t cols, const T* weights,
               T* sums);
  // totals_j += sums_j; sums_j = 0.
  void (*flush)(T* sums, std::size_t cols, double* totals);
  // out[i * k + c] += sum_j e_ij values[c * value_stride + j] for c < k.
  void (*dots)(const T* e, std::size_t stride, std::size_t rows, std::size_t cols, const T* values,
               std::size_t value_stride, std::size_t k, double* out);
  // e <- (row_weights_i e_ij) col_weights_j.
  void (*weigh)(T* e, std::size_t stride, std::size_t rows, std::size_t cols, const T* row_weights,
                const T* col_weights);
  // Writes the j where p_j >= min(row_limit, limits_j) > 0, ascending; returns how many.
  std::size_t (*select)(const T* p, std::size_t cols, T row_limit, const T* limits,
                        std::int32_t* out);

  // exponents (rounded to T, bounded), weights 2^(rounding lost) w 2^-lift, corrections = rounding
  // lost - lift. Outputs are padded to whole panels, with kNoMass and zeros.
  void (*side)(const SideInput<T>& input, T* exponents, T* weights, double* corrections);

  // What a kept kernel is used with (kept.h). Weights w 2^c and corrections c = exponent - base_j
  // of one side, in place of the rounded exponents; returns the largest |c - usual|.
  double (*reweigh)(const SideInput<T>& input, const T* base, double usual, T* weights,
                    double* corrections);
  // sums_i = sum_j e_ij values_j. e and sums have whole panels of rows, of zeros beyond the last.
  void (*row_products)(const T* e, std::size_t stride, std::size_t rows, std::size_t cols,
                       const T* values, T* sums);
  // out_ji = e_ij, whole panels of rows and columns.
  void (*transpose)(const T* e, std::size_t stride, std::size_t rows, std::size_t cols, T* out,
                    std::size_t out_stride);
  // out = numerators / sums, whole panels; whether all sums are within [low, high].
  bool (*quotients)(const T* numerators, const T* sums, std::size_t count, T low, T high, T* out);
  // For column sums c_j = scale totals_j: error = sum |b_j - weights_j c_j|, weights <- b / c, and
  // whether all totals are within [low, high]. totals come in whole panels.
  bool (*shares)(const double* totals, const double* b, std::size_t count, double scale, double low,
                 double high, T* weights, double* error);

  // The smallest and largest entry of a matrix.
  void (*range)(const T* costs, std::size_t stride, std::size_t rows, std::size_t cols, double* low,
                double* high);
};

// Elementwise, in float64; x of log2 positive and normal, out may be x.
struct Functions {
  void (*log2)(const double* x, std::size_t count, double* out);
  void (*exp2)(const double* x, std::size_t count, double* out);
};

constexpr double kLn2 = 0.69314718055994530942;
constexpr double kLog2E = 1.4426950408889634074;

// An exponent that no pair of finite ones comes near.
constexpr double kNoMass = -0x1p100;
// Exponents of either side are kept within this.
constexpr double kMaxExponent = 0x1p96;

struct KernelTable {
  Kernels<float> f32;
  Kernels<double> f64;
  Functions functions;
};

namespace baseline {
extern const KernelTable kKernels;
}
namespace avx2 {
extern const KernelTable kKernels;
}
namespace avx512 {
extern const KernelTable kKernels;
}

// The table of the level in use.
const KernelTable& kernel_table();

template <class T>
const Kernels<T>& kernels_of(const KernelTable& table) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return table.f32;
  } else {
    return table.f64;
  }
}

}  // namespace otcore::entropic
