// What large problems are solved by: candidate arcs, the auction, the way from its plan to a basis.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "exact/arcs.h"
#include "exact/auction.h"
#include "exact/candidates.h"
#include "exact/coarse.h"
#include "exact/crossover.h"
#include "exact/forest.h"
#include "exact/large.h"
#include "exact/pricing.h"
#include "exact/simplex.h"
#include "exact_problems.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTolerance = 1e-13;

// A problem as the parts of the solver see it.
struct Stage {
  explicit Stage(Problem p) : problem(std::move(p)), masses(problem.n, problem.m) {
    masses.set(problem.a.empty() ? nullptr : problem.a.data(),
               problem.b.empty() ? nullptr : problem.b.data(), 1e-6);
  }

  DenseProblem<double> dense() { return {problem.view(), 1.0, masses, 2, monitor}; }

  double cost(std::size_t i, std::size_t j) const { return problem.costs[i * problem.m + j]; }

  ArcParts all_arcs() const {
    ArcParts parts(1);
    for (const std::int32_t i : masses.rows()) {
      for (const std::int32_t j : masses.cols()) {
        parts[0].push_back({i, j, cost(static_cast<std::size_t>(i), static_cast<std::size_t>(j))});
      }
    }
    return parts;
  }

  CheapestArc cheapest() const {
    return [this](std::size_t i, const double* v) -> Arc {
      std::size_t best = problem.m;
      for (std::size_t j = 0; j < problem.m; ++j) {
        if (v[j] == -kInfinity) continue;
        if (best == problem.m || cost(i, j) - v[j] < cost(i, best) - v[best]) best = j;
      }
      return {static_cast<std::int32_t>(i), static_cast<std::int32_t>(best), cost(i, best)};
    };
  }

  std::vector<double> numbers(std::size_t count, std::uint32_t seed) const {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> unit;
    std::vector<double> x(count);
    for (double& y : x) y = unit(generator);
    return x;
  }

  Problem problem;
  Masses masses;
  Monitor monitor;
};

using Pairs = std::set<std::pair<std::int32_t, std::int32_t>>;

Pairs pairs_of(const ArcParts& parts) {
  Pairs pairs;
  for (const auto& part : parts) {
    for (const Arc& arc : part) EXPECT_TRUE(pairs.emplace(arc.row, arc.col).second);
  }
  return pairs;
}

TEST(Arcs, KeepEachPairOnce) {
  Arcs arcs(3, 4);
  arcs.add({{{2, 1, 0.5}, {0, 3, 1.0}}, {{2, 1, 0.5}, {2, 0, 2.0}}});
  arcs.add({{{2, 0, 2.0}, {0, 0, 3.0}, {2, 3, 4.0}}});
  ASSERT_EQ(arcs.size(), 5U);
  const std::vector<std::size_t> start(arcs.start(), arcs.start() + 4);
  EXPECT_EQ(start, (std::vector<std::size_t>{0, 2, 2, 5}));
  const std::vector<std::int32_t> cols(arcs.cols(), arcs.cols() + 5);
  EXPECT_EQ(cols, (std::vector<std::int32_t>{3, 0, 1, 0, 3}));
  const std::vector<double> costs(arcs.costs(), arcs.costs() + 5);
  EXPECT_EQ(costs, (std::vector<double>{1.0, 3.0, 0.5, 2.0, 4.0}));
}

