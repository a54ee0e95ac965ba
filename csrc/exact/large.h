// One large problem: the network simplex on candidate arcs, and looks at all arcs.
#pragma once

#include <cstddef>
#include <optional>

#include "exact/candidates.h"
#include "exact/simplex.h"

namespace otcore::exact {

// Stages of a large problem: potentials to start from, candidates, a plan, a basis, and pivots
// until a look at the whole matrix finds nothing.
constexpr std::size_t kLargeStages = 5;

// Solves the problem and leaves the basis in `simplex`. An auction on the candidates gives the
// first basis; then arcs that a look at the whole matrix finds below -tolerance join the candidates
// until it finds none: that is Status::optimal, with u the row transform of simplex.v(), whose
// gauge is sum_j b_j v_j = 0. Otherwise the basis is feasible and u is scratch. start: column
// potentials to choose candidates with; null makes some. u: room for all rows.
// tell_stages: adds 1 to the monitor's progress after each stage but the last.
// Problem: DenseProblem (candidates.h) or CloudProblem (cloud.h).
template <class Problem>
Status solve_large(const Problem& problem, double tolerance, const double* start,
                   std::optional<std::size_t> max_pivots, bool tell_stages, NetworkSimplex& simplex,
                   double* u);

}  // namespace otcore::exact
