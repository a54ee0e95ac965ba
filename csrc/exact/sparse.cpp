#include "exact/sparse.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/sum.h"
#include "exact/arcs.h"
#include "exact/auction.h"
#include "exact/auction_schedule.h"
#include "exact/certificate.h"
#include "exact/crossover.h"
#include "exact/pricing.h"
#include "exact/range.h"
#include "exact/simplex.h"
#include "exact/start.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The arcs with keep(row, col) between rows and columns with mass, at cost(entry).
template <class T, class Keep, class Cost>
Arcs select_arcs(const SparseCosts<T>& costs, const Masses& masses, const Keep& keep,
                 const Cost& cost) {
  std::vector<std::size_t> start(costs.n + 1);
  std::vector<std::int32_t> arc_cols;
  std::vector<double> arc_costs;
  arc_cols.reserve(costs.end(costs.n - 1));
  arc_costs.reserve(costs.end(costs.n - 1));
  for (std::size_t i = 0; i < costs.n; ++i) {
    for (std::size_t k = costs.begin(i); k < costs.end(i) && masses.supply()[i] > 0; ++k) {
      if (masses.demand()[costs.col(k)] == 0 || !keep(i, costs.col(k))) continue;
      arc_cols.push_back(costs.entry_cols[k]);
      arc_costs.push_back(cost(k));
    }
    start[i + 1] = arc_cols.size();
  }
  return {costs.m, std::move(start), std::move(arc_cols), std::move(arc_costs)};
}

// The simplex on the stored pairs, and on artificial arcs between others that make up a first basis
// and are never priced.
template <class T>
class SparseSimplex {
 public:
  // largest: the largest modulus of a scaled cost.
  SparseSimplex(const SparseCosts<T>& costs, const Masses& masses, double largest,
                const Options& options, Monitor& monitor, Shortage& shortage)
      : costs_(costs),
        masses_(masses),
        options_(options),
        monitor_(monitor),
        shortage_(shortage),
        largest_(largest == 0.0 ? 1.0 : largest),
        nodes_(static_cast<double>(costs.n + costs.m)),
        artificial_cost_(std::exp2(std::ceil(std::log2(2.0 * (nodes_ + 1.0) * largest_)))),
        arcs_(
            select_arcs(costs, masses, everything, [&](std::size_t k) { return costs.entry(k); })),
        simplex_(costs.n, costs.m) {}

  Status solve() {
    start();
    const Status status = optimise();
    read_plan();
    if (status != Status::optimal) set_costs(true, 0.0);
    if (status == Status::optimal && !level_v_.empty()) add_levels();
    return status;
  }

  NetworkSimplex& simplex() { return simplex_; }

  // The mass on stored pairs.
  [[nodiscard]] IntegerPlan plan() const {
    return {rows_.size(), rows_.data(), cols_.data(), units_.data()};
  }
  // Whether that is all mass.
  [[nodiscard]] bool whole() const { return whole_; }

 private:
  static bool everything(std::size_t, std::size_t) { return true; }

  // Potentials of an optimum differ by no more: a path of arcs.
  [[nodiscard]] double reach() const { return 2.0 * nodes_ * largest_; }

  std::vector<double> start_potentials() const {
    std::vector<double> v;
    if (options_.start != nullptr) {
      scale_start(options_.start, masses_, reach(), costs_.scale, v);
      return v;
    }
    v.assign(costs_.m, kInfinity);
    for (const std::int32_t i : masses_.rows()) {
      costs_.fold_minima(static_cast<std::size_t>(i), 0.0, v.data());
    }
    std::replace(v.begin(), v.end(), kInfinity, 0.0);
    for (std::size_t j = 0; j < costs_.m; ++j) {
      if (masses_.demand()[j] == 0) v[j] = -kInfinity;
    }
    return v;
  }

