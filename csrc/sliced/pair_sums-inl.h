// Costs between all pairs of two sets of sorted slices: sums of |x - y|^p over rows of numbers.
#pragma once

#include <cstddef>

#include "simd/vec-inl.h"
#include "sliced/columns-inl.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::sliced::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;

// R rows of x against C rows of y. Blocks keep the roundings of a term at kSumBlock and those of
// the blocks' sums.
template <class T, bool kSquares, std::size_t R, std::size_t C>
void pair_block(const T* x, std::size_t x_stride, const T* y, std::size_t y_stride,
                std::size_t length, double* sums, std::size_t sums_stride) {
  using Lane = simd::Vec<double>;
  constexpr std::size_t kWidth = simd::kLanes<double>;
  Lane totals[R][C] = {};
  for (std::size_t start = 0; start < length; start += kSumBlock * kWidth) {
    const std::size_t end =
        length - start < kSumBlock * kWidth ? length : start + kSumBlock * kWidth;
    Lane own[R][C] = {};
    for (std::size_t k = start; k < end; k += kWidth) {
      Lane rows[R];
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) rows[i] = load_doubles(x + i * x_stride + k);
#pragma GCC unroll 8
      for (std::size_t j = 0; j < C; ++j) {
        const Lane other = load_doubles(y + j * y_stride + k);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < R; ++i) {
          const Lane d = rows[i] - other;
          own[i][j] =
              kSquares ? simd::mul_add<double>(d, d, own[i][j]) : own[i][j] + simd::abs<double>(d);
        }
      }
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < R; ++i) {
#pragma GCC unroll 8
      for (std::size_t j = 0; j < C; ++j) totals[i][j] += own[i][j];
    }
  }
  for (std::size_t i = 0; i < R; ++i) {
    for (std::size_t j = 0; j < C; ++j) {
      sums[i * sums_stride + j] = simd::reduce_add<double>(totals[i][j]);
    }
  }
}

template <class T, bool kSquares, std::size_t R>
void pair_rows(const T* x, std::size_t x_stride, const T* y, std::size_t y_stride, std::size_t cols,
               std::size_t length, double* sums, std::size_t sums_stride) {
  std::size_t j = 0;
  for (; j + kPairCols <= cols; j += kPairCols) {
    pair_block<T, kSquares, R, kPairCols>(x, x_stride, y + j * y_stride, y_stride, length, sums + j,
                                          sums_stride);
  }
  for (; j < cols; ++j) {
    pair_block<T, kSquares, R, 1>(x, x_stride, y + j * y_stride, y_stride, length, sums + j,
                                  sums_stride);
  }
}

template <class T, bool kSquares>
void pair_sums(const T* x, std::size_t x_stride, std::size_t rows, const T* y, std::size_t y_stride,
               std::size_t cols, std::size_t length, double* sums) {
  std::size_t i = 0;
  for (; i + kPairRows <= rows; i += kPairRows) {
    pair_rows<T, kSquares, kPairRows>(x + i * x_stride, x_stride, y, y_stride, cols, length,
                                      sums + i * cols, cols);
  }
  for (; i < rows; ++i) {
    pair_rows<T, kSquares, 1>(x + i * x_stride, x_stride, y, y_stride, cols, length,
                              sums + i * cols, cols);
  }
}

template <class T>
void pair_sums(const T* x, std::size_t x_stride, std::size_t rows, const T* y, std::size_t y_stride,
               std::size_t cols, std::size_t length, bool squares, double* sums) {
  const auto body = squares ? pair_sums<T, true> : pair_sums<T, false>;
  body(x, x_stride, rows, y, y_stride, cols, length, sums);
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
