// Every pass of Sweep against straight loops in long double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/isa.h"
#include "cost/cost.h"
#include "entropic/kernels.h"
#include "entropic/sweep.h"

namespace otcore::entropic {
namespace {

using cost::Kind;
using cost::Metric;
using Sizes = std::initializer_list<std::size_t>;
using Real = long double;

template <class T>
class SweepTyped : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(SweepTyped, Reals);

Real exact_cost(const Metric& metric, const std::vector<Real>& x, const std::vector<Real>& y) {
  Real sum = 0;
  Real xx = 0;
  Real yy = 0;
  const double p = metric.kind == Kind::cityblock   ? 1.0
                   : metric.kind == Kind::minkowski ? metric.p
                                                    : 2.0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    xx += x[k] * x[k];
    yy += y[k] * y[k];
  }
  const bool cosine = metric.kind == Kind::cosine;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const Real difference = cosine ? x[k] / std::sqrt(xx) - y[k] / std::sqrt(yy) : x[k] - y[k];
    sum += std::pow(std::abs(difference), Real(p));
  }
  if (metric.kind == Kind::euclidean) return std::sqrt(sum);
  return cosine ? sum / 2 : sum;
}

// A problem with its costs, and potentials and weights to try on it.
template <class T>
struct Problem {
  std::size_t n, m, d;
  Metric metric;
  bool points;
  std::vector<T> x, y, matrix;
  std::vector<Real> costs;
  Real range = 0;  // of the costs' moduli as well, for a bound of the rounding
  std::vector<double> a, b, f, g;

  // Points of n x d and m x d, or, for d = 0, a matrix.
  Problem(std::size_t rows, std::size_t cols, std::size_t dims, const Metric& kind = {},
          double scale = 1.0, std::uint32_t seed = 1)
      : n(rows), m(cols), d(dims), metric(kind), points(dims > 0), costs(rows * cols) {
    std::mt19937 generator(seed + static_cast<std::uint32_t>(n * 1000 + m * 10 + d));
    std::uniform_real_distribution<double> unit(-1.0, 1.0);
    const auto draw = [&](std::vector<T>& out, std::size_t count) {
      out.resize(count);
      for (T& v : out) v = static_cast<T>(unit(generator) * scale);
    };
    if (points) {
      draw(x, n * d);
      draw(y, m * d);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < m; ++j) {
          costs[i * m + j] = exact_cost(
              metric,
              {x.begin() + static_cast<long>(i * d), x.begin() + static_cast<long>((i + 1) * d)},
              {y.begin() + static_cast<long>(j * d), y.begin() + static_cast<long>((j + 1) * d)});
        }
      }
    } else {
      draw(matrix, n * m);
      std::copy(matrix.begin(), matrix.end(), costs.begin());
    }
    for (const Real c : costs) range = std::max(range, std::abs(c));
    const auto normal = [&](std::vector<double>& out, std::size_t count) {
      out.resize(count);
      double sum = 0.0;
      for (double& v : out) sum += v = 1.1 + unit(generator);
      for (double& v : out) v /= sum;
    };
    normal(a, n);
    normal(b, m);
    f.resize(n);
    g.resize(m);
    for (double& v : f) v = 0.3 * unit(generator) * static_cast<double>(range);
    for (double& v : g) v = 0.3 * unit(generator) * static_cast<double>(range);
  }

  Sweep<T> sweep(int threads = 1) const {
    if (points) return {{x.data(), n, d, d}, {y.data(), m, d, d}, metric, threads};
    return {{matrix.data(), n, m, m}, threads};
  }

  Scaling scaling(double eps) const { return {eps, a.data(), b.data(), f.data(), g.data()}; }

  // log sum_k w_k exp(z_k).
  static Real log_sum(const std::vector<Real>& z, const std::vector<double>& w) {
    Real high = -std::numeric_limits<Real>::infinity();
    for (std::size_t k = 0; k < z.size(); ++k) {
      if (w[k] > 0) high = std::max(high, z[k]);
    }
    Real sum = 0;
    for (std::size_t k = 0; k < z.size(); ++k) {
      if (w[k] > 0) sum += Real(w[k]) * std::exp(z[k] - high);
    }
    return high + std::log(sum);
  }
  Real row_log_sum(std::size_t i, double eps) const {
    std::vector<Real> z(m);
    for (std::size_t j = 0; j < m; ++j) z[j] = (Real(g[j]) - costs[i * m + j]) / eps;
    return log_sum(z, b);
  }
  Real col_log_sum(std::size_t j, double eps, const std::vector<double>& rows) const {
    std::vector<Real> z(n);
    for (std::size_t i = 0; i < n; ++i) z[i] = (Real(rows[i]) - costs[i * m + j]) / eps;
    return log_sum(z, a);
  }
  Real mass(std::size_t i, std::size_t j, double eps) const {
    return Real(a[i]) * Real(b[j]) * std::exp((Real(f[i]) + g[j] - costs[i * m + j]) / eps);
  }

  // What rounding to T of exponents, and of sums, may change in a logarithm.
  double log_error(double eps) const {
    const double u = std::numeric_limits<T>::epsilon() / 2;
    double largest = static_cast<double>(range);
    for (const double v : f) largest = std::max(largest, std::abs(v));
    for (const double v : g) largest = std::max(largest, std::abs(v));
    return u * (10.0 + static_cast<double>(d)) * (largest / eps + 4.0);
  }
};

