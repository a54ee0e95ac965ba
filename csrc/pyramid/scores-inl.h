// Scores of points for a block of centres, in registers: what assigning and seeding share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pyramid/kernels.h"
#include "simd/vec-inl.h"

namespace otcore::pyramid::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;
using simd::Mask;
using simd::Vec;

template <class T>
constexpr std::size_t kLanes = static_cast<std::size_t>(simd::kLanes<T>);
template <class T>
constexpr std::size_t kPanelVectors = kPanel<T> / kLanes<T>;

// Centres whose scores are kept in registers together, for two vectors of points: 16 accumulators
// of 32 registers, or 8 of 16.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr std::size_t kScoreCentres = kCentres;
#else
constexpr std::size_t kScoreCentres = kCentres / 2;
#endif

// Where vector `index` of some panels starts; its next coordinate is kPanel further.
template <class T>
inline const T* vector_start(const Panels<T>& points, std::size_t index) {
  return points.data + index / kPanelVectors<T> * points.dims * kPanel<T> +
         index % kPanelVectors<T> * kLanes<T>;
}

// sums[c][v] = <x, c> - half_squares[c] for V vectors of points from `first` on.
template <class T, std::size_t V>
[[gnu::always_inline]] inline void score(const Panels<T>& points, std::size_t first,
                                         const T* centres, const T* half_squares,
                                         Vec<T> (&sums)[kScoreCentres][V]) {
  const T* x[V];
#pragma GCC unroll 2
  for (std::size_t v = 0; v < V; ++v) x[v] = vector_start(points, first + v);
#pragma GCC unroll 8
  for (std::size_t c = 0; c < kScoreCentres; ++c) {
#pragma GCC unroll 2
    for (std::size_t v = 0; v < V; ++v) sums[c][v] = -simd::splat(half_squares[c]);
  }
  for (std::size_t k = 0; k < points.dims; ++k) {
    Vec<T> x_k[V];
#pragma GCC unroll 2
    for (std::size_t v = 0; v < V; ++v) x_k[v] = simd::load(x[v] + k * kPanel<T>);
#pragma GCC unroll 8
    for (std::size_t c = 0; c < kScoreCentres; ++c) {
      const Vec<T> centre = simd::splat(centres[k * kCentres + c]);
#pragma GCC unroll 2
      for (std::size_t v = 0; v < V; ++v) {
        sums[c][v] = simd::mul_add<T>(centre, x_k[v], sums[c][v]);
      }
    }
  }
}

}  // namespace
}  // namespace otcore::pyramid::OTCORE_LEVEL
