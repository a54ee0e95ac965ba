// The exact room: assignments, the simplex on small problems, batches. Optimality is never taken on
// trust, see exact_problems.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/masses.h"
#include "cost/cost.h"
#include "exact/batch.h"
#include "exact/pricing.h"
#include "exact/problem.h"
#include "exact/simplex.h"
#include "exact_problems.h"

namespace otcore::exact {
namespace {

class EveryKind : public testing::TestWithParam<std::tuple<Costs, Mass>> {};

TEST_P(EveryKind, IsSolvedAndProved) {
  const auto [costs, mass] = GetParam();
  const std::vector<std::pair<std::size_t, std::size_t>> shapes{
      {1, 1}, {1, 6}, {6, 1}, {2, 2}, {7, 7}, {8, 16}, {17, 9}, {24, 24}, {33, 40}};
  std::uint32_t seed = 0;
  for (const auto& [n, m] : shapes) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(m));
    const Problem p = make_problem(n, m, costs, mass, ++seed);
    expect_optimal(p, solve(p));
  }
}

INSTANTIATE_TEST_SUITE_P(Exact, EveryKind,
                         testing::Combine(testing::Values(Costs::uniform, Costs::ties, Costs::equal,
                                                          Costs::negative, Costs::huge, Costs::tiny,
                                                          Costs::offset),
                                          testing::Values(Mass::uniform, Mass::random, Mass::zeros,
                                                          Mass::spread, Mass::heavy)));

TEST(Assignment, MatchesAllPermutations) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    const std::size_t n = 1 + seed % 7;
    const Problem p =
        make_problem(n, n, seed % 2 == 0 ? Costs::uniform : Costs::ties, Mass::uniform, seed);
    std::vector<std::size_t> sigma(n);
    std::iota(sigma.begin(), sigma.end(), 0);
    double best = std::numeric_limits<double>::infinity();
    do {
      double value = 0.0;
      for (std::size_t i = 0; i < n; ++i) value += p.costs[i * n + sigma[i]];
      best = std::min(best, value / static_cast<double>(n));
    } while (std::next_permutation(sigma.begin(), sigma.end()));
    EXPECT_NEAR(solve(p).solution.value, best, 1e-14);
  }
}

TEST(Assignment, AgreesWithTheSimplex) {
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    const Problem p =
        make_problem(60, 60, seed % 2 == 0 ? Costs::uniform : Costs::ties, Mass::uniform, seed);
    Masses masses(p.n, p.m);
    masses.set(nullptr, nullptr, 0.0);
    NetworkSimplex simplex(p.n, p.m);
    Monitor monitor;
    simplex.start_greedy(p.view(), 1.0, masses);
    DensePricing<double> pricing(p.view(), 1.0, masses.rows(), 1e-14);
    ASSERT_EQ(simplex.run(pricing, {}, monitor), Status::optimal);
    std::vector<std::int32_t> rows(p.n + p.m), cols(p.n + p.m);
    std::vector<std::int64_t> units(p.n + p.m);
    const std::size_t count = simplex.flows(rows.data(), cols.data(), units.data());
    double value = 0.0;
    for (std::size_t k = 0; k < count; ++k) {
      value += masses.mass(units[k]) *
               p.costs[static_cast<std::size_t>(rows[k]) * p.m + static_cast<std::size_t>(cols[k])];
    }
    const Answer answer = solve(p);
    expect_optimal(p, answer);
    EXPECT_NEAR(answer.solution.value, value, 1e-13);
  }
}

TEST(Simplex, ReadsLargeMatricesInPlace) {
  // More arcs than are copied; float and double, rows longer than the problem.
  const Problem p = make_problem(600, 530, Costs::uniform, Mass::random, 3);
  const std::size_t stride = p.m + 5;
  std::vector<float> narrow(p.n * stride, std::numeric_limits<float>::quiet_NaN());
  Problem rounded = p;
  for (std::size_t i = 0; i < p.n; ++i) {
    for (std::size_t j = 0; j < p.m; ++j) {
      const auto cost = static_cast<float>(p.costs[i * p.m + j]);
      narrow[i * stride + j] = cost;
      rounded.costs[i * p.m + j] = static_cast<double>(cost);
    }
  }
  expect_optimal(p, solve(p));
  expect_optimal(rounded, solve(rounded, MatrixView<const float>{narrow.data(), p.n, p.m, stride}));
}

