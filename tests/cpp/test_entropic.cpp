// The entropic solvers: answers against the definitions, in every scheme.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "entropic/batch.h"
#include "entropic_problems.h"

namespace otcore::entropic {
namespace {

Options sinkhorn(double reg, double tolerance = 1e-9) {
  Options options;
  options.reg = reg;
  options.tolerance = tolerance;
  return options;
}

// Marginals, values and error as the contract has them, from the potentials alone.
void check(const Instance& instance, const Answer& answer, const Options& options,
           double accuracy) {
  const auto& [n, m, costs, a, b] = instance;
  const std::vector<double> plan = plan_of(instance, answer);
  const double range = range_of(instance);
  std::vector<double> rows(n);
  std::vector<double> cols(m);
  std::vector<double> product(n * m);
  double linear = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) {
      rows[i] += plan[i * m + j];
      cols[j] += plan[i * m + j];
      linear += plan[i * m + j] * costs[i * m + j];
      product[i * m + j] = a[i] * b[j];
    }
  }
  const auto pull = [](double rho, double weight, double potential) {
    return std::isinf(rho) ? weight : weight * std::exp(-potential / rho);
  };
  double error = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_NEAR(rows[i], answer.row_mass[i], accuracy);
    error += std::abs(rows[i] - pull(options.rho_a, a[i], answer.f[i]));
  }
  for (std::size_t j = 0; j < m; ++j) {
    EXPECT_NEAR(cols[j], answer.col_mass[j], accuracy);
    error += std::abs(cols[j] - pull(options.rho_b, b[j], answer.g[j]));
  }
  EXPECT_NEAR(error, answer.marginal_error, accuracy);
  EXPECT_NEAR(linear, answer.value_linear, accuracy * range);
  double objective = linear + answer.eps * divergence(plan, product);
  if (!std::isinf(options.rho_a)) objective += options.rho_a * divergence(rows, a);
  if (!std::isinf(options.rho_b)) objective += options.rho_b * divergence(cols, b);
  EXPECT_NEAR(objective, answer.value, 2.0 * (accuracy + answer.marginal_error) * range);
}

TEST(Sinkhorn, MeetsTheOptimalityConditions) {
  for (const std::size_t d : {std::size_t{1}, std::size_t{3}, std::size_t{16}}) {
    const Instance instance = random_instance(70, 45, d, d);
    for (const double part : {10.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4}) {
      SCOPED_TRACE(std::to_string(d) + " dimensions, reg " + std::to_string(part));
      const Options options = sinkhorn(part * range_of(instance));
      const Answer answer = solve<double>(instance, options);
      EXPECT_EQ(answer.status, Status::converged);
      EXPECT_LE(answer.marginal_error, 2e-9);
      EXPECT_GE(answer.gap, -1e-8 * range_of(instance));
      check(instance, answer, options, 1e-9);
    }
  }
}

TEST(Sinkhorn, AgreesWithPlainIterations) {
  const Instance instance = random_instance(60, 50, 2, 7);
  Options options = sinkhorn(2e-2 * range_of(instance), 1e-11);
  const Answer fast = solve<double>(instance, options);
  options.method = Method::plain;
  const Answer plain = solve<double>(instance, options);
  ASSERT_EQ(fast.status, Status::converged);
  ASSERT_EQ(plain.status, Status::converged);
  EXPECT_LT(fast.n_iter, plain.n_iter);
  EXPECT_NEAR(fast.value, plain.value, 1e-9);
  for (std::size_t i = 0; i < instance.n; ++i) EXPECT_NEAR(fast.f[i], plain.f[i], 1e-7);
  for (std::size_t j = 0; j < instance.m; ++j) EXPECT_NEAR(fast.g[j], plain.g[j], 1e-7);
}

