#include "exact/batch.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "base/aligned.h"
#include "base/error.h"
#include "base/masses.h"
#include "base/sizes.h"
#include "base/thread_count.h"
#include "base/thread_pool.h"
#include "cost/tiles.h"
#include "exact/problem.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

const double* weights_of(const Weights& weights, std::size_t b) {
  return weights.data == nullptr ? nullptr : weights.data + b * weights.batch_stride;
}

// Solves `count` problems on all threads. Each thread makes itself a Worker(solver) at its first
// problem; the worker solves problem b with work(b, solution). An InvalidArgument of the lowest bad
// problem is rethrown as seen from the batch, whichever thread came first.
template <class MakeWorker>
void run(std::size_t count, std::size_t n, std::size_t m, const Options& options,
         const Solutions& out, Monitor& monitor, const MakeWorker& make_worker) {
  using Worker = decltype(make_worker());
  const std::size_t per_chunk = std::max<std::size_t>(1, kArcsPerChunk / n / m);
  const std::size_t chunks = (count + per_chunk - 1) / per_chunk;
  std::vector<std::optional<Worker>> workers(
      static_cast<std::size_t>(slots_for(chunks, options.n_threads)));
  // Few large problems: one after another, each on all threads.
  const bool one_by_one = n > kMaxPackedArcs / m &&
                          count < static_cast<std::size_t>(resolve_threads(options.n_threads));
  std::atomic<std::size_t> bad{std::numeric_limits<std::size_t>::max()};
  monitor.set_total(count);

  const auto solve_one = [&](Worker& worker, std::size_t b) {
    Solution one = part_of(out, b, n, m);
    worker.work(b, one);
    store(one, b, out);
  };
  const auto solve_chunk = [&](std::size_t chunk, int slot) {
    auto& worker = workers[static_cast<std::size_t>(slot)];
    if (!worker) worker.emplace(make_worker());
    const std::size_t end = std::min(count, (chunk + 1) * per_chunk);
    for (std::size_t b = chunk * per_chunk; b < end; ++b) {
      if (b > bad.load(std::memory_order_relaxed)) return;
      try {
        solve_one(*worker, b);
      } catch (const InvalidArgument&) {
        std::size_t lowest = bad.load();
        while (b < lowest && !bad.compare_exchange_weak(lowest, b)) {
        }
        return;
      }
      monitor.add_done(1);
    }
  };
  if (one_by_one) {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) solve_chunk(chunk, 0);
  } else {
    parallel_for(chunks, options.n_threads, solve_chunk, &monitor);
  }
  if (bad != std::numeric_limits<std::size_t>::max()) {
    Worker worker = make_worker();
    try {
      solve_one(worker, bad);
    } catch (const InvalidArgument& error) {
      if (count == 1) throw;
      throw error.in_batch(bad);
    }
  }
  monitor.finish();
}

// Weights that all problems share are wrong for all of them: the error names no problem.
void check_shared_weights(std::size_t n, std::size_t m, const Weights& a, const Weights& b,
                          const Options& options) {
  const bool a_shared = a.data == nullptr || a.batch_stride == 0;
  const bool b_shared = b.data == nullptr || b.batch_stride == 0;
  if (a_shared && b_shared) check_weights(a.data, n, b.data, m, options.mass_tolerance);
}

template <class T>
struct MatrixWorker {
  BatchView<const T> costs;
  Weights a;
  Weights b;
  Monitor* monitor;
  Solver solver;

  void work(std::size_t p, Solution& out) {
    solver.solve(costs[p], weights_of(a, p), weights_of(b, p), *monitor, out);
  }
};

// Packs a problem's points, forms its costs in the solver's buffer and solves it.
template <class T>
struct PointsWorker {
  PointsWorker(BatchView<const T> x_batch, BatchView<const T> y_batch, const cost::Metric& ground,
               Weights weights_a, Weights weights_b, Monitor* watch, const Options& options)
      : x(x_batch),
        y(y_batch),
        metric(ground),
        a(weights_a),
        b(weights_b),
        monitor(watch),
        solver(x.rows, y.rows, options),
        centre(x.cols),
        packed_x(
            aligned_array<double>(cost::packed_rows_size<double>(metric, x.rows, x.cols), "X")),
        packed_y(
            aligned_array<double>(cost::packed_cols_size<double>(metric, y.rows, x.cols), "Y")) {}

