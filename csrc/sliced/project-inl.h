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

// A block of as many points as a vector has lanes on as many directions: one register for each
// point, turned round at the end so that each direction has one store.
template <class T>
inline void project_block(const Points<T>& points, std::size_t first, const T* group,
                          std::size_t count, T* out, std::size_t out_stride) {
  const std::size_t left = points.rows - first;
  const T* x[kLanes<T>];
#pragma GCC unroll 16
  for (int r = 0; r < kLanes<T>; ++r) {
    const std::size_t row = static_cast<std::size_t>(r) < left ? static_cast<std::size_t>(r) : 0;
    x[r] = points.data + (first + row) * points.dims;
  }
  Vec<T> sums[kLanes<T>];
#pragma GCC unroll 16
  for (int r = 0; r < kLanes<T>; ++r) sums[r] = Vec<T>{};
  for (std::size_t k = 0; k < points.dims; ++k) {
    const Vec<T> direction = simd::load(group + k * kGroup);
    const T centre = points.centre[k];
#pragma GCC unroll 16
    for (int r = 0; r < kLanes<T>; ++r) {
      sums[r] = simd::mul_add<T>(simd::splat<T>(x[r][k] - centre), direction, sums[r]);
    }
  }
  simd::transpose<T>(sums);
  const std::size_t whole = static_cast<std::size_t>(kLanes<T>);
  const std::size_t stored = left < whole ? left : whole;
  for (std::size_t l = 0; l < count; ++l) {
    T* to = out + l * out_stride + first;
    if (stored == whole) {
      simd::store(to, sums[l]);
    } else {
      for (std::size_t r = 0; r < stored; ++r) to[r] = sums[l][r];
    }
  }
}

template <class T>
void project(const Points<T>& points, const T* group, std::size_t count, T* out,
             std::size_t out_stride) {
  constexpr std::size_t kWidth = kLanes<T>;
  for (std::size_t first = 0; first < points.rows; first += kWidth) {
    for (std::size_t l = 0; l < count; l += kWidth) {
      const std::size_t some = count - l < kWidth ? count - l : kWidth;
      project_block(points, first, group + l, some, out + l * out_stride, out_stride);
    }
  }
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
