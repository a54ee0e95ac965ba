// Sine and cosine of angles that are measured in turns. Included like vec-inl.h.
#pragma once

#include "simd/vec-inl.h"

namespace otcore::simd::OTCORE_LEVEL {
namespace {

// sine = sin(2 pi turns), cosine = cos(2 pi turns) for 0 <= turns <= 1, with errors of at most
// 2^-52. The angle is brought within an eighth of a turn of a quarter, which is exact, and Taylor's
// polynomials of it have errors below 2^-54.
inline void sin_cos(Vec<double> turns, Vec<double>& sine, Vec<double>& cosine) {
  constexpr double kMagic = 0x1.8p52;
  constexpr double kSine[] = {6.2831853071795862,  -41.341702240399762, 81.605249276075057,
                              -76.705859753061385, 42.058693944897655,  -15.094642576822989,
                              3.8199525848482820,  -0.71812230177850056};
  constexpr double kCosine[] = {-19.739208802178716, 64.939394022668296,  -85.456817206693728,
                                60.244641371876661,  -26.426256783374399, 7.9035363713184692,
                                -1.7143907110886720, 0.28200596845579124};
  // The low bits of the sum hold the number of the quarter.
  const Vec<double> shifted = turns * splat(4.0) + splat(kMagic);
  const Vec<double> rest = turns - (shifted - splat(kMagic)) * splat(0.25);
  const Vec<double> square = rest * rest;
  Vec<double> s = splat(kSine[7]);
  Vec<double> c = splat(kCosine[7]);
#pragma GCC unroll 8
  for (int i = 6; i >= 0; --i) {
    s = mul_add<double>(s, square, splat(kSine[i]));
    c = mul_add<double>(c, square, splat(kCosine[i]));
  }
  s *= rest;
  c = mul_add<double>(c, square, splat(1.0));
  // A quarter further on, (cos, sin) becomes (-sin, cos).
  const Mask<double> quarter = __builtin_bit_cast(Mask<double>, shifted);
  const Mask<double> odd = (quarter & 1) != Mask<double>{};
  const Mask<double> sign_of_sine = (quarter & 2) << 62;
  const Mask<double> sign_of_cosine = ((quarter + 1) & 2) << 62;
  const auto flip = [](Vec<double> v, Mask<double> sign) {
    return __builtin_bit_cast(Vec<double>, __builtin_bit_cast(Mask<double>, v) ^ sign);
  };
  sine = flip(select<double>(odd, c, s), sign_of_sine);
  cosine = flip(select<double>(odd, s, c), sign_of_cosine);
}

}  // namespace
}  // namespace otcore::simd::OTCORE_LEVEL
