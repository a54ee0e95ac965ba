// The exact room. Optimality is never taken on trust: every solution is checked for feasibility of
// the plan, feasibility of the potentials and equality of the two values, from the definitions.
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
#include "base/isa.h"
#include "cost/cost.h"
#include "exact/batch.h"
#include "exact/kernels.h"
#include "exact/masses.h"
#include "exact/pricing.h"
#include "exact/problem.h"
#include "exact/simplex.h"

namespace otcore::exact {
namespace {

struct Problem {
  std::size_t n = 0;
  std::size_t m = 0;
  std::vector<double> costs;
  std::vector<double> a;  // empty: uniform
  std::vector<double> b;

  [[nodiscard]] MatrixView<const double> view() const { return {costs.data(), n, m, m}; }
  [[nodiscard]] double weight_a(std::size_t i) const {
    return a.empty() ? 1.0 / static_cast<double>(n) : a[i];
  }
  [[nodiscard]] double weight_b(std::size_t j) const {
    return b.empty() ? 1.0 / static_cast<double>(m) : b[j];
  }
};

struct Answer {
  Solution solution;
  std::vector<double> f, g, mass;
  std::vector<std::int32_t> rows, cols;
};

Answer room_for(std::size_t n, std::size_t m) {
  Answer answer;
  answer.f.resize(n);
  answer.g.resize(m);
  for (auto* ints : {&answer.rows, &answer.cols}) ints->resize(n + m - 1);
  answer.mass.resize(n + m - 1);
  return answer;
}

template <class T>
Answer solve(const Problem& p, MatrixView<const T> costs, const Options& options = {}) {
  Answer answer = room_for(p.n, p.m);
  Solution& s = answer.solution;
  s.potential_a = answer.f.data();
  s.potential_b = answer.g.data();
  s.rows = answer.rows.data();
  s.cols = answer.cols.data();
  s.mass = answer.mass.data();
  Monitor monitor;
  Solver solver(p.n, p.m, options);
  solver.solve(costs, p.a.empty() ? nullptr : p.a.data(), p.b.empty() ? nullptr : p.b.data(),
               monitor, s);
  return answer;
}

Answer solve(const Problem& p, const Options& options = {}) { return solve(p, p.view(), options); }

double largest(const Problem& p) {
  double most = 0.0;
  for (const double c : p.costs) most = std::max(most, std::abs(c));
  return most;
}

// The plan has the marginals, at most n + m - 1 sorted positive entries, and the value it says.
void expect_feasible(const Problem& p, const Answer& answer) {
  const Solution& s = answer.solution;
  double total = 0.0;
  for (std::size_t i = 0; i < p.n; ++i) total += p.weight_a(i);
  std::vector<double> rows(p.n, 0.0), cols(p.m, 0.0);
  double value = 0.0;
  double magnitude = 0.0;
  ASSERT_LE(s.count, p.n + p.m - 1);
  for (std::size_t k = 0; k < s.count; ++k) {
    const auto i = static_cast<std::size_t>(answer.rows[k]);
    const auto j = static_cast<std::size_t>(answer.cols[k]);
    ASSERT_LT(i, p.n);
    ASSERT_LT(j, p.m);
    EXPECT_GT(answer.mass[k], 0.0);
    if (k > 0) {
      EXPECT_LT(std::pair(answer.rows[k - 1], answer.cols[k - 1]),
                std::pair(answer.rows[k], answer.cols[k]));
    }
    rows[i] += answer.mass[k];
    cols[j] += answer.mass[k];
    value += answer.mass[k] * p.costs[i * p.m + j];
    magnitude += answer.mass[k] * std::abs(p.costs[i * p.m + j]);
  }
  // Integers are within a few quanta of total * 2^-62 * 2 (n + 2); sums of doubles round on top.
  const auto size = static_cast<double>(p.n + p.m);
  const double tolerance = total * size * 0x1p-52;
  for (std::size_t i = 0; i < p.n; ++i) EXPECT_NEAR(rows[i], p.weight_a(i), tolerance);
  for (std::size_t j = 0; j < p.m; ++j) EXPECT_NEAR(cols[j], p.weight_b(j), tolerance);
  EXPECT_NEAR(s.value, value, magnitude * size * 0x1p-52);
}

// Potentials are feasible and their value meets the plan's: the plan is optimal.
void expect_optimal(const Problem& p, const Answer& answer) {
  expect_feasible(p, answer);
  const Solution& s = answer.solution;
  EXPECT_EQ(s.status, Status::optimal);
  const double most = largest(p);
  const double rounding = 64 * 0x1p-53 * most;
  double total = 0.0;
  double dual = 0.0;
  double gauge = 0.0;
  for (std::size_t i = 0; i < p.n; ++i) {
    total += p.weight_a(i);
    dual += p.weight_a(i) * answer.f[i];
  }
  for (std::size_t j = 0; j < p.m; ++j) {
    dual += p.weight_b(j) * answer.g[j];
    gauge += p.weight_b(j) * answer.g[j];
  }
  for (std::size_t i = 0; i < p.n; ++i) {
    for (std::size_t j = 0; j < p.m; ++j) {
      EXPECT_LE(answer.f[i] + answer.g[j] - p.costs[i * p.m + j], rounding);
    }
  }
  EXPECT_NEAR(gauge, 0.0, rounding * total * static_cast<double>(p.m));
  const double slack = 1e-9 * std::abs(s.value) + rounding * total;
  EXPECT_LE(s.gap, slack);
  EXPECT_GE(s.gap, -rounding * total);
  EXPECT_NEAR(s.value - dual, s.gap, static_cast<double>(p.n + p.m) * rounding * total);
}

enum class Costs { uniform, ties, equal, negative, huge, tiny, offset };
enum class Mass { uniform, random, zeros, spread, heavy };

Problem make_problem(std::size_t n, std::size_t m, Costs kind, Mass mass, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> unit;
  Problem p{n, m, std::vector<double>(n * m), {}, {}};
  for (double& c : p.costs) {
    const double u = unit(generator);
    switch (kind) {
      case Costs::uniform:
        c = u;
        break;
      case Costs::ties:
        c = std::floor(4 * u);
        break;
      case Costs::equal:
        c = 3.0;
        break;
      case Costs::negative:
        c = u - 2.0;
        break;
      case Costs::huge:
        c = u * 1e300;
        break;
      case Costs::tiny:
        c = u * 1e-300;
        break;
      case Costs::offset:
        c = 1e6 + u;
        break;
    }
  }
  if (mass == Mass::uniform) return p;
  for (auto* side : {&p.a, &p.b}) {
    side->resize(side == &p.a ? n : m);
    for (double& w : *side) {
      const double u = unit(generator);
      w = mass == Mass::spread ? std::pow(10.0, -12 * u) : u + 0.01;
      if (mass == Mass::zeros && u < 0.4) w = 0.0;
    }
    if (mass == Mass::heavy) (*side)[side->size() / 2] = 1e6;
    if (mass == Mass::zeros) (*side)[side->size() - 1] = 0.5;
    const double sum = std::accumulate(side->begin(), side->end(), 0.0);
    for (double& w : *side) w *= 7.0 / sum;
  }
  return p;
}

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
    simplex.start_greedy(p.view(), 1.0, masses, nullptr);
    DensePricing<double> pricing(p.view(), 1.0, masses.rows(), 1e-14);
    ASSERT_EQ(simplex.run(pricing, {}, monitor), Status::optimal);
    std::vector<std::int32_t> rows(p.n + p.m), cols(p.n + p.m);
    std::vector<std::int64_t> units(p.n + p.m);
    const std::size_t count = simplex.flows(masses, rows.data(), cols.data(), units.data());
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

TEST(Masses, AreExactAndNeverDegenerate) {
  const std::vector<double> a{0.0, 1e-12, 0.3, 0.7 - 1e-12};
  const std::vector<double> b{0.25, 0.0, 0.75};
  Masses masses(4, 3);
  masses.set(a.data(), b.data(), 1e-6);
  EXPECT_FALSE(masses.uniform());
  EXPECT_EQ(masses.rows(), (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(masses.cols(), (std::vector<std::int32_t>{0, 2}));
  const auto sum = [](const auto& v) {
    return std::accumulate(v.begin(), v.end(), std::int64_t{0});
  };
  EXPECT_EQ(sum(masses.supply()), sum(masses.demand()));
  std::int64_t rows = 0, cols = 0;
  for (const auto i : masses.rows()) rows += masses.perturbed_supply(static_cast<std::size_t>(i));
  for (const auto j : masses.cols()) cols += masses.perturbed_demand(static_cast<std::size_t>(j));
  EXPECT_EQ(rows, cols);
  EXPECT_NEAR(masses.mass(masses.supply()[1]), 1e-12, 1e-18);
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

std::vector<const Kernels*> every_level() {
  std::vector<const Kernels*> tables{&baseline::kKernels};
#if defined(__x86_64__)
  for (const Isa isa : supported_isas()) {
    if (isa == Isa::avx2) tables.push_back(&avx2::kKernels);
    if (isa == Isa::avx512) tables.push_back(&avx512::kKernels);
  }
#endif
  return tables;
}

TEST(Levels, GiveTheSameAssignment) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const std::size_t n = 1 + 5 * seed % 43;
    const std::size_t stride = (n + 7) / 8 * 8;
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> unit;
    std::vector<double> costs(n * stride, std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        costs[i * stride + j] = seed % 2 == 0 ? unit(generator) : std::floor(5 * unit(generator));
      }
    }
    std::vector<std::int64_t> first;
    for (const Kernels* level : every_level()) {
      std::vector<double> v(stride), dist(stride), open_v(stride), closed_dist(n);
      std::vector<std::int64_t> row_of_col(stride), col_of_row(n), free_rows(n), pred(stride);
      std::vector<std::int64_t> closed(n);
      level->assign({n, stride, costs.data(), v.data(), row_of_col.data(), col_of_row.data(),
                     free_rows.data(), pred.data(), dist.data(), open_v.data(), closed.data(),
                     closed_dist.data()});
      if (first.empty()) first = col_of_row;
      EXPECT_EQ(col_of_row, first) << "n = " << n;
    }
  }
}

template <class T>
void expect_same_sweeps(std::size_t n, std::size_t m) {
  std::mt19937 generator(static_cast<std::uint32_t>(n * 100 + m));
  std::uniform_real_distribution<double> unit;
  std::vector<T> costs(n * m);
  for (T& c : costs) c = static_cast<T>(std::floor(50 * unit(generator)) / 8);
  std::vector<double> minus_u(n), v(m);
  for (auto* side : {&minus_u, &v}) {
    for (double& x : *side) x = std::floor(10 * unit(generator)) / 8;
  }
  std::vector<std::int32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0);
  const auto kernels_of = [](const Kernels* level) -> const CostKernels<T>& {
    if constexpr (sizeof(T) == 4) {
      return level->f32;
    } else {
      return level->f64;
    }
  };
  const CostKernels<T>& base = kernels_of(&baseline::kKernels);
  for (const Kernels* level : every_level()) {
    const CostKernels<T>& kernel = kernels_of(level);
    for (std::size_t start = 0; start < n; ++start) {
      const auto args = [&](const CostKernels<T>& k) {
        return k.price(costs.data(), m, 0.5, rows.data(), n, m, minus_u.data(), v.data(), start, 3,
                       0.25);
      };
      const Entering expected = args(base);
      const Entering arc = args(kernel);
      EXPECT_EQ(arc.position, expected.position);
      EXPECT_EQ(arc.col, expected.col);
      EXPECT_EQ(arc.reduced, expected.reduced);
      if (arc.position < 0) continue;
      const auto i = static_cast<std::size_t>(arc.position);
      EXPECT_EQ(arc.reduced,
                static_cast<double>(costs[i * m + arc.col]) * 0.5 - v[arc.col] + minus_u[i]);
    }
    const CostRange range = kernel.range(costs.data(), m, n, m);
    EXPECT_TRUE(range.finite);
    EXPECT_EQ(range.low, static_cast<double>(*std::min_element(costs.begin(), costs.end())));
    EXPECT_EQ(range.high, static_cast<double>(*std::max_element(costs.begin(), costs.end())));
    std::vector<T> spoiled = costs;
    spoiled[n * m / 2] = std::numeric_limits<T>::quiet_NaN();
    EXPECT_FALSE(kernel.range(spoiled.data(), m, n, m).finite);
    spoiled[n * m / 2] = -std::numeric_limits<T>::infinity();
    const std::size_t padded = (m + 7) / 8 * 8;
    std::vector<double> packed(n * padded);
    EXPECT_FALSE(kernel.pack(spoiled.data(), m, n, m, packed.data(), padded).finite);
    EXPECT_TRUE(kernel.pack(costs.data(), m, n, m, packed.data(), padded).finite);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < padded; ++j) {
        EXPECT_EQ(packed[i * padded + j], j < m ? static_cast<double>(costs[i * m + j])
                                                : std::numeric_limits<double>::infinity());
      }
    }
  }
}

TEST(Levels, GiveTheSameSweeps) {
  for (const std::size_t n : {1, 5, 12}) {
    for (const std::size_t m : {1, 7, 8, 9, 31, 40}) {
      expect_same_sweeps<float>(n, m);
      expect_same_sweeps<double>(n, m);
    }
  }
}

}  // namespace
}  // namespace otcore::exact
