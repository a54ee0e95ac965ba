// Potentials to start from, out of the problem between clusters: of which the potentials to start
// from come out of a problem between clusters in their turn.
#include <algorithm>
#include <numeric>
#include <vector>

#include "base/sizes.h"
#include "exact/cloud.h"
#include "exact/large.h"
#include "exact/problem.h"
#include "exact/simplex.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

CloudSide clusters_of(const CloudSide& side, const cost::Metric& metric) {
  const MatrixView<const double> means = side.clusters();
  std::vector<std::int64_t> index(means.rows);
  std::iota(index.begin(), index.end(), std::int64_t{0});
  return {metric, cost::PointSet<double>{means, index.data(), index.size()}, side.frame()};
}

// The masses of clusters, in the order of their side.
std::vector<double> masses_of(const CloudSide& clusters, const std::vector<std::int64_t>& masses) {
  std::vector<double> sums;
  sums.reserve(clusters.size());
  for (const std::int64_t cluster : clusters.order()) {
    const std::size_t first = static_cast<std::size_t>(cluster) * kPointsPerCluster;
    const std::size_t last = std::min(masses.size(), first + kPointsPerCluster);
    double sum = 0.0;
    for (std::size_t k = first; k < last; ++k) sum += static_cast<double>(masses[k]);
    sums.push_back(sum);
  }
  return sums;
}

void solve_dense(const CloudPair& pair, const std::vector<double>& a, const std::vector<double>& b,
                 double* u) {
  const std::size_t n = pair.x.size();
  const std::size_t m = pair.y.size();
  const std::size_t stride = round_up(m, cost::kColumnPadding<double>);
  std::vector<double> costs(n * stride);
  for (std::size_t i = 0; i < n; ++i) pair.fill_row(i, costs.data() + i * stride);
  Solution solution;
  solution.potential_a = u;
  Options options;
  options.n_threads = pair.n_threads;
  Solver(n, m, options)
      .solve(MatrixView<const double>{costs.data(), n, m, stride}, a.data(), b.data(), pair.monitor,
             solution);
}

}  // namespace

void start_potentials(const CloudProblem& problem, double* v) {
  const CloudSide x = clusters_of(problem.x, problem.metric);
  const CloudSide y = clusters_of(problem.y, problem.metric);
  const std::vector<double> a = masses_of(x, problem.masses.supply());
  const std::vector<double> b = masses_of(y, problem.masses.demand());
  const CloudPair pair{x, y, problem.metric, problem.rounding, problem.n_threads, problem.monitor};
  std::vector<double> u(x.size());
  if (x.size() <= kPairsOfCoarsest / y.size()) {
    solve_dense(pair, a, b, u.data());
  } else {
    Masses masses(x.size(), y.size());
    masses.set(a.data(), b.data(), 1e-6);
    NetworkSimplex simplex(x.size(), y.size());
    solve_large(CloudProblem{pair, masses, problem.tolerance, problem.nearest}, problem.tolerance,
                nullptr, {}, false, simplex, u.data());
  }
  transform({problem.y, x, problem.metric, problem.rounding, problem.n_threads, problem.monitor},
            u.data(), v);
}

}  // namespace otcore::exact
