#include "exact/near_plan.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "base/sizes.h"
#include "cost/tiles.h"
#include "exact/replant.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

// In the mean over some rows: what the plan's arc costs above the row's lowest, and how far the
// row's kNearestWithPlan lowest reach.
struct Sample {
  double excess = 0.0;
  double spread = 0.0;
};

Sample look_at_plan(const CloudProblem& problem, const std::vector<double>& v) {
  const std::vector<Arc>& plan = *problem.plan;
  const std::size_t reach = std::min(kNearestWithPlan, v.size() - 1);
  const std::size_t step = (plan.size() + kPlanRows - 1) / kPlanRows;
  std::vector<double> reduced(round_up(v.size(), cost::kColumnPadding<double>));
  Sample sums;
  double count = 0.0;
  for (std::size_t k = step / 2; k < plan.size(); k += step) {
    problem.fill_row(static_cast<std::size_t>(plan[k].row), reduced.data());
    for (std::size_t j = 0; j < v.size(); ++j) reduced[j] -= v[j];
    const double own = reduced[static_cast<std::size_t>(plan[k].col)];
    const auto end = reduced.begin() + static_cast<std::ptrdiff_t>(v.size());
    const auto farthest = reduced.begin() + static_cast<std::ptrdiff_t>(reach);
    std::nth_element(reduced.begin(), farthest, end);
    const double lowest = *std::min_element(reduced.begin(), farthest + 1);
    sums.excess += own - lowest;
    sums.spread += *farthest - lowest;
    ++count;
  }
  return {sums.excess / count, sums.spread / count};
}

double sum(const std::vector<std::int64_t>& units) {
  return static_cast<double>(std::accumulate(units.begin(), units.end(), std::int64_t{0}));
}

bool are_equal(const Masses& masses) {
  const auto is_unit = [unit = masses.supply().front()](std::int64_t mass) { return mass == unit; };
  return std::all_of(masses.supply().begin(), masses.supply().end(), is_unit) &&
         std::all_of(masses.demand().begin(), masses.demand().end(), is_unit);
}

}  // namespace

std::optional<NearPlan> start_from_plan(const CloudProblem& problem, const std::vector<double>& v,
                                        double* u, Arcs& arcs) {
  const Masses& masses = problem.masses;
  NearPlan near;
  near.flows = replant(*problem.plan, masses, near.unplaced, near.room);
  if (sum(near.unplaced) > kLeftBetween * sum(masses.supply())) return {};
  const Sample sample = look_at_plan(problem, v);
  if (sample.excess > kMostExcess * sample.spread) return {};

  const double excess = std::max(sample.excess, kLeastExcess * sample.spread);
  arcs.add({*problem.plan});
  arcs.transform(v.data(), u);
  std::vector<double> below(u, u + problem.rows());
  for (double& limit : below) limit += kExcessesOfCandidates * excess;
  arcs.add(nearest_below(problem, v.data(), kNearestWithPlan, below.data()));

  const bool is_auction = are_equal(masses) && excess > kExcessForAuction * sample.spread;
  near.auction = {kEpsilonOfExcess * excess, is_auction ? 1 : 0};
  return near;
}

}  // namespace otcore::exact
