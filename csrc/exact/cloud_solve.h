// One problem between points, without its cost matrix.
#pragma once

#include "base/monitor.h"
#include "base/views.h"
#include "cost/cost.h"
#include "exact/batch.h"
#include "exact/problem.h"

namespace otcore::exact {

// Whether a problem of n x m is for solve_cloud: its costs are many, and neither side is short.
bool is_cloud(std::size_t n, std::size_t m);

// Whether costs are in the range that their differences and products with masses stay in.
template <class T>
bool costs_in_range(MatrixView<const T> x, MatrixView<const T> y, const cost::Metric& metric);

// Solves min <P, C> of finite points for C_ij the ground cost between the rows of x and y, formed
// in float64, in O((n + m) d) memory. a and b as Weights; costs in range. InvalidArgument as
// solve_batch_points.
template <class T>
void solve_cloud(MatrixView<const T> x, MatrixView<const T> y, const cost::Metric& metric,
                 const double* a, const double* b, const Options& options, Monitor& monitor,
                 Solution& out);

}  // namespace otcore::exact
