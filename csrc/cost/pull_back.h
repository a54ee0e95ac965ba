// Derivatives of sums of ground costs in the points.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/views.h"

namespace otcore::cost {

// Pairs of points with weights, in any order; pairs may repeat.
struct WeightedPairs {
  const std::int64_t* rows = nullptr;
  const std::int64_t* cols = nullptr;
  const double* mass = nullptr;
  std::size_t count = 0;
};

// in_x[i] = the derivatives in X_i of sum_e mass_e |X_rows(e) - Y_cols(e)|^2, as a row of d
// numbers, and so in_y for Y; null: not wanted. Differences and sums are float64. The order of the
// sums is that of the pairs.
template <class T>
void pull_squares_back(MatrixView<const T> x, MatrixView<const T> y, const WeightedPairs& pairs,
                       int n_threads, T* in_x, T* in_y);

}  // namespace otcore::cost
