// Derivatives of squared distances: weighted sums of differences to other points.
#pragma once

#include <cstddef>

#include "cost/kernels.h"
#include "simd/vec-inl.h"

namespace otcore::cost::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;

// Vectors of coordinates that are summed in registers.
constexpr std::size_t kDifferenceVectors = 2;

inline simd::Vec<double> load_as_double(const float* p) { return simd::load_widened(p); }
inline simd::Vec<double> load_as_double(const double* p) { return simd::load(p); }
inline void store_from_double(float* p, simd::Vec<double> v) { simd::store_narrowed(p, v); }
inline void store_from_double(double* p, simd::Vec<double> v) { simd::store(p, v); }

// R points, coordinates k, k + 1, ... of V vectors.
template <class T, std::size_t R, std::size_t V>
inline void add_differences(const T* points, std::size_t stride, const Points<T>& others,
                            const double* weights, std::size_t k, T* out) {
  using Lane = simd::Vec<double>;
  constexpr std::size_t kWidth = simd::kLanes<double>;
  Lane sums[R][V];
  Lane own[R][V];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < V; ++v) {
      sums[r][v] = Lane{};
      own[r][v] = load_as_double(points + r * stride + k + v * kWidth);
    }
  }
  for (std::size_t e = 0; e < others.count; ++e) {
    const T* other = others.data + static_cast<std::size_t>(others.index[e]) * others.stride + k;
    Lane at[V];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < V; ++v) at[v] = load_as_double(other + v * kWidth);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
      const Lane weight = simd::splat(weights[r * others.count + e]);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < V; ++v) {
        sums[r][v] = simd::mul_add<double>(weight, own[r][v] - at[v], sums[r][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < V; ++v) {
      store_from_double(out + r * others.dims + k + v * kWidth, sums[r][v]);
    }
  }
}

template <class T, std::size_t R>
void weigh_rows(const T* points, std::size_t stride, const Points<T>& others, const double* weights,
                T* out) {
  constexpr std::size_t kWidth = simd::kLanes<double>;
  std::size_t k = 0;
  for (; k + kDifferenceVectors * kWidth <= others.dims; k += kDifferenceVectors * kWidth) {
    add_differences<T, R, kDifferenceVectors>(points, stride, others, weights, k, out);
  }
  for (; k + kWidth <= others.dims; k += kWidth) {
    add_differences<T, R, 1>(points, stride, others, weights, k, out);
  }
  for (; k < others.dims; ++k) {
    for (std::size_t r = 0; r < R; ++r) {
      double sum = 0.0;
      for (std::size_t e = 0; e < others.count; ++e) {
        const T other = others.data[static_cast<std::size_t>(others.index[e]) * others.stride + k];
        sum += weights[r * others.count + e] *
               (static_cast<double>(points[r * stride + k]) - static_cast<double>(other));
      }
      out[r * others.dims + k] = static_cast<T>(sum);
    }
  }
}

template <class T>
void weigh_differences(const T* points, std::size_t stride, std::size_t rows,
                       const Points<T>& others, const double* weights, T* out) {
  if (rows == kPullBackRows) {
    return weigh_rows<T, kPullBackRows>(points, stride, others, weights, out);
  }
  for (std::size_t r = 0; r < rows; ++r) {
    weigh_rows<T, 1>(points + r * stride, stride, others, weights + r * others.count,
                     out + r * others.dims);
  }
}

}  // namespace
}  // namespace otcore::cost::OTCORE_LEVEL
