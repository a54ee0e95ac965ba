// Whole problems between points without their cost matrix: plan, potentials and proof against the
// matrix.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/monitor.h"
#include "cost/cost.h"
#include "exact/cloud_solve.h"
#include "exact/large.h"
#include "exact/tuning.h"
#include "exact_clouds.h"
#include "exact_problems.h"

namespace otcore::exact {
namespace {

// A problem with its matrix and its points.
template <class T>
struct PointProblem : Problem {
  cost::Metric metric;
  std::size_t dims = 0;
  std::vector<T> x, y;

  [[nodiscard]] MatrixView<const T> view_x() const { return {x.data(), n, dims, dims}; }
  [[nodiscard]] MatrixView<const T> view_y() const { return {y.data(), m, dims, dims}; }
};

template <class T = double>
PointProblem<T> make_point_problem(const cost::Metric& metric, std::size_t n, std::size_t m,
                                   std::size_t dims, Shape shape, Mass mass, std::uint32_t seed) {
  const Problem weights = make_problem(n, m, Costs::uniform, mass, seed);
  PointProblem<T> p{{n, m, std::vector<double>(n * m), weights.a, weights.b}, metric, dims, {}, {}};
  const std::vector<double> x = make_points(n, dims, shape, seed + 1);
  const std::vector<double> y = make_points(m, dims, shape, seed + 2);
  p.x.assign(x.begin(), x.end());
  p.y.assign(y.begin(), y.end());
  cost::fill<T, double>(metric, p.view_x(), p.view_y(), MatrixView<double>{p.costs.data(), n, m, m},
                        1);
  return p;
}

template <class T>
Answer solve_points(const PointProblem<T>& p, const Options& options, Monitor& monitor) {
  Answer answer = room_for(p.n, p.m);
  Solution& s = answer.solution;
  s.potential_a = answer.f.data();
  s.potential_b = answer.g.data();
  s.rows = answer.rows.data();
  s.cols = answer.cols.data();
  s.mass = answer.mass.data();
  solve_cloud(p.view_x(), p.view_y(), p.metric, p.a.empty() ? nullptr : p.a.data(),
              p.b.empty() ? nullptr : p.b.data(), options, monitor, s);
  return answer;
}

template <class T>
Answer solve_points(const PointProblem<T>& p, const Options& options = {}) {
  Monitor monitor({}, {}, 60.0);  // what does not end fails
  return solve_points(p, options, monitor);
}

// The plan is proved optimal, and has the value of the matrix' optimum.
template <class T>
void expect_solved(const PointProblem<T>& p, const Answer& answer) {
  expect_optimal(p, answer);
  const double value = solve(p).solution.value;
  double total = 0.0;
  for (std::size_t i = 0; i < p.n; ++i) total += p.weight_a(i);
  EXPECT_NEAR(answer.solution.value, value, 1e-9 * value + 64 * 0x1p-53 * largest(p) * total);
}

// Of a plan that may not be optimal: it has the marginals, potentials are feasible, and the gap is
// what lies between.
void expect_honest(const Problem& p, const Answer& answer) {
  expect_feasible(p, answer);
  const double rounding = 64 * 0x1p-53 * largest(p);
  double total = 0.0;
  double dual = 0.0;
  for (std::size_t i = 0; i < p.n; ++i) {
    total += p.weight_a(i);
    dual += p.weight_a(i) * answer.f[i];
    for (std::size_t j = 0; j < p.m; ++j) {
      ASSERT_LE(answer.f[i] + answer.g[j], p.costs[i * p.m + j] + rounding) << i << ", " << j;
    }
  }
  for (std::size_t j = 0; j < p.m; ++j) dual += p.weight_b(j) * answer.g[j];
  const double error = rounding * total * static_cast<double>(p.n + p.m);
  EXPECT_NEAR(answer.solution.gap, answer.solution.value - dual, error);
  EXPECT_GE(answer.solution.gap, -error);
}

// Directions that differ little: costs are far below the largest a cosine can be.
TEST(CloudSolve, KnowsTheRangeOfCosines) {
  for (const double offset : {0.0, 10.0, 1e3, 1e7}) {
    auto p =
        make_point_problem({cost::Kind::cosine, 2.0}, 90, 120, 3, Shape::normal, Mass::random, 2);
    for (auto* side : {&p.x, &p.y}) {
      for (double& x : *side) x += offset;
    }
    cost::fill<double, double>(p.metric, p.view_x(), p.view_y(),
                               MatrixView<double>{p.costs.data(), p.n, p.m, p.m}, 1);
    SCOPED_TRACE(offset);
    expect_solved(p, solve_points(p));
  }
}

class EveryCloud : public testing::TestWithParam<std::tuple<std::size_t, Shape>> {};

TEST_P(EveryCloud, IsSolvedAndProved) {
  const cost::Metric metric = every_metric()[std::get<0>(GetParam())];
  const Shape shape = std::get<1>(GetParam());
  const std::size_t dims = metric.kind == cost::Kind::sqeuclidean ? 3 : 2;
  for (const Mass mass : {Mass::uniform, Mass::random, Mass::zeros, Mass::spread, Mass::heavy}) {
    for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{101, 75}, {90, 90}}) {
      SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(m) + ", mass " +
                   std::to_string(static_cast<int>(mass)));
      const auto p = make_point_problem(metric, n, m, dims, shape, mass, 21);
      expect_solved(p, solve_points(p));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Exact, EveryCloud,
                         testing::Combine(testing::Range(std::size_t{0}, every_metric().size()),
                                          testing::ValuesIn(every_shape())));

TEST(CloudSolve, SolvesManyDimensions) {
  for (const std::size_t dims : {1, 17, 100}) {
    const auto p =
        make_point_problem(cost::Metric{}, 160, 190, dims, Shape::normal, Mass::random, 3);
    expect_solved(p, solve_points(p));
  }
}

TEST(CloudSolve, ReadsFloats) {
  for (const cost::Metric& metric : every_metric()) {
    const auto p = make_point_problem<float>(metric, 120, 95, 3, Shape::far, Mass::random, 4);
    expect_solved(p, solve_points(p));
  }
}

// Rows of points that are longer than these; weights without mass around one that has all.
TEST(CloudSolve, ReadsStridedPoints) {
  auto p = make_point_problem(cost::Metric{}, 60, 70, 2, Shape::normal, Mass::uniform, 5);
  std::vector<double> wide(60 * 7, std::nan(""));
  for (std::size_t i = 0; i < 60; ++i) std::copy_n(p.x.data() + 2 * i, 2, wide.data() + 7 * i);
  Answer answer = room_for(60, 70);
  answer.solution.potential_a = answer.f.data();
  answer.solution.potential_b = answer.g.data();
  answer.solution.rows = answer.rows.data();
  answer.solution.cols = answer.cols.data();
  answer.solution.mass = answer.mass.data();
  Monitor monitor;
  solve_cloud(MatrixView<const double>{wide.data(), 60, 2, 7}, p.view_y(), p.metric, nullptr,
              nullptr, {}, monitor, answer.solution);
  expect_solved(p, answer);
  p.a.assign(60, 0.0);
  p.b.assign(70, 0.0);
  p.a[31] = p.b[69] = 3.0;
  expect_solved(p, solve_points(p));
}

TEST(CloudSolve, SolvesSmallAndOblongProblems) {
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{1, 1},
                             {1, 30},
                             {2, 3},
                             {40, 1400},
                             {2500, 65},
                             {70, 3000}}) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(m));
    for (const Mass mass : {Mass::uniform, Mass::zeros}) {
      const auto p = make_point_problem(cost::Metric{}, n, m, 2, Shape::normal, mass, 6);
      expect_solved(p, solve_points(p));
    }
  }
}

