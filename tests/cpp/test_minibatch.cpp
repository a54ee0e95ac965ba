// Random numbers, sampling, the coupling of batches, tables and maps of mini-batch transport.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/monitor.h"
#include "base/random.h"
#include "minibatch/entropic_coupling.h"
#include "minibatch/laplacian.h"
#include "minibatch/map.h"
#include "minibatch/sampling.h"
#include "minibatch/transport.h"

namespace otcore::minibatch {
namespace {

using Numbers = std::vector<double>;
using Indices = std::vector<std::int64_t>;

template <class Call>
std::string invalid_argument_of(Call call) {
  try {
    call();
  } catch (const InvalidArgument& error) {
    return error.argument();
  }
  return "";
}

Numbers uniform_numbers(std::size_t count, std::uint64_t stream) {
  Random random(7, stream);
  Numbers numbers(count);
  for (double& x : numbers) x = static_cast<double>(random.next() >> 11) * 0x1p-53;
  return numbers;
}

Indices draw(std::size_t n, std::size_t k, std::size_t m, Sampling sampling,
             const std::vector<std::int64_t>& labels = {}, std::uint64_t stream = 0) {
  Indices out(k * m, -1);
  Sampler::Scratch scratch;
  Random random(3, stream);
  Sampler(n, k, m, sampling, labels.empty() ? nullptr : labels.data(), "x")
      .draw(random, scratch, out.data());
  return out;
}

bool distinct(const std::int64_t* first, std::size_t count) {
  return std::set<std::int64_t>(first, first + count).size() == count;
}

// -------------------------------------------------------------------------------------------------
// Random

// From an implementation in exact integers that follows the papers.
TEST(Random, IsTheSameEverywhere) {
  Random random(42, 3);
  EXPECT_EQ(random.next(), 0x6b554cdb425ff5c5U);
  EXPECT_EQ(random.next(), 0x503749639acd89acU);
  EXPECT_EQ(random.next(), 0x47045c0bf7357fa9U);
}

TEST(Random, SeedsAndStreamsDiffer) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (std::uint64_t stream = 0; stream < 50; ++stream) first.insert(Random(seed, stream).next());
  }
  EXPECT_EQ(first.size(), 2500U);
}

TEST(Random, RepeatsItself) {
  Random left(5, 9);
  Random right(5, 9);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(left.next(), right.next());
}

TEST(Random, BelowIsUniform) {
  for (const std::uint64_t bound : {1U, 2U, 3U, 7U, 100U}) {
    Random random(1, bound);
    std::vector<double> counts(bound, 0.0);
    constexpr int kDraws = 100000;
    for (int i = 0; i < kDraws; ++i) {
      const std::uint64_t x = random.below(bound);
      ASSERT_LT(x, bound);
      counts[x] += 1.0;
    }
    const double expected = kDraws / static_cast<double>(bound);
    for (const double count : counts) EXPECT_NEAR(count, expected, 6.0 * std::sqrt(expected));
  }
}

TEST(Random, BelowHasNoModuloBias) {
  // For 3 * 2^62 a remainder would hit the lowest third twice as often.
  constexpr std::uint64_t kBound = std::uint64_t{3} << 62;
  Random random(2);
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += random.below(kBound) < kBound / 3 ? 1 : 0;
  EXPECT_NEAR(low, 10000, 500);
}

// -------------------------------------------------------------------------------------------------
// Sampling

TEST(Sampling, BatchesAreDistinctAndInRange) {
  for (const std::size_t n : {1U, 2U, 10U, 1000U}) {
    for (std::size_t m = 1; m <= std::min<std::size_t>(n, 40); ++m) {
      const Indices out = draw(n, 5, m, Sampling::independent);
      for (std::size_t b = 0; b < 5; ++b) ASSERT_TRUE(distinct(&out[b * m], m));
      ASSERT_TRUE(std::all_of(out.begin(), out.end(), [&](std::int64_t i) {
        return i >= 0 && i < static_cast<std::int64_t>(n);
      }));
    }
  }
}

