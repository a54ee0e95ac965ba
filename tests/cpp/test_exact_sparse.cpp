// Sparse costs in the exact room: what Python cannot reach, and the proof of infeasibility.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "exact/shortage.h"
#include "exact/sparse.h"

namespace otcore::exact {
namespace {

struct Sparse {
  std::size_t n = 0;
  std::size_t m = 0;
  std::vector<std::int64_t> starts;
  std::vector<std::int32_t> cols;
  std::vector<double> entries;
  std::vector<double> a, b;

  [[nodiscard]] SparseCosts<double> costs() const {
    return {n, m, starts.data(), cols.data(), entries.data()};
  }
};

struct Answer {
  double value = 0.0;
  double gap = 0.0;
  Status status = Status::optimal;
  std::vector<double> f, g;
  std::int64_t count = 0;
  std::vector<std::int32_t> rows, cols;
  std::vector<double> mass;
  Shortage shortage;
};

Answer solve(const Sparse& p, const Options& options = {}) {
  Answer answer;
  const std::size_t entries = max_plan_entries(p.n, p.m);
  answer.f.resize(p.n);
  answer.g.resize(p.m);
  answer.rows.resize(entries);
  answer.cols.resize(entries);
  answer.mass.resize(entries);
  Monitor monitor;
  const Solutions out{.value = &answer.value,
                      .gap = &answer.gap,
                      .status = &answer.status,
                      .potential_a = answer.f.data(),
                      .potential_b = answer.g.data(),
                      .count = &answer.count,
                      .rows = answer.rows.data(),
                      .cols = answer.cols.data(),
                      .mass = answer.mass.data()};
  solve_sparse(p.costs(), p.a.data(), p.b.data(), options, monitor, out, answer.shortage);
  return answer;
}

// Random pairs, with the marginals of a random plan on them.
Sparse random_problem(std::size_t n, std::size_t m, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Sparse p{n, m, {0}, {}, {}, std::vector<double>(n), std::vector<double>(m)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) {
      if (uniform(random) > 0.2 && i != j) continue;
      p.cols.push_back(static_cast<std::int32_t>(j));
      p.entries.push_back(uniform(random) - 0.5);
      const double mass = std::floor(4.0 * uniform(random)) + (i == j ? 1.0 : 0.0);
      p.a[i] += mass;
      p.b[j] += mass;
    }
    p.starts.push_back(static_cast<std::int64_t>(p.cols.size()));
  }
  return p;
}

void expect_optimal(const Sparse& p, const Answer& answer) {
  ASSERT_EQ(answer.status, Status::optimal);
  const SparseCosts<double> costs = p.costs();
  double total = 0.0;
  for (const double w : p.a) total += w;
  std::vector<double> a = p.a;
  std::vector<double> b = p.b;
  double value = 0.0;
  for (std::size_t k = 0; k < static_cast<std::size_t>(answer.count); ++k) {
    const auto i = static_cast<std::size_t>(answer.rows[k]);
    const auto j = static_cast<std::size_t>(answer.cols[k]);
    ASSERT_TRUE(costs.has(i, j));
    value += answer.mass[k] * costs.cost(i, j);
    a[i] -= answer.mass[k];
    b[j] -= answer.mass[k];
  }
  for (const double left : a) EXPECT_NEAR(left, 0.0, 1e-12 * total);
  for (const double left : b) EXPECT_NEAR(left, 0.0, 1e-12 * total);
  EXPECT_NEAR(answer.value, value, 1e-12 * total);
  for (std::size_t i = 0; i < p.n; ++i) {
    for (std::size_t k = costs.begin(i); k < costs.end(i); ++k) {
      EXPECT_LE(answer.f[i] + answer.g[costs.col(k)], costs.entry(k) + 1e-13);
    }
  }
  EXPECT_LE(answer.gap, 1e-12 * total);
}

TEST(Sparse, RandomProblemsAreSolved) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const Sparse p = random_problem(1 + seed, 1 + (seed * 7) % 40, seed);
    expect_optimal(p, solve(p));
  }
}

TEST(Sparse, AnyStartLeadsToTheOptimum) {
  const Sparse p = random_problem(50, 40, 1);
  const Answer cold = solve(p);
  std::vector<double> start = cold.g;
  Options options;
  options.start = start.data();
  expect_optimal(p, solve(p, options));
  for (double& x : start) x *= -1e300;
  expect_optimal(p, solve(p, options));
}

TEST(Sparse, RowsThatProveThereIsNoPlan) {
  // Rows 1 and 2 share column 0.
  const Sparse p{3, 3, {0, 2, 3, 4}, {1, 2, 0, 0}, {1.0, 1.0, 1.0, 1.0}, {2, 2, 2}, {3, 2, 1}};
  const Answer answer = solve(p);
  EXPECT_EQ(answer.status, Status::infeasible);
  EXPECT_EQ(answer.shortage.rows, (std::vector<std::int32_t>{1, 2}));
  EXPECT_EQ(answer.shortage.cols, (std::vector<std::int32_t>{0}));
  EXPECT_DOUBLE_EQ(answer.shortage.supply, 4.0);
  EXPECT_DOUBLE_EQ(answer.shortage.capacity, 3.0);
  EXPECT_EQ(answer.value, std::numeric_limits<double>::infinity());
  EXPECT_EQ(answer.gap, std::numeric_limits<double>::infinity());
}

TEST(Sparse, ShortageOfTheLevelThatHasOne) {
  // At level 1 row 0 has mass 3 and column 0 mass 1; at level 0 nothing else lacks room.
  const Sparse p{2, 2, {0, 1, 2}, {0, 1}, {0.0, 0.0}, {3.0, 1.0}, {1.0, 3.0}};
  Masses masses(2, 2);
  masses.set(p.a.data(), p.b.data(), 1e-6);
  const std::vector<double> minus_u{-1.0, 0.0};
  Monitor monitor;
  EXPECT_EQ(find_shortage(p.costs(), masses, 1e-6, minus_u.data(), monitor).rows,
            (std::vector<std::int32_t>{0}));
  EXPECT_TRUE(find_shortage(p.costs(), masses, 0.7, minus_u.data(), monitor).rows.empty());
  Monitor over({}, {}, 0.0);
  EXPECT_TRUE(find_shortage(p.costs(), masses, 1e-6, minus_u.data(), over).rows.empty());
  EXPECT_EQ(over.stopped(), Stop::time_limit);
}

void expect_refused(const Sparse& p, const std::string& text) {
  try {
    solve(p);
    FAIL() << text;
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.argument(), "M");
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

TEST(Sparse, BadPatternsAreRefused) {
  const Sparse good{2, 2, {0, 1, 2}, {0, 1}, {1.0, 1.0}, {1, 1}, {1, 1}};
  Sparse p = good;
  p.cols = {0, 2};
  expect_refused(p, "column 2 in row 1");
  p.cols = {0, -1};
  expect_refused(p, "column -1 in row 1");
  p = good;
  p.starts = {0, 2, 2};
  p.cols = {1, 1};
  expect_refused(p, "column 1 in row 0");
  p.starts = {0, 2, 1};
  p.cols = {0, 1};
  expect_refused(p, "row 1 ends before it starts");
  p = good;
  p.starts = {1, 1, 2};
  expect_refused(p, "row 0");
  p = good;
  p.entries[1] = std::nan("");
  expect_refused(p, "M[1, 1] is nan");
}

}  // namespace
}  // namespace otcore::exact
