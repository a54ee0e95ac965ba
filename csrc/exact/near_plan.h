// A start from the plan of a similar problem: the same points moved a little, or other masses.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "exact/arcs.h"
#include "exact/auction_schedule.h"
#include "exact/cloud.h"
#include "exact/flow.h"

namespace otcore::exact {

// The plan as it is, with what it leaves, and the auction to hold instead; one of no rounds where
// the plan is better.
struct NearPlan {
  std::vector<Flow> flows;
  std::vector<std::int64_t> unplaced;
  std::vector<std::int64_t> room;
  Schedule auction;
};

// Adds the arcs of problem.plan, and candidates that are not much dearer at the column potentials
// v; u becomes scratch. Nothing, and nothing added, where the plan leaves too much mass or costs
// too much to be worth starting from.
std::optional<NearPlan> start_from_plan(const CloudProblem& problem, const std::vector<double>& v,
                                        double* u, Arcs& arcs);

}  // namespace otcore::exact
