#include "exact/large.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "exact/auction.h"
#include "exact/auction_schedule.h"
#include "exact/certificate.h"
#include "exact/cloud.h"
#include "exact/coarse.h"
#include "exact/crossover.h"
#include "exact/few_places.h"
#include "exact/near_plan.h"
#include "exact/oblong.h"
#include "exact/pricing.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

// The nearest of rows and columns at the column potentials v; u becomes the row transform of v.
template <class Problem>
void add_nearest(const Problem& problem, const double* v, double* u, Arcs& arcs) {
  const std::size_t count = problem.nearest_count();
  ArcParts nearest = nearest_of_rows(problem, v, count, u);
  ArcParts of_cols = nearest_of_cols(problem, u, count);
  std::move(of_cols.begin(), of_cols.end(), std::back_inserter(nearest));
  arcs.add(nearest);
}

// On the way to its first optimum, a basis has potentials that prove less than those it started
// from.
void keep_start(const Masses& masses, const std::vector<double>& start, double* v) {
  const auto is_finite = [&](std::int32_t j) {
    return std::isfinite(start[static_cast<std::size_t>(j)]);
  };
  const auto& cols = masses.cols();
  if (!std::all_of(cols.begin(), cols.end(), is_finite)) return;
  for (const std::int32_t j : cols) v[j] = start[static_cast<std::size_t>(j)];
}

// As many arcs of a row as may join at once: a few for each row and each column.
std::size_t joining(const Masses& masses) {
  const std::size_t rows = masses.rows().size();
  return kJoiningArcs * ((masses.cols().size() + rows - 1) / rows);
}

}  // namespace

std::size_t nearest_count(std::size_t nodes) {
  const double wanted = kNearestPerOctave * std::log2(static_cast<double>(nodes) / kNearestFrom);
  return static_cast<std::size_t>(std::clamp(wanted, kMinNearest, kMaxNearest));
}

template <class Problem>
Status solve_large(const Problem& problem, double tolerance, const double* start,
                   std::optional<std::size_t> max_pivots, bool tell_stages, NetworkSimplex& simplex,
                   double* u) {
  const auto end_stage = [&] {
    if (tell_stages) problem.monitor.add_done(1);
  };
  const Masses& masses = problem.masses;
  const std::size_t n = problem.rows();
  const std::size_t m = problem.cols();
  std::vector<double> v(m);
  if (start == nullptr) {
    start_potentials(problem, v.data());
  } else {
    for (std::size_t j = 0; j < m; ++j) {
      v[j] = masses.demand()[j] > 0 ? start[j] : -std::numeric_limits<double>::infinity();
    }
  }
  end_stage();
  Arcs arcs(n, m);
  std::optional<NearPlan> near;
  if constexpr (Problem::kHasPlans) {
    if (problem.plan != nullptr && !is_oblong(masses)) {
      near = start_from_plan(problem, v, u, arcs);
      if (!near) {
        return solve_large(problem.without_plan(), tolerance, nullptr, max_pivots, false, simplex,
                           u);
      }
    }
  }
  if (!near) add_nearest(problem, v.data(), u, arcs);
  end_stage();

  // All of a row's arcs, while there is time to look at them.
  const CheapestArc cheapest = [&, known = cheapest_in(arcs, [&](std::size_t i, std::size_t j) {
                                     return problem.cost(i, j);
                                   })](std::size_t i, const double* potentials) {
    return problem.monitor.stopped() == Stop::none ? problem.cheapest(i, potentials)
                                                   : known(i, potentials);
  };
  std::vector<Flow> flows;
  if (near && near->auction.rounds == 0) {
    flows = std::move(near->flows);
    place_rest(near->unplaced, near->room, v, cheapest, flows);
  } else if (is_oblong(masses)) {
    auto optimal = has_few_places(masses) ? place_on_few(problem, u, v) : std::nullopt;
    flows = optimal ? std::move(*optimal) : place_by_regret(problem, u, v.data());
  } else {
    Auction auction(masses);
    const Refill refill = [&](const std::vector<double>& potentials) {
      arcs.transform(potentials.data(), u);
      arcs.add(violated_arcs(problem, potentials.data(), 0.0, joining(masses), u));
      return true;
    };
    const int rounds = start != nullptr ? kWarmRounds : Problem::kRoundsFromStart;
    const Schedule schedule = near ? near->auction : schedule_from(arcs, masses, v, rounds);
    hold_auction(arcs, masses, schedule, refill, problem.monitor, v, auction);
    flows = auction.flows(arcs);
    // What is missing costs few pivots to add now, and many at the optimum without it; near a plan
    // it is little.
    if (!near && problem.monitor.stopped() == Stop::none) refill(v);
    std::vector<std::int64_t> unplaced = auction.unplaced();
    std::vector<std::int64_t> room = auction.room();
    place_rest(unplaced, room, v, cheapest, flows);
  }
  end_stage();
  build_basis(std::move(flows), arcs, masses, v, cheapest, simplex.start_tree());
  end_stage();
  for (bool is_first = true;; is_first = false) {
    ArcPricing pricing(arcs, masses.rows(), tolerance);
    const Status status = simplex.run(pricing, max_pivots, problem.monitor);
    if (status != Status::optimal) {
      if (is_first) keep_start(masses, v, simplex.v());
      return status;
    }
    const double shift = centre(masses, m, simplex.v());
    for (const std::int32_t i : masses.rows()) {
      u[i] = shift - simplex.minus_u()[i];
    }
    const ArcParts violated = violated_arcs(problem, simplex.v(), tolerance, joining(masses), u);
    if (const auto stopped = status_of(problem.monitor.stopped())) return *stopped;
    // Arcs that are candidates already are violated by roundings of their potentials alone.
    const std::size_t before = arcs.size();
    arcs.add(violated);
    if (arcs.size() == before) return Status::optimal;
  }
}

template Status solve_large(const DenseProblem<float>&, double, const double*,
                            std::optional<std::size_t>, bool, NetworkSimplex&, double*);
template Status solve_large(const DenseProblem<double>&, double, const double*,
                            std::optional<std::size_t>, bool, NetworkSimplex&, double*);
template Status solve_large(const CloudProblem&, double, const double*, std::optional<std::size_t>,
                            bool, NetworkSimplex&, double*);

}  // namespace otcore::exact
