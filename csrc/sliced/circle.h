// Optimal transport on the circle of circumference 1, for the costs |x - y|^p of the shorter arc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/masses.h"
#include "oned/sort.h"

namespace otcore::sliced {

// Solves one problem after another: one solver per thread, whose memory is kept.
//
// The optimal plan is the monotone coupling on the line of x and of y repeated every turn, with the
// masses of y shifted by some amount; the cost is convex in that amount (J. Delon, J. Salomon, A.
// Sobolevski, Fast transport optimization for Monge costs on the circle, SIAM J. Appl. Math. 70,
// 2010). Masses are integers, so bisection on the sign of the cost's differences finds the optimal
// shift exactly, in log2(3 units) walks over the points: about log2(n) where masses are uniform.
class CircleSolver {
 public:
  CircleSolver(std::size_t n, std::size_t m, double p) : p_(p), masses_(n, m), x_(n), y_(m) {}

  // As Masses::set.
  void set_masses(const double* a, const double* b, double tolerance) {
    masses_.set(a, b, tolerance);
  }

  // The positions of n and m points, in turns in [0, 1), finite; returns W_p^p. Where slopes are
  // not null, slope_x[i] = d value / d x_i, 0 at the kink of p = 1, and so for y.
  double solve(const double* x, const double* y, double* slope_x, double* slope_y);

 private:
  // The points of one side that have mass, in sorted order.
  struct Side {
    explicit Side(std::size_t n) : sorter(n), sorted(n), order(n) {}
    void sort(const double* positions, const std::vector<std::int64_t>& units);

    oned::Sorter<double> sorter;
    std::vector<double> sorted;
    std::vector<std::int32_t> order;
    std::vector<double> points;
    std::vector<std::uint64_t> ends;  // masses up to and with the point
    std::vector<std::size_t> index;
  };

  // Where a unit of y's mass is, counted from one turn before the first point.
  struct Place {
    double turn;
    std::size_t point;
    std::uint64_t unit;  // within its turn
  };
  [[nodiscard]] Place place_of(std::uint64_t shift) const;

  // cost(shift + 1) - cost(shift), in units of mass.
  template <class Power>
  [[nodiscard]] double difference(Power power, std::uint64_t shift) const;
  template <class Power>
  [[nodiscard]] std::uint64_t best_shift(Power power) const;
  // visit(i, j, turn, units): steps of the coupling, y_j moved by `turn`.
  template <class Visit>
  void walk(std::uint64_t shift, const Visit& visit) const;

  double p_;
  Masses masses_;
  Side x_;
  Side y_;
};

}  // namespace otcore::sliced