TEST(Sinkhorn, KnowsTheSymmetricTwoByTwoProblem) {
  for (const double reg : {10.0, 1.0, 0.1}) {
    const Instance instance{2, 2, {0.0, 1.0, 1.0, 0.0}, {0.5, 0.5}, {0.5, 0.5}};
    const Answer answer = solve<double>(instance, sinkhorn(reg, 1e-12));
    // P11 / P12 = exp(1 / reg) and P11 + P12 = 1 / 2.
    const double off = 0.5 / (1.0 + std::exp(1.0 / reg));
    EXPECT_NEAR(plan_of(instance, answer)[1], off, 1e-12);
    EXPECT_NEAR(answer.value_linear, 2.0 * off, 1e-12);
  }
}

TEST(Sinkhorn, LeavesOneSidedAndConstantProblemsAtTheProduct) {
  std::mt19937_64 random(3);
  const Instance wide{1, 40, random_weights(40, random), {1.0}, random_weights(40, random)};
  const Instance tall{40, 1, wide.costs, wide.b, {1.0}};
  Instance flat = random_instance(30, 20, 2, 4);
  std::fill(flat.costs.begin(), flat.costs.end(), 3.0);
  for (const Instance* instance : {&wide, &tall, static_cast<const Instance*>(&flat)}) {
    const Answer answer = solve<double>(*instance, sinkhorn(1e-3));
    EXPECT_EQ(answer.status, Status::converged);
    const std::vector<double> plan = plan_of(*instance, answer);
    for (std::size_t i = 0; i < instance->n; ++i) {
      for (std::size_t j = 0; j < instance->m; ++j) {
        EXPECT_NEAR(plan[i * instance->m + j], instance->a[i] * instance->b[j], 1e-12);
      }
    }
    EXPECT_NEAR(answer.value, answer.value_linear, 1e-12);
  }
}

TEST(Sinkhorn, SolvesUnbalancedProblems) {
  Instance instance = random_instance(50, 40, 2, 11);
  for (double& weight : instance.b) weight *= 1.7;
  const double range = range_of(instance);
  constexpr double kOff = std::numeric_limits<double>::infinity();
  for (const double reg : {1e-1, 1e-2, 1e-3}) {
    for (const auto& [rho_a, rho_b] :
         {std::pair{1e-3, 1e-3}, {0.1, 0.1}, {0.1, 3.0}, {100.0, 1.0}, {kOff, 0.2}, {0.2, kOff}}) {
      SCOPED_TRACE(std::to_string(reg) + ", " + std::to_string(rho_a) + ", " +
                   std::to_string(rho_b));
      Options options = sinkhorn(reg * range);
      options.rho_a = rho_a * range;
      options.rho_b = rho_b * range;
      const Answer answer = solve<double>(instance, options);
      EXPECT_EQ(answer.status, Status::converged);
      EXPECT_LE(answer.marginal_error, 4e-9);
      check(instance, answer, options, 1e-8);
    }
  }
}

TEST(Sinkhorn, SymmetricProblemsHaveOnePotential) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<double> x(60);
  for (double& coordinate : x) coordinate = normal(random);
  Instance instance{60, 60, {}, random_weights(60, random), {}};
  instance.b = instance.a;
  for (const double left : x) {
    for (const double right : x) instance.costs.push_back((left - right) * (left - right));
  }
  for (const double reg : {1.0, 1e-2}) {
    Options options = sinkhorn(reg * range_of(instance), 1e-10);
    const Answer both = solve<double>(instance, options);
    options.method = Method::symmetric;
    const Answer one = solve<double>(instance, options);
    EXPECT_EQ(one.status, Status::converged);
    EXPECT_NEAR(one.value, both.value, 1e-9 * range_of(instance));
    check(instance, one, options, 1e-9);
  }
}

