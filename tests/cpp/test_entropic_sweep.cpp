// Every pass of Sweep against straight loops in long double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cost/cost.h"
#include "entropic/sweep.h"
#include "sweep_problems.h"

namespace otcore::entropic {
namespace {

TYPED_TEST_SUITE(SweepTyped, Reals);

template <class T>
void expect_every_pass(SweepProblem<T> problem, double eps, double damping = 1.0,
                       const std::string& what = "") {
  SCOPED_TRACE(what + " n = " + std::to_string(problem.n) + " m = " + std::to_string(problem.m) +
               " d = " + std::to_string(problem.d) + " eps = " + std::to_string(eps) +
               " kind = " + std::to_string(static_cast<int>(problem.metric.kind)));
  const std::size_t n = problem.n;
  const std::size_t m = problem.m;
  Sweep<T> sweep = problem.sweep();
  ASSERT_EQ(sweep.rows(), n);
  ASSERT_EQ(sweep.cols(), m);
  const double error = problem.log_error(eps);
  const SweepProblem<T>& p = problem;

  std::vector<double> f = p.f;
  sweep.update_rows(eps, p.b.data(), p.g.data(), f.data());
  for (std::size_t i = 0; i < n; ++i) {
    ASSERT_NEAR(f[i] / eps, static_cast<double>(-p.row_log_sum(i, eps)), error) << "row " << i;
  }
  std::vector<double> g = p.g;
  sweep.update_cols(eps, p.a.data(), p.f.data(), g.data());
  for (std::size_t j = 0; j < m; ++j) {
    ASSERT_NEAR(g[j] / eps, static_cast<double>(-p.col_log_sum(j, eps, p.f)), error) << "col " << j;
  }

  // From a guess that is right, one that is not, and none.
  for (const double guess : {1.0, 0.0, -3.0}) {
    std::vector<double> next(n);
    std::vector<double> log_ratio(m);
    for (std::size_t i = 0; i < n; ++i) next[i] = guess * damping * f[i];
    sweep.iterate(eps, p.a.data(), p.b.data(), p.g.data(), damping, next.data(), log_ratio.data());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_NEAR(next[i] / eps, static_cast<double>(-damping * p.row_log_sum(i, eps)), 3 * error)
          << "row " << i << " guess " << guess;
    }
    for (std::size_t j = 0; j < m; ++j) {
      ASSERT_NEAR(log_ratio[j],
                  static_cast<double>(p.col_log_sum(j, eps, next) + Real(p.g[j]) / eps), 3 * error)
          << "col " << j << " guess " << guess;
    }
  }

