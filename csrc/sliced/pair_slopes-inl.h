// Slopes of the costs between sorted slices: differences to those of other batches, weighted.
#pragma once

#include <cstddef>

#include "simd/vec-inl.h"
#include "sliced/columns-inl.h"
#include "sliced/kernels.h"

namespace otcore::sliced::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;

inline void store_doubles(float* p, simd::Vec<double> v) { simd::store_narrowed(p, v); }
inline void store_doubles(double* p, simd::Vec<double> v) { simd::store(p, v); }

template <class T, bool kSquares>
void pair_slopes(const T* own, const T* const* others, const double* weights, std::size_t count,
                 std::size_t length, T* out) {
  using Lane = simd::Vec<double>;
  for (std::size_t k = 0; k < length; k += simd::kLanes<double>) {
    const Lane at = load_doubles(own + k);
    Lane sum{};
    for (std::size_t j = 0; j < count; ++j) {
      const Lane d = at - load_doubles(others[j] + k);
      const Lane weight = simd::splat(weights[j]);
      if constexpr (kSquares) {
        sum = simd::mul_add<double>(weight, d, sum);
      } else {
        sum += simd::select<double>(d > Lane{}, weight, Lane{});
        sum -= simd::select<double>(d < Lane{}, weight, Lane{});
      }
    }
    store_doubles(out + k, sum);
  }
}

template <class T>
void pair_slopes(const T* own, const T* const* others, const double* weights, std::size_t count,
                 std::size_t length, bool squares, T* out) {
  const auto body = squares ? pair_slopes<T, true> : pair_slopes<T, false>;
  body(own, others, weights, count, length, out);
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
