// A plan to start from where one side has many times as many points as the other.
#pragma once

#include <vector>

#include "exact/candidates.h"
#include "exact/flow.h"

namespace otcore::exact {

// Whether an auction is the wrong start: its bids look at all candidates of a row, or at all
// holders of a column, which are most of the matrix where the other side is short.
bool is_oblong(const Masses& masses);

// Whether pivots on all arcs are the wrong way too, however few these are: rows of so many ties and
// near ties take very many.
bool is_long(const Masses& masses);

// Places the points of the longer side, each where it is cheapest and there is room, at the shorter
// side's potentials (u or v). First come those that would lose most by their second choice (Vogel's
// approximation, with penalties that stay as they are); for a side of two that is optimal. Reads
// the matrix twice.
template <class Problem>
std::vector<Flow> place_by_regret(const Problem& problem, const double* u, const double* v);

}  // namespace otcore::exact
