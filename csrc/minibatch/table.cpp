#include "minibatch/table.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/sizes.h"
#include "base/thread_pool.h"
#include "exact/problem.h"

namespace otcore::minibatch {
namespace {

// Costs per chunk of the table: chunks of some ten microseconds (bench_minibatch, table).
constexpr std::size_t kChunkCosts = 1024;

// Entries below which writing a kept plan is quicker on one thread (bench_minibatch, aggregate).
constexpr std::size_t kParallelEntries = std::size_t{1} << 15;

// Pairs whose potentials are held at a time.
constexpr std::size_t kGradientPairs = 256;

// Adds factor * d W / d a for weights a = mass * weights of one batch: W depends on a / sum(a), and
// its derivative there is the potential (up to a constant, which drops out).
void add_weight_gradient(double factor, const double* potential, const double* weights,
                         std::size_t m, double mass, double* out) {
  double mean = 0.0;
  for (std::size_t r = 0; r < m; ++r) {
    mean += potential[r] * (weights == nullptr ? 1.0 / static_cast<double>(m) : weights[r]);
  }
  for (std::size_t r = 0; r < m; ++r) out[r] += factor * (potential[r] - mean) / mass;
}

}  // namespace

// What one thread solves with, and the answer of its last pair.
template <class T>
struct Table<T>::Worker {
  Worker(std::size_t mx, std::size_t my)
      : solver(mx, my, {}),
        rows(exact::max_plan_entries(mx, my)),
        cols(rows.size()),
        mass(rows.size()) {
    solution.rows = rows.data();
    solution.cols = cols.data();
    solution.mass = mass.data();
  }