TEST(CloudSolve, LeavesOutWhatIsNotAskedFor) {
  const auto p = make_point_problem(cost::Metric{}, 80, 90, 2, Shape::normal, Mass::zeros, 7);
  const Answer all = solve_points(p);
  for (const bool rows : {false, true}) {
    Answer answer = room_for(80, 90);
    Solution& s = answer.solution;
    (rows ? s.potential_a : s.potential_b) = rows ? answer.f.data() : answer.g.data();
    Monitor monitor;
    solve_cloud(p.view_x(), p.view_y(), p.metric, p.a.data(), p.b.data(), {}, monitor, s);
    EXPECT_EQ(s.value, all.solution.value);
    EXPECT_EQ(s.gap, all.solution.gap);
    EXPECT_EQ(rows ? answer.f : answer.g, rows ? all.f : all.g);
  }
}

TEST(CloudSolve, IsTheSameForAllThreads) {
  for (const Shape shape : {Shape::normal, Shape::grid}) {
    const auto p = make_point_problem(cost::Metric{}, 420, 397, 2, shape, Mass::zeros, 8);
    Options options;
    options.n_threads = 1;
    const Answer one = solve_points(p, options);
    options.n_threads = 2;
    const Answer two = solve_points(p, options);
    EXPECT_EQ(one.solution.value, two.solution.value);
    EXPECT_EQ(one.solution.n_iter, two.solution.n_iter);
    EXPECT_EQ(one.f, two.f);
    EXPECT_EQ(one.g, two.g);
    EXPECT_EQ(one.rows, two.rows);
    EXPECT_EQ(one.cols, two.cols);
    EXPECT_EQ(one.mass, two.mass);
  }
}