TEST(Simplex, StopsWithAFeasiblePlan) {
  const Problem p = make_problem(50, 40, Costs::uniform, Mass::random, 5);
  Options options;
  options.max_iter = 3;
  const Answer answer = solve(p, options);
  EXPECT_EQ(answer.solution.status, Status::max_iter);
  EXPECT_EQ(answer.solution.n_iter, 3);
  EXPECT_GT(answer.solution.gap, 1e-6);
  expect_feasible(p, answer);
}

TEST(Simplex, RefusesCostsThatOverflow) {
  Problem p = make_problem(3, 2, Costs::huge, Mass::random, 6);
  for (auto* side : {&p.a, &p.b}) {
    for (double& w : *side) w *= 1e10;
  }
  EXPECT_THROW(solve(p), InvalidArgument);
}

TEST(Masses, KeepTinyTotals) {
  const std::vector<double> a{0.25e-300, 0.75e-300};
  const std::vector<double> b{0.5e-300, 0.5e-300};
  Masses masses(2, 2);
  masses.set(a.data(), b.data(), 1e-6);
  EXPECT_DOUBLE_EQ(masses.mass(masses.supply()[0]), a[0]);
  EXPECT_DOUBLE_EQ(masses.mass(masses.demand()[1]), b[1]);
}

