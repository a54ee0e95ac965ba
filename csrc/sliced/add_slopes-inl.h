// Gradients in the points out of slopes along directions: a matrix product that is added on.
#pragma once

#include <cstddef>

#include "simd/vec-inl.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::sliced::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;

struct Slopes {
  const double* data;  // of the first point
  std::size_t stride;
  const double* directions;
  std::size_t count;
  std::size_t padded;
  std::size_t dims;
};

// R points and V vectors of coordinates from k on.
template <std::size_t R, std::size_t V>
inline void add_block(const Slopes& slopes, std::size_t row, std::size_t k, double* out) {
  using Lane = simd::Vec<double>;
  constexpr std::size_t kWidth = simd::kLanes<double>;
  Lane sums[R][V];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < R; ++i) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < V; ++v) sums[i][v] = Lane{};
  }
  const double* slope = slopes.data + row;
  const double* direction = slopes.directions + k;
  for (std::size_t l = 0; l < slopes.count; ++l) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < V; ++v) {
      const Lane theta = simd::load(direction + v * kWidth);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) {
        sums[i][v] = simd::mul_add<double>(simd::splat<double>(slope[i]), theta, sums[i][v]);
      }
    }
    slope += slopes.stride;
    direction += slopes.padded;
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < R; ++i) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < V; ++v) {
      const std::size_t start = k + v * kWidth;
      double* to = out + (row + i) * slopes.dims + start;
      if (start + kWidth <= slopes.dims) {
        simd::store(to, simd::load(to) + sums[i][v]);
      } else {
        for (std::size_t j = 0; start + j < slopes.dims; ++j) to[j] += sums[i][v][j];
      }
    }
  }
}

template <std::size_t R>
inline void add_rows(const Slopes& slopes, std::size_t row, double* out) {
  constexpr std::size_t kWidth = simd::kLanes<double>;
  std::size_t k = 0;
  for (; k + kSumVectors * kWidth <= slopes.padded; k += kSumVectors * kWidth) {
    add_block<R, kSumVectors>(slopes, row, k, out);
  }
  for (; k < slopes.dims; k += kWidth) add_block<R, 1>(slopes, row, k, out);
}

void add_slopes(const double* slopes, std::size_t stride, std::size_t rows,
                const double* directions, std::size_t count, std::size_t dims, double* out) {
  const std::size_t padded = (dims + kSumPadding - 1) / kSumPadding * kSumPadding;
  const Slopes all{slopes, stride, directions, count, padded, dims};
  std::size_t row = 0;
  for (; row + kSumRows <= rows; row += kSumRows) add_rows<kSumRows>(all, row, out);
  for (; row < rows; ++row) add_rows<1>(all, row, out);
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