TEST(CloudSolve, EndsAtTheLimitOfPivots) {
  for (const cost::Metric& metric : every_metric()) {
    for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{300, 330}, {70, 2400}}) {
      if (m > 1000 && metric.kind != cost::Kind::sqeuclidean) continue;
      const auto p = make_point_problem(metric, n, m, 2, Shape::normal, Mass::zeros, 9);
      const double optimum = solve_points(p).solution.value;
      for (const std::size_t limit : {0, 1, 4}) {
        SCOPED_TRACE(std::to_string(m) + ", limit " + std::to_string(limit));
        Options options;
        options.max_iter = limit;
        const Answer answer = solve_points(p, options);
        EXPECT_EQ(answer.solution.status, Status::max_iter);
        EXPECT_EQ(answer.solution.n_iter, static_cast<std::int64_t>(limit));
        expect_honest(p, answer);
        EXPECT_GT(answer.solution.value, optimum);
        EXPECT_GE(answer.solution.gap, answer.solution.value - optimum * (1 + 1e-12));
      }
    }
  }
}

TEST(CloudSolve, EndsWhenItIsStopped) {
  for (const Shape shape : {Shape::normal, Shape::equal}) {
    const auto p = make_point_problem(cost::Metric{}, 300, 330, 2, shape, Mass::zeros, 10);
    Monitor interrupted([] { return true; });
    std::this_thread::sleep_for(Monitor::kPollInterval);
    ASSERT_EQ(interrupted.poll(), Stop::interrupted);
    const Answer answer = solve_points(p, {}, interrupted);
    EXPECT_EQ(answer.solution.status, Status::interrupted);
    expect_honest(p, answer);
    Monitor late({}, {}, 0.0);
    EXPECT_EQ(solve_points(p, {}, late).solution.status, Status::time_limit);
  }
  // Somewhere on the way.
  const auto p = make_point_problem(cost::Metric{}, 900, 870, 2, Shape::normal, Mass::random, 11);
  for (const double seconds : {1e-4, 1e-3, 3e-3, 1e-2, 2e-2}) {
    Monitor monitor({}, {}, seconds);
    const Answer answer = solve_points(p, {}, monitor);
    if (answer.solution.status != Status::optimal) {
      EXPECT_EQ(answer.solution.status, Status::time_limit);
    }
    expect_honest(p, answer);
  }
}

// Good ones, useless ones, and such that are out of all proportion.
TEST(CloudSolve, StartsFromPotentials) {
  for (const cost::Metric& metric : every_metric()) {
    for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{260, 240}, {20, 700}}) {
      if (m == 700 && metric.kind != cost::Kind::sqeuclidean) continue;
      SCOPED_TRACE(std::to_string(m) + ", metric " + std::to_string(static_cast<int>(metric.kind)));
      const auto p = make_point_problem(metric, n, m, 2, Shape::normal, Mass::zeros, 12);
      const Answer cold = solve_points(p);
      expect_solved(p, cold);
      std::vector<double> shifted = cold.g;
      for (double& g : shifted) g += 1e6;
      std::vector<double> bad(m);
      for (std::size_t j = 0; j < m; ++j) bad[j] = largest(p) * std::sin(static_cast<double>(j));
      std::vector<double> huge = bad;
      for (std::size_t j = 0; j < m; ++j) huge[j] *= j % 3 == 0 ? 1e300 : -1e20;
      for (const std::vector<double>& start : {cold.g, shifted, bad, huge}) {
        Options options;
        options.start = start.data();
        const Answer warm = solve_points(p, options);
        expect_optimal(p, warm);
        EXPECT_NEAR(warm.solution.value, cold.solution.value, 1e-12 * cold.solution.value);
      }
    }
  }
}