  // The plan, with potentials that make its rows right.
  problem.f = f;
  const Scaling plan = problem.scaling(eps);
  std::vector<Real> mass(n * m);
  std::vector<Real> rows(n, 0), cols(m, 0);
  Real value = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) {
      mass[i * m + j] = p.mass(i, j, eps);
      rows[i] += mass[i * m + j];
      cols[j] += mass[i * m + j];
      value += mass[i * m + j] * p.costs[i * m + j];
    }
  }
  std::vector<double> row_mass(n), col_mass(m), low(n);
  const double measured = sweep.measure(plan, row_mass.data(), col_mass.data(), low.data());
  for (std::size_t i = 0; i < n; ++i) {
    Real least = std::numeric_limits<Real>::infinity();
    for (std::size_t j = 0; j < m; ++j) {
      if (p.b[j] > 0) least = std::min(least, p.costs[i * m + j] - Real(p.g[j]));
    }
    ASSERT_NEAR(low[i], static_cast<double>(least), error * eps) << "row " << i;
  }
  const double relative = std::expm1(3 * error);
  Real moduli = 0;
  for (std::size_t i = 0; i < n; ++i) {
    ASSERT_NEAR(row_mass[i], static_cast<double>(rows[i]), relative * static_cast<double>(rows[i]));
    moduli += rows[i] * std::abs(p.f[i]);
  }
  for (std::size_t j = 0; j < m; ++j) {
    ASSERT_NEAR(col_mass[j], static_cast<double>(cols[j]),
                relative * static_cast<double>(cols[j]) + 1e-300);
    moduli += cols[j] * std::abs(p.g[j]);
  }
  moduli += p.range + eps;
  ASSERT_NEAR(measured, static_cast<double>(value), relative * static_cast<double>(moduli));

  std::vector<T> dense(n * m);
  sweep.fill(plan, dense.data());
  for (std::size_t k = 0; k < n * m; ++k) {
    const auto exact = static_cast<double>(mass[k]);
    ASSERT_NEAR(static_cast<double>(dense[k]), exact,
                relative * exact + 4 * static_cast<double>(std::numeric_limits<T>::min()));
  }

  for (const std::size_t k : Sizes{1, 3}) {
    std::vector<double> v(std::max(n, m) * k);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::sin(static_cast<double>(i)) + 0.5;
    std::vector<double> out(n * k);
    sweep.apply(plan, v.data(), k, out.data());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t c = 0; c < k; ++c) {
        Real sum = 0;
        for (std::size_t j = 0; j < m; ++j) sum += mass[i * m + j] * v[j * k + c];
        ASSERT_NEAR(out[i * k + c], static_cast<double>(sum),
                    2 * relative * static_cast<double>(rows[i]));
      }
    }
    out.resize(m * k);
    sweep.apply_t(plan, v.data(), k, out.data());
    for (std::size_t j = 0; j < m; ++j) {
      for (std::size_t c = 0; c < k; ++c) {
        Real sum = 0;
        for (std::size_t i = 0; i < n; ++i) sum += mass[i * m + j] * v[i * k + c];
        ASSERT_NEAR(out[j * k + c], static_cast<double>(sum),
                    2 * relative * static_cast<double>(cols[j]) + 1e-300);
      }
    }
  }

  SparsePlan sparse;
  const double threshold = 0.5;
  ASSERT_TRUE(sweep.extract(plan, threshold, n * m, sparse));
  ASSERT_EQ(sparse.starts.size(), n + 1);
  ASSERT_EQ(sparse.cols.size(), sparse.mass.size());
  std::size_t k = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) {
      const Real limit = threshold * std::min(p.a[i], p.b[j]);
      const bool in = k < sparse.cols.size() &&
                      k < static_cast<std::size_t>(sparse.starts[i + 1]) &&
                      sparse.cols[k] == static_cast<std::int32_t>(j);
      const Real exact = mass[i * m + j];
      if (limit == 0 || exact < limit * (1 - relative)) {
        ASSERT_FALSE(in) << i << ' ' << j;
      } else if (exact > limit * (1 + relative)) {
        ASSERT_TRUE(in) << i << ' ' << j;
      }
      if (in) {
        ASSERT_NEAR(sparse.mass[k], static_cast<double>(exact),
                    relative * static_cast<double>(exact));
        ++k;
      }
    }
  }
  ASSERT_EQ(k, sparse.cols.size());
  if (k > 0) {
    ASSERT_FALSE(sweep.extract(plan, threshold, k - 1, sparse));
  }
}

TYPED_TEST(SweepTyped, EverySizeIsRight) {
  const Sizes sizes = {1, 2, 15, 16, 17, 63, 64, 65, 130};
  std::size_t turn = 0;
  for (const std::size_t n : sizes) {
    for (const std::size_t m : sizes) {
      const std::size_t d = Sizes{0, 1, 3, 5}.begin()[turn++ % 4];
      expect_every_pass(SweepProblem<TypeParam>(n, m, d), 0.1);
    }
  }
}

TYPED_TEST(SweepTyped, EveryMetricIsRight) {
  for (const Metric& metric : kMetrics) {
    for (const std::size_t d : Sizes{2, 20}) {
      expect_every_pass(SweepProblem<TypeParam>(37, 70, d, metric), 0.2);
    }
  }
}

