#include "exact/coarse.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/random.h"
#include "exact/problem.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

// What landmarks are drawn with: the same for every call, so that a problem has one answer.
constexpr std::uint64_t kSeed = 1;

// Some rows or columns, each with its costs to the landmarks and its mass.
struct Items {
  std::vector<std::int32_t> index;
  std::vector<double> features;  // kLandmarks each
  std::vector<double> mass;

  [[nodiscard]] const double* of(std::size_t k) const { return features.data() + k * kLandmarks; }
};

struct Clusters {
  std::vector<std::int32_t> members;  // the row or column that stands for each
  std::vector<double> mass;
};

// Clusters by halving, again and again, at the median of the landmark along which the items vary
// most.
class Halving {
 public:
  explicit Halving(const Items& items) : items_(items), order_(items.index.size()) {
    for (std::size_t k = 0; k < order_.size(); ++k) order_[k] = k;
  }

  Clusters split(std::size_t count) {
    split(0, order_.size(), std::min(count, order_.size()));
    return std::move(clusters_);
  }

 private:
  void split(std::size_t first, std::size_t last, std::size_t count) {
    double mean[kLandmarks] = {};
    double spread[kLandmarks] = {};
    for (std::size_t k = first; k < last; ++k) {
      for (std::size_t l = 0; l < kLandmarks; ++l) mean[l] += items_.of(order_[k])[l];
    }
    for (double& x : mean) x /= static_cast<double>(last - first);
    if (count == 1) return close(first, last, mean);
    for (std::size_t k = first; k < last; ++k) {
      for (std::size_t l = 0; l < kLandmarks; ++l) {
        const double x = items_.of(order_[k])[l] - mean[l];
        spread[l] += x * x;
      }
    }
    const auto widest =
        static_cast<std::size_t>(std::max_element(spread, spread + kLandmarks) - spread);
    const std::size_t below = count / 2;
    const std::size_t middle = first + (last - first) * below / count;
    const auto place = [this](std::size_t k) {
      return order_.begin() + static_cast<std::ptrdiff_t>(k);
    };
    std::nth_element(
        place(first), place(middle), place(last), [this, widest](std::size_t x, std::size_t y) {
          return std::pair(items_.of(x)[widest], x) < std::pair(items_.of(y)[widest], y);
        });
    split(first, middle, below);
    split(middle, last, count - below);
  }

  void close(std::size_t first, std::size_t last, const double* mean) {
    double mass = 0.0;
    double nearest = std::numeric_limits<double>::infinity();
    std::size_t at = order_[first];
    for (std::size_t k = first; k < last; ++k) {
      mass += items_.mass[order_[k]];
      double distance = 0.0;
      for (std::size_t l = 0; l < kLandmarks; ++l) {
        const double x = items_.of(order_[k])[l] - mean[l];
        distance += x * x;
      }
      if (distance < nearest) {
        nearest = distance;
        at = order_[k];
      }
    }
    clusters_.members.push_back(items_.index[at]);
    clusters_.mass.push_back(mass);
  }

  const Items& items_;
  std::vector<std::size_t> order_;
  Clusters clusters_;
};

// The rows (or columns) with mass; cost(item, landmark).
template <class Cost>
Items items_of(const std::vector<std::int32_t>& index, const std::vector<std::int64_t>& mass,
               const std::vector<std::int32_t>& others, Random& random, const Cost& cost) {
  Items items{index, std::vector<double>(index.size() * kLandmarks), {}};
  std::int32_t landmarks[kLandmarks];
  for (std::int32_t& landmark : landmarks) landmark = others[random.below(others.size())];
  for (std::size_t k = 0; k < index.size(); ++k) {
    const auto item = static_cast<std::size_t>(index[k]);
    items.mass.push_back(static_cast<double>(mass[item]));
    for (std::size_t l = 0; l < kLandmarks; ++l) {
      items.features[k * kLandmarks + l] = cost(item, static_cast<std::size_t>(landmarks[l]));
    }
  }
  return items;
}

// The optimum between clusters, extended to all columns by its rows' potentials.
template <class T>
void coarse_potentials(const DenseProblem<T>& problem, std::size_t count, double* v) {
  const Masses& masses = problem.masses;
  Random random(kSeed);
  const auto cost = [&](std::size_t i, std::size_t j) { return problem.cost(i, j); };
  const auto transposed = [&](std::size_t j, std::size_t i) { return problem.cost(i, j); };
  const Items row_items = items_of(masses.rows(), masses.supply(), masses.cols(), random, cost);
  const Items col_items =
      items_of(masses.cols(), masses.demand(), masses.rows(), random, transposed);
  const Clusters rows = Halving(row_items).split(count);
  const Clusters cols = Halving(col_items).split(count);
  const std::size_t n = rows.members.size();
  const std::size_t m = cols.members.size();
  std::vector<double> costs(n * m);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) {
      costs[i * m + j] = problem.cost(static_cast<std::size_t>(rows.members[i]),
                                      static_cast<std::size_t>(cols.members[j]));
    }
  }
  std::vector<double> u(n);
  Solution solution;
  solution.potential_a = u.data();
  Solver solver(n, m, Options{});
  solver.solve(MatrixView<const double>{costs.data(), n, m, m}, rows.mass.data(), cols.mass.data(),
               problem.monitor, solution);
  column_transform(problem, rows.members, u.data(), v);
}

// The dual value of v and its row transform, with every step-th row for all of them.
template <class T>
double sampled_dual(const DenseProblem<T>& problem, std::size_t step, const double* v) {
  const Masses& masses = problem.masses;
  std::vector<std::int32_t> rows;
  for (std::size_t k = 0; k < masses.rows().size(); k += step) rows.push_back(masses.rows()[k]);
  std::vector<double> u(problem.costs.rows);
  row_transform(problem, rows, v, u.data());
  double sampled = 0.0;
  double dual = 0.0;
  for (const std::int32_t i : rows) {
    const auto row = static_cast<std::size_t>(i);
    sampled += masses.mass(masses.supply()[row]);
    dual += masses.mass(masses.supply()[row]) * u[row];
  }
  dual *= masses.total() / sampled;
  for (const std::int32_t j : masses.cols()) {
    const auto col = static_cast<std::size_t>(j);
    dual += masses.mass(masses.demand()[col]) * v[col];
  }
  return dual;
}

}  // namespace

template <class T>
void start_potentials(const DenseProblem<T>& problem, double* v) {
  const Masses& masses = problem.masses;
  column_transform(problem, masses.rows(), nullptr, v);
  const std::size_t shorter = std::min(masses.rows().size(), masses.cols().size());
  const std::size_t count = std::min(shorter / kRowsPerCluster, kMaxClusters);
  if (count < 2) return;
  std::vector<double> other(problem.costs.cols);
  coarse_potentials(problem, count, other.data());
  const std::size_t step = std::max<std::size_t>(1, masses.rows().size() / kSampledRows);
  if (sampled_dual(problem, step, other.data()) > sampled_dual(problem, step, v)) {
    std::copy(other.begin(), other.end(), v);
  }
}

template void start_potentials(const DenseProblem<float>&, double*);
template void start_potentials(const DenseProblem<double>&, double*);

}  // namespace otcore::exact
