// Entropic couplings of batches, and the linear systems they take.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>

#include "base/monitor.h"
#include "minibatch/entropic_coupling.h"
#include "minibatch/laplacian.h"
#include "minibatch_problems.h"

namespace otcore::minibatch {
namespace {

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

}  // namespace
}  // namespace otcore::minibatch