TEST(Candidates, AreTheNearest) {
  constexpr std::size_t kCount = 5;
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{90, 110}, {130, 40}, {3, 200}}) {
    Stage stage(make_problem(n, m, Costs::uniform, Mass::zeros, 7));
    std::vector<double> v = stage.numbers(m, 1);
    for (std::size_t j = 0; j < m; ++j) {
      if (stage.masses.demand()[j] == 0) v[j] = -kInfinity;
    }
    std::vector<double> u(n);
    Pairs expected;
    std::vector<double> minima(n);
    for (const std::int32_t i : stage.masses.rows()) {
      const auto row = static_cast<std::size_t>(i);
      std::vector<std::pair<double, std::int32_t>> reduced;
      for (const std::int32_t j : stage.masses.cols()) {
        const auto col = static_cast<std::size_t>(j);
        reduced.emplace_back(stage.cost(row, col) - v[col], j);
      }
      std::sort(reduced.begin(), reduced.end());
      minima[row] = reduced[0].first;
      for (std::size_t k = 0; k < std::min(kCount, reduced.size()); ++k) {
        expected.emplace(i, reduced[k].second);
      }
    }
    EXPECT_EQ(pairs_of(nearest_of_rows(stage.dense(), v.data(), kCount, u.data())), expected);
    for (const std::int32_t i : stage.masses.rows()) {
      EXPECT_EQ(u[static_cast<std::size_t>(i)], minima[static_cast<std::size_t>(i)]);
    }

    // Not the rows' transform, at which many of a column's arcs tie.
    u = stage.numbers(n, 2);
    expected.clear();
    for (const std::int32_t j : stage.masses.cols()) {
      std::vector<std::pair<double, std::int32_t>> reduced;
      for (const std::int32_t i : stage.masses.rows()) {
        const auto row = static_cast<std::size_t>(i);
        reduced.emplace_back(stage.cost(row, static_cast<std::size_t>(j)) - u[row], i);
      }
      std::sort(reduced.begin(), reduced.end());
      for (std::size_t k = 0; k < std::min(kCount, reduced.size()); ++k) {
        expected.emplace(reduced[k].second, j);
      }
    }
    EXPECT_EQ(pairs_of(nearest_of_cols(stage.dense(), u.data(), kCount)), expected);
  }
}

// Equal costs: as many as were asked for, and not the same columns for every row.
TEST(Candidates, SpreadOverTies) {
  Stage stage(make_problem(300, 200, Costs::equal, Mass::uniform, 1));
  const std::vector<double> zeros(300);
  std::vector<double> u(300);
  const Pairs rows = pairs_of(nearest_of_rows(stage.dense(), zeros.data(), 6, u.data()));
  EXPECT_EQ(rows.size(), 300U * 6U);
  std::set<std::int32_t> used;
  for (const auto& [i, j] : rows) used.insert(j);
  EXPECT_EQ(used.size(), 200U);
  const Pairs cols = pairs_of(nearest_of_cols(stage.dense(), u.data(), 6));
  EXPECT_EQ(cols.size(), 200U * 6U);
  used.clear();
  for (const auto& [i, j] : cols) used.insert(i);
  EXPECT_GT(used.size(), 100U);
}

TEST(Candidates, ThatAreViolatedAreFound) {
  Stage stage(make_problem(60, 70, Costs::uniform, Mass::random, 3));
  const std::vector<double> v = stage.numbers(70, 4);
  const std::vector<double> levels = stage.numbers(60, 5);
  std::vector<double> u(60);
  for (std::size_t i = 0; i < 60; ++i) u[i] = levels[i] - 1.0;
  const std::vector<double> before = u;
  Pairs expected;
  for (std::size_t i = 0; i < 60; ++i) {
    for (std::size_t j = 0; j < 70; ++j) {
      if (stage.cost(i, j) - v[j] < u[i] - 0.01) {
        expected.emplace(static_cast<std::int32_t>(i), static_cast<std::int32_t>(j));
      }
    }
  }
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(pairs_of(violated_arcs(stage.dense(), v.data(), 0.01, 1000, u.data())), expected);
  for (std::size_t i = 0; i < 60; ++i) {
    double least = kInfinity;
    for (std::size_t j = 0; j < 70; ++j) least = std::min(least, stage.cost(i, j) - v[j]);
    EXPECT_EQ(u[i], least);
  }
  u = before;
  for (const auto& [i, count] : [&] {
         std::vector<std::pair<std::int32_t, int>> counts;
         for (const auto& [row, col] :
              pairs_of(violated_arcs(stage.dense(), v.data(), 0.01, 2, u.data()))) {
           if (counts.empty() || counts.back().first != row) counts.emplace_back(row, 0);
           ++counts.back().second;
         }
         return counts;
       }()) {
    EXPECT_LE(count, 2) << "row " << i;
  }
}

TEST(StartPotentials, AreFiniteWhereThereIsMass) {
  for (const Mass mass : {Mass::uniform, Mass::zeros, Mass::spread, Mass::heavy}) {
    Stage stage(make_problem(200, 150, Costs::negative, mass, 2));
    std::vector<double> v(150);
    start_potentials(stage.dense(), v.data());
    for (std::size_t j = 0; j < 150; ++j) {
      EXPECT_EQ(std::isfinite(v[j]), stage.masses.demand()[j] > 0);
    }
  }
}

