// Iterations with a kept kernel against the log domain: a Sweep's first iteration is one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "entropic/sweep.h"
#include "entropic_problems.h"

namespace otcore::entropic {
namespace {

template <class T>
class KeptTyped : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(KeptTyped, Reals);

// Potentials and column sums that two sweeps are compared by.
struct State {
  std::vector<double> f, g, log_ratio;
};

template <class T>
class Pair {
 public:
  Pair(const Instance& instance, double reg)
      : instance_(&instance),
        eps_(reg * range_of(instance)),
        costs_(instance.costs.begin(), instance.costs.end()),
        kept_(view(), 1),
        at_{std::vector<double>(instance.n), std::vector<double>(instance.m),
            std::vector<double>(instance.m)} {}

  // Both sides of an iteration from at().g, which must agree.
  void iterate(double damping = 1.0) {
    expected_ = fresh(at_, damping);
    kept_.iterate(eps_, instance_->a.data(), instance_->b.data(), at_.g.data(), damping,
                  at_.f.data(), at_.log_ratio.data());
    compare();
  }

  // Steps of both, which must agree after the last. Returns how many the kept one did at once.
  std::size_t advance(std::size_t most, double goal) {
    State plain = at_;
    const std::size_t done = kept_.advance(eps_, instance_->a.data(), instance_->b.data(), most,
                                           goal, at_.g.data(), at_.f.data(), at_.log_ratio.data());
    for (std::size_t k = 0; k < done; ++k) {
      for (std::size_t j = 0; j < plain.g.size(); ++j) plain.g[j] -= eps_ * plain.log_ratio[j];
      plain = fresh(plain, 1.0);
    }
    expected_ = plain;
    compare();
    return done;
  }

  State& at() { return at_; }
  void set_reg(double reg) { eps_ = reg * range_of(*instance_); }
  [[nodiscard]] double eps() const { return eps_; }
  Sweep<T>& kept() { return kept_; }
  [[nodiscard]] MatrixView<const T> view() const {
    return {costs_.data(), instance_->n, instance_->m, instance_->m};
  }

 private:
  [[nodiscard]] State fresh(const State& from, double damping) const {
    State next = from;
    Sweep<T> sweep(view(), 1);
    sweep.iterate(eps_, instance_->a.data(), instance_->b.data(), next.g.data(), damping,
                  next.f.data(), next.log_ratio.data());
    return next;
  }

  void compare() const {
    // Roundings of an exponent, on either side.
    const double u = std::numeric_limits<T>::epsilon() / 2;
    double size = range_of(*instance_) / eps_ + 30.0;
    for (const double g : at_.g) size = std::max(size, std::abs(g) / eps_);
    const double error = 16.0 * u * size;
    for (std::size_t i = 0; i < at_.f.size(); ++i) {
      ASSERT_NEAR(at_.f[i] / eps_, expected_.f[i] / eps_, error) << "row " << i;
    }
    for (std::size_t j = 0; j < at_.g.size(); ++j) {
      ASSERT_NEAR(at_.g[j] / eps_, expected_.g[j] / eps_, error) << "column " << j;
      ASSERT_NEAR(at_.log_ratio[j], expected_.log_ratio[j], 2.0 * error) << "column " << j;
    }
  }

