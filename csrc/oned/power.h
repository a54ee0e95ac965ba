// |x - y|^p for a p that is chosen at run time, with the loops around it compiled for each kind.
#pragma once

#include <cmath>
#include <utility>

#include "cost/tuning.h"

namespace otcore::oned {

// |d|^p: at most (p + 1) roundings for multiplied powers, the C library's pow for others.
struct Modulus {
  double operator()(double d) const { return std::abs(d); }
};

struct Square {
  double operator()(double d) const { return d * d; }
};

// p = whole or whole + 1/2.
struct MultipliedPower {
  int whole;
  bool and_half;

  double operator()(double d) const {
    const double base = std::abs(d);
    double power = and_half ? std::sqrt(base) : 1.0;
    for (int i = 0; i < whole; ++i) power *= base;
    return power;
  }
};

struct AnyPower {
  double p;

  double operator()(double d) const { return std::pow(std::abs(d), p); }
};

// body(power) with the functor d -> |d|^p; p >= 0.
template <class Body>
decltype(auto) with_power(double p, Body&& body) {
  if (p == 1.0) return std::forward<Body>(body)(Modulus{});
  if (p == 2.0) return std::forward<Body>(body)(Square{});
  const double whole = std::floor(p);
  if (whole <= cost::kMaxMultipliedPower && (p == whole || p == whole + 0.5)) {
    return std::forward<Body>(body)(MultipliedPower{static_cast<int>(whole), p != whole});
  }
  return std::forward<Body>(body)(AnyPower{p});
}

}  // namespace otcore::oned
