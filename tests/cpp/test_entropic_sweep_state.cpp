// Sweep as a whole: threads, other data in its place, the range of costs, bad and equal points.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cost/cost.h"
#include "entropic/sweep.h"
#include "sweep_problems.h"

namespace otcore::entropic {
namespace {

TYPED_TEST_SUITE(SweepTyped, Reals);

template <class T>
std::vector<double> iterated(const SweepProblem<T>& problem, double eps, int threads) {
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
  std::vector<double> low(problem.n);
  all.push_back(sweep.measure(plan, row_mass.data(), col_mass.data(), low.data()));
  all.insert(all.end(), low.begin(), low.end());
  all.insert(all.end(), row_mass.begin(), row_mass.end());
  all.insert(all.end(), col_mass.begin(), col_mass.end());
  sweep.update_cols(eps, problem.a.data(), f.data(), g.data());
  all.insert(all.end(), g.begin(), g.end());
  std::vector<double> moved(std::max(problem.n, problem.m));
  sweep.apply(plan, g.data(), 1, moved.data());
  all.insert(all.end(), moved.begin(), moved.end());
  sweep.apply_t(plan, f.data(), 1, moved.data());
  all.insert(all.end(), moved.begin(), moved.end());
  return all;
}

TYPED_TEST(SweepTyped, ThreadsDoNotMatter) {
  for (const double eps : {1e-4, 0.1}) {
    for (const std::size_t d : Sizes{0, 3}) {
      for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{700, 500}, {20, 30001}}) {
        const SweepProblem<TypeParam> problem(n, m, d);
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
    const SweepProblem<T> first(20, 35, 3, metric, 5.0, 1);
    const SweepProblem<T> second(20, 35, 3, metric, 0.1, 2);
    Sweep<T> sweep = first.sweep();
    sweep.reset({second.x.data(), 20, 3, 3}, {second.y.data(), 35, 3, 3});
    Sweep<T> fresh = second.sweep();
    EXPECT_EQ(sweep.range(), fresh.range());
    std::vector<double> f(20), expected(20);
    sweep.update_rows(0.1, second.b.data(), second.g.data(), f.data());
    fresh.update_rows(0.1, second.b.data(), second.g.data(), expected.data());
    EXPECT_EQ(f, expected);
  }
  const SweepProblem<T> first(20, 35, 0, {}, 5.0, 1);
  const SweepProblem<T> second(20, 35, 0, {}, 0.1, 2);
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
      const SweepProblem<TypeParam> problem(30, 40, 3, metric, scale);
      const double range = problem.sweep().range();
      const auto largest = static_cast<double>(problem.range);
      EXPECT_GE(range, largest * (1 - 1e-5));
      EXPECT_LE(range, largest * (metric.p == 3.0 ? 8 : 4));
    }
  }
  const SweepProblem<TypeParam> problem(30, 40, 0);
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

}  // namespace
}  // namespace otcore::entropic
