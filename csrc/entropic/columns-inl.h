// Sums and maxima over columns (and rows) of a block that is held.
#pragma once

#include "entropic/exponents-inl.h"

namespace otcore::entropic::OTCORE_LEVEL {
namespace {

// V vectors of columns at a time: that many independent chains of additions.
template <class T, std::size_t V>
inline void fold_strip(const T* e, std::size_t stride, std::size_t rows, const T* weights,
                       T* sums) {
  Vec<T> sum[V];
#pragma GCC unroll 16
  for (std::size_t v = 0; v < V; ++v) sum[v] = simd::load(sums + v * kLanes<T>);
  for (std::size_t i = 0; i < rows; ++i, e += stride) {
    const Vec<T> weight = simd::splat(weights[i]);
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) {
      sum[v] = simd::mul_add<T>(weight, simd::load(e + v * kLanes<T>), sum[v]);
    }
  }
#pragma GCC unroll 16
  for (std::size_t v = 0; v < V; ++v) simd::store(sums + v * kLanes<T>, sum[v]);
}

// The columns from j on: V vectors at a time, then fewer.
template <class T, std::size_t V>
inline void fold_strips(const T* e, std::size_t stride, std::size_t rows, std::size_t cols,
                        const T* weights, T* sums, std::size_t j) {
  for (; j + V * kLanes<T> <= cols; j += V * kLanes<T>) {
    fold_strip<T, V>(e + j, stride, rows, weights, sums + j);
  }
  if constexpr (V > 1) fold_strips<T, V / 2>(e, stride, rows, cols, weights, sums, j);
}

template <class T>
void fold(const T* e, std::size_t stride, std::size_t rows, std::size_t cols, const T* weights,
          T* sums) {
  fold_strips<T, 8>(e, stride, rows, cols, weights, sums, 0);
}

template <class T>
void flush(T* sums, std::size_t cols, double* totals) {
  for (std::size_t j = 0; j < cols; ++j) {
    totals[j] += static_cast<double>(sums[j]);
    sums[j] = T(0);
  }
}

template <class T>
void row_maxima(const T* z, std::size_t stride, std::size_t rows, std::size_t cols, T* maxima) {
  for (std::size_t i = 0; i < rows; ++i, z += stride) {
    Vec<T> high = simd::splat(maxima[i]);
    for (std::size_t j = 0; j < cols; j += kLanes<T>) high = simd::max<T>(simd::load(z + j), high);
    maxima[i] = simd::reduce_max<T>(high);
  }
}

template <class T>
void col_maxima(const T* z, std::size_t stride, std::size_t rows, std::size_t cols, T* maxima) {
  for (std::size_t i = 0; i < rows; ++i, z += stride) {
    for (std::size_t j = 0; j < cols; j += kLanes<T>) {
      simd::store(maxima + j, simd::max<T>(simd::load(z + j), simd::load(maxima + j)));
    }
  }
}

template <class T>
void shifted_powers(T* z, std::size_t stride, std::size_t rows, std::size_t cols, const T* shift) {
  for (std::size_t i = 0; i < rows; ++i, z += stride) {
    for (std::size_t j = 0; j < cols; j += kLanes<T>) {
      simd::store(z + j, simd::exp2<T>(simd::load(z + j) - simd::load(shift + j)));
    }
  }
}

}  // namespace
}  // namespace otcore::entropic::OTCORE_LEVEL