  void work(std::size_t p, Solution& out) {
    const cost::PointSet<T> xs{x[p], nullptr, x.rows};
    const cost::PointSet<T> ys{y[p], nullptr, y.rows};
    cost::mean(xs, centre.data());
    require_direction("X", xs, cost::pack_rows(metric, xs, centre.data(), packed_x.get()));
    require_direction("Y", ys, cost::pack_cols(metric, ys, centre.data(), packed_y.get()));
    double* costs = solver.cost_buffer();
    cost::tile(metric, packed_x.get(), x.rows, packed_y.get(), y.rows, x.cols, costs,
               solver.cost_stride());
    try {
      solver.solve_padded(costs, weights_of(a, p), weights_of(b, p), *monitor, out);
    } catch (const InvalidArgument& error) {
      if (error.argument() == "M") explain_costs(xs, ys);
      throw;
    }
  }

  // The cosine of a zero vector is not defined. `zero` is what the packing found.
  void require_direction(const char* name, const cost::PointSet<T>& points, std::ptrdiff_t zero) {
    if (zero < 0) return;
    require_finite(name, points);
    throw InvalidArgument(name, "row " + std::to_string(zero) + " is a zero vector",
                          "non-zero vectors for metric 'cosine'");
  }

  void require_finite(const char* name, const cost::PointSet<T>& points) {
    for (std::size_t i = 0; i < points.count; ++i) {
      for (std::size_t k = 0; k < points.points.cols; ++k) {
        const auto entry = static_cast<double>(points.row(i)[k]);
        if (!std::isfinite(entry)) {
          throw InvalidArgument::entry(name, {i, k}, entry, "finite coordinates");
        }
      }
    }
  }

  // Costs that are not finite come from points that are not, or that are too far apart.
  void explain_costs(const cost::PointSet<T>& xs, const cost::PointSet<T>& ys) {
    require_finite("X", xs);
    require_finite("Y", ys);
    throw InvalidArgument("X, Y", "a ground cost overflows", "points whose costs are finite");
  }

  BatchView<const T> x;
  BatchView<const T> y;
  cost::Metric metric;
  Weights a;
  Weights b;
  Monitor* monitor;
  Solver solver;
  std::vector<double> centre;
  AlignedArray<double> packed_x;
  AlignedArray<double> packed_y;
};

}  // namespace

std::size_t max_plan_entries(std::size_t n, std::size_t m) { return n + m - 1; }

template <class T>
void solve_batch(BatchView<const T> costs, Weights a, Weights b, const Options& options,
                 const Solutions& out, Monitor& monitor) {
  check_shared_weights(costs.rows, costs.cols, a, b, options);
  run(costs.count, costs.rows, costs.cols, options, out, monitor, [&] {
    return MatrixWorker<T>{costs, a, b, &monitor, Solver(costs.rows, costs.cols, options)};
  });
}

template <class T>
void solve_batch_points(BatchView<const T> x, BatchView<const T> y, const cost::Metric& metric,
                        Weights a, Weights b, const Options& options, const Solutions& out,
                        Monitor& monitor) {
  check_shared_weights(x.rows, y.rows, a, b, options);
  run(x.count, x.rows, y.rows, options, out, monitor,
      [&] { return PointsWorker<T>(x, y, metric, a, b, &monitor, options); });
}

template void solve_batch(BatchView<const float>, Weights, Weights, const Options&,
                          const Solutions&, Monitor&);
template void solve_batch(BatchView<const double>, Weights, Weights, const Options&,
                          const Solutions&, Monitor&);
template void solve_batch_points(BatchView<const float>, BatchView<const float>,
                                 const cost::Metric&, Weights, Weights, const Options&,
                                 const Solutions&, Monitor&);
template void solve_batch_points(BatchView<const double>, BatchView<const double>,
                                 const cost::Metric&, Weights, Weights, const Options&,
                                 const Solutions&, Monitor&);

}  // namespace otcore::exact