  // A basis from an auction, with artificial arcs where it could not place all mass or where the
  // stored pairs do not join everything.
  void start() {
    std::vector<double> v = start_potentials();
    Auction auction(masses_);
    const Refill nothing_more = [](const std::vector<double>&) { return false; };
    const int rounds = options_.start != nullptr ? kWarmRounds : kAuctionRounds;
    hold_auction(arcs_, masses_, schedule_from(arcs_, masses_, v, rounds), nothing_more, monitor_,
                 v, auction);
    std::vector<Flow> flows = auction.flows(arcs_);
    std::vector<std::int64_t> unplaced = auction.unplaced();
    std::vector<std::int64_t> room = auction.room();
    const CheapestArc cheapest =
        cheapest_in(arcs_, [&](std::size_t, std::size_t) { return artificial_cost_; });
    place_rest(unplaced, room, v, cheapest, flows);
    build_basis(std::move(flows), arcs_, masses_, v, cheapest, simplex_.start_tree());
  }

  // Gives the basic arcs their costs, or 0, and artificial ones theirs. Returns whether there are
  // artificial ones.
  bool set_costs(bool real, double artificial) {
    bool any = false;
    simplex_.set_costs([&](std::size_t i, std::size_t j) {
      const std::ptrdiff_t entry = costs_.find(i, j);
      any = any || entry < 0;
      if (entry < 0) return artificial;
      return real ? costs_.entry(static_cast<std::size_t>(entry)) : 0.0;
    });
    return any;
  }

  Status run(const Arcs& arcs, double tolerance, std::optional<std::size_t> max_pivots) {
    ArcPricing pricing(arcs, masses_.rows(), tolerance);
    return simplex_.run(pricing, max_pivots, monitor_);
  }

  // First artificial arcs cost much, which brings most of their mass away. What is left of them is
  // dealt with exactly: with costs of 1 for them and 0 for the others potentials are small
  // integers, and either prove that there is no plan, or the arcs of reduced cost 0 hold all plans.
  // On those, costs of 0 for artificial arcs do no harm: they gain no mass any more.
  Status optimise() {
    bool artificial = set_costs(true, artificial_cost_);
    if (artificial) {
      const double tolerance = kPricingTolerance * nodes_ * artificial_cost_;
      if (const Status status = run(arcs_, tolerance, options_.max_iter);
          status != Status::optimal) {
        return status;
      }
      artificial = set_costs(true, artificial_cost_);
    }
    if (!artificial) return polish(arcs_);

    set_costs(false, 1.0);
    {
      const Arcs flat = select_arcs(costs_, masses_, everything, [](std::size_t) { return 0.0; });
      if (const Status status = run(flat, 0.5, options_.max_iter); status != Status::optimal) {
        return status;
      }
    }
    read_plan();
    if (!whole_) {
      shortage_ =
          find_shortage(costs_, masses_, options_.mass_tolerance, simplex_.minus_u(), monitor_);
      if (const auto stopped = status_of(monitor_.stopped())) return *stopped;
      if (!shortage_.rows.empty()) return Status::infeasible;
    }
    level_minus_u_.assign(simplex_.minus_u(), simplex_.minus_u() + costs_.n);
    level_v_.assign(simplex_.v(), simplex_.v() + costs_.m);
    set_costs(true, 0.0);
    return polish(select_arcs(
        costs_, masses_,
        [&](std::size_t i, std::size_t j) { return level_minus_u_[i] == level_v_[j]; },
        [&](std::size_t k) { return costs_.entry(k); }));
  }

  // To the optimum on the arcs: first within the rounding of the longest paths, which ends for
  // certain, then within that of the paths there are, unless rounding keeps it from ending.
  Status polish(const Arcs& arcs) {
    const Status status = run(arcs, kPricingTolerance * nodes_ * largest_, options_.max_iter);
    if (status != Status::optimal) return status;
    double size = largest_;
    for (const std::int32_t i : masses_.rows()) {
      size = std::max(size, std::abs(simplex_.minus_u()[i]));
    }
    const std::size_t most = simplex_.pivots() + costs_.n + costs_.m;
    const std::size_t limit = std::min(most, options_.max_iter.value_or(most));
    const Status polished = run(arcs, kPricingTolerance * size, limit);
    return polished == Status::max_iter ? Status::optimal : polished;
  }

  // Potentials of what artificial arcs join agree with arcs of positive level once the levels count
  // enough.
  void add_levels() {
    double height = 0.0;
    for (const std::int32_t row : masses_.rows()) {
      const auto i = static_cast<std::size_t>(row);
      for (std::size_t k = arcs_.begin(i); k < arcs_.end(i); ++k) {
        const auto j = static_cast<std::size_t>(arcs_.cols()[k]);
        const double level = level_minus_u_[i] - level_v_[j];
        if (level == 0.0) continue;
        const double reduced = arcs_.costs()[k] + simplex_.minus_u()[i] - simplex_.v()[j];
        height = std::max(height, -reduced / level);
      }
    }
    for (const std::int32_t j : masses_.cols()) {
      simplex_.v()[j] += height * level_v_[static_cast<std::size_t>(j)];
    }
  }