TEST(Sampling, EveryOrderedSampleIsEquallyLikely) {
  // 4 * 3 = 12 ordered pairs of 4 points.
  std::vector<double> counts(16, 0.0);
  DistinctSampler sampler;
  Random random(4);
  constexpr int kDraws = 60000;
  for (int i = 0; i < kDraws; ++i) {
    std::int64_t pair[2];
    sampler.draw(random, 4, 2, pair);
    counts[static_cast<std::size_t>(4 * pair[0] + pair[1])] += 1.0;
  }
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      EXPECT_NEAR(counts[4 * i + j], i == j ? 0.0 : kDraws / 12.0, 6.0 * std::sqrt(kDraws / 12.0));
    }
  }
}

TEST(Sampling, HugeRangesCostNothing) {
  const std::size_t n = std::size_t{1} << 60;
  const Indices out = draw(n, 3, 100, Sampling::independent);
  EXPECT_TRUE(distinct(out.data(), 300));
}

TEST(Sampling, DisjointBatchesPartition) {
  const Indices out = draw(12, 3, 4, Sampling::disjoint);
  EXPECT_TRUE(distinct(out.data(), 12));
  EXPECT_TRUE(distinct(draw(100, 7, 9, Sampling::disjoint).data(), 63));
}

TEST(Sampling, ReplacementRepeats) {
  const Indices out = draw(3, 2, 50, Sampling::with_replacement);
  EXPECT_EQ(std::set<std::int64_t>(out.begin(), out.end()).size(), 3U);
}

TEST(Sampling, ClassesAreBalanced) {
  // Class 0: 50 points, class 5: 7 points, class -2: 43 points.
  std::vector<std::int64_t> labels(100);
  for (std::size_t i = 0; i < 100; ++i) labels[i] = i < 50 ? 0 : i < 57 ? 5 : -2;
  for (const Sampling sampling : {Sampling::independent, Sampling::with_replacement}) {
    for (const std::size_t m : {1U, 2U, 3U, 7U, 20U, 21U}) {
      const Indices out = draw(100, 4, m, sampling, labels);
      for (std::size_t b = 0; b < 4; ++b) {
        for (const std::int64_t label : {0, 5, -2}) {
          std::size_t held = 0;
          for (std::size_t r = 0; r < m; ++r) {
            held += labels[static_cast<std::size_t>(out[b * m + r])] == label ? 1U : 0U;
          }
          EXPECT_GE(held, m / 3);
          EXPECT_LE(held, (m + 2) / 3);
        }
      }
    }
  }
  EXPECT_TRUE(distinct(draw(100, 2, 9, Sampling::disjoint, labels).data(), 18));
}

TEST(Sampling, RemainderGoesToRandomClasses) {
  std::vector<std::int64_t> labels(30);
  std::iota(labels.begin(), labels.end(), 0);
  for (std::int64_t& label : labels) label %= 3;
  std::vector<double> counts(3, 0.0);
  const Indices out = draw(30, 30000, 1, Sampling::independent, labels);
  for (const std::int64_t i : out) counts[static_cast<std::size_t>(i % 3)] += 1.0;
  for (const double count : counts) EXPECT_NEAR(count, 10000.0, 600.0);
}

TEST(Sampling, RefusesWhatCannotBeDrawn) {
  const std::vector<std::int64_t> labels{0, 0, 0, 0, 1};
  EXPECT_EQ(invalid_argument_of([] { draw(5, 1, 6, Sampling::independent); }), "m");
  EXPECT_EQ(invalid_argument_of([] { draw(5, 2, 3, Sampling::disjoint); }), "k, m");
  EXPECT_EQ(invalid_argument_of([] { draw(5, 0, 3, Sampling::disjoint); }), "k");
  EXPECT_EQ(invalid_argument_of([] { draw(5, 1, 0, Sampling::independent); }), "m");
  EXPECT_EQ(invalid_argument_of([] { draw(0, 1, 1, Sampling::with_replacement); }), "X");
  EXPECT_EQ(invalid_argument_of([&] { draw(5, 1, 4, Sampling::independent, labels); }), "labels_x");
  EXPECT_EQ(invalid_argument_of([&] { draw(5, 2, 2, Sampling::disjoint, labels); }), "labels_x");
  EXPECT_EQ(
      invalid_argument_of([] { draw(5, std::size_t{1} << 62, 16, Sampling::with_replacement); }),
      "k * m");
}