TEST(CloudSolve, TellsItsStages) {
  const auto p = make_point_problem(cost::Metric{}, 300, 300, 2, Shape::normal, Mass::random, 13);
  std::size_t done = 0;
  Monitor monitor({}, [&](std::size_t so_far, std::size_t) { done = so_far; });
  Options options;
  options.tell_stages = true;
  expect_optimal(p, solve_points(p, options, monitor));
  monitor.finish();
  EXPECT_EQ(done, kLargeStages - 1);
}

TEST(CloudSolve, RefusesWhatHasNoAnswer) {
  auto p = make_point_problem(cost::Metric{}, 70, 80, 2, Shape::huge, Mass::random, 14);
  for (auto* side : {&p.a, &p.b}) {
    for (double& w : *side) w *= 1e280;
  }
  EXPECT_THROW(solve_points(p), InvalidArgument);
  p.a[3] = -1.0;
  EXPECT_THROW(solve_points(p), InvalidArgument);
  p.a.assign(70, 0.0);
  EXPECT_THROW(solve_points(p), InvalidArgument);
}

TEST(CloudSolve, IsForCostsInRange) {
  for (const cost::Metric& metric : every_metric()) {
    for (const double size : {1.0, 1e20, 1e-20, 1e120, 1e-120}) {
      const std::vector<double> x{size, 2.0 * size, 0.5 * size, size};
      const MatrixView<const double> points{x.data(), 2, 2, 2};
      const bool in_range = std::abs(std::log2(size)) * metric.power() < 300.0;
      EXPECT_EQ(costs_in_range(points, points, metric), in_range) << size;
    }
  }
}

// Clusters of clusters: enough points that the problem between clusters has no matrix either. The
// proof is by strips of rows.
TEST(CloudSolve, StartsFromClustersOfClusters) {
  constexpr std::size_t kPoints = 8250;
  ASSERT_GT(kPoints / kPointsPerCluster, kPairsOfCoarsest / (kPoints / kPointsPerCluster));
  const std::vector<double> x = make_points(kPoints, 2, Shape::normal, 15);
  const std::vector<double> y = make_points(kPoints, 2, Shape::normal, 16);
  std::vector<double> f(kPoints), g(kPoints);
  Solution solution;
  solution.potential_a = f.data();
  solution.potential_b = g.data();
  Monitor monitor;
  const auto of_y = view_of(y, 2);
  solve_cloud(view_of(x, 2), of_y, cost::Metric{}, nullptr, nullptr, {}, monitor, solution);
  EXPECT_EQ(solution.status, Status::optimal);
  EXPECT_LE(solution.gap, 1e-9 * solution.value);
  constexpr std::size_t kStrip = 250;
  std::vector<double> strip(kStrip * kPoints);
  double violation = 0.0;
  double most = 0.0;
  for (std::size_t first = 0; first < kPoints; first += kStrip) {
    cost::fill<double, double>(cost::Metric{}, {x.data() + 2 * first, kStrip, 2, 2}, of_y,
                               MatrixView<double>{strip.data(), kStrip, kPoints, kPoints}, 1);
    for (std::size_t i = 0; i < kStrip; ++i) {
      const double* costs = strip.data() + i * kPoints;
      for (std::size_t j = 0; j < kPoints; ++j) {
        violation = std::max(violation, f[first + i] + g[j] - costs[j]);
        most = std::max(most, costs[j]);
      }
    }
  }
  EXPECT_LE(violation, 0x1p-50 * most);
  const double dual =
      std::accumulate(f.begin(), f.end(), 0.0) + std::accumulate(g.begin(), g.end(), 0.0);
  EXPECT_NEAR(dual / kPoints, solution.value, 1e-12 * most);
}

}  // namespace
}  // namespace otcore::exact
