#include "exact/batch.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "base/error.h"
#include "base/finite.h"
#include "base/masses.h"
#include "base/problems.h"
#include "base/sizes.h"
#include "base/thread_count.h"
#include "cost/tiles.h"
#include "exact/cloud_solve.h"
#include "exact/problem.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

// Solves `count` problems; a worker solves problem b with work(b, solution).
template <class MakeWorker>
void run(std::size_t count, std::size_t n, std::size_t m, const Options& options,
         const Solutions& out, Monitor& monitor, const MakeWorker& make_worker) {
  const bool one_by_one = n > kMaxPackedArcs / m &&
                          count < static_cast<std::size_t>(resolve_threads(options.n_threads));
  const ProblemRun run{count, std::max<std::size_t>(1, kArcsPerChunk / n / m), one_by_one,
                       options.n_threads};
  run_problems(run, monitor, make_worker, [&](auto& worker, std::size_t b) {
    Solution one = part_of(out, b, n, m);
    worker.work(b, one);
    store(one, b, out);
  });
}

// A call's only problem tells its stages.
Options for_count(std::size_t count, Options options) {
  options.tell_stages = count == 1;
  return options;
}

// Weights that all problems share are wrong for all of them: the error names no problem.
void check_shared_weights(std::size_t n, std::size_t m, const Weights& a, const Weights& b,
                          const Options& options) {
  if (a.shared() && b.shared()) check_weights(a.data, n, b.data, m, options.mass_tolerance);
}

template <class T>
struct MatrixWorker {
  BatchView<const T> costs;
  Weights a;
  Weights b;
  Monitor* monitor;
  Solver solver;

  void work(std::size_t p, Solution& out) {
    solver.solve(costs[p], a.of(p), b.of(p), *monitor, out);
  }
};

// The cosine of a zero vector is not defined; this is the row of one.
[[noreturn]] void throw_zero_vector(const char* name, std::size_t row) {
  throw InvalidArgument(name, "row " + std::to_string(row) + " is a zero vector",
                        "non-zero vectors for metric 'cosine'");
}

// Finite points, with a direction where the cost is made of these.
template <class T>
void require_points(const char* name, MatrixView<const T> points, const cost::Metric& metric) {
  require_finite(name, points, "finite coordinates");
  if (metric.kind != cost::Kind::cosine) return;
  const AlignedArray<double> packed =
      aligned_array<double>(cost::packed_rows_size<double>(metric, 1, points.cols), name);
  const std::vector<double> centre(points.cols);
  for (std::size_t i = 0; i < points.rows; ++i) {
    const cost::PointSet<T> one{{points.row(i), 1, points.cols, points.stride}, nullptr, 1};
    if (cost::pack_rows(metric, one, centre.data(), packed.get()) >= 0) throw_zero_vector(name, i);
  }
}

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
      solver.solve_padded(costs, a.of(p), b.of(p), *monitor, out);
    } catch (const InvalidArgument& error) {
      if (error.argument() == "M") explain_costs(xs, ys);
      throw;
    }
  }

  // `zero` is what the packing found.
  void require_direction(const char* name, const cost::PointSet<T>& points, std::ptrdiff_t zero) {
    if (zero < 0) return;
    require_finite(name, points.points, "finite coordinates");
    throw_zero_vector(name, static_cast<std::size_t>(zero));
  }

  // Costs that are not finite come from points that are not, or that are too far apart.
  void explain_costs(const cost::PointSet<T>& xs, const cost::PointSet<T>& ys) {
    require_finite("X", xs.points, "finite coordinates");
    require_finite("Y", ys.points, "finite coordinates");
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

// Solves large problems on their points, and those whose costs are out of all range on the matrix.
template <class T>
struct CloudWorker {
  BatchView<const T> x;
  BatchView<const T> y;
  cost::Metric metric;
  Weights a;
  Weights b;
  Monitor* monitor;
  Options options;
  std::optional<PointsWorker<T>> on_matrix = std::nullopt;

  void work(std::size_t p, Solution& out) {
    require_points("X", x[p], metric);
    require_points("Y", y[p], metric);
    if (costs_in_range(x[p], y[p], metric)) {
      solve_cloud(x[p], y[p], metric, a.of(p), b.of(p), options, *monitor, out);
      return;
    }
    if (!on_matrix) on_matrix.emplace(x, y, metric, a, b, monitor, options);
    on_matrix->work(p, out);
  }
};

}  // namespace

std::size_t max_plan_entries(std::size_t n, std::size_t m) { return n + m - 1; }

template <class T>
void solve_batch(BatchView<const T> costs, Weights a, Weights b, const Options& options,
                 const Solutions& out, Monitor& monitor) {
  check_shared_weights(costs.rows, costs.cols, a, b, options);
  run(costs.count, costs.rows, costs.cols, options, out, monitor, [&] {
    return MatrixWorker<T>{costs, a, b, &monitor,
                           Solver(costs.rows, costs.cols, for_count(costs.count, options))};
  });
}

template <class T>
void solve_batch_points(BatchView<const T> x, BatchView<const T> y, const cost::Metric& metric,
                        Weights a, Weights b, const Options& options, const Solutions& out,
                        Monitor& monitor) {
  check_shared_weights(x.rows, y.rows, a, b, options);
  if (is_cloud(x.rows, y.rows)) {
    run(x.count, x.rows, y.rows, options, out, monitor,
        [&] { return CloudWorker<T>{x, y, metric, a, b, &monitor, for_count(x.count, options)}; });
    return;
  }
  run(x.count, x.rows, y.rows, options, out, monitor,
      [&] { return PointsWorker<T>(x, y, metric, a, b, &monitor, for_count(x.count, options)); });
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
