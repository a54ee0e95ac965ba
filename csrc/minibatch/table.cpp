#include "minibatch/table.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/sizes.h"
#include "base/thread_pool.h"

namespace otcore::minibatch {
namespace {

// Costs per chunk of the table: chunks of some ten microseconds (bench_minibatch, table).
constexpr std::size_t kChunkCosts = 1024;

// Entries below which writing a kept plan is quicker on one thread (bench_minibatch, aggregate).
constexpr std::size_t kParallelEntries = std::size_t{1} << 15;

// Pairs whose slopes are held at a time.
constexpr std::size_t kGradientPairs = 256;

}  // namespace

// Whether a pair's cost is what some plan with its marginals costs.
bool is_transport_cost(const InnerOptions& options) {
  if (!options.entropic) return true;
  const bool balanced = std::isinf(options.entropic->rho_a) && std::isinf(options.entropic->rho_b);
  return options.entropic->method == entropic::Method::ipot || (balanced && options.linear);
}

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
  if (options.root && !is_transport_cost(options.inner)) {
    throw InvalidArgument("root", "True for an inner problem whose value is no transport cost",
                          "False, or inner 'exact', 'ipot' or 'sinkhorn' with its linear value");
  }
  check_inner(options.inner);
  const std::size_t pairs = options.diagonal ? x.k : checked_mul(x.k, y.k, "k");
  solvers_ = make_solvers(pairs);
  costs_.resize(pairs);
  gaps_.resize(pairs);
  errors_.resize(pairs);
  statuses_.resize(pairs);
  counts_.resize(pairs);
  record_size_ = solvers_.front()->record_size();
  if (record_size_ <= kRecordBytes / pairs) {
    records_ = std::make_unique_for_overwrite<std::byte[]>(pairs * record_size_);
  }
}

template <class T>
std::size_t Table<T>::chunks(std::size_t pairs) const {
  const std::size_t per_chunk =
      std::max<std::size_t>(1, kChunkCosts / (batches_.x().m * batches_.y().m));
  return (pairs + per_chunk - 1) / per_chunk;
}

template <class T>
typename Table<T>::Solvers Table<T>::make_solvers(std::size_t pairs) const {
  Solvers solvers(static_cast<std::size_t>(slots_for(chunks(pairs), options_.n_threads)));
  const int n_threads = pairs == 1 ? options_.n_threads : 1;
  for (auto& solver : solvers) solver = make_inner_solver(options_.inner, batches_, n_threads);
  return solvers;
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
  for_each_pair(
      nullptr, costs_.size(), options_.n_threads, monitor,
      [&](std::size_t pair, std::size_t slot) { solve_pair(*solvers_[slot], pair, monitor); });
}

template <class T>
void Table<T>::solve_pair(InnerSolver<T>& solver, std::size_t pair, Monitor& monitor) {
  const InnerResult result = solver.solve(batches_, row_batch(pair), col_batch(pair), monitor);
  costs_[pair] = options_.root ? std::pow(result.cost, 1.0 / options_.metric.power()) : result.cost;
  gaps_[pair] = result.gap;
  errors_[pair] = result.marginal_error;
  statuses_[pair] = result.status;
  counts_[pair] = result.count;
  if (records_ != nullptr && monitor.stopped() == Stop::none) solver.keep(record(pair));
}

template <class T>
Status Table<T>::status() const {
  return *std::max_element(statuses_.begin(), statuses_.end());
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
    if (weights[pair] != 0.0) total += counts_[pair];
  }
  return total;
}

template <class T>
void Table<T>::write_pair(std::size_t pair, double weight, const InnerPlan& plan,
                          const Entries& out) const {
  const auto first_row = static_cast<std::int64_t>(row_batch(pair) * batches_.x().m);
  const auto first_col = static_cast<std::int64_t>(col_batch(pair) * batches_.y().m);
  const auto [rows, cols, mass] = plan;
  const std::size_t count = counts_[pair];
  for (std::size_t e = 0; e < count; ++e) {
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
    total += counts_[pair];
  }
  const auto place = [&](std::size_t pair) {
    return Entries{out.rows + offsets[pair], out.cols + offsets[pair], out.mass + offsets[pair]};
  };

  const bool copies = records_ != nullptr && !options_.inner.entropic;
  const int n_threads = copies && total < kParallelEntries ? 1 : options_.n_threads;
  const Solvers solvers = make_solvers(pairs.size());
  for_each_pair(&pairs, pairs.size(), n_threads, monitor, [&](std::size_t pair, std::size_t slot) {
    if (counts_[pair] == 0 || monitor.stopped() != Stop::none) return;
    const std::size_t i = row_batch(pair);
    const std::size_t j = col_batch(pair);
    InnerSolver<T>& solver = *solvers[slot];
    if (records_ != nullptr) {
      write_pair(pair, weights[pair], solver.recall(batches_, i, j, record(pair)), place(pair));
    } else if (solver.solve(batches_, i, j, monitor).count == counts_[pair]) {
      write_pair(pair, weights[pair], solver.plan(), place(pair));
    }
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

  // Sums run in the order of the pairs, whatever the threads: slopes first, block by block.
  const std::size_t most = std::min(pairs.size(), kGradientPairs);
  const Solvers solvers = make_solvers(most);
  std::vector<double> slopes(most * (mx + my));
  for (std::size_t start = 0; start < pairs.size(); start += most) {
    const std::size_t count = std::min(most, pairs.size() - start);
    for_each_pair(nullptr, count, options_.n_threads, monitor,
                  [&](std::size_t i, std::size_t slot) {
                    const std::size_t pair = pairs[start + i];
                    double* slopes_x = slopes.data() + i * (mx + my);
                    solvers[slot]->weight_slopes(batches_, row_batch(pair), col_batch(pair),
                                                 record(pair), slopes_x, slopes_x + mx, monitor);
                  });
    if (monitor.stopped() != Stop::none) return;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t pair = pairs[start + i];
      const std::size_t row = row_batch(pair);
      const std::size_t col = col_batch(pair);
      const double* slope = slopes.data() + i * (mx + my);
      batches_.add_weight_gradient_x(row, weights[pair], slope, grad_x + row * mx);
      batches_.add_weight_gradient_y(col, weights[pair], slope + mx, grad_y + col * my);
    }
  }
}

template class Table<float>;
template class Table<double>;

}  // namespace otcore::minibatch