TEST(Sinkhorn, ToleratesHardWeights) {
  Instance instance = random_instance(40, 40, 2, 13);
  for (std::size_t i = 0; i < 40; i += 3) instance.a[i] = 0.0;
  for (std::size_t j = 0; j < 40; j += 4) instance.b[j] = 1e-30;
  for (auto* weights : {&instance.a, &instance.b}) {
    const double sum = std::accumulate(weights->begin(), weights->end(), 0.0);
    for (double& weight : *weights) weight /= sum;
  }
  for (const double reg : {1e6, 1.0, 1e-2, 1e-4, 1e-6}) {
    const Options options = sinkhorn(reg * range_of(instance));
    const Answer answer = solve<double>(instance, options);
    EXPECT_EQ(answer.status, Status::converged) << reg;
    check(instance, answer, options, 1e-8);
    for (const double f : answer.f) EXPECT_TRUE(std::isfinite(f));
    for (const double g : answer.g) EXPECT_TRUE(std::isfinite(g));
  }
}

TEST(Sinkhorn, StartsFromPotentials) {
  const Instance instance = random_instance(80, 80, 3, 17);
  Options options = sinkhorn(1e-2 * range_of(instance));
  const Answer cold = solve<double>(instance, options);
  options.start = cold.g.data();
  const Answer warm = solve<double>(instance, options);
  EXPECT_LE(warm.n_iter, 2);
  EXPECT_NEAR(warm.value, cold.value, 1e-9 * range_of(instance));
}

TEST(Sinkhorn, SaysWhyItStopped) {
  const Instance instance = random_instance(60, 60, 2, 19);
  Options options = sinkhorn(1e-3 * range_of(instance), 0.0);
  options.max_iter = 25;
  EXPECT_EQ(solve<double>(instance, options).status, Status::max_iter);
  options.max_iter.reset();
  EXPECT_EQ(solve<double>(instance, options).status, Status::stalled);
  EXPECT_EQ(solve<float>(instance, options).status, Status::stalled);
  options.method = Method::plain;
  options.reg = 1e-6 * range_of(instance);
  EXPECT_EQ(solve<double>(instance, options, 1e-3).status, Status::time_limit);
}

TEST(Sinkhorn, TakesNoMorePassesThanItMay) {
  const Instance instance = random_instance(60, 60, 2, 19);
  for (const Method method : {Method::sinkhorn, Method::plain, Method::ipot}) {
    for (std::size_t most = 1; most < 40; ++most) {
      Options options = sinkhorn(1e-3 * range_of(instance), 0.0);
      options.method = method;
      options.max_iter = most;
      const Answer answer = solve<double>(instance, options);
      EXPECT_EQ(answer.status, Status::max_iter);
      EXPECT_LE(answer.n_iter, most);
      EXPECT_GE(answer.n_iter + 2, most);
    }
  }
}

TEST(Sinkhorn, RefusesBadOptions) {
  const Instance instance = random_instance(3, 3, 2, 23);
  for (const double reg : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")}) {
    EXPECT_THROW(solve<double>(instance, sinkhorn(reg)), InvalidArgument);
  }
  Options options = sinkhorn(1.0);
  options.rho_a = 0.0;
  EXPECT_THROW(solve<double>(instance, options), InvalidArgument);
  Instance bad = instance;
  bad.costs[4] = std::nan("");
  EXPECT_THROW(solve<double>(bad, sinkhorn(1.0)), InvalidArgument);
  bad = instance;
  bad.a[1] = -1.0;
  EXPECT_THROW(solve<double>(bad, sinkhorn(1.0)), InvalidArgument);
}

