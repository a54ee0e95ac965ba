// One side's potentials and weights as exponents and factors of T, the range of a matrix, and
// functions of float64 arrays.
#pragma once

#include "entropic/exponents-inl.h"

namespace otcore::entropic::OTCORE_LEVEL {
namespace {

constexpr std::size_t kDoubles = kLanes<double>;

// The numbers from p on, `left` of them at most, then zeros; zeros where p is null.
inline Vec<double> load_some(const double* p, std::size_t j, std::size_t left) {
  if (p == nullptr) return Vec<double>{};
  return left >= kDoubles ? simd::load(p + j) : simd::load_first(p + j, static_cast<int>(left));
}

inline void store_some(double* p, Vec<double> v, std::size_t left) {
  if (left >= kDoubles) {
    simd::store(p, v);
  } else {
    for (std::size_t l = 0; l < left; ++l) p[l] = v[static_cast<int>(l)];
  }
}

inline void store_as(double* p, Vec<double> v) { simd::store(p, v); }
inline void store_as(float* p, Vec<double> v) {
  typedef float Half __attribute__((vector_size(simd::kVectorBytes / 2)));
  const Half half = __builtin_convertvector(v, Half);
  __builtin_memcpy(p, &half, sizeof half);
}

// v rounded to T.
template <class T>
inline Vec<double> rounded(Vec<double> v) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return v;
  } else {
    float lanes[kDoubles];
    store_as(lanes, v);
    return simd::load_widened(lanes);
  }
}

// The exponents from j on, `left` of them at most.
template <class T>
inline Vec<double> exponents_of(const SideInput<T>& input, std::size_t j, std::size_t left,
                                Vec<double> lift) {
  Vec<double> exponent = (load_some(input.potentials, j, left) - simd::splat(input.offset)) *
                             simd::splat(input.factor) -
                         simd::splat(input.norm_factor) * load_some(input.norms, j, left) + lift;
  exponent = simd::max<double>(exponent, simd::splat(-kMaxExponent));
  return simd::min<double>(exponent, simd::splat(kMaxExponent));
}

template <class T>
void side(const SideInput<T>& input, T* exponents, T* weights, double* corrections) {
  const std::size_t padded = (input.count + kWidth<T> - 1) / kWidth<T> * kWidth<T>;
  for (std::size_t j = 0; j < padded; j += kDoubles) {
    const std::size_t left = j < input.count ? input.count - j : 0;
    if (left == 0) {
      store_as(exponents + j, simd::splat(kNoMass));
      store_as(weights + j, Vec<double>{});
      simd::store(corrections + j, Vec<double>{});
      continue;
    }
    const Vec<double> lift = simd::splat(input.lift) + load_some(input.lifts, j, left);
    const Vec<double> exponent = exponents_of(input, j, left, lift);
    const Vec<double> kept = rounded<T>(exponent);
    // Below 1 for exponents that leave T any digits behind the point.
    const Vec<double> lost =
        simd::max<double>(simd::min<double>(exponent - kept, simd::splat(1.0)), simd::splat(-1.0));
    Vec<double> weight = simd::exp2<double>(lost - lift);
    if (input.weights != nullptr) weight *= load_some(input.weights, j, left);
    store_as(exponents + j, kept);
    store_as(weights + j, weight);
    simd::store(corrections + j, lost - lift);
    for (std::size_t l = left; l < kDoubles; ++l) {
      exponents[j + l] = static_cast<T>(kNoMass);
      weights[j + l] = T(0);
      corrections[j + l] = 0.0;
    }
  }
}

template <class T>
void range(const T* costs, std::size_t stride, std::size_t rows, std::size_t cols, double* low,
           double* high) {
  T lowest = costs[0];
  T highest = costs[0];
  for (std::size_t i = 0; i < rows; ++i) {
    const T* row = costs + i * stride;
    Vec<T> low_lanes = simd::splat(lowest);
    Vec<T> high_lanes = simd::splat(highest);
    std::size_t j = 0;
    for (; j + kLanes<T> <= cols; j += kLanes<T>) {
      low_lanes = simd::min<T>(simd::load(row + j), low_lanes);
      high_lanes = simd::max<T>(simd::load(row + j), high_lanes);
    }
    lowest = simd::reduce_min<T>(low_lanes);
    highest = simd::reduce_max<T>(high_lanes);
    for (; j < cols; ++j) {
      lowest = row[j] < lowest ? row[j] : lowest;
      highest = row[j] > highest ? row[j] : highest;
    }
  }
  *low = static_cast<double>(lowest);
  *high = static_cast<double>(highest);
}

void log2_all(const double* x, std::size_t count, double* out) {
  for (std::size_t j = 0; j < count; j += kDoubles) {
    store_some(out + j, simd::log2(load_some(x, j, count - j)), count - j);
  }
}

void exp2_all(const double* x, std::size_t count, double* out) {
  for (std::size_t j = 0; j < count; j += kDoubles) {
    store_some(out + j, simd::exp2<double>(load_some(x, j, count - j)), count - j);
  }
}

}  // namespace
}  // namespace otcore::entropic::OTCORE_LEVEL
