// Projections on a group of directions: a matrix product whose result is stored by columns.
#pragma once

#include <cstddef>

#include "simd/transpose-inl.h"
#include "simd/vec-inl.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::sliced::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;

template <class T>
using Vec = simd::Vec<T>;
template <class T>
constexpr int kLanes = simd::kLanes<T>;

// own[r] += the products of R rows of `count` coordinates with as many rows of directions.
template <class T, std::size_t R>
[[gnu::always_inline]] inline void add_products(const T* rows, std::size_t stride,
                                                std::size_t count, const T* group,
                                                Vec<T> (&own)[R]) {
  for (std::size_t k = 0; k < count; ++k) {
    const Vec<T> direction = simd::load(group + k * kGroup);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
      own[r] = simd::mul_add<T>(simd::splat<T>(rows[r * stride + k]), direction, own[r]);
    }
  }
}

// Coordinates that are centred at once.
constexpr std::size_t kStripDims = 64;

// sums[r] = the projections of R points on the directions of a vector: one accumulator for each, in
// the order of the coordinates. Centred coordinates go through memory, where a load spreads a
// number over a vector for nothing.
template <class T, std::size_t R>
[[gnu::always_inline]] inline void project_rows(const Points<T>& points, std::size_t first,
                                                const T* group, Vec<T>* sums) {
  const T* x = points.data + first * points.dims;
  Vec<T> own[R];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < R; ++r) own[r] = Vec<T>{};
  if (points.centre == nullptr) {
    add_products<T, R>(x, points.dims, points.dims, group, own);
  } else {
    T strip[R * kStripDims];
    for (std::size_t start = 0; start < points.dims; start += kStripDims) {
      const std::size_t left = points.dims - start;
      const std::size_t count = left < kStripDims ? left : kStripDims;
      const T* centre = points.centre + start;
      for (std::size_t r = 0; r < R; ++r) {
        const T* row = x + r * points.dims + start;
        for (std::size_t k = 0; k < count; ++k) strip[r * kStripDims + k] = row[k] - centre[k];
      }
      add_products<T, R>(strip, kStripDims, count, group + start * kGroup, own);
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < R; ++r) sums[r] = own[r];
}

// As many points as a vector has lanes, turned round so that each direction has one store.
template <class T>
inline void project_block(const Points<T>& points, std::size_t first, const T* group,
                          std::size_t count, T* out, std::size_t out_stride) {
  constexpr std::size_t kWidth = kLanes<T>;
  constexpr std::size_t kStrip = kWidth < kProjectRows ? kWidth : kProjectRows;
  Vec<T> sums[kWidth];
  for (std::size_t r = 0; r < kWidth; r += kStrip) {
    project_rows<T, kStrip>(points, first + r, group, sums + r);
  }
  simd::transpose<T>(sums);
  for (std::size_t l = 0; l < count; ++l) simd::store(out + l * out_stride + first, sums[l]);
}

template <class T>
void project(const Points<T>& points, const T* group, std::size_t count, T* out,
             std::size_t out_stride) {
  constexpr std::size_t kWidth = kLanes<T>;
  for (std::size_t l = 0; l < count; l += kWidth) {
    const std::size_t some = count - l < kWidth ? count - l : kWidth;
    T* const to = out + l * out_stride;
    std::size_t first = 0;
    for (; first + kWidth <= points.rows; first += kWidth) {
      project_block(points, first, group + l, some, to, out_stride);
    }
    for (; first < points.rows; ++first) {
      Vec<T> sum;
      project_rows<T, 1>(points, first, group + l, &sum);
      for (std::size_t k = 0; k < some; ++k) to[k * out_stride + first] = sum[k];
    }
  }
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
