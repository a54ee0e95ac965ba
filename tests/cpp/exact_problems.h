// Exact problems of every kind, and the checks of an answer: feasibility of the plan, feasibility
// of the potentials and equality of the two values, from the definitions.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "exact/batch.h"
#include "exact/problem.h"

namespace otcore::exact {

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

inline Answer room_for(std::size_t n, std::size_t m) {
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

inline Answer solve(const Problem& p, const Options& options = {}) {
  return solve(p, p.view(), options);
}

inline double largest(const Problem& p) {
  double most = 0.0;
  for (const double c : p.costs) most = std::max(most, std::abs(c));
  return most;
}

// The plan has the marginals, at most n + m - 1 sorted positive entries, and the value it says.
inline void expect_feasible(const Problem& p, const Answer& answer) {
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
inline void expect_optimal(const Problem& p, const Answer& answer) {
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
  double violation = 0.0;
  for (std::size_t i = 0; i < p.n; ++i) {
    for (std::size_t j = 0; j < p.m; ++j) {
      violation = std::max(violation, answer.f[i] + answer.g[j] - p.costs[i * p.m + j]);
    }
  }
  EXPECT_LE(violation, rounding);
  EXPECT_NEAR(gauge, 0.0, rounding * total * static_cast<double>(p.m));
  const double slack = 1e-9 * std::abs(s.value) + rounding * total;
  EXPECT_LE(s.gap, slack);
  EXPECT_GE(s.gap, -rounding * total);
  EXPECT_NEAR(s.value - dual, s.gap, static_cast<double>(p.n + p.m) * rounding * total);
}

enum class Costs { uniform, ties, equal, negative, huge, tiny, offset };
enum class Mass { uniform, random, zeros, spread, heavy };

inline Problem make_problem(std::size_t n, std::size_t m, Costs kind, Mass mass,
                            std::uint32_t seed) {
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

}  // namespace otcore::exact