  exact::Solver solver;
  exact::Solution solution;
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> cols;
  std::vector<double> mass;
};

template <class T>
Table<T>::Table(const Side<T>& x, const Side<T>& y, const TableOptions& options)
    : options_(options), batches_(x, y, options.metric) {
  if (options.diagonal && x.k != y.k) {
    throw InvalidArgument("k", std::to_string(x.k) + " and " + std::to_string(y.k) + " batches",
                          "the same number on both sides for diagonal pairs");
  }
  if (options.root && options.metric.power() == 0.0) {
    throw InvalidArgument("root", "True for metric 'cosine', which is no power of a metric",
                          "False");
  }
  const std::size_t pairs = options.diagonal ? x.k : checked_mul(x.k, y.k, "k");
  workers_ = make_workers(pairs);
  costs_.resize(pairs);
  gaps_.resize(pairs);
  counts_.resize(pairs);

  // The plan of equal batches is a permutation.
  const bool permutations = x.m == y.m && x.weights == nullptr && y.weights == nullptr;
  plan_stride_ = permutations ? x.m : exact::max_plan_entries(x.m, y.m);
  constexpr std::size_t kEntryBytes = 2 * sizeof(std::int32_t) + sizeof(double);
  if (plan_stride_ <= kPlanBytes / kEntryBytes / pairs) {
    plan_rows_ = std::make_unique_for_overwrite<std::int32_t[]>(pairs * plan_stride_);
    plan_cols_ = std::make_unique_for_overwrite<std::int32_t[]>(pairs * plan_stride_);
    plan_mass_ = std::make_unique_for_overwrite<double[]>(pairs * plan_stride_);
  }
}

template <class T>
Table<T>::~Table() = default;

template <class T>
std::size_t Table<T>::chunks(std::size_t pairs) const {
  const std::size_t per_chunk =
      std::max<std::size_t>(1, kChunkCosts / (batches_.x().m * batches_.y().m));
  return (pairs + per_chunk - 1) / per_chunk;
}

template <class T>
std::vector<typename Table<T>::Worker> Table<T>::make_workers(std::size_t pairs) const {
  std::vector<Worker> workers;
  const int slots = slots_for(chunks(pairs), options_.n_threads);
  workers.reserve(static_cast<std::size_t>(slots));
  for (int slot = 0; slot < slots; ++slot) workers.emplace_back(batches_.x().m, batches_.y().m);
  return workers;
}

template <class T>
template <class Body>
void Table<T>::for_each_pair(const std::vector<std::size_t>* pairs, std::size_t count,
                             int n_threads, Monitor& monitor, const Body& body) const {
  const std::size_t n_chunks = chunks(count);
  parallel_for(
      n_chunks, n_threads,
      [&](std::size_t chunk, int slot) {
        const std::size_t end = (chunk + 1) * count / n_chunks;
        for (std::size_t i = chunk * count / n_chunks; i < end; ++i) {
          body(pairs == nullptr ? i : (*pairs)[i], static_cast<std::size_t>(slot));
        }
      },
      &monitor);
}

template <class T>
void Table<T>::solve(const std::int64_t* batches_x, const std::int64_t* batches_y,
                     Monitor& monitor) {
  batches_.pack(batches_x, batches_y, options_.n_threads, monitor);
  for_each_pair(nullptr, costs_.size(), options_.n_threads, monitor,
                [&](std::size_t pair, std::size_t slot) {
                  solve_pair(workers_[slot], pair, monitor);
                  keep_pair(workers_[slot], pair);
                });
}

template <class T>
void Table<T>::solve_pair(Worker& worker, std::size_t pair, Monitor& monitor) const {
  exact::Solution& solution = worker.solution;
  if (monitor.stopped() != Stop::none) {
    solution.status = exact::Status::interrupted;
  } else {
    const std::size_t i = row_batch(pair);
    const std::size_t j = col_batch(pair);
    double* costs = worker.solver.cost_buffer();
    batches_.costs(i, j, costs, worker.solver.cost_stride());
    worker.solver.solve_padded(costs, batches_.weights_x(i), batches_.weights_y(j), monitor,
                               solution);
  }
  if (solution.status != exact::Status::optimal) {
    solution.value = solution.gap = std::numeric_limits<double>::quiet_NaN();
    solution.count = 0;
  } else if (options_.root) {
    solution.value = std::pow(solution.value, 1.0 / options_.metric.power());
  }
}

template <class T>
void Table<T>::keep_pair(const Worker& worker, std::size_t pair) {
  costs_[pair] = worker.solution.value;
  gaps_[pair] = worker.solution.gap;
  const std::size_t count = worker.solution.count;
  counts_[pair] = static_cast<std::int32_t>(count);
  if (plan_mass_ == nullptr) return;
  assert(count <= plan_stride_);
  std::copy_n(worker.rows.data(), count, plan_rows_.get() + pair * plan_stride_);
  std::copy_n(worker.cols.data(), count, plan_cols_.get() + pair * plan_stride_);
  std::copy_n(worker.mass.data(), count, plan_mass_.get() + pair * plan_stride_);
}

template <class T>
double Table<T>::cost_slope(std::size_t pair) const {
  if (!options_.root) return 1.0;
  const double power = options_.metric.power();
  const double cost = costs_[pair];
  return cost == 0.0 ? 0.0 : std::pow(cost, 1.0 - power) / power;
}

template <class T>
std::size_t Table<T>::count_entries(const double* weights) const {
  std::size_t total = 0;
  for (std::size_t pair = 0; pair < counts_.size(); ++pair) {
    if (weights[pair] != 0.0) total += static_cast<std::size_t>(counts_[pair]);
  }
  return total;
}

template <class T>
void Table<T>::write_pair(std::size_t pair, double weight, const std::int32_t* rows,
                          const std::int32_t* cols, const double* mass, const Entries& out) const {
  const auto first_row = static_cast<std::int64_t>(row_batch(pair) * batches_.x().m);
  const auto first_col = static_cast<std::int64_t>(col_batch(pair) * batches_.y().m);
  for (std::int32_t e = 0; e < counts_[pair]; ++e) {
    out.rows[e] = first_row + rows[e];
    out.cols[e] = first_col + cols[e];
    out.mass[e] = weight * mass[e];
  }
}

template <class T>
void Table<T>::aggregate(const double* weights, const Entries& out, Monitor& monitor) const {
  std::vector<std::size_t> pairs;                    // of weight not 0
  std::vector<std::size_t> offsets(counts_.size());  // of a pair's entries
  std::size_t total = 0;
  for (std::size_t pair = 0; pair < counts_.size(); ++pair) {
    if (weights[pair] == 0.0) continue;
    pairs.push_back(pair);
    offsets[pair] = total;
    total += static_cast<std::size_t>(counts_[pair]);
  }
  const auto place = [&](std::size_t pair) {
    return Entries{out.rows + offsets[pair], out.cols + offsets[pair], out.mass + offsets[pair]};
  };

  if (plan_mass_ != nullptr) {
    const int n_threads = total < kParallelEntries ? 1 : options_.n_threads;
    for_each_pair(&pairs, pairs.size(), n_threads, monitor, [&](std::size_t pair, std::size_t) {
      const std::size_t first = pair * plan_stride_;
      write_pair(pair, weights[pair], plan_rows_.get() + first, plan_cols_.get() + first,
                 plan_mass_.get() + first, place(pair));
    });
    return;
  }
  std::vector<Worker> workers = make_workers(pairs.size());
  for_each_pair(&pairs, pairs.size(), options_.n_threads, monitor,
                [&](std::size_t pair, std::size_t slot) {
                  Worker& worker = workers[slot];
                  solve_pair(worker, pair, monitor);
                  if (monitor.stopped() != Stop::none) return;
                  write_pair(pair, weights[pair], worker.rows.data(), worker.cols.data(),
                             worker.mass.data(), place(pair));
                });
}

template <class T>
void Table<T>::weight_gradient(const double* weights, double* grad_x, double* grad_y,
                               Monitor& monitor) const {
  const std::size_t mx = batches_.x().m;
  const std::size_t my = batches_.y().m;
  std::fill_n(grad_x, batches_.x().k * mx, 0.0);
  std::fill_n(grad_y, batches_.y().k * my, 0.0);
  std::vector<std::size_t> pairs;
  for (std::size_t pair = 0; pair < counts_.size(); ++pair) {
    if (weights[pair] != 0.0) pairs.push_back(pair);
  }

  // Sums run in the order of the pairs, whatever the threads: potentials first, block by block.
  const std::size_t most = std::min(pairs.size(), kGradientPairs);
  std::vector<Worker> workers = make_workers(most);
  std::vector<double> potentials(most * (mx + my));
  for (std::size_t start = 0; start < pairs.size(); start += most) {
    const std::size_t count = std::min(most, pairs.size() - start);
    for_each_pair(nullptr, count, options_.n_threads, monitor,
                  [&](std::size_t i, std::size_t slot) {
                    exact::Solution& solution = workers[slot].solution;
                    solution.potential_a = potentials.data() + i * (mx + my);
                    solution.potential_b = solution.potential_a + mx;
                    solve_pair(workers[slot], pairs[start + i], monitor);
                  });
    if (monitor.stopped() != Stop::none) return;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t pair = pairs[start + i];
      const std::size_t row = row_batch(pair);
      const std::size_t col = col_batch(pair);
      const double* potential = potentials.data() + i * (mx + my);
      add_weight_gradient(weights[pair], potential, batches_.weights_x(row), mx,
                          batches_.masses_x()[row], grad_x + row * mx);
      add_weight_gradient(weights[pair], potential + mx, batches_.weights_y(col), my,
                          batches_.masses_y()[col], grad_y + col * my);
    }
  }
}

template class Table<float>;
template class Table<double>;

}  // namespace otcore::minibatch
