// An optimal plan where one side has few points.
#pragma once

#include <optional>
#include <vector>

#include "exact/candidates.h"
#include "exact/flow.h"

namespace otcore::exact {

// Whether the shorter side is short enough: memory and steps below grow with its square, or with
// its product with the longer.
bool has_few_places(const Masses& masses);

// Places each point of the longer side where it is cheapest at the shorter side's potentials (u or
// v) and moves what is too much along shortest paths from full places to those with room, which
// keeps the plan optimal for what the places hold (successive shortest paths: W. S. Jewell, 1962;
// J. Edmonds and R. M. Karp, 1972). A path goes through few places; between two of them it moves
// the point that loses least, which a heap for each pair of places knows. v becomes the columns'
// potentials of the plan. Nothing after
// the monitor was stopped, or where there are too many paths.
template <class Problem>
std::optional<std::vector<Flow>> place_on_few(const Problem& problem, const double* u,
                                              std::vector<double>& v);

}  // namespace otcore::exact
