// A transport problem between points whose costs are never stored: they are computed again, tile by
// tile, whenever they are looked at.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/masses.h"
#include "base/monitor.h"
#include "cost/cost.h"
#include "exact/arcs.h"
#include "exact/cloud_side.h"
#include "exact/tuning.h"

namespace otcore::exact {

// Rows are the points of x and columns those of y, in their sides' order. Each function below looks
// at all pairs, or proves for whole tiles that they have nothing; after the monitor was stopped it
// returns early, with less. Work is cut by the problem alone, for any number of threads.
struct CloudPair {
  const CloudSide& x;
  const CloudSide& y;
  cost::Metric metric;
  double rounding;  // bounds are taken for broken only by more than this
  int n_threads;
  Monitor& monitor;

  [[nodiscard]] CloudPair swapped() const { return {y, x, metric, rounding, n_threads, monitor}; }
  [[nodiscard]] double cost(std::size_t i, std::size_t j) const;
  // The same to within `rounding`, for sides with shadows, and sooner: no column is read beside j.
  [[nodiscard]] double cost_but_rounding(std::size_t i, std::size_t j) const {
    return cost::squared_distance(x.row(i), y.row(j), x.dims());
  }
  // The costs of row i, as many as columns rounded up to whole panels.
  void fill_row(std::size_t i, double* out) const;
};

// With the masses of both sides, all of them positive.
struct CloudProblem : CloudPair {
  static constexpr bool kHasPlans = true;
  static constexpr int kRoundsFromStart = kClusterRounds;

  const Masses& masses;
  double tolerance;                        // of reduced costs
  std::size_t nearest;                     // candidates of each row and column
  const std::vector<Arc>* plan = nullptr;  // of a similar problem, to start from

  [[nodiscard]] std::size_t nearest_count() const { return nearest; }
  [[nodiscard]] CloudProblem without_plan() const {
    CloudProblem other = *this;
    other.plan = nullptr;
    return other;
  }

  [[nodiscard]] std::size_t rows() const { return x.size(); }
  [[nodiscard]] std::size_t cols() const { return y.size(); }
  [[nodiscard]] Arc cheapest(std::size_t row, const double* v) const;
};

// u_i = min_j C_ij - v_j.
void transform(const CloudPair& pair, const double* v, double* u);

// Those without a word are the same as of a dense problem: candidates.h, coarse.h.
void start_potentials(const CloudProblem& problem, double* v);
ArcParts nearest_of_rows(const CloudProblem& problem, const double* v, std::size_t count,
                         double* u);
ArcParts nearest_of_cols(const CloudProblem& problem, const double* u, std::size_t count);
// The `count` lowest arcs of each row at most, of those with C_ij - v_j below `below`.
ArcParts nearest_below(const CloudProblem& problem, const double* v, std::size_t count,
                       const double* below);
ArcParts violated_arcs(const CloudProblem& problem, const double* v, double tolerance,
                       std::size_t count, double* u);

}  // namespace otcore::exact