// -------------------------------------------------------------------------------------------------
// Coupling of batches

TEST(Laplacian, IsAccurateForWidelyDifferentWeights) {
  // A path 0 - 1 - 2 - 3: x falls by flow / weight over each link, to 0 at the last node.
  constexpr std::size_t kNodes = 4;
  const Numbers links{1e-100, 3.0, 1e-60};
  Numbers w(kNodes * kNodes, 0.0);
  for (std::size_t i = 0; i < 3; ++i) w[i * kNodes + i + 1] = links[i];
  Numbers rhs{0.5, 0.5, 1.0, -2.0};
  Numbers x(kNodes);
  solve_laplacian(w.data(), kNodes, rhs.data(), x.data());
  const Numbers expected{0.5 / 1e-100 + 1.0 / 3.0 + 2.0 / 1e-60, 1.0 / 3.0 + 2.0 / 1e-60,
                         2.0 / 1e-60, 0.0};
  for (std::size_t i = 0; i < kNodes; ++i) EXPECT_DOUBLE_EQ(x[i], expected[i]);
}

TEST(Laplacian, TakesComponentsOneByOne) {
  // 0 - 2 and 1 - 3.
  Numbers w(16, 0.0);
  w[0 * 4 + 2] = 1.0;
  w[1 * 4 + 3] = 4.0;
  Numbers rhs{1.0, 2.0, -1.0, -2.0};
  Numbers x(4);
  solve_laplacian(w.data(), 4, rhs.data(), x.data());
  EXPECT_DOUBLE_EQ(x[0] - x[2], 1.0);
  EXPECT_DOUBLE_EQ(x[1] - x[3], 0.5);
}

struct EntropicProblem {
  std::size_t kx, ky;
  Numbers costs, u, v;
};

EntropicProblem entropic_problem(std::size_t kx, std::size_t ky, bool ties, std::uint64_t stream) {
  EntropicProblem p{kx, ky, uniform_numbers(kx * ky, stream), uniform_numbers(kx, stream + 1),
                    uniform_numbers(ky, stream + 2)};
  for (double& c : p.costs) c = ties ? std::floor(4.0 * c) : 100.0 + c;
  for (Numbers* w : {&p.u, &p.v}) {
    for (double& x : *w) x += 0.1;
    const double sum = std::accumulate(w->begin(), w->end(), 0.0);
    for (double& x : *w) x /= sum;
  }
  return p;
}

double value(const EntropicProblem& p, const Numbers& gamma) {
  return std::inner_product(gamma.begin(), gamma.end(), p.costs.begin(), 0.0);
}

Numbers solve_entropic(const EntropicProblem& p, double reg) {
  EntropicCoupling solver(p.kx, p.ky, reg);
  Monitor monitor;
  EXPECT_EQ(solver.solve(p.costs.data(), p.u.data(), p.v.data(), monitor), Status::converged)
      << p.kx << " x " << p.ky << ", reg " << reg;
  Numbers gamma(p.costs.size());
  solver.coupling(gamma.data());
  return gamma;
}

TEST(EntropicCoupling, ConvergesForAllRegularisations) {
  for (const auto& [kx, ky] :
       {std::pair{1, 1}, {1, 5}, {2, 2}, {7, 4}, {4, 9}, {30, 30}, {60, 50}}) {
    for (const bool ties : {false, true}) {
      const EntropicProblem p =
          entropic_problem(static_cast<std::size_t>(kx), static_cast<std::size_t>(ky), ties, 10);
      const auto [least, most] = std::minmax_element(p.costs.begin(), p.costs.end());
      const double range = *most > *least ? *most - *least : 1.0;
      for (double reg = 1e6; reg > 0.5e-6; reg /= 10.0) {
        const Numbers gamma = solve_entropic(p, reg * range);
        Numbers rest_u = p.u;
        Numbers rest_v = p.v;
        for (std::size_t i = 0; i < p.kx; ++i) {
          for (std::size_t j = 0; j < p.ky; ++j) {
            ASSERT_GE(gamma[i * p.ky + j], 0.0);
            rest_u[i] -= gamma[i * p.ky + j];
            rest_v[j] -= gamma[i * p.ky + j];
          }
        }
        double error = 0.0;
        for (const double r : rest_u) error += std::abs(r);
        for (const double r : rest_v) error += std::abs(r);
        EXPECT_LE(error, 1.01 * EntropicCoupling::kTolerance);
      }
    }
  }
}

