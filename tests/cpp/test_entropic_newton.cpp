// Newton's steps, and the products with the plan that they are made of, against plain sums.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <utility>
#include <vector>

#include "entropic/newton.h"
#include "entropic/plan_product.h"
#include "entropic/solver_tuning.h"
#include "entropic_problems.h"

namespace otcore::entropic {
namespace {

template <class T>
struct Setting {
  explicit Setting(const Instance& from)
      : instance(from),
        costs(from.costs.begin(), from.costs.end()),
        sweep({costs.data(), from.n, from.m, from.m}, 1),
        dual(sweep, {instance.a.data(), instance.b.data(), kBalanced, kBalanced}) {}

  // Some of Sinkhorn's steps from zero.
  Point approach(double eps, int steps) {
    Point at = dual.make_point();
    dual.evaluate(eps, at);
    for (int step = 0; step < steps; ++step) {
      dual.step(eps, at, at);
      dual.evaluate(eps, at);
    }
    return at;
  }

  Instance instance;
  std::vector<T> costs;
  Sweep<T> sweep;
  SemiDual<T> dual;
};

// P^T diag(1 / P 1) P x.
std::vector<double> plain_normal(const Instance& instance, const Point& at, double eps,
                                 const std::vector<double>& x) {
  const auto& [n, m, costs, a, b] = instance;
  std::vector<double> out(m);
  std::vector<double> row(m);
  for (std::size_t i = 0; i < n; ++i) {
    double mass = 0.0;
    double image = 0.0;
    for (std::size_t j = 0; j < m; ++j) {
      row[j] = a[i] * b[j] * std::exp((at.f[i] + at.g[j] - costs[i * m + j]) / eps);
      mass += row[j];
      image += row[j] * x[j];
    }
    for (std::size_t j = 0; j < m; ++j) out[j] += row[j] * image / mass;
  }
  return out;
}

void expect_products(const Instance& instance, double reg, bool sparse, int n_threads) {
  Setting<double> setting(instance);
  const double eps = reg * range_of(instance);
  const Point at = setting.approach(eps, 3);
  PlanProduct<double> product(setting.dual, n_threads);
  product.set(eps, at);
  ASSERT_EQ(product.sparse(), sparse);
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> x(instance.m);
  for (double& entry : x) entry = normal(random);
  std::vector<double> image(instance.m);
  product.normal(x, image);
  const std::vector<double> expected = plain_normal(instance, at, eps, x);
  for (std::size_t j = 0; j < instance.m; ++j) {
    // What is left out are entries below 1e-8 of their weights.
    ASSERT_NEAR(image[j], expected[j], 1e-7 * instance.b[j] + 1e-12) << j;
  }
}

TEST(PlanProduct, OfFewEntriesIsThePlan) {
  expect_products(random_instance(70, 50, 2, 1), 0.5, true, 1);
  expect_products(random_instance(70, 50, 2, 1), 1e-3, true, 1);
  expect_products(random_instance(1, 40, 2, 2), 1e-2, true, 1);
  expect_products(random_instance(500, 400, 2, 3), 0.1, true, 2);
}

TEST(PlanProduct, OfManyEntriesIsThePlan) {
  static_assert(1100 * 1000 > kSmallPlan);
  expect_products(random_instance(1100, 1000, 2, 4), 0.5, false, 2);
}

// Entries gathered at one point serve at another.
TEST(PlanProduct, FollowsThePotentials) {
  const Instance instance = random_instance(80, 60, 2, 5);
  Setting<double> setting(instance);
  const double eps = 1e-2 * range_of(instance);
  Point at = setting.approach(eps, 20);
  PlanProduct<double> product(setting.dual, 1);
  product.set(eps, at);
  setting.dual.step(eps, at, at);
  setting.dual.evaluate(eps, at);
  const std::size_t before = setting.dual.passes();
  product.set(eps, at);
  EXPECT_EQ(setting.dual.passes(), before);
  const std::vector<double> ones(instance.m, 1.0);
  std::vector<double> image(instance.m);
  product.normal(ones, image);
  for (std::size_t j = 0; j < instance.m; ++j) EXPECT_NEAR(image[j], at.col_mass[j], 1e-7);
}

TEST(Newton, ConvergesQuadratically) {
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{60, 60}, {1050, 1050}}) {
    const Instance instance = random_instance(n, m, 2, 6);
    Setting<double> setting(instance);
    const double eps = 3e-2 * range_of(instance);
    Point at = setting.approach(eps, 10);
    Newton<double> newton(setting.dual, 1);
    bool shortened = false;
    for (int step = 0; step < 6 && at.error > 1e-9; ++step) {
      const double before = at.error;
      const double value = at.value;
      ASSERT_TRUE(newton.step(eps, at, shortened));
      EXPECT_LT(at.error, 0.5 * before);
      EXPECT_GE(at.value, value - 1e-12);
    }
    EXPECT_LE(at.error, 1e-9);
  }
}

}  // namespace
}  // namespace otcore::entropic
