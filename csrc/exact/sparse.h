// One problem with costs for some pairs only.
#pragma once

#include "base/monitor.h"
#include "exact/batch.h"
#include "exact/problem.h"
#include "exact/shortage.h"
#include "exact/sparse_costs.h"

namespace otcore::exact {

// Solves min <P, C> over the plans on the stored pairs, in O(nnz + n + m) memory, on one thread.
// costs.scale is 1; out is that of a batch of one.
// Status::infeasible: there is no plan, `shortage` says why, value and gap are +infinity. Stopped
// early, a plan may lack mass of its marginals; then the gap is +infinity. InvalidArgument as
// solve_batch, for "M" also where rows are not in order, a column is out of range or stands twice
// in a row.
template <class T>
void solve_sparse(SparseCosts<T> costs, const double* a, const double* b, const Options& options,
                  Monitor& monitor, const Solutions& out, Shortage& shortage);

}  // namespace otcore::exact