TEST(EntropicCoupling, IsTheMinimiser) {
  // gamma = u v exp((f + g - C) / reg): log(gamma / (u v)) * reg + C is a sum f_i + g_j.
  const EntropicProblem p = entropic_problem(6, 5, false, 20);
  const double reg = 0.1;
  const Numbers gamma = solve_entropic(p, reg);
  const auto potential = [&](std::size_t i, std::size_t j) {
    return reg * std::log(gamma[i * p.ky + j] / (p.u[i] * p.v[j])) + p.costs[i * p.ky + j];
  };
  for (std::size_t i = 1; i < p.kx; ++i) {
    for (std::size_t j = 1; j < p.ky; ++j) {
      EXPECT_NEAR(potential(i, j) - potential(0, j) - potential(i, 0) + potential(0, 0), 0.0,
                  1e-11);
    }
  }
}

TEST(EntropicCoupling, SaysWhenRoundingIsInTheWay) {
  const EntropicProblem p = entropic_problem(30, 20, true, 30);
  EntropicCoupling solver(p.kx, p.ky, 1e-14);
  Monitor monitor;
  EXPECT_NE(solver.solve(p.costs.data(), p.u.data(), p.v.data(), monitor), Status::converged);
  Numbers gamma(p.costs.size());
  solver.coupling(gamma.data());
  for (const double x : gamma) EXPECT_TRUE(std::isfinite(x));
}

// Central differences along random directions that keep the sums of u and v.
TEST(EntropicCoupling, GradientMatchesDifferences) {
  for (const auto& [kx, ky] : {std::pair{4, 4}, {5, 3}, {3, 6}}) {
    for (const double reg : {0.02, 0.3}) {
      EntropicProblem p =
          entropic_problem(static_cast<std::size_t>(kx), static_cast<std::size_t>(ky), false, 40);
      EntropicCoupling solver(p.kx, p.ky, reg);
      Monitor monitor;
      solver.solve(p.costs.data(), p.u.data(), p.v.data(), monitor);
      Numbers d_costs(p.costs.size());
      Numbers d_u(p.kx);
      Numbers d_v(p.ky);
      solver.gradient(d_costs.data(), d_u.data(), d_v.data());
      const auto check = [&](Numbers& numbers, const Numbers& gradient, bool keep_sum) {
        const Numbers before = numbers;
        Numbers direction = uniform_numbers(numbers.size(), 50);
        const double mean = std::accumulate(direction.begin(), direction.end(), 0.0) /
                            static_cast<double>(direction.size());
        for (double& x : direction) x -= keep_sum ? mean : 0.5;
        constexpr double kStep = 1e-5;
        double difference = 0.0;
        for (const double sign : {1.0, -1.0}) {
          for (std::size_t i = 0; i < numbers.size(); ++i) {
            numbers[i] = before[i] + sign * kStep * direction[i];
          }
          difference += sign * value(p, solve_entropic(p, reg)) / (2.0 * kStep);
        }
        numbers = before;
        const double slope =
            std::inner_product(direction.begin(), direction.end(), gradient.begin(), 0.0);
        EXPECT_NEAR(slope, difference, 1e-5);
      };
      check(p.costs, d_costs, false);
      check(p.u, d_u, true);
      check(p.v, d_v, true);
    }
  }
}

// -------------------------------------------------------------------------------------------------
// Tables and transport

struct Data {
  std::size_t n = 200, d = 3, kx = 6, mx = 8, ky = 6, my = 8;
  Numbers x = uniform_numbers(n * d, 60), y = uniform_numbers(n * d, 61);
  Numbers a, b;
  Indices batches_x, batches_y;