// What the room and the flows' marginals must be, for any plan of an auction.
void expect_balanced(const Stage& stage, const Auction& auction, const std::vector<Flow>& flows) {
  std::vector<std::int64_t> rows = auction.unplaced();
  std::vector<std::int64_t> cols = auction.room();
  for (const Flow& flow : flows) {
    EXPECT_GT(flow.units, 0);
    EXPECT_EQ(flow.cost,
              stage.cost(static_cast<std::size_t>(flow.row), static_cast<std::size_t>(flow.col)));
    rows[static_cast<std::size_t>(flow.row)] += flow.units;
    cols[static_cast<std::size_t>(flow.col)] += flow.units;
  }
  EXPECT_EQ(rows, stage.masses.supply());
  EXPECT_EQ(cols, stage.masses.demand());
}

TEST(Auction, PaysWithinEpsilonOfTheCheapest) {
  for (const Mass mass : {Mass::uniform, Mass::random, Mass::zeros, Mass::heavy}) {
    Stage stage(make_problem(40, 30, Costs::uniform, mass, 11));
    Arcs arcs(40, 30);
    arcs.add(stage.all_arcs());
    Auction auction(stage.masses);
    for (const std::int32_t j : stage.masses.cols()) {
      auction.prices()[static_cast<std::size_t>(j)] = 0.0;
    }
    for (const double epsilon : {0.1, 0.01}) {
      ASSERT_TRUE(auction.round(arcs, epsilon, 0.0, 100000000, stage.monitor));
      EXPECT_EQ(auction.unplaced_share(), 0.0);
      const std::vector<Flow> flows = auction.flows(arcs);
      expect_balanced(stage, auction, flows);
      for (const Flow& flow : flows) {
        const auto i = static_cast<std::size_t>(flow.row);
        double cheapest = kInfinity;
        for (std::size_t j = 0; j < 30; ++j) {
          cheapest = std::min(cheapest, stage.cost(i, j) + auction.prices()[j]);
        }
        EXPECT_LE(flow.cost + auction.prices()[static_cast<std::size_t>(flow.col)],
                  cheapest + epsilon + 1e-12);
      }
    }
  }
}

TEST(Auction, EndsWhereThereIsNoPlan) {
  Stage stage(make_problem(10, 10, Costs::uniform, Mass::uniform, 1));
  Arcs arcs(10, 10);
  ArcParts parts(1);
  for (std::int32_t i = 0; i < 9; ++i) parts[0].push_back({i, 0, stage.cost(std::size_t(i), 0)});
  arcs.add(parts);
  Auction auction(stage.masses);
  std::fill(auction.prices().begin(), auction.prices().end(), 0.0);
  EXPECT_FALSE(auction.round(arcs, 0.1, 0.0, 500, stage.monitor));
  EXPECT_NEAR(auction.unplaced_share(), 0.9, 1e-12);
  std::vector<Flow> flows = auction.flows(arcs);
  expect_balanced(stage, auction, flows);
  std::vector<std::int64_t> unplaced = auction.unplaced();
  std::vector<std::int64_t> room = auction.room();
  place_rest(unplaced, room, std::vector<double>(10), stage.cheapest(), flows);
  EXPECT_EQ(unplaced, std::vector<std::int64_t>(10));
  EXPECT_EQ(room, std::vector<std::int64_t>(10));
}

// A plan with many cycles: the product of the marginals, cut to few units.
std::vector<Flow> round_about(const Stage& stage) {
  std::vector<std::int64_t> unplaced = stage.masses.supply();
  std::vector<std::int64_t> room = stage.masses.demand();
  std::vector<Flow> flows;
  const std::size_t n = unplaced.size();
  const std::size_t m = room.size();
  for (std::size_t turn = 0; turn < n * m; ++turn) {
    const std::size_t i = turn % n;
    const std::size_t j = (turn / n + i) % m;
    const std::int64_t share =
        turn + n * 4 < n * m ? std::max<std::int64_t>(unplaced[i] / 3, 1) : unplaced[i];
    const std::int64_t units = std::min({share, unplaced[i], room[j]});
    if (units == 0) continue;
    flows.push_back(
        {static_cast<std::int32_t>(i), static_cast<std::int32_t>(j), units, stage.cost(i, j)});
    unplaced[i] -= units;
    room[j] -= units;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m && unplaced[i] > 0; ++j) {
      const std::int64_t units = std::min(unplaced[i], room[j]);
      if (units == 0) continue;
      const auto same = std::find_if(flows.begin(), flows.end(), [&](const Flow& flow) {
        return flow.row == static_cast<std::int32_t>(i) && flow.col == static_cast<std::int32_t>(j);
      });
      if (same != flows.end()) {
        same->units += units;
      } else {
        flows.push_back(
            {static_cast<std::int32_t>(i), static_cast<std::int32_t>(j), units, stage.cost(i, j)});
      }
      unplaced[i] -= units;
      room[j] -= units;
    }
  }
  return flows;
}