  void read_plan() {
    rows_.resize(costs_.n + costs_.m);
    cols_.resize(rows_.size());
    units_.resize(rows_.size());
    const std::size_t flows = simplex_.flows(rows_.data(), cols_.data(), units_.data());
    std::size_t count = 0;
    for (std::size_t k = 0; k < flows; ++k) {
      if (!costs_.has(static_cast<std::size_t>(rows_[k]), static_cast<std::size_t>(cols_[k]))) {
        continue;
      }
      rows_[count] = rows_[k];
      cols_[count] = cols_[k];
      units_[count++] = units_[k];
    }
    rows_.resize(count);
    cols_.resize(count);
    units_.resize(count);
    whole_ = count == flows;
  }

  const SparseCosts<T>& costs_;
  const Masses& masses_;
  const Options& options_;
  Monitor& monitor_;
  Shortage& shortage_;
  double largest_;
  double nodes_;
  double artificial_cost_;
  Arcs arcs_;
  NetworkSimplex simplex_;
  std::vector<double> level_minus_u_;  // potentials of the artificial arcs, where some are left
  std::vector<double> level_v_;
  std::vector<std::int32_t> rows_;
  std::vector<std::int32_t> cols_;
  std::vector<std::int64_t> units_;
  bool whole_ = false;
};

// What the plan costs above the value that the potentials have for its own marginals: the gap where
// rounding of the weights leaves mass without a place.
template <class T>
double slack(const SparseCosts<T>& costs, const Masses& masses, const IntegerPlan& plan,
             const double* u, const double* v) {
  CompensatedSum sum;
  for (std::size_t k = 0; k < plan.count; ++k) {
    const auto i = static_cast<std::size_t>(plan.rows[k]);
    const auto j = static_cast<std::size_t>(plan.cols[k]);
    sum.add(masses.mass(plan.units[k]) * (costs.cost(i, j) - u[i] - v[j]));
  }
  return sum.value() / costs.scale;
}

}  // namespace

template <class T>
void solve_sparse(SparseCosts<T> costs, const double* a, const double* b, const Options& options,
                  Monitor& monitor, const Solutions& all, Shortage& shortage) {
  const double largest = check_entries(costs);
  costs.scale = scale_for(largest);
  Masses masses(costs.n, costs.m);
  masses.set(a, b, options.mass_tolerance);
  monitor.set_total(1);
  SparseSimplex<T> solver(costs, masses, largest * costs.scale, options, monitor, shortage);
  Solution out = part_of(all, 0, costs.n, costs.m);
  out.status = solver.solve();
  NetworkSimplex& simplex = solver.simplex();
  out.n_iter = static_cast<std::int64_t>(simplex.pivots());

  const IntegerPlan plan = solver.plan();
  std::vector<double> u(costs.n);
  certify(costs, masses, plan, false, u.data(), simplex.v(), out);
  if (!std::isfinite(out.value)) {
    throw InvalidArgument("M", "the transport cost overflows",
                          "costs whose products with the masses are finite");
  }
  if (!solver.whole()) {
    out.gap = out.status == Status::optimal ? slack(costs, masses, plan, u.data(), simplex.v())
                                            : kInfinity;
  }
  if (out.status == Status::infeasible) out.value = kInfinity;
  std::vector<std::int32_t> counts(std::max(costs.n, costs.m) + 1);
  std::vector<std::int32_t> order(plan.count);
  write_sorted(plan, costs.n, costs.m, masses, counts.data(), order.data(), out);
  store(out, 0, all);
  monitor.add_done(1);
  monitor.finish();
}

template void solve_sparse(SparseCosts<float>, const double*, const double*, const Options&,
                           Monitor&, const Solutions&, Shortage&);
template void solve_sparse(SparseCosts<double>, const double*, const double*, const Options&,
                           Monitor&, const Solutions&, Shortage&);

}  // namespace otcore::exact