  void draw_batches() {
    batches_x = draw(n, kx, mx, Sampling::independent, {}, 1);
    batches_y = draw(n, ky, my, Sampling::independent, {}, 2);
  }
  [[nodiscard]] Side<double> side_x() const {
    return {{x.data(), n, d, d}, a.empty() ? nullptr : a.data(), kx, mx};
  }
  [[nodiscard]] Side<double> side_y() const {
    return {{y.data(), n, d, d}, b.empty() ? nullptr : b.data(), ky, my};
  }
};

Data make_data(std::size_t kx, std::size_t mx, std::size_t ky, std::size_t my) {
  Data data;
  data.kx = kx;
  data.mx = mx;
  data.ky = ky;
  data.my = my;
  data.draw_batches();
  return data;
}

struct Plan {
  Indices rows, cols;
  Numbers mass;
};

Plan aggregate(const Table<double>& table, const Numbers& weights) {
  const std::size_t count = table.count_entries(weights.data());
  Plan plan{Indices(count), Indices(count), Numbers(count)};
  Monitor monitor;
  table.aggregate(weights.data(), {plan.rows.data(), plan.cols.data(), plan.mass.data()}, monitor);
  return plan;
}

double squared_distance(const Data& data, std::int64_t place_x, std::int64_t place_y) {
  const auto i = static_cast<std::size_t>(data.batches_x[static_cast<std::size_t>(place_x)]);
  const auto j = static_cast<std::size_t>(data.batches_y[static_cast<std::size_t>(place_y)]);
  double sum = 0.0;
  for (std::size_t c = 0; c < data.d; ++c) {
    const double difference = data.x[i * data.d + c] - data.y[j * data.d + c];
    sum += difference * difference;
  }
  return sum;
}

TEST(Table, PlansCostWhatTheTableSays) {
  for (const Data& data : {make_data(6, 8, 6, 8), make_data(3, 7, 5, 10), make_data(1, 1, 4, 2)}) {
    Table<double> table(data.side_x(), data.side_y(), {});
    Monitor monitor;
    table.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    for (std::size_t pair = 0; pair < table.costs().size(); ++pair) {
      Numbers weights(table.costs().size(), 0.0);
      weights[pair] = 2.0;
      const Plan plan = aggregate(table, weights);
      double cost = 0.0;
      for (std::size_t e = 0; e < plan.mass.size(); ++e) {
        EXPECT_EQ(static_cast<std::size_t>(plan.rows[e]) / data.mx, pair / data.ky);
        EXPECT_EQ(static_cast<std::size_t>(plan.cols[e]) / data.my, pair % data.ky);
        cost += plan.mass[e] * squared_distance(data, plan.rows[e], plan.cols[e]);
      }
      EXPECT_NEAR(cost, 2.0 * table.costs()[pair], 1e-14);
      EXPECT_LE(table.gaps()[pair], 1e-12);
    }
  }
}

TEST(Table, DiagonalIsTheDiagonal) {
  const Data data = make_data(5, 6, 5, 6);
  Monitor monitor;
  Table<double> all(data.side_x(), data.side_y(), {});
  Table<double> diagonal(data.side_x(), data.side_y(), {.metric = {}, .diagonal = true});
  all.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  diagonal.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(diagonal.costs()[i], all.costs()[i * 5 + i]);
  const Plan plan = aggregate(diagonal, Numbers(5, 0.2));
  for (std::size_t e = 0; e < plan.mass.size(); ++e) EXPECT_EQ(plan.rows[e] / 6, plan.cols[e] / 6);
}