  const Instance* instance_;
  double eps_;
  std::vector<T> costs_;
  Sweep<T> kept_;
  State at_;
  State expected_;
};

// Zeros, weights of 1e-30, and what is in between.
void harden(Instance& instance, double light) {
  for (std::size_t i = 0; i < instance.n; i += 3) instance.a[i] = i % 2 == 0 ? 0.0 : light;
  for (std::size_t j = 1; j < instance.m; j += 4) instance.b[j] = j % 8 == 1 ? 0.0 : light;
}

TYPED_TEST(KeptTyped, IterationsAreThoseOfTheLogDomain) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  const std::pair<std::size_t, std::size_t> shapes[] = {{2, 1},   {2, 130}, {50, 50},
                                                        {65, 64}, {200, 3}, {100, 512}};
  for (const auto& [n, m] : shapes) {
    for (const double light : {0.5, 1e-9, 1e-30}) {
      Instance instance = random_instance(n, m, 2, n + m);
      if (light < 0.5 && n > 2) harden(instance, light);
      for (const double reg : {1e6, 1.0, 1e-2, 1e-4, 1e-6}) {
        for (const double damping : {1.0, 0.7}) {
          SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(m) + ", " +
                       std::to_string(light) + ", " + std::to_string(reg) + ", " +
                       std::to_string(damping));
          Pair<TypeParam> pair(instance, reg);
          for (int turn = 0; turn < 12; ++turn) {
            pair.iterate(damping);
            if (this->HasFatalFailure()) return;
            // Sinkhorn's step, and steps that stay in range or leave it.
            State& at = pair.at();
            for (std::size_t j = 0; j < m; ++j) {
              at.g[j] -= pair.eps() * at.log_ratio[j];
              if (turn % 3 == 1) at.g[j] += pair.eps() * normal(random);
              if (turn % 5 == 4) at.g[j] += 60.0 * pair.eps() * normal(random);
            }
          }
        }
      }
    }
  }
}

TYPED_TEST(KeptTyped, ManyStepsAreTheSameSteps) {
  for (const double light : {0.5, 1e-9, 1e-30}) {
    Instance instance = random_instance(60, 50, 3, 5);
    if (light < 0.5) harden(instance, light);
    for (const double reg : {1e6, 1.0, 1e-1, 1e-2, 1e-3}) {
      SCOPED_TRACE(std::to_string(light) + ", " + std::to_string(reg));
      Pair<TypeParam> pair(instance, reg);
      pair.iterate();
      std::size_t calls = 0;
      for (std::size_t steps = 0; steps < 60 && !this->HasFatalFailure(); ++calls) {
        const std::size_t done = pair.advance(60 - steps, 0.0);
        ASSERT_GE(done, 1U);
        ASSERT_LE(done, 60 - steps);
        steps += done;
      }
      if (light == 0.5 && reg >= 1e-2) {
        EXPECT_LE(calls, 4U);
      }
    }
  }
}

TYPED_TEST(KeptTyped, StepsEndAtTheGoal) {
  const Instance instance = random_instance(50, 50, 2, 7);
  Pair<TypeParam> pair(instance, 0.1);
  pair.iterate();
  constexpr double kGoal = 1e-4;
  std::size_t steps = 0;
  double error = 1.0;
  while (error > kGoal) {
    ASSERT_LT(steps, 1000U);
    steps += pair.advance(1000, kGoal);
    error = 0.0;
    for (std::size_t j = 0; j < instance.m; ++j) {
      error += instance.b[j] * std::abs(std::expm1(pair.at().log_ratio[j]));
    }
  }
  // Not long after it was reached.
  EXPECT_GT(error, 0.1 * kGoal);
}

TYPED_TEST(KeptTyped, KernelsOfOtherProblemsAreNotUsed) {
  const Instance first = random_instance(40, 30, 2, 9);
  Instance second = random_instance(40, 30, 2, 10);
  Pair<TypeParam> pair(first, 0.1);
  pair.iterate();
  pair.set_reg(0.05);
  pair.iterate();
  pair.set_reg(0.1);
  pair.iterate();

  // Other costs, then other weights.
  const std::vector<TypeParam> costs(second.costs.begin(), second.costs.end());
  const MatrixView<const TypeParam> view{costs.data(), 40, 30, 30};
  pair.kept().reset(view);
  for (int turn = 0; turn < 2; ++turn) {
    if (turn == 1) std::reverse(second.b.begin(), second.b.end());
    std::vector<double> f(40), g(30), log_ratio(30), again_f(40), again_ratio(30);
    Sweep<TypeParam> fresh(view, 1);
    fresh.iterate(0.3, second.a.data(), second.b.data(), g.data(), 1.0, f.data(), log_ratio.data());
    pair.kept().iterate(0.3, second.a.data(), second.b.data(), g.data(), 1.0, again_f.data(),
                        again_ratio.data());
    EXPECT_EQ(f, again_f);
    EXPECT_EQ(log_ratio, again_ratio);
  }
}

}  // namespace
}  // namespace otcore::entropic