double cost_of(const std::vector<Flow>& flows) {
  double cost = 0.0;
  for (const Flow& flow : flows) cost += static_cast<double>(flow.units) * flow.cost;
  return cost;
}

TEST(Forest, CancelsCycles) {
  for (const Costs kind : {Costs::uniform, Costs::ties, Costs::equal, Costs::negative}) {
    for (std::uint32_t seed = 0; seed < 5; ++seed) {
      Stage stage(
          make_problem(12 + seed, 15, kind, seed % 2 == 0 ? Mass::uniform : Mass::random, seed));
      const std::vector<Flow> before = round_about(stage);
      Forest forest(stage.problem.n, stage.problem.m);
      forest.take(before);
      const std::vector<Flow> after = forest.flows();
      ASSERT_GT(before.size(), stage.problem.n + stage.problem.m);
      EXPECT_LE(after.size(), stage.problem.n + stage.problem.m - 1);
      EXPECT_LE(cost_of(after),
                cost_of(before) * (kind == Costs::negative ? 1 - 1e-12 : 1 + 1e-12));
      std::vector<std::int64_t> rows(stage.problem.n), cols(stage.problem.m);
      std::vector<std::size_t> sets(stage.problem.n + stage.problem.m);
      std::iota(sets.begin(), sets.end(), 0);
      for (const Flow& flow : after) {
        const auto i = static_cast<std::size_t>(flow.row);
        const auto j = static_cast<std::size_t>(flow.col);
        EXPECT_GT(flow.units, 0);
        rows[i] += flow.units;
        cols[j] += flow.units;
        const std::size_t x = sets[i];
        const std::size_t y = sets[stage.problem.n + j];
        EXPECT_NE(x, y) << "a cycle";
        for (std::size_t& set : sets) set = set == x ? y : set;
      }
      EXPECT_EQ(rows, stage.masses.supply());
      EXPECT_EQ(cols, stage.masses.demand());
    }
  }
}

// A basis from any plan leads to the optimum; one from an optimal plan is optimal.
TEST(Crossover, MakesABasis) {
  for (const Costs kind : {Costs::uniform, Costs::ties, Costs::equal, Costs::negative}) {
    for (const Mass mass : {Mass::uniform, Mass::random, Mass::zeros, Mass::spread}) {
      Stage stage(make_problem(40, kind == Costs::ties ? 40 : 33, kind, mass, 9));
      const std::size_t n = stage.problem.n;
      const std::size_t m = stage.problem.m;
      Arcs arcs(n, m);
      arcs.add(stage.all_arcs());
      std::vector<Flow> flows;
      std::vector<std::int64_t> unplaced = stage.masses.supply();
      std::vector<std::int64_t> room = stage.masses.demand();
      place_rest(unplaced, room, std::vector<double>(m), stage.cheapest(), flows);
      NetworkSimplex simplex(n, m);
      std::vector<double> v(m);
      for (int pass = 0; pass < 2; ++pass) {
        build_basis(flows, arcs, stage.masses, v, stage.cheapest(), simplex.start_tree());
        ArcPricing pricing(arcs, stage.masses.rows(), kTolerance);
        ASSERT_EQ(simplex.run(pricing, {}, stage.monitor), Status::optimal);
        if (pass == 1) {
          EXPECT_EQ(simplex.pivots(), 0U);
        }
        std::vector<std::int32_t> rows(n + m), cols(n + m);
        std::vector<std::int64_t> units(n + m);
        flows.resize(simplex.flows(rows.data(), cols.data(), units.data()));
        for (std::size_t k = 0; k < flows.size(); ++k) {
          flows[k] = {
              rows[k], cols[k], units[k],
              stage.cost(static_cast<std::size_t>(rows[k]), static_cast<std::size_t>(cols[k]))};
        }
        v.assign(simplex.v(), simplex.v() + m);
      }
      double value = 0.0;
      for (const Flow& flow : flows) value += stage.masses.mass(flow.units) * flow.cost;
      EXPECT_NEAR(value, solve(stage.problem).solution.value, 1e-12 * std::abs(value) + 1e-14);
    }
  }
}