// A table whose plans pass kRecordBytes solves its pairs again, from its own copy of the points.
TEST(Table, LargeTablesAreSolvedAgain) {
  constexpr std::size_t kBatches = 1200;
  Data data = make_data(kBatches, 2, kBatches, 2);
  data.a = data.b = Numbers(data.n, 1.0);  // with weights a plan has room for 3 entries: 69 MB
  ASSERT_GT(kBatches * kBatches * 3 * 16, Table<double>::kRecordBytes);
  Table<double> table(data.side_x(), data.side_y(), {});
  Monitor monitor;
  table.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  const Data before = data;
  for (double& x : data.x) x += 1.0;
  Numbers weights(kBatches * kBatches, 0.0);
  weights[7] = 1.0;
  weights.back() = 3.0;
  const Plan plan = aggregate(table, weights);
  double cost = 0.0;
  for (std::size_t e = 0; e < plan.mass.size(); ++e) {
    cost += plan.mass[e] * squared_distance(before, plan.rows[e], plan.cols[e]);
  }
  EXPECT_NEAR(cost, table.costs()[7] + 3.0 * table.costs().back(), 1e-14);
}

TEST(Table, ChecksThePoints) {
  Data data = make_data(3, 4, 3, 4);
  Monitor monitor;
  const auto solve = [&](const TableOptions& options = {}) {
    Table<double> table(data.side_x(), data.side_y(), options);
    table.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  };
  const auto drawn = static_cast<std::size_t>(data.batches_y[5]) * data.d;
  data.y[drawn] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(invalid_argument_of(solve), "Y");
  data.y[drawn] = 1e200;
  EXPECT_EQ(invalid_argument_of(solve), "X, Y");
  for (std::size_t c = 0; c < data.d; ++c) data.y[drawn + c] = 0.0;
  EXPECT_EQ(invalid_argument_of([&] { solve({.metric = {cost::Kind::cosine}}); }), "Y");
  EXPECT_EQ(invalid_argument_of([&] { solve({.metric = {cost::Kind::cosine}, .root = true}); }),
            "root");
  data.a.assign(data.n, 0.0);
  EXPECT_EQ(invalid_argument_of(solve), "a");
  data.a.assign(data.n, -1.0);
  EXPECT_EQ(invalid_argument_of(solve), "a");
  data.a.clear();
  data.ky = 2;
  EXPECT_EQ(invalid_argument_of([&] { solve({.metric = {}, .diagonal = true}); }), "k");
}

TEST(Transport, IsBitIdenticalForAnyThreads) {
  for (const Coupling coupling :
       {Coupling::diagonal, Coupling::product, Coupling::exact, Coupling::entropic}) {
    const Data data = make_data(20, 12, 20, 12);
    std::vector<Numbers> costs, plans;
    for (const int n_threads : {1, 2, 3, 5}) {
      Transport<double> transport(
          data.side_x(), data.side_y(),
          {.metric = {}, .coupling = coupling, .outer_reg = 0.01, .n_threads = n_threads});
      Monitor monitor;
      transport.solve(data.batches_x.data(), data.batches_y.data(), monitor);
      costs.push_back(transport.table().costs());
      plans.push_back(aggregate(transport.table(), transport.coupling()).mass);
      EXPECT_EQ(costs.back(), costs.front());
      EXPECT_EQ(plans.back(), plans.front());
    }
  }
}

TEST(Transport, BombIsAtMostMiniBatch) {
  const Data data = make_data(9, 5, 7, 6);
  Monitor monitor;
  Numbers values;
  for (const Coupling coupling : {Coupling::exact, Coupling::entropic, Coupling::product}) {
    Transport<double> transport(data.side_x(), data.side_y(),
                                {.metric = {}, .coupling = coupling, .outer_reg = 0.02});
    transport.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    values.push_back(transport.result().value);
    EXPECT_LE(transport.result().marginal_error, 1e-9);
  }
  EXPECT_LT(values[0], values[1]);
  EXPECT_LT(values[1], values[2]);
}

TEST(Transport, StopsWithoutAnAnswer) {
  const Data data = make_data(10, 10, 10, 10);
  Monitor monitor([] { return true; });
  while (monitor.poll() == Stop::none) {
  }
  for (const Coupling coupling : {Coupling::product, Coupling::exact, Coupling::entropic}) {
    Transport<double> transport(data.side_x(), data.side_y(),
                                {.metric = {}, .coupling = coupling, .outer_reg = 1.0});
    transport.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    EXPECT_EQ(transport.result().status, Status::interrupted);
    EXPECT_TRUE(std::isnan(transport.result().value));
    EXPECT_TRUE(std::isnan(transport.table().costs()[0]));
  }
}