TEST(Masses, RejectBadWeights) {
  Masses masses(2, 2);
  const std::vector<double> good{0.5, 0.5}, negative{1.5, -0.5}, zero{0.0, 0.0}, more{0.5, 0.6};
  const std::vector<double> nan{0.5, std::nan("")};
  const auto message = [&](const std::vector<double>& a, const std::vector<double>& b) {
    try {
      masses.set(a.data(), b.data(), 1e-6);
    } catch (const InvalidArgument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message(negative, good).find("a[1] is -0.5"), std::string::npos);
  EXPECT_NE(message(good, nan).find("b[1] is nan"), std::string::npos);
  EXPECT_NE(message(zero, good).find("weights sum to 0"), std::string::npos);
  EXPECT_NE(message(good, more).find("sum(a) = 1 and sum(b) = 1.1 differ"), std::string::npos);
  EXPECT_EQ(message(good, good), "");
}

// The whole batch as one value, to compare bit for bit.
struct Batch {
  std::vector<double> value, gap, f, g, mass;
  std::vector<std::int64_t> n_iter, count;
  std::vector<Status> status;
  std::vector<std::int32_t> rows, cols;

  bool operator==(const Batch&) const = default;
};

constexpr std::size_t kCount = 37, kN = 21, kM = 18, kDims = 5;

std::vector<double> random_points(std::size_t count, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> unit;
  std::vector<double> points(count);
  for (double& x : points) x = unit(generator);
  return points;
}

template <class Solve>
Batch solve_in_batch(const Solve& solve_all) {
  constexpr std::size_t kEntries = kN + kM - 1;
  Batch batch;
  for (auto* v : {&batch.value, &batch.gap}) v->resize(kCount);
  for (auto* v : {&batch.n_iter, &batch.count}) v->resize(kCount);
  batch.status.resize(kCount);
  batch.f.resize(kCount * kN);
  batch.g.resize(kCount * kM);
  batch.mass.resize(kCount * kEntries);
  for (auto* v : {&batch.rows, &batch.cols}) v->resize(kCount * kEntries);
  Monitor monitor;
  solve_all({batch.value.data(), batch.gap.data(), batch.n_iter.data(), batch.status.data(),
             batch.f.data(), batch.g.data(), batch.count.data(), batch.rows.data(),
             batch.cols.data(), batch.mass.data()},
            monitor);
  return batch;
}

Batch solve_points(const std::vector<double>& x, const std::vector<double>& y, int threads) {
  Options options;
  options.n_threads = threads;
  return solve_in_batch([&](const Solutions& out, Monitor& monitor) {
    solve_batch_points(BatchView<const double>{x.data(), kCount, kN, kDims, kN * kDims},
                       BatchView<const double>{y.data(), kCount, kM, kDims, kM * kDims}, {}, {}, {},
                       options, out, monitor);
  });
}

TEST(Batch, DoesNotDependOnThreads) {
  const std::vector<double> x = random_points(kCount * kN * kDims, 1);
  const std::vector<double> y = random_points(kCount * kM * kDims, 2);
  const Batch alone = solve_points(x, y, 1);
  for (const int threads : {2, 3, 5}) EXPECT_EQ(solve_points(x, y, threads), alone);
}

TEST(Batch, OfPointsMatchesBatchOfTheirCosts) {
  const std::vector<double> x = random_points(kCount * kN * kDims, 3);
  const std::vector<double> y = random_points(kCount * kM * kDims, 4);
  std::vector<double> costs(kCount * kN * kM);
  for (std::size_t b = 0; b < kCount; ++b) {
    cost::fill<double, double>({}, {x.data() + b * kN * kDims, kN, kDims, kDims},
                               {y.data() + b * kM * kDims, kM, kDims, kDims},
                               {costs.data() + b * kN * kM, kN, kM, kM}, 1);
  }
  const Batch by_matrix = solve_in_batch([&](const Solutions& out, Monitor& monitor) {
    solve_batch(BatchView<const double>{costs.data(), kCount, kN, kM, kN * kM}, {}, {}, {}, out,
                monitor);
  });
  const Batch by_points = solve_points(x, y, 2);
  for (std::size_t b = 0; b < kCount; ++b) {
    EXPECT_NEAR(by_matrix.value[b], by_points.value[b], 1e-13);
  }
}

TEST(Batch, NamesTheFirstBadEntry) {
  std::vector<double> costs = random_points(kCount * kN * kM, 5);
  costs[(9 * kN + 4) * kM + 7] = std::nan("");
  costs[(20 * kN + 1) * kM + 1] = std::numeric_limits<double>::infinity();
  for (const int threads : {1, 2, 5}) {
    Options options;
    options.n_threads = threads;
    try {
      solve_in_batch([&](const Solutions& out, Monitor& monitor) {
        solve_batch(BatchView<const double>{costs.data(), kCount, kN, kM, kN * kM}, {}, {}, options,
                    out, monitor);
      });
      FAIL() << "a NaN was accepted";
    } catch (const InvalidArgument& error) {
      EXPECT_NE(std::string(error.what()).find("M[9, 4, 7] is nan"), std::string::npos);
    }
  }
}

TEST(Batch, LeavesFeasiblePlansWhenTimeIsUp) {
  const std::vector<double> costs = random_points(kCount * kN * kM, 6);
  const Batch batch = solve_in_batch([&](const Solutions& out, Monitor&) {
    Monitor hurried({}, {}, 0.0);
    hurried.poll();
    solve_batch(BatchView<const double>{costs.data(), kCount, kN, kM, kN * kM}, {}, {}, {}, out,
                hurried);
  });
  constexpr std::size_t kEntries = kN + kM - 1;
  for (std::size_t b = 0; b < kCount; ++b) {
    EXPECT_EQ(batch.status[b], Status::time_limit);
    const double mass = std::accumulate(
        batch.mass.begin() + static_cast<std::ptrdiff_t>(b * kEntries),
        batch.mass.begin() + static_cast<std::ptrdiff_t>(b * kEntries) + batch.count[b], 0.0);
    EXPECT_NEAR(mass, 1.0, 1e-14);
    EXPECT_GT(batch.gap[b], 0.0);
  }
}

}  // namespace
}  // namespace otcore::exact