// A batch answers as its problems alone do, on any number of threads.
TEST(Sinkhorn, BatchesAreTheirProblems) {
  constexpr std::size_t kCount = 7;
  constexpr std::size_t kSide = 33;
  std::vector<double> costs;
  std::vector<double> a;
  std::vector<Answer> alone;
  const Options options = sinkhorn(0.05, 1e-7);
  for (std::size_t p = 0; p < kCount; ++p) {
    const Instance instance = random_instance(kSide, kSide, 2, 100 + p);
    Instance mine = instance;
    mine.b.clear();
    alone.push_back(solve<double>(mine, options));
    costs.insert(costs.end(), instance.costs.begin(), instance.costs.end());
    a.insert(a.end(), instance.a.begin(), instance.a.end());
  }
  for (const int threads : {1, 2, 3, 5}) {
    Options together = options;
    together.n_threads = threads;
    std::vector<double> values(kCount);
    std::vector<double> potentials(kCount * kSide);
    Solutions out;
    out.value = values.data();
    out.potential_b = potentials.data();
    Monitor monitor;
    solve_batch<double>({costs.data(), kCount, kSide, kSide, kSide * kSide}, {a.data(), kSide}, {},
                        together, out, monitor);
    for (std::size_t p = 0; p < kCount; ++p) {
      EXPECT_EQ(values[p], alone[p].value);
      EXPECT_TRUE(std::equal(alone[p].g.begin(), alone[p].g.end(), &potentials[p * kSide]));
    }
  }
}

// Algorithm 1 of the paper as it stands: the plan is stored, the scaling b kept from step to step.
std::vector<double> plain_ipot(const Instance& instance, double beta, std::size_t inner,
                               std::size_t steps) {
  const auto& [n, m, costs, a, b] = instance;
  std::vector<double> plan(n * m, 1.0);
  std::vector<double> left(n);
  std::vector<double> right(m, 1.0 / static_cast<double>(m));
  for (std::size_t t = 0; t < steps; ++t) {
    for (std::size_t e = 0; e < n * m; ++e) plan[e] *= std::exp(-costs[e] / beta);
    for (std::size_t l = 0; l < inner; ++l) {
      for (std::size_t i = 0; i < n; ++i) {
        left[i] = a[i] / std::inner_product(right.begin(), right.end(), plan.data() + i * m, 0.0);
      }
      for (std::size_t j = 0; j < m; ++j) {
        double sum = 0.0;
        for (std::size_t i = 0; i < n; ++i) sum += plan[i * m + j] * left[i];
        right[j] = b[j] / sum;
      }
    }
    for (std::size_t e = 0; e < n * m; ++e) plan[e] *= left[e / m] * right[e % m];
  }
  return plan;
}

TEST(Ipot, TakesTheStepsOfThePaper) {
  const Instance instance = random_instance(12, 9, 2, 29);
  for (const std::size_t inner : {std::size_t{1}, std::size_t{3}}) {
    for (const std::size_t steps : {1, 2, 3, 10, 40}) {
      Options options = sinkhorn(0.3 * range_of(instance), 0.0);
      options.method = Method::ipot;
      options.inner_iter = inner;
      options.max_iter = steps * inner;
      const Answer answer = solve<double>(instance, options);
      const std::vector<double> plan = plan_of(instance, answer);
      const std::vector<double> expected = plain_ipot(instance, options.reg, inner, steps);
      for (std::size_t e = 0; e < plan.size(); ++e) EXPECT_NEAR(plan[e], expected[e], 1e-13);
    }
  }
}

TEST(Ipot, FindsTheExactValue) {
  // The points of one side moved by a constant: the optimum is that translation.
  std::mt19937_64 random(31);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> x(40);
  for (double& coordinate : x) coordinate = uniform(random);
  Instance instance{
      40, 40, {}, std::vector<double>(40, 1.0 / 40), std::vector<double>(40, 1.0 / 40)};
  for (const double left : x) {
    for (const double right : x)
      instance.costs.push_back((left - right - 0.7) * (left - right - 0.7));
  }
  Options options;
  options.method = Method::ipot;
  const Answer answer = solve<double>(instance, options);
  EXPECT_EQ(answer.status, Status::converged);
  EXPECT_NEAR(answer.value, 0.49, 2e-4);
  EXPECT_EQ(answer.value, answer.value_linear);
  EXPECT_GE(answer.gap, -1e-6);
  EXPECT_LE(answer.gap, 1e-3);
}

}  // namespace
}  // namespace otcore::entropic
