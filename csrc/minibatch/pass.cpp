#include "minibatch/pass.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/thread_pool.h"
#include "minibatch/batches.h"

namespace otcore::minibatch {
namespace {

// Costs per chunk, as those of a table (bench_minibatch, table).
constexpr std::size_t kChunkCosts = 1024;

std::size_t size_of(const std::int64_t* offsets, std::size_t b) {
  return static_cast<std::size_t>(offsets[b + 1] - offsets[b]);
}

}  // namespace

// One pair of batches at a time; what it is solved with is kept while the shape stays the same.
template <class T>
struct Pass<T>::Worker {
  void fit(const PassSide<T>& x, const PassSide<T>& y, std::size_t mx, std::size_t my,
           const PassOptions& options) {
    if (batches && batches->x().m == mx && batches->y().m == my) return;
    masses_x.resize(mx);
    masses_y.resize(my);
    const auto side = [](const PassSide<T>& of, std::size_t m, const std::vector<double>& masses) {
      return Side<T>{of.points, of.mass == nullptr ? nullptr : masses.data(), 1, m, true};
    };
    batches.emplace(side(x, mx, masses_x), side(y, my, masses_y), options.metric);
    solver = make_inner_solver(options.inner, *batches, 1);
  }

  std::vector<double> masses_x;
  std::vector<double> masses_y;
  std::optional<Batches<T>> batches;
  std::unique_ptr<InnerSolver<T>> solver;
};

template <class T>
Pass<T>::Pass(const PassSide<T>& x, const PassSide<T>& y, const double* weights,
              std::size_t batches, const PassOptions& options)
    : x_(x),
      y_(y),
      options_(options),
      plans_(batches),
      weights_(weights),
      errors_(batches),
      statuses_(batches) {
  check_inner(options.inner);
}

template <class T>
void Pass<T>::solve(const PassAnswers& out, Monitor& monitor) {
  const std::size_t count = plans_.size();
  const auto m = static_cast<std::size_t>(x_.offsets[count]) / count;
  const std::size_t per_chunk =
      std::max<std::size_t>(1, kChunkCosts / std::max<std::size_t>(1, m * m));
  const std::size_t chunks = (count + per_chunk - 1) / per_chunk;
  std::vector<Worker> workers(static_cast<std::size_t>(slots_for(chunks, options_.n_threads)));
  monitor.set_total(count);
  parallel_for(
      chunks, options_.n_threads,
      [&](std::size_t chunk, int slot) {
        const std::size_t end = std::min(count, (chunk + 1) * per_chunk);
        for (std::size_t b = chunk * per_chunk; b < end; ++b) {
          solve_batch(b, workers[static_cast<std::size_t>(slot)], out, monitor);
        }
      },
      &monitor);
  marginal_error_ = *std::max_element(errors_.begin(), errors_.end());
  status_ = *std::max_element(statuses_.begin(), statuses_.end());
  monitor.finish();
}

template <class T>
void Pass<T>::solve_batch(std::size_t b, Worker& worker, const PassAnswers& out, Monitor& monitor) {
  const std::size_t mx = size_of(x_.offsets, b);
  const std::size_t my = size_of(y_.offsets, b);
  const auto copy = [b](const PassSide<T>& side, std::size_t m, std::vector<double>& masses) {
    if (side.mass != nullptr) std::copy_n(side.mass + side.offsets[b], m, masses.data());
  };
  InnerResult result = unsolved(monitor);
  if (monitor.stopped() == Stop::none) {
    worker.fit(x_, y_, mx, my, options_);
    copy(x_, mx, worker.masses_x);
    copy(y_, my, worker.masses_y);
    Batches<T>& batches = *worker.batches;
    batches.pack(x_.index + x_.offsets[b], y_.index + y_.offsets[b], 1, monitor);
    result = worker.solver->solve(batches, 0, 0, monitor);
  }
  if (result.count > 0) {
    const auto [rows, cols, mass] = worker.solver->plan();
    plans_[b].reserve(result.count);
    for (std::size_t e = 0; e < result.count; ++e) plans_[b].push_back({rows[e], cols[e], mass[e]});
  }
  out.cost[b] = result.cost;
  out.gap[b] = result.gap;
  errors_[b] = result.marginal_error;
  statuses_[b] = result.status;
  monitor.add_done(1);
}

template <class T>
std::size_t Pass<T>::count() const {
  std::size_t total = 0;
  for (const auto& plan : plans_) total += plan.size();
  return total;
}

template <class T>
void Pass<T>::take_plan(const Entries& out) {
  std::size_t e = 0;
  for (std::size_t b = 0; b < plans_.size(); ++b) {
    const std::int64_t* index_x = x_.index + x_.offsets[b];
    const std::int64_t* index_y = y_.index + y_.offsets[b];
    for (const Entry& entry : plans_[b]) {
      out.rows[e] = index_x[entry.row];
      out.cols[e] = index_y[entry.col];
      out.mass[e] = weights_[b] * entry.mass;
      ++e;
    }
    plans_[b] = {};
  }
}

template class Pass<float>;
template class Pass<double>;

}  // namespace otcore::minibatch
