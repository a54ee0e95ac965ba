// Transposes square blocks of numbers in registers, and sums their rows. Included like vec-inl.h.
#pragma once

#include "simd/vec-inl.h"

namespace otcore::simd::OTCORE_LEVEL {
namespace {

template <int... kLane>
struct LaneList {};

template <int kCount, int... kLane>
struct MakeLaneList : MakeLaneList<kCount - 1, kCount - 1, kLane...> {};
template <int... kLane>
struct MakeLaneList<0, kLane...> {
  using Type = LaneList<kLane...>;
};

// Exchanges the upper right and lower left blocks of kStep x kStep numbers that rows a and
// b = a + kStep share.
template <int kStep, class V, int... kLane>
inline void swap_blocks(V& a, V& b, LaneList<kLane...>) {
  constexpr int kCount = sizeof...(kLane);
  const V low =
      __builtin_shufflevector(a, b, ((kLane & kStep) ? kCount + kLane - kStep : kLane)...);
  const V high =
      __builtin_shufflevector(a, b, ((kLane & kStep) ? kCount + kLane : kLane + kStep)...);
  a = low;
  b = high;
}

template <class T, int kStep>
[[gnu::always_inline]] inline void transpose_step(Vec<T> (&rows)[kLanes<T>]) {
  if constexpr (kStep > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes<T>; ++i) {
      if ((i & kStep) == 0) {
        swap_blocks<kStep>(rows[i], rows[i + kStep], typename MakeLaneList<kLanes<T>>::Type{});
      }
    }
    transpose_step<T, kStep / 2>(rows);
  }
}

template <class T, int kStep>
[[gnu::always_inline]] inline Vec<T> add_lanes_step(Vec<T> (&rows)[kLanes<T>]) {
  if constexpr (kStep == 0) {
    return rows[0];
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < kStep; ++i) {
      swap_blocks<kStep>(rows[i], rows[i + kStep], typename MakeLaneList<kLanes<T>>::Type{});
      rows[i] += rows[i + kStep];
    }
    return add_lanes_step<T, kStep / 2>(rows);
  }
}

// The sums of the lanes of each: lane i is that of rows[i], which are used up.
template <class T>
[[gnu::always_inline]] inline Vec<T> add_lanes(Vec<T> (&rows)[kLanes<T>]) {
  return add_lanes_step<T, kLanes<T> / 2>(rows);
}

// rows[i][j] and rows[j][i] change places.
template <class T>
[[gnu::always_inline]] inline void transpose(Vec<T> (&rows)[kLanes<T>]) {
  transpose_step<T, kLanes<T> / 2>(rows);
}

}  // namespace
}  // namespace otcore::simd::OTCORE_LEVEL
