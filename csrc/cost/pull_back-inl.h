// Derivatives of squared distances: weighted sums of differences to other points.
#pragma once

#include <cstddef>

#include "cost/kernels.h"
#include "simd/vec-inl.h"

namespace otcore::cost::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;

// Vectors of coordinates that are summed in registers.
constexpr std::size_t kDifferenceVectors = 4;

inline simd::Vec<double> load_as_double(const float* p) { return simd::load_widened(p); }
inline simd::Vec<double> load_as_double(const double* p) { return simd::load(p); }

// Coordinates k, k + 1, ... of V vectors.
template <class T, std::size_t V>
inline void add_differences(const T* point, const Points<T>& others, const double* weights,
                            std::size_t k, T* out) {
  constexpr std::size_t kWidth = simd::kLanes<double>;
  simd::Vec<double> sums[V];
  simd::Vec<double> own[V];
#pragma GCC unroll 4
  for (std::size_t v = 0; v < V; ++v) {
    sums[v] = simd::Vec<double>{};
    own[v] = load_as_double(point + k + v * kWidth);
  }
  for (std::size_t e = 0; e < others.count; ++e) {
    const T* other = others.data + static_cast<std::size_t>(others.index[e]) * others.stride + k;
    const simd::Vec<double> weight = simd::splat(weights[e]);
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) {
      const simd::Vec<double> d = own[v] - load_as_double(other + v * kWidth);
      sums[v] = simd::mul_add<double>(weight, d, sums[v]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t v = 0; v < V; ++v) {
    double numbers[kWidth];
    simd::store(numbers, sums[v]);
    for (std::size_t l = 0; l < kWidth; ++l) out[k + v * kWidth + l] = static_cast<T>(numbers[l]);
  }
}

// out[k] = sum_e weights[e] * (point_k - others_ek), in float64.
template <class T>
void weigh_differences(const T* point, const Points<T>& others, const double* weights, T* out) {
  constexpr std::size_t kWidth = simd::kLanes<double>;
  std::size_t k = 0;
  for (; k + kDifferenceVectors * kWidth <= others.dims; k += kDifferenceVectors * kWidth) {
    add_differences<T, kDifferenceVectors>(point, others, weights, k, out);
  }
  for (; k + kWidth <= others.dims; k += kWidth) {
    add_differences<T, 1>(point, others, weights, k, out);
  }
  for (; k < others.dims; ++k) {
    double sum = 0.0;
    for (std::size_t e = 0; e < others.count; ++e) {
      const T* other = others.data + static_cast<std::size_t>(others.index[e]) * others.stride;
      sum += weights[e] * (static_cast<double>(point[k]) - static_cast<double>(other[k]));
    }
    out[k] = static_cast<T>(sum);
  }
}

}  // namespace
}  // namespace otcore::cost::OTCORE_LEVEL
