// Problems for the entropic room, and the plain formulas its answers are held against.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "entropic/batch.h"

namespace otcore::entropic {

// One problem of n x m, costs in rows.
struct Instance {
  std::size_t n;
  std::size_t m;
  std::vector<double> costs;
  std::vector<double> a;
  std::vector<double> b;
};

inline std::vector<double> random_weights(std::size_t count, std::mt19937_64& random) {
  std::exponential_distribution<double> exponential;
  std::vector<double> weights(count);
  for (double& weight : weights) weight = exponential(random);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

// Squared distances of normal points in d dimensions, with random weights.
inline Instance random_instance(std::size_t n, std::size_t m, std::size_t d, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> x(n * d);
  std::vector<double> y(m * d);
  for (double& coordinate : x) coordinate = normal(random);
  for (double& coordinate : y) coordinate = normal(random);
  Instance instance{n, m, std::vector<double>(n * m), random_weights(n, random),
                    random_weights(m, random)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) {
      for (std::size_t k = 0; k < d; ++k) {
        const double difference = x[i * d + k] - y[j * d + k];
        instance.costs[i * m + j] += difference * difference;
      }
    }
  }
  return instance;
}

inline double range_of(const Instance& instance) {
  const auto [low, high] = std::minmax_element(instance.costs.begin(), instance.costs.end());
  return *high - *low;
}

// All that a solve answers, for one problem.
struct Answer {
  double value = 0.0;
  double value_linear = 0.0;
  double gap = 0.0;
  double marginal_error = 0.0;
  std::int64_t n_iter = 0;
  Status status = Status::converged;
  double eps = 0.0;
  std::vector<double> f;
  std::vector<double> g;
  std::vector<double> row_mass;
  std::vector<double> col_mass;
};

inline Solutions views(Answer& answer) {
  return {.value = &answer.value,
          .value_linear = &answer.value_linear,
          .gap = &answer.gap,
          .marginal_error = &answer.marginal_error,
          .n_iter = &answer.n_iter,
          .status = &answer.status,
          .eps = &answer.eps,
          .potential_a = answer.f.data(),
          .potential_b = answer.g.data(),
          .marginal_a = answer.row_mass.data(),
          .marginal_b = answer.col_mass.data()};
}

template <class T>
Answer solve(const Instance& instance, const Options& options, std::optional<double> limit = {}) {
  const auto& [n, m, costs, a, b] = instance;
  const std::vector<T> typed(costs.begin(), costs.end());
  Answer answer;
  answer.f.resize(n);
  answer.g.resize(m);
  answer.row_mass.resize(n);
  answer.col_mass.resize(m);
  Monitor monitor({}, {}, limit);
  solve_batch<T>({typed.data(), 1, n, m, n * m}, {a.empty() ? nullptr : a.data(), 0},
                 {b.empty() ? nullptr : b.data(), 0}, options, views(answer), monitor);
  return answer;
}

// The plan by its formula.
inline std::vector<double> plan_of(const Instance& instance, const Answer& answer) {
  const auto& [n, m, costs, a, b] = instance;
  std::vector<double> plan(n * m);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) {
      if (a[i] == 0.0 || b[j] == 0.0) continue;
      plan[i * m + j] =
          a[i] * b[j] * std::exp((answer.f[i] + answer.g[j] - costs[i * m + j]) / answer.eps);
    }
  }
  return plan;
}

// sum x log(x / y) - x + y.
inline double divergence(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += y[i] - x[i] + (x[i] > 0.0 ? x[i] * std::log(x[i] / y[i]) : 0.0);
  }
  return sum;
}

}  // namespace otcore::entropic
