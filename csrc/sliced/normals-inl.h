// Normal random numbers out of uniform ones.
#pragma once

#include <cstddef>

#include "simd/exp2-inl.h"
#include "simd/turns-inl.h"
#include "simd/vec-inl.h"

namespace otcore::sliced::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;

inline void normals(const double* u, const double* v, std::size_t count, double* out) {
  using Lane = simd::Vec<double>;
  constexpr std::size_t kWidth = simd::kLanes<double>;
  constexpr double kLog = -1.3862943611198906;  // -2 log(2)
  for (std::size_t i = 0; i < count; i += kWidth) {
    const std::size_t some = count - i < kWidth ? count - i : kWidth;
    const bool whole = some == kWidth;
    const int part = static_cast<int>(some);
    // Lanes beyond the end get log2(0), which is a number here.
    const Lane first = whole ? simd::load(u + i) : simd::load_first(u + i, part);
    const Lane second = whole ? simd::load(v + i) : simd::load_first(v + i, part);
    const Lane radius = simd::sqrt<double>(simd::splat(kLog) * simd::log2(first));
    Lane sine;
    Lane cosine;
    simd::sin_cos(second, sine, cosine);
    double pairs[2][kWidth];
    simd::store(pairs[0], radius * cosine);
    simd::store(pairs[1], radius * sine);
    for (std::size_t k = 0; k < some; ++k) {
      out[2 * (i + k)] = pairs[0][k];
      out[2 * (i + k) + 1] = pairs[1][k];
    }
  }
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
