// From a plan to a basis: the tree that the network simplex starts from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/masses.h"
#include "exact/arcs.h"
#include "exact/flow.h"
#include "exact/tree.h"

namespace otcore::exact {

// The arc from a row to its column of lowest C_ij - v_j, among those with v_j > -infinity.
using CheapestArc = std::function<Arc(std::size_t row, const double* v)>;

// Looks at the set alone, which is to stay where it is; a row that it leads to no open column is
// given some open one, at the cost asked for.
CheapestArc cheapest_in(const Arcs& arcs, std::function<double(std::size_t, std::size_t)> cost);

// Places what a plan lacks, row by row, into the columns with room, lowest C_ij - v_j first;
// appends to flows. room and unplaced become zero.
void place_rest(std::vector<std::int64_t>& unplaced, std::vector<std::int64_t>& room,
                std::vector<double> v, const CheapestArc& cheapest, std::vector<Flow>& flows);

// Builds in `tree`, which is clear, a strongly feasible basis out of a plan: flows that have
// the masses as marginals, each pair at most once. Cycles of the plan are cancelled in the
// direction that costs less. What is left is a forest; its parts are joined by arcs of the set
// along a shortest-path tree of reduced costs, so that an optimal plan gives an optimal basis, or
// by the cheapest arc from a part to the others where the set has none. col_potentials: v, for the
// levels of the parts.
void build_basis(std::vector<Flow> flows, const Arcs& arcs, const Masses& masses,
                 const std::vector<double>& col_potentials, const CheapestArc& cheapest,
                 Tree& tree);

}  // namespace otcore::exact
