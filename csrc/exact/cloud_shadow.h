// Points of many coordinates seen in few directions, with what that leaves out as one more.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/aligned.h"
#include "base/views.h"
#include "cost/cost.h"

namespace otcore::exact {

// Orthonormal directions p_1 .. p_k in which points vary most. With rho(x) = |x - sum_l <x, p_l>
// p_l|,
//   <x, y> <= sum_l <x, p_l> <y, p_l> + rho(x) rho(y),
// so k + 1 coordinates bound the products, and by them squared distances, of all pairs.
class Shadow {
 public:
  // Of directions, one a row, and what points are packed with.
  Shadow(const cost::Metric& metric, MatrixView<const double> directions,
         const std::vector<double>& centre, double length);

  // Coordinates with rho.
  [[nodiscard]] std::size_t dims() const { return directions_ + 1; }

  // The first dims() - 1 coordinates of packed rows less the centre: out[i * stride + l].
  void project(const double* packed_rows, std::size_t rows, double* out, std::size_t stride) const;

  // Room that a row of `out` takes.
  [[nodiscard]] std::size_t stride() const;

 private:
  cost::Metric metric_;
  std::size_t directions_;
  std::size_t space_;  // coordinates of the points
  double length_;
  AlignedArray<double> cols_;  // the centre, and each direction times length from there
};

// The shadow for squared Euclidean costs between the points of two clouds, or null where they have
// too few coordinates for one to be worth its while.
template <class T>
std::shared_ptr<const Shadow> make_shadow(const cost::Metric& metric, MatrixView<const T> x,
                                          MatrixView<const T> y, const std::vector<double>& centre);

}  // namespace otcore::exact
