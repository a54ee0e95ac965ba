// Gradients in the points out of slopes along directions: a matrix product that is added on.
#pragma once

#include <cstddef>

#include "simd/vec-inl.h"
#include "sliced/columns-inl.h"
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

// to[0 .. count) += the numbers of V vectors, of which there are `count`.
template <class T, std::size_t V>
[[gnu::always_inline]] inline void add_numbers(const simd::Vec<T> (&sums)[V], std::size_t count,
                                               double* to) {
  constexpr std::size_t kWidth = simd::kLanes<T>;
  constexpr std::size_t kHalf = simd::kLanes<double>;
  T numbers[V * kWidth];
#pragma GCC unroll 8
  for (std::size_t v = 0; v < V; ++v) simd::store(numbers + v * kWidth, sums[v]);
  std::size_t j = 0;
  for (; j + kHalf <= count; j += kHalf) {
    simd::store(to + j, simd::load(to + j) + load_doubles(numbers + j));
  }
  for (; j < count; ++j) to[j] += static_cast<double>(numbers[j]);
}

// R points and V vectors of coordinates from k on.
template <class T, std::size_t R, std::size_t V>
inline void add_block(const Sum<T>& sum, std::size_t row, std::size_t k, double* out) {
  using Lane = simd::Vec<T>;
  constexpr std::size_t kWidth = simd::kLanes<T>;
  const SlopeView<T>& slopes = sum.slopes;
  const std::size_t left = sum.dims - k;
  const std::size_t some = left < V * kWidth ? left : V * kWidth;
  const T* direction = sum.directions + k;
  const T* block = slopes.data + row * slopes.point_stride;
  const T* slope = block;
  std::size_t in_block = 0;
  for (std::size_t start = 0; start < sum.count; start += kSumSlices) {
    const std::size_t end = sum.count - start < kSumSlices ? sum.count : start + kSumSlices;
    Lane sums[R][V];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < R; ++i) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < V; ++v) sums[i][v] = Lane{};
    }
    for (std::size_t l = start; l < end; ++l) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < V; ++v) {
        const Lane theta = simd::load(direction + v * kWidth);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < R; ++i) {
          const Lane of_point = simd::splat<T>(slope[i * slopes.point_stride]);
          sums[i][v] = simd::mul_add<T>(of_point, theta, sums[i][v]);
        }
      }
      direction += sum.padded;
      slope += slopes.slice_stride;
      if (++in_block == slopes.block_slices) {
        in_block = 0;
        slope = block += slopes.block_stride;
      }
    }
    for (std::size_t i = 0; i < R; ++i) {
      add_numbers<T, V>(sums[i], some, out + (row + i) * sum.dims + k);
    }
  }
}

// All points, of V vectors of coordinates: their part of the directions stays in the cache.
template <class T, std::size_t V>
inline void add_strip(const Sum<T>& sum, std::size_t rows, std::size_t k, double* out) {
  std::size_t row = 0;
  for (; row + kSumRows <= rows; row += kSumRows) add_block<T, kSumRows, V>(sum, row, k, out);
  for (; row < rows; ++row) add_block<T, 1, V>(sum, row, k, out);
}

template <class T>
void add_slopes(const SlopeView<T>& slopes, std::size_t rows, const T* directions,
                std::size_t count, std::size_t dims, double* out) {
  constexpr std::size_t kWidth = simd::kLanes<T>;
  const std::size_t padded = (dims + kSumPadding - 1) / kSumPadding * kSumPadding;
  const Sum<T> all{slopes, directions, count, padded, dims};
  std::size_t k = 0;
  for (; k + (kSumVectors - 1) * kWidth < dims && k + kSumVectors * kWidth <= padded;
       k += kSumVectors * kWidth) {
    add_strip<T, kSumVectors>(all, rows, k, out);
  }
  for (; k < dims; k += kWidth) add_strip<T, 1>(all, rows, k, out);
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
