// Lays points out in panels: blocks of points and coordinates are turned round in registers.
#pragma once

#include "pyramid/scores-inl.h"
#include "pyramid/tuning.h"
#include "simd/transpose-inl.h"

namespace otcore::pyramid::OTCORE_LEVEL {
namespace {

// The coordinates from k on of a vector of points. Rows that are null give zeros.
template <class T>
inline void pack_square(const T* const* rows, std::size_t k, std::size_t dims, const T* origin,
                        T scale, T* out) {
  constexpr std::size_t kWidth = kLanes<T>;
  const std::size_t left = dims - k < kWidth ? dims - k : kWidth;
  const bool whole = left == kWidth;
  const int some = static_cast<int>(left);
  const Vec<T> from = whole ? simd::load(origin + k) : simd::load_first(origin + k, some);
  Vec<T> square[kWidth];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kWidth; ++i) {
    if (rows[i] == nullptr) {
      square[i] = Vec<T>{};
    } else {
      const Vec<T> x = whole ? simd::load(rows[i] + k) : simd::load_first(rows[i] + k, some);
      square[i] = x * simd::splat(scale) - from;
    }
  }
  simd::transpose<T>(square);
  if (whole) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kWidth; ++i) simd::store(out + i * kPanel<T>, square[i]);
  } else {
    for (std::size_t i = 0; i < left; ++i) simd::store(out + i * kPanel<T>, square[i]);
  }
}

template <class T>
void pack(const T* const* rows, std::size_t count, std::size_t dims, const T* origin, T scale,
          T* out) {
  const T* panel[kPanel<T>];
  for (std::size_t first = 0; first < count; first += kPanel<T>, out += dims * kPanel<T>) {
    for (std::size_t i = 0; i < kPanel<T>; ++i) {
      panel[i] = first + i < count ? rows[first + i] : nullptr;
    }
    // The rows of a panel are as many streams as it has points, which hardware does not foresee.
    const std::size_t ahead = first + kPrefetchPanels * kPanel<T>;
    for (std::size_t i = ahead; i < ahead + kPanel<T> && i < count; ++i) {
      for (std::size_t k = 0; k < dims; k += kPanel<T>) __builtin_prefetch(rows[i] + k);
    }
    for (std::size_t i = 0; i < kPanel<T>; i += kLanes<T>) {
      for (std::size_t k = 0; k < dims; k += kLanes<T>) {
        pack_square(panel + i, k, dims, origin, scale, out + k * kPanel<T> + i);
      }
    }
  }
}

}  // namespace
}  // namespace otcore::pyramid::OTCORE_LEVEL