TYPED_TEST(SweepTyped, SeveralStripsAndChunksAreRight) {
  expect_every_pass(SweepProblem<TypeParam>(101, 1100, 3), 0.1);
  expect_every_pass(SweepProblem<TypeParam>(1100, 101, 0), 0.1);
  expect_every_pass(SweepProblem<TypeParam>(90, 700, 3, {Kind::euclidean, 2.0}), 0.1);
}

TYPED_TEST(SweepTyped, EveryTemperatureIsRight) {
  for (const double eps : {1e-6, 1e-4, 1e-2, 1.0, 1e3, 1e6}) {
    for (const std::size_t d : Sizes{0, 3}) {
      for (const double scale : {1.0, 1e-10, 1e10}) {
        SweepProblem<TypeParam> problem(33, 50, d, {}, scale);
        expect_every_pass(problem, eps * static_cast<double>(problem.range), 1.0, "temperature");
      }
    }
  }
}

TYPED_TEST(SweepTyped, ExtremeCostsAreRight) {
  for (const double scale : {1e-20, 1e-10, 1e10, 1e20}) {
    for (const Metric& metric : kMetrics) {
      if (metric.p == 3.0) continue;
      SweepProblem<TypeParam> problem(20, 30, 3, metric, scale);
      expect_every_pass(problem, 0.05 * static_cast<double>(problem.range), 1.0, "scale");
    }
    SweepProblem<TypeParam> problem(20, 30, 0, {}, scale);
    expect_every_pass(problem, 0.05 * static_cast<double>(problem.range), 1.0, "scale");
  }
}

TYPED_TEST(SweepTyped, ZeroAndLightWeightsAreRight) {
  for (const double light : {0.0, 1e-15, 1e-30}) {
    for (const double eps : {1e-3, 0.1}) {
      for (const std::size_t d : Sizes{0, 3}) {
        SweepProblem<TypeParam> problem(40, 70, d);
        for (std::size_t i = 0; i < 40; i += 3) problem.a[i] = light;
        for (std::size_t j = 0; j < 70; j += 2) problem.b[j] = light;
        expect_every_pass(problem, eps, 1.0, "light");
        // All but one.
        problem.a.back() = 0.5;
        std::fill(problem.b.begin(), problem.b.end() - 1, light);
        expect_every_pass(problem, eps, 1.0, "one heavy column");
        std::fill(problem.a.begin(), problem.a.end() - 1, light);
        expect_every_pass(problem, eps, 1.0, "one heavy row");
      }
    }
  }
}

TYPED_TEST(SweepTyped, MassesOfAnySizeAreRight) {
  for (const double mass : {1e-30, 1e30}) {
    SweepProblem<TypeParam> problem(40, 70, 3);
    for (double& w : problem.a) w *= mass;
    for (double& w : problem.b) w *= mass;
    expect_every_pass(problem, 0.1, 1.0, "mass");
  }
}

// Too many columns to hold rows of them.
// Rows of which the second-level cache holds few, or the third.
TYPED_TEST(SweepTyped, LongRowsAreRight) {
  expect_every_pass(SweepProblem<TypeParam>(7, 30001, 2), 0.1);
}

TYPED_TEST(SweepTyped, TwoPassesAreRight) {
  expect_every_pass(SweepProblem<TypeParam>(1, 180001, 0), 0.01);
}

TYPED_TEST(SweepTyped, DampingIsRight) {
  for (const double damping : {0.9, 0.5, 1e-3}) {
    for (const double eps : {1e-3, 0.1}) {
      expect_every_pass(SweepProblem<TypeParam>(30, 50, 3), eps, damping);
      expect_every_pass(SweepProblem<TypeParam>(30, 50, 0), eps, damping);
    }
  }
}

}  // namespace
}  // namespace otcore::entropic