// With no candidates at all, the parts of a plan are joined by the cheapest arcs.
TEST(Crossover, JoinsPartsWithoutCandidates) {
  Stage stage(make_problem(20, 20, Costs::uniform, Mass::uniform, 4));
  const Arcs none(20, 20);
  std::vector<Flow> flows;
  for (std::size_t i = 0; i < 20; ++i) {
    flows.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(i),
                     stage.masses.supply()[i], stage.cost(i, i)});
  }
  NetworkSimplex simplex(20, 20);
  build_basis(flows, none, stage.masses, std::vector<double>(20), stage.cheapest(),
              simplex.start_tree());
  DensePricing<double> pricing(stage.problem.view(), 1.0, stage.masses.rows(), kTolerance);
  EXPECT_EQ(simplex.run(pricing, {}, stage.monitor), Status::optimal);
}

class EveryLargeKind : public testing::TestWithParam<std::tuple<Costs, Mass>> {};

TEST_P(EveryLargeKind, IsSolvedAndProved) {
  const auto [costs, mass] = GetParam();
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{520, 530}, {525, 525}}) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(m));
    const Problem p = make_problem(n, m, costs, mass, 3);
    expect_optimal(p, solve(p));
  }
}

INSTANTIATE_TEST_SUITE_P(Exact, EveryLargeKind,
                         testing::Combine(testing::Values(Costs::uniform, Costs::ties, Costs::equal,
                                                          Costs::negative, Costs::huge, Costs::tiny,
                                                          Costs::offset),
                                          testing::Values(Mass::uniform, Mass::random, Mass::zeros,
                                                          Mass::spread, Mass::heavy)));

TEST(Large, SolvesOblongProblems) {
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{3, 90000}, {40000, 7}}) {
    for (const Mass mass : {Mass::uniform, Mass::zeros}) {
      const Problem p =
          make_problem(n, m, mass == Mass::zeros ? Costs::ties : Costs::uniform, mass, 3);
      expect_optimal(p, solve(p));
    }
  }
}

// Squared distances of random points in the plane.
Problem make_plane(std::size_t size, std::uint32_t seed) {
  Problem plane = make_problem(size, size, Costs::uniform, Mass::random, seed);
  const std::vector<double> at(plane.costs.begin(),
                               plane.costs.begin() + static_cast<std::ptrdiff_t>(4 * size));
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      const double dx = at[i] - at[size + j];
      const double dy = at[2 * size + i] - at[3 * size + j];
      plane.costs[i * size + j] = dx * dx + dy * dy;
    }
  }
  return plane;
}

// Good potentials of the caller's save pivots, if not each time; bad ones do no harm.
TEST(Large, StartsFromPotentials) {
  std::size_t cold = 0;
  std::size_t warm = 0;
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    Stage stage(make_plane(600, seed));
    NetworkSimplex simplex(600, 600);
    std::vector<double> u(600);
    ASSERT_EQ(solve_large(stage.dense(), kTolerance, nullptr, {}, false, simplex, u.data()),
              Status::optimal);
    cold += simplex.pivots();
    const std::vector<double> optimal(simplex.v(), simplex.v() + 600);
    ASSERT_EQ(solve_large(stage.dense(), kTolerance, optimal.data(), {}, false, simplex, u.data()),
              Status::optimal);
    warm += simplex.pivots();
    std::vector<double> bad = stage.numbers(600, 6);
    for (double& x : bad) x *= 100.0;
    ASSERT_EQ(solve_large(stage.dense(), kTolerance, bad.data(), {}, false, simplex, u.data()),
              Status::optimal);
    for (std::size_t j = 0; j < 600; ++j) EXPECT_NEAR(simplex.v()[j], optimal[j], 1e-12);
  }
  EXPECT_LT(warm, cold);
}

}  // namespace
}  // namespace otcore::exact