// -------------------------------------------------------------------------------------------------
// Barycentric map

struct MapAnswer {
  Numbers map, mass;
  MapResult result;
};

MapAnswer solve_map(const Data& data, MapOptions options) {
  MapAnswer answer{Numbers(data.n * data.d), Numbers(data.n), {}};
  Monitor monitor;
  answer.result = barycentric_map(data.side_x(), data.side_y(), options, answer.map.data(),
                                  answer.mass.data(), monitor);
  return answer;
}

TEST(Map, IsBitIdenticalForAnyThreads) {
  const Data data = make_data(4, 5, 4, 5);
  std::vector<MapAnswer> answers;
  for (const int n_threads : {1, 2, 3, 5}) {
    answers.push_back(solve_map(
        data, {.transport = {.metric = {}, .n_threads = n_threads}, .iterations = 300, .seed = 1}));
    EXPECT_EQ(answers.back().map, answers.front().map);
    EXPECT_EQ(answers.back().mass, answers.front().mass);
    EXPECT_EQ(answers.back().result.value, answers.front().result.value);
  }
}

TEST(Map, FillsWhatWasNotDrawn) {
  for (const Sampling sampling :
       {Sampling::independent, Sampling::with_replacement, Sampling::disjoint}) {
    const Data data = make_data(3, 7, 2, 5);
    const MapAnswer answer = solve_map(
        data, {.transport = {.metric = {}}, .sampling = sampling, .iterations = 2, .seed = 1});
    EXPECT_GE(answer.result.filled, data.n - 2 * 3 * 7);
    EXPECT_EQ(answer.result.iterations, 2U);
    for (const double mass : answer.mass) EXPECT_GT(mass, 0.0);
    for (const double x : answer.map) EXPECT_TRUE(x >= 0.0 && x <= 1.0);
  }
}

TEST(Map, FillsWithAlmostAllPointsInABatch) {
  Data data = make_data(1, 1, 1, 1);
  data.n = 12;
  data.mx = 11;
  data.my = 12;
  const MapAnswer answer =
      solve_map(data, {.transport = {.metric = {}}, .iterations = 1, .seed = 1});
  EXPECT_EQ(answer.result.filled, 1U);
  for (const double mass : answer.mass) EXPECT_GT(mass, 0.0);
}

TEST(Map, PointsWithoutWeightHaveNoImage) {
  Data data = make_data(4, 20, 4, 20);
  data.a.assign(data.n, 1.0);
  data.a[17] = 0.0;
  const MapAnswer answer =
      solve_map(data, {.transport = {.metric = {}}, .iterations = 20, .seed = 1});
  for (std::size_t i = 0; i < data.n; ++i) {
    EXPECT_EQ(std::isnan(answer.map[i * data.d]), i == 17);
    EXPECT_EQ(answer.mass[i] == 0.0, i == 17);
  }
}

TEST(Map, KeepsWhatWasDoneWhenStopped) {
  const Data data = make_data(4, 5, 4, 5);
  MapAnswer answer{Numbers(data.n * data.d), Numbers(data.n), {}};
  std::size_t reported = 0;
  Monitor monitor([&] { return reported > 0; },
                  [&](std::size_t done, std::size_t) { reported = done; });
  const std::size_t asked = 100'000'000;
  answer.result = barycentric_map(data.side_x(), data.side_y(),
                                  {.transport = {.metric = {}}, .iterations = asked, .seed = 1},
                                  answer.map.data(), answer.mass.data(), monitor);
  EXPECT_EQ(answer.result.status(), Status::interrupted);
  EXPECT_GT(answer.result.iterations, 0U);
  EXPECT_LT(answer.result.iterations, asked);
  EXPECT_NEAR(std::accumulate(answer.mass.begin(), answer.mass.end(), 0.0),
              static_cast<double>(answer.result.iterations),
              1e-6 * static_cast<double>(answer.result.iterations));
  EXPECT_TRUE(std::isfinite(answer.result.value));
}

}  // namespace
}  // namespace otcore::minibatch
