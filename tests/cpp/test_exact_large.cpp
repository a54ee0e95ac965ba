// What large problems are solved by: first plans, the way from a plan to a basis, the whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "exact/arcs.h"
#include "exact/auction.h"
#include "exact/crossover.h"
#include "exact/few_places.h"
#include "exact/forest.h"
#include "exact/large.h"
#include "exact/pricing.h"
#include "exact/replant.h"
#include "exact/simplex.h"
#include "exact_problems.h"
#include "exact_stage.h"

namespace otcore::exact {
namespace {

constexpr double kTolerance = 1e-13;

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

// The plan has the masses, and potentials prove it optimal.
TEST(Replant, TakesMassesFromTheLeavesOn) {
  Masses masses(3, 2);
  const double a[] = {1.0, 2.0, 3.0};
  const double b[] = {2.0, 4.0};
  masses.set(a, b, 1e-6);
  std::vector<std::int64_t> unplaced;
  std::vector<std::int64_t> room;
  // A path, and two arcs that close cycles.
  const std::vector<Arc> arcs{{0, 0, 1.0}, {1, 0, 2.0}, {1, 1, 3.0},
                              {0, 1, 9.0}, {2, 1, 4.0}, {2, 0, 9.0}};
  const std::vector<Flow> flows = replant(arcs, masses, unplaced, room);
  ASSERT_EQ(flows.size(), 4U);
  for (const Flow& flow : flows) {
    EXPECT_NEAR(masses.mass(flow.units), flow.row == 2 ? 3.0 : 1.0, 1e-15);
    EXPECT_EQ(flow.cost, 1.0 + flow.row + (flow.col == 1 ? 1.0 : 0.0));
  }
  EXPECT_EQ(unplaced, std::vector<std::int64_t>(3));
  EXPECT_EQ(room, std::vector<std::int64_t>(2));
}

TEST(Replant, LeavesWhatDoesNotFit) {
  Masses masses(2, 2);
  const double a[] = {3.0, 1.0};
  const double b[] = {2.0, 2.0};
  masses.set(a, b, 1e-6);
  std::vector<std::int64_t> unplaced;
  std::vector<std::int64_t> room;
  const std::vector<Flow> flows = replant({{0, 0, 1.0}, {1, 1, 1.0}}, masses, unplaced, room);
  ASSERT_EQ(flows.size(), 2U);
  EXPECT_EQ(unplaced[0], masses.supply()[0] - masses.demand()[0]);
  EXPECT_EQ(room[1], masses.demand()[1] - masses.supply()[1]);
  EXPECT_EQ(unplaced[1], 0);
  EXPECT_EQ(room[0], 0);
}

TEST(FewPlaces, HaveAnOptimalPlan) {
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{3, 200}, {150, 4}, {1, 30}}) {
    for (const Costs kind : {Costs::uniform, Costs::ties, Costs::equal, Costs::negative}) {
      for (const Mass mass : {Mass::uniform, Mass::random, Mass::zeros, Mass::spread}) {
        Stage stage(make_problem(n, m, kind, mass, 3));
        std::vector<double> v(m);
        for (std::size_t j = 0; j < m; ++j) {
          if (stage.masses.demand()[j] == 0) v[j] = -kInfinity;
        }
        const std::vector<double> u(n);
        const auto flows = place_on_few(stage.dense(), u.data(), v);
        ASSERT_TRUE(flows);
        std::vector<std::int64_t> supply(n);
        std::vector<std::int64_t> demand(m);
        std::vector<double> lowest(n, kInfinity);
        for (const std::int32_t i : stage.masses.rows()) {
          for (const std::int32_t j : stage.masses.cols()) {
            const auto row = static_cast<std::size_t>(i);
            const auto col = static_cast<std::size_t>(j);
            lowest[row] = std::min(lowest[row], stage.cost(row, col) - v[col]);
          }
        }
        for (const Flow& flow : *flows) {
          const auto row = static_cast<std::size_t>(flow.row);
          const auto col = static_cast<std::size_t>(flow.col);
          EXPECT_GT(flow.units, 0);
          supply[row] += flow.units;
          demand[col] += flow.units;
          EXPECT_EQ(flow.cost, stage.cost(row, col));
          EXPECT_NEAR(flow.cost - v[col], lowest[row], 1e-12);
        }
        EXPECT_EQ(supply, stage.masses.supply());
        EXPECT_EQ(demand, stage.masses.demand());
      }
    }
  }
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
