// Plans between points of space out of the plans of their slices.
// (G. Mahey et al., Fast optimal transport through sliced generalized Wasserstein geodesics,
// NeurIPS 2023; X. Liu et al., Expected sliced transport plans, ICLR 2025.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/monitor.h"
#include "base/views.h"
#include "cost/cost.h"
#include "sliced/sliced.h"

namespace otcore::sliced {

// Arrays of the caller. The plans come together or, with null pointers, not at all.
struct PlanSolutions {
  double* cost = nullptr;         // [L]  sum_ij P_ij c(x_i, y_j) of slice l's plan P
  std::int64_t* count = nullptr;  // [L]  entries of the plan
  std::int32_t* rows = nullptr;   // [L, n + m - 1], by row and then by column
  std::int32_t* cols = nullptr;
  double* mass = nullptr;
};

// One problem (clouds of one each), lines only: the plan of every slice, priced in space. Costs are
// float64, with the rounding of sums of d terms. Errors as solve(), and "X" and "Y" for zero
// vectors under cosine.
template <class T>
void solve_plans(const Clouds<T>& clouds, MatrixView<const T> directions,
                 const cost::Metric& metric, const Options& options, const PlanSolutions& out,
                 Monitor& monitor);

}  // namespace otcore::sliced
