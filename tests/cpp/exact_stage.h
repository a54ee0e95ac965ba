// A problem as the parts of the solver for large ones see it.
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "base/masses.h"
#include "base/monitor.h"
#include "exact/arcs.h"
#include "exact/candidates.h"
#include "exact/crossover.h"
#include "exact_problems.h"

namespace otcore::exact {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Stage {
  explicit Stage(Problem p) : problem(std::move(p)), masses(problem.n, problem.m) {
    masses.set(problem.a.empty() ? nullptr : problem.a.data(),
               problem.b.empty() ? nullptr : problem.b.data(), 1e-6);
  }

  DenseProblem<double> dense() { return {problem.view(), 1.0, masses, 2, monitor}; }

  double cost(std::size_t i, std::size_t j) const { return problem.costs[i * problem.m + j]; }

  ArcParts all_arcs() const {
    ArcParts parts(1);
    for (const std::int32_t i : masses.rows()) {
      for (const std::int32_t j : masses.cols()) {
        parts[0].push_back({i, j, cost(static_cast<std::size_t>(i), static_cast<std::size_t>(j))});
      }
    }
    return parts;
  }

  CheapestArc cheapest() const {
    return [this](std::size_t i, const double* v) -> Arc {
      std::size_t best = problem.m;
      for (std::size_t j = 0; j < problem.m; ++j) {
        if (v[j] == -kInfinity) continue;
        if (best == problem.m || cost(i, j) - v[j] < cost(i, best) - v[best]) best = j;
      }
      return {static_cast<std::int32_t>(i), static_cast<std::int32_t>(best), cost(i, best)};
    };
  }

  std::vector<double> numbers(std::size_t count, std::uint32_t seed) const {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> unit;
    std::vector<double> x(count);
    for (double& y : x) y = unit(generator);
    return x;
  }

  Problem problem;
  Masses masses;
  Monitor monitor;
};

}  // namespace otcore::exact
