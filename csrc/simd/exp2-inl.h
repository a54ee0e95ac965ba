// Powers and logarithms of two. Included like vec-inl.h.
//
// Polynomials by Remez's algorithm for the relative error; the bounds are tested in
// tests/cpp/test_entropic_kernels.cpp.
#pragma once

#include "simd/vec-inl.h"

namespace otcore::simd::OTCORE_LEVEL {
namespace {

template <class T>
struct Exp2Traits;

// 2^r on [0, 1] as 1 + r (c[0] + r (c[1] + ...)), relative error 8.3e-8.
template <>
struct Exp2Traits<float> {
  static constexpr float kLowest = -126.0f;
  static constexpr float kHighest = 127.0f;
  static constexpr float kMagic = 0x1.8p23f;
  typedef unsigned Bits __attribute__((vector_size(kVectorBytes)));
  static constexpr int kMantissa = 23;
  static constexpr int kTerms = 5;
  static constexpr float kCoefficients[kTerms] = {
      0.693151311818f, 0.240164450039f, 0.0557999134252f, 0.00901702996253f, 0.00186713021195f};
};

// Relative error 3.3e-18.
template <>
struct Exp2Traits<double> {
  static constexpr double kLowest = -1022.0;
  static constexpr double kHighest = 1023.0;
  static constexpr double kMagic = 0x1.8p52;
  typedef unsigned long long Bits __attribute__((vector_size(kVectorBytes)));
  static constexpr int kMantissa = 52;
  static constexpr int kTerms = 11;
  static constexpr double kCoefficients[kTerms] = {
      0.69314718055994592842,     0.24022650695906330204,   0.055504108665602253297,
      0.0096181290995507955717,   0.0013333558629566755226, 0.00015403512309628660399,
      0.000015253175055562795993, 1.3208367288951140366e-6, 1.0253212435721934234e-7,
      6.559529322770528367e-9,    6.2634661422960210149e-10};
};

// 2^x with a relative error of at most 3 * 2^-24 (float), 3 * 2^-53 (double). Below the smallest
// normal number (x < -126, -1022) it is 0 or a denormal one, and from 127 (1023) on that of 127:
// never infinite. x is not NaN.
template <class T>
inline Vec<T> exp2(Vec<T> x) {
  using Traits = Exp2Traits<T>;
#if defined(__AVX512F__)
  // Numbers below a positive bound are the same in the order of their bits as integers, whose
  // minimum leaves the multipliers free. Then x - floor(x), exactly.
  Vec<T> bounded;
  Vec<T> rest;
  if constexpr (sizeof(T) == 8) {
    bounded = _mm512_castsi512_pd(_mm512_maskz_min_epi64(
        0xff, _mm512_castpd_si512(x), _mm512_castpd_si512(splat(Traits::kHighest))));
    rest = _mm512_maskz_reduce_pd(0xff, bounded, 0x09);
  } else {
    bounded = _mm512_castsi512_ps(_mm512_maskz_min_epi32(
        0xffff, _mm512_castps_si512(x), _mm512_castps_si512(splat(Traits::kHighest))));
    rest = _mm512_maskz_reduce_ps(0xffff, bounded, 0x09);
  }
#else
  const Vec<T> bounded = min<T>(x, splat(Traits::kHighest));
  // Rounded to the nearest integer of x - 1/2: the low bits of the sum hold it.
  const Vec<T> rounded = (bounded - splat(T(0.5))) + splat(Traits::kMagic);
  const Vec<T> rest = bounded - (rounded - splat(Traits::kMagic));
#endif
  Vec<T> power = splat(Traits::kCoefficients[Traits::kTerms - 1]);
#pragma GCC unroll 16
  for (int i = Traits::kTerms - 2; i >= 0; --i) {
    power = mul_add<T>(power, rest, splat(Traits::kCoefficients[i]));
  }
  power = mul_add<T>(power, rest, splat(T(1)));
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8)
    return _mm512_maskz_scalef_pd(0xff, power, bounded);
  else
    return _mm512_maskz_scalef_ps(0xffff, power, bounded);
#else
  // Sums of bits wrap around where x is below the normal numbers.
  using Bits = typename Traits::Bits;
  const Bits normal = __builtin_bit_cast(Bits, x >= splat(Traits::kLowest));
  const Bits exponent = __builtin_bit_cast(Bits, rounded) << Traits::kMantissa;
  return __builtin_bit_cast(Vec<T>, (__builtin_bit_cast(Bits, power) + exponent) & normal);
#endif
}

// log2(x) of normal positive x, with an error of at most 4 * 2^-53 of the larger of |log2(x)| and
// its integer part. s log2((1 + s) / (1 - s)) / s in s^2, relative error 1.2e-18.
inline Vec<double> log2(Vec<double> x) {
  constexpr double kCoefficients[] = {2.8853900817779268114,  0.96179669392598983055,
                                      0.57707801634546415875, 0.41219858585247798542,
                                      0.32059853377601265081, 0.26233440990433506337,
                                      0.22091164884347322414, 0.21367305536718706805};
  // The mantissa is taken from [sqrt(1/2), sqrt(2)), so that nothing cancels near x = 1.
  const Mask<double> bits = __builtin_bit_cast(Mask<double>, x);
  const Mask<double> above = bits - splat_lanes<double>(0x3fe6a09e667f3bcd);
  const Mask<double> exponent = above >> 52;
  const Vec<double> mantissa = __builtin_bit_cast(Vec<double>, bits - (exponent << 52));
  const Vec<double> s = (mantissa - splat(1.0)) / (mantissa + splat(1.0));
  const Vec<double> t = s * s;
  Vec<double> sum = splat(kCoefficients[7]);
#pragma GCC unroll 8
  for (int i = 6; i >= 0; --i) sum = mul_add<double>(sum, t, splat(kCoefficients[i]));
  return mul_add<double>(s, sum, __builtin_convertvector(exponent, Vec<double>));
}

}  // namespace
}  // namespace otcore::simd::OTCORE_LEVEL