template <class T>
void expect_every_pass(Problem<T> problem, double eps, double damping = 1.0,
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
  const Problem<T>& p = problem;

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

  // Transforms.
  std::vector<double> low(n);
  sweep.transform_rows(p.b.data(), p.g.data(), low.data());
  for (std::size_t i = 0; i < n; ++i) {
    Real least = std::numeric_limits<Real>::infinity();
    for (std::size_t j = 0; j < m; ++j) {
      if (p.b[j] > 0) least = std::min(least, p.costs[i * m + j] - Real(p.g[j]));
    }
    ASSERT_NEAR(low[i], static_cast<double>(least), error * eps);
  }
  low.resize(m);
  sweep.transform_cols(p.a.data(), p.f.data(), low.data());
  for (std::size_t j = 0; j < m; ++j) {
    Real least = std::numeric_limits<Real>::infinity();
    for (std::size_t i = 0; i < n; ++i) {
      if (p.a[i] > 0) least = std::min(least, p.costs[i * m + j] - Real(p.f[i]));
    }
    ASSERT_NEAR(low[j], static_cast<double>(least), error * eps);
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
  std::vector<double> row_mass(n), col_mass(m);
  const double measured = sweep.measure(plan, row_mass.data(), col_mass.data());
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

const std::vector<Metric> kMetrics = {{Kind::sqeuclidean, 2.0}, {Kind::euclidean, 2.0},
                                      {Kind::cityblock, 1.0},   {Kind::cosine, 2.0},
                                      {Kind::minkowski, 2.0},   {Kind::minkowski, 3.0}};

TYPED_TEST(SweepTyped, EverySizeIsRight) {
  const Sizes sizes = {1, 2, 15, 16, 17, 63, 64, 65, 130};
  std::size_t turn = 0;
  for (const std::size_t n : sizes) {
    for (const std::size_t m : sizes) {
      const std::size_t d = Sizes{0, 1, 3, 5}.begin()[turn++ % 4];
      expect_every_pass(Problem<TypeParam>(n, m, d), 0.1);
    }
  }
}

TYPED_TEST(SweepTyped, EveryMetricIsRight) {
  for (const Metric& metric : kMetrics) {
    for (const std::size_t d : Sizes{2, 20}) {
      expect_every_pass(Problem<TypeParam>(37, 70, d, metric), 0.2);
    }
  }
}

TYPED_TEST(SweepTyped, SeveralStripsAndChunksAreRight) {
  expect_every_pass(Problem<TypeParam>(101, 1100, 3), 0.1);
  expect_every_pass(Problem<TypeParam>(1100, 101, 0), 0.1);
  expect_every_pass(Problem<TypeParam>(90, 700, 3, {Kind::euclidean, 2.0}), 0.1);
}

TYPED_TEST(SweepTyped, EveryTemperatureIsRight) {
  for (const double eps : {1e-6, 1e-4, 1e-2, 1.0, 1e3, 1e6}) {
    for (const std::size_t d : Sizes{0, 3}) {
      for (const double scale : {1.0, 1e-10, 1e10}) {
        Problem<TypeParam> problem(33, 50, d, {}, scale);
        expect_every_pass(problem, eps * static_cast<double>(problem.range), 1.0, "temperature");
      }
    }
  }
}

TYPED_TEST(SweepTyped, ExtremeCostsAreRight) {
  for (const double scale : {1e-20, 1e-10, 1e10, 1e20}) {
    for (const Metric& metric : kMetrics) {
      if (metric.p == 3.0) continue;
      Problem<TypeParam> problem(20, 30, 3, metric, scale);
      expect_every_pass(problem, 0.05 * static_cast<double>(problem.range), 1.0, "scale");
    }
    Problem<TypeParam> problem(20, 30, 0, {}, scale);
    expect_every_pass(problem, 0.05 * static_cast<double>(problem.range), 1.0, "scale");
  }
}

TYPED_TEST(SweepTyped, ZeroAndLightWeightsAreRight) {
  for (const double light : {0.0, 1e-15, 1e-30}) {
    for (const double eps : {1e-3, 0.1}) {
      for (const std::size_t d : Sizes{0, 3}) {
        Problem<TypeParam> problem(40, 70, d);
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
    Problem<TypeParam> problem(40, 70, 3);
    for (double& w : problem.a) w *= mass;
    for (double& w : problem.b) w *= mass;
    expect_every_pass(problem, 0.1, 1.0, "mass");
  }
}

// Too many columns to hold rows of them.
TYPED_TEST(SweepTyped, TwoPassesAreRight) {
  expect_every_pass(Problem<TypeParam>(5, 30001, 2), 0.1);
  expect_every_pass(Problem<TypeParam>(2, 30001, 0), 1e-4);
}

TYPED_TEST(SweepTyped, DampingIsRight) {
  for (const double damping : {0.9, 0.5, 1e-3}) {
    for (const double eps : {1e-3, 0.1}) {
      expect_every_pass(Problem<TypeParam>(30, 50, 3), eps, damping);
      expect_every_pass(Problem<TypeParam>(30, 50, 0), eps, damping);
    }
  }
}

template <class T>
std::vector<double> iterated(const Problem<T>& problem, double eps, int threads) {
  Sweep<T> sweep = problem.sweep(threads);
  std::vector<double> f(problem.n), g = problem.g, log_ratio(problem.m);
  for (int turn = 0; turn < 3; ++turn) {
    sweep.iterate(eps, problem.a.data(), problem.b.data(), g.data(), 1.0, f.data(),
                  log_ratio.data());
    for (std::size_t j = 0; j < problem.m; ++j) g[j] -= eps * log_ratio[j];
  }
  std::vector<double> all = f;
  all.insert(all.end(), g.begin(), g.end());
  std::vector<double> row_mass(problem.n), col_mass(problem.m);
  const Scaling plan{eps, problem.a.data(), problem.b.data(), f.data(), g.data()};
  all.push_back(sweep.measure(plan, row_mass.data(), col_mass.data()));
  all.insert(all.end(), row_mass.begin(), row_mass.end());
  all.insert(all.end(), col_mass.begin(), col_mass.end());
  sweep.update_cols(eps, problem.a.data(), f.data(), g.data());
  all.insert(all.end(), g.begin(), g.end());
  std::vector<double> moved(std::max(problem.n, problem.m));
  sweep.apply(plan, g.data(), 1, moved.data());
  all.insert(all.end(), moved.begin(), moved.end());
  sweep.apply_t(plan, f.data(), 1, moved.data());
  all.insert(all.end(), moved.begin(), moved.end());
  sweep.transform_cols(problem.a.data(), f.data(), moved.data());
  all.insert(all.end(), moved.begin(), moved.end());
  return all;
}

TYPED_TEST(SweepTyped, ThreadsDoNotMatter) {
  for (const double eps : {1e-4, 0.1}) {
    for (const std::size_t d : Sizes{0, 3}) {
      for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{700, 500}, {20, 30001}}) {
        const Problem<TypeParam> problem(n, m, d);
        const std::vector<double> once = iterated(problem, eps, 1);
        for (const double v : once) ASSERT_TRUE(std::isfinite(v));
        for (const int threads : {2, 3, 5}) {
          const std::vector<double> again = iterated(problem, eps, threads);
          ASSERT_EQ(again, once) << threads << " threads";
        }
      }
    }
  }
}

TYPED_TEST(SweepTyped, ResetGivesWhatAFreshOneGives) {
  using T = TypeParam;
  for (const Metric& metric : kMetrics) {
    const Problem<T> first(20, 35, 3, metric, 5.0, 1);
    const Problem<T> second(20, 35, 3, metric, 0.1, 2);
    Sweep<T> sweep = first.sweep();
    sweep.reset({second.x.data(), 20, 3, 3}, {second.y.data(), 35, 3, 3});
    Sweep<T> fresh = second.sweep();
    EXPECT_EQ(sweep.range(), fresh.range());
    std::vector<double> f(20), expected(20);
    sweep.update_rows(0.1, second.b.data(), second.g.data(), f.data());
    fresh.update_rows(0.1, second.b.data(), second.g.data(), expected.data());
    EXPECT_EQ(f, expected);
  }
  const Problem<T> first(20, 35, 0, {}, 5.0, 1);
  const Problem<T> second(20, 35, 0, {}, 0.1, 2);
  Sweep<T> sweep = first.sweep();
  sweep.reset({second.matrix.data(), 20, 35, 35});
  std::vector<double> f(20), expected(20);
  sweep.update_rows(0.1, second.b.data(), second.g.data(), f.data());
  second.sweep().update_rows(0.1, second.b.data(), second.g.data(), expected.data());
  EXPECT_EQ(f, expected);
}

TYPED_TEST(SweepTyped, RangeIsExactOrABound) {
  for (const Metric& metric : kMetrics) {
    for (const double scale : {1e-10, 1.0, 1e6}) {
      const Problem<TypeParam> problem(30, 40, 3, metric, scale);
      const double range = problem.sweep().range();
      const auto largest = static_cast<double>(problem.range);
      EXPECT_GE(range, largest * (1 - 1e-5));
      EXPECT_LE(range, largest * (metric.p == 3.0 ? 8 : 4));
    }
  }
  const Problem<TypeParam> problem(30, 40, 0);
  const auto [low, high] = std::minmax_element(problem.matrix.begin(), problem.matrix.end());
  EXPECT_EQ(problem.sweep().range(), static_cast<double>(*high) - static_cast<double>(*low));
}

TYPED_TEST(SweepTyped, BadPointsAreNamed) {
  using T = TypeParam;
  const std::vector<T> x = {1, 2, 0, 0};
  const auto argument = [&](std::size_t d, std::size_t e, Kind kind, bool swapped) {
    try {
      const MatrixView<const T> left{x.data(), 4 / d, d, d};
      const MatrixView<const T> right{x.data(), 4 / d - 1, e, e};
      Sweep<T>(swapped ? right : left, swapped ? left : right, {kind, 2.0}, 1);
    } catch (const InvalidArgument& error) {
      return error.argument();
    }
    return std::string();
  };
  EXPECT_EQ(argument(2, 2, Kind::sqeuclidean, false), "");
  EXPECT_EQ(argument(2, 1, Kind::sqeuclidean, false), "Y");
  EXPECT_EQ(argument(2, 2, Kind::cosine, false), "X");
  EXPECT_EQ(argument(2, 2, Kind::cosine, true), "Y");
}

TYPED_TEST(SweepTyped, DuplicatesAndConstantsAreFinite) {
  using T = TypeParam;
  for (const Kind kind : {Kind::sqeuclidean, Kind::euclidean, Kind::cityblock}) {
    const std::vector<T> x(60, T(3));
    Sweep<T> sweep({x.data(), 20, 3, 3}, {x.data(), 15, 3, 3}, {kind, 2.0}, 1);
    EXPECT_EQ(sweep.range(), 0.0);
    const std::vector<double> a(20, 0.05), b(15, 1.0 / 15), g(15, 0.0);
    std::vector<double> f(20, 0.0), log_ratio(15, 1.0);
    sweep.iterate(0.1, a.data(), b.data(), g.data(), 1.0, f.data(), log_ratio.data());
    for (const double v : f) EXPECT_NEAR(v, 0.0, 1e-6);
    for (const double v : log_ratio) EXPECT_NEAR(v, 0.0, 1e-6);
  }
  const std::vector<T> costs(20 * 15, T(7));
  Sweep<T> sweep({costs.data(), 20, 15, 15}, 1);
  EXPECT_EQ(sweep.range(), 0.0);
  const std::vector<double> b(15, 1.0 / 15), g(15, 0.0);
  std::vector<double> f(20, 0.0);
  sweep.update_rows(1e-6, b.data(), g.data(), f.data());
  for (const double v : f) EXPECT_NEAR(v, 7.0, 1e-5);
}

// The tests above, in a process of its own for every level below the one in use.
TEST(Levels, PassTheSameTests) {
  if (std::getenv("OTCORE_ISA") != nullptr) GTEST_SKIP() << "one level was asked for";
  const std::string self = testing::internal::GetArgvs().front();
  for (const Isa isa : supported_isas()) {
    if (isa == active_isa()) continue;
    const std::string command = "OTCORE_ISA=" + std::string(isa_name(isa)) + " '" + self +
                                "' --gtest_brief=1 --gtest_filter='-Levels.*'";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }
}

TEST(Functions, AreAccurate) {
  const Functions& functions = kernel_table().functions;
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> exponent(-1022.0, 1023.0);
  std::vector<double> x(100001), out(x.size());
  for (double& v : x) v = exponent(generator) * (generator() % 2 == 0 ? 1.0 : 0.01);
  for (double v = -5.0; v < 5.0; ++v) x[static_cast<std::size_t>(v + 5.0)] = v;
  functions.exp2(x.data(), x.size(), out.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real exact = std::exp2(Real(x[i]));
    ASSERT_LE(std::abs(Real(out[i]) - exact), 3 * 0x1p-53L * exact) << x[i];
  }
  const std::vector<double> far = {-1022.0, -1022.1, -1e9, -1e300, 1023.0, 1024.0, 1e300};
  const std::vector<double> ends = {0x1p-1022, 0.0, 0.0, 0.0, 0x1p1023, 0x1p1023, 0x1p1023};
  out.resize(far.size());
  functions.exp2(far.data(), far.size(), out.data());
  for (std::size_t k = 0; k < far.size(); ++k) {
    EXPECT_NEAR(out[k], ends[k], 3 * 0x1p-53 * ends[k]) << far[k];
  }

  out.resize(x.size());
  for (double& v : x) v = std::exp2(exponent(generator) * (generator() % 2 == 0 ? 1.0 : 1e-3));
  x[0] = 1.0;
  functions.log2(x.data(), x.size(), out.data());
  EXPECT_EQ(out[0], 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real exact = std::log2(Real(x[i]));
    const Real size = std::max(std::abs(exact), std::abs(std::round(exact)));
    ASSERT_LE(std::abs(Real(out[i]) - exact), 4 * 0x1p-53L * size) << x[i];
  }
}

// Powers of float32 through a block of one row, whose exponents are v.
TEST(Functions, FloatPowersAreAccurate) {
  const Kernels<float>& kernels = kernel_table().f32;
  constexpr std::size_t kCount = 1 << 16;
  std::vector<float> v(kCount), out(kCount), costs(kCount, 0.0f);
  const float u = 0.0f;
  const Block<float> block{&u, v.data(),     1,      kCount, nullptr, nullptr,
                           0,  costs.data(), kCount, 1.0f,   0.0f,    1.0f};
  for (int turn = 0; turn < 64; ++turn) {
    // All of [-126, 127), one number in about 30.
    for (std::size_t k = 0; k < kCount; ++k) {
      const double part = (static_cast<double>(turn) + static_cast<double>(k) / kCount) / 64;
      v[k] = static_cast<float>(turn % 2 == 0 ? -126.0 + 253.0 * part : 2.0 * part - 1.0);
    }
    kernels.powers(block, out.data(), kCount);
    for (std::size_t k = 0; k < kCount; ++k) {
      const double exact = std::exp2(static_cast<double>(v[k]));
      ASSERT_LE(std::abs(static_cast<double>(out[k]) - exact), 3 * 0x1p-24 * exact) << v[k];
    }
  }
  const std::vector<float> far = {-126.0f, -126.1f, -1e9f, -1e38f, 127.0f, 128.0f, 1e38f, 0.0f};
  const std::vector<float> ends = {0x1p-126f, 0.0f, 0.0f, 0.0f, 0x1p127f, 0x1p127f, 0x1p127f, 1.0f};
  std::copy(far.begin(), far.end(), v.begin());
  kernels.powers(block, out.data(), kCount);
  for (std::size_t k = 0; k < far.size(); ++k) {
    EXPECT_NEAR(out[k], ends[k], 3 * 0x1p-24f * ends[k]) << far[k];
  }
}

}  // namespace
}  // namespace otcore::entropic
