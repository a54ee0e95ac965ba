// Why a sparse problem has no plan.
#pragma once

#include <cstdint>
#include <vector>

#include "base/masses.h"
#include "base/monitor.h"
#include "exact/sparse_costs.h"

namespace otcore::exact {

// Rows whose mass has no room: all columns that they have entries in hold less. By the theorem of
// Gale, "A theorem on flows in networks", Pacific J. Math. 7 (1957), every problem without a plan
// has such rows.
struct Shortage {
  std::vector<std::int32_t> rows;  // ascending
  std::vector<std::int32_t> cols;  // all columns with an entry in these rows, ascending
  double supply = 0.0;             // the mass of the rows
  double capacity = 0.0;           // the mass of the columns, less than supply
};

// Finds such rows from potentials u, v with u_i + v_j <= 0 for all entries between rows and columns
// with mass, whose value sum_i a_i u_i + sum_j b_j v_j is positive: the value is a sum over the
// levels t of the mass of the rows with u_i >= t less that of the columns with v_j <= -t, so that
// it is positive for one. Of the rows above each level the parts are looked at that share no
// column, and that of largest shortage is taken. A shortage of at most `tolerance` of the rows'
// mass is none, but rounding of the weights: no rows then, nor after the monitor was stopped.
// minus_u is -u.
template <class T>
Shortage find_shortage(const SparseCosts<T>& costs, const Masses& masses, double tolerance,
                       const double* minus_u, Monitor& monitor);

}  // namespace otcore::exact
