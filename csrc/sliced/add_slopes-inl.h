// Gradients in the points out of slopes along directions: a matrix product that is added on.
#pragma once

#include <cstddef>

#include "simd/vec-inl.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::sliced::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;

template <class T>
struct Sum {
  SlopeView<T> slopes;
  const T* directions;
  std::size_t count;
  std::size_t padded;
  std::size_t dims;
};

// R points and V vectors of coordinates from k on.
template <class T, std::size_t R, std::size_t V>
inline void add_block(const Sum<T>& sum, std::size_t row, std::size_t k, double* out) {
  using Lane = simd::Vec<T>;
  constexpr std::size_t kWidth = simd::kLanes<T>;
  Lane sums[R][V];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < R; ++i) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < V; ++v) sums[i][v] = Lane{};
  }
  const T* slope = sum.slopes.data + row * sum.slopes.point_stride;
  const T* direction = sum.directions + k;
  for (std::size_t l = 0; l < sum.count; ++l) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < V; ++v) {
      const Lane theta = simd::load(direction + v * kWidth);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) {
        const Lane slopes = simd::splat<T>(slope[i * sum.slopes.point_stride]);
        sums[i][v] = simd::mul_add<T>(slopes, theta, sums[i][v]);
      }
    }
    slope += sum.slopes.slice_stride;
    direction += sum.padded;
  }
  T numbers[R][V * kWidth];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < R; ++i) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < V; ++v) simd::store(numbers[i] + v * kWidth, sums[i][v]);
  }
  const std::size_t left = sum.dims - k;
  const std::size_t some = left < V * kWidth ? left : V * kWidth;
  for (std::size_t i = 0; i < R; ++i) {
    double* to = out + (row + i) * sum.dims + k;
    for (std::size_t j = 0; j < some; ++j) to[j] += static_cast<double>(numbers[i][j]);
  }
}

template <class T, std::size_t R>
inline void add_rows(const Sum<T>& sum, std::size_t row, double* out) {
  constexpr std::size_t kWidth = simd::kLanes<T>;
  std::size_t k = 0;
  for (; k + (kSumVectors - 1) * kWidth < sum.dims && k + kSumVectors * kWidth <= sum.padded;
       k += kSumVectors * kWidth) {
    add_block<T, R, kSumVectors>(sum, row, k, out);
  }
  for (; k < sum.dims; k += kWidth) add_block<T, R, 1>(sum, row, k, out);
}

template <class T>
void add_slopes(const SlopeView<T>& slopes, std::size_t rows, const T* directions,
                std::size_t count, std::size_t dims, double* out) {
  const std::size_t padded = (dims + kSumPadding - 1) / kSumPadding * kSumPadding;
  const Sum<T> all{slopes, directions, count, padded, dims};
  std::size_t row = 0;
  for (; row + kSumRows <= rows; row += kSumRows) add_rows<T, kSumRows>(all, row, out);
  for (; row < rows; ++row) add_rows<T, 1>(all, row, out);
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
