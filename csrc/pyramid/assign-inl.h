// The nearest of some centres for every point, without a distance ever being stored.
#pragma once

#include "pyramid/scores-inl.h"

namespace otcore::pyramid::OTCORE_LEVEL {
namespace {

template <class T>
inline void store_labels(std::int32_t* out, Mask<T> labels) {
  if constexpr (sizeof(T) == sizeof(std::int32_t)) {
    simd::store_lanes<T>(out, labels);
  } else {
    for (std::size_t i = 0; i < kLanes<T>; ++i) out[i] = static_cast<std::int32_t>(labels[i]);
  }
}

template <class T, std::size_t V>
inline void assign_vectors(const Panels<T>& points, std::size_t first, const T* packed_centres,
                           const T* half_squares, std::size_t centres, std::int32_t* labels) {
  Vec<T> best[V];
  Mask<T> label[V] = {};
#pragma GCC unroll 2
  for (std::size_t v = 0; v < V; ++v) best[v] = simd::splat(-static_cast<T>(__builtin_inf()));
  for (std::size_t c = 0; c < centres; c += kScoreCentres) {
    Vec<T> scores[kScoreCentres][V];
    const T* block = packed_centres + c / kCentres * points.dims * kCentres + c % kCentres;
    score<T, V>(points, first, block, half_squares + c, scores);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kScoreCentres; ++i) {
      const std::size_t centre = c + i;
      const Mask<T> number = simd::splat_lanes<T>(static_cast<simd::MaskLane<T>>(centre));
#pragma GCC unroll 2
      for (std::size_t v = 0; v < V; ++v) {
        const Mask<T> better = scores[i][v] > best[v];
        best[v] = simd::select<T>(better, scores[i][v], best[v]);
        label[v] = simd::select_lanes<T>(better, number, label[v]);
      }
    }
  }
#pragma GCC unroll 2
  for (std::size_t v = 0; v < V; ++v) store_labels<T>(labels + (first + v) * kLanes<T>, label[v]);
}

template <class T>
void assign(const Panels<T>& points, const T* packed_centres, const T* half_squares,
            std::size_t centres, std::int32_t* labels) {
  const std::size_t vectors = points.count * kPanelVectors<T>;
  std::size_t first = 0;
  for (; first + 2 <= vectors; first += 2) {
    assign_vectors<T, 2>(points, first, packed_centres, half_squares, centres, labels);
  }
  for (; first < vectors; ++first) {
    assign_vectors<T, 1>(points, first, packed_centres, half_squares, centres, labels);
  }
}

}  // namespace
}  // namespace otcore::pyramid::OTCORE_LEVEL
