// Dual potentials of transport on the line.
#pragma once

#include <cstddef>
#include <vector>

#include "base/masses.h"
#include "oned/staircase.h"

namespace otcore::oned {

// One side in sorted order: all of its points, and those with mass.
struct SortedSide {
  std::vector<double> points;
  Support support;
};

// Potentials f and g of all points in sorted order, from the steps of the monotone coupling:
// optimal for its masses, feasible for every pair, gauge sum_j b_j g_j = 0.
//
// On the steps f_i + g_j = |x_i - y_j|^p; as each step shares a point with the one before, that
// fixes them up to a constant. Where a point of both sides fills up at once the two parts may be
// shifted against each other within an interval, and its middle is taken: potentials do not depend
// on which side is called x, and those of x = y are 0. Away from the steps f_i + g_j <= |x_i -
// y_j|^p because the cost is convex in x - y: any staircase is optimal for some masses of which it
// is the only plan (A. Hoffman, On simple linear programming problems, 1963). Points of y without
// mass get the largest feasible potential.
//
// Rounding is kept from piling up along the staircase by compensated sums, and f is then the
// c-transform of g over all points, so that f_i + g_j exceeds a cost by at most
// 8 (p + 2) (log2(n) + 2) * 2^-53 of the largest cost (docs/numerics.md, "Points on a line").
class Potentials {
 public:
  void solve(double p, const SortedSide& x, const SortedSide& y, const std::vector<Step>& steps,
             const Masses& masses);

  [[nodiscard]] const std::vector<double>& f() const { return f_; }
  [[nodiscard]] const std::vector<double>& g() const { return g_; }

 private:
  std::vector<double> f_, g_, support_f_, support_g_;
};

}  // namespace otcore::oned
