#include "entropic/batch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/finite.h"
#include "base/masses.h"
#include "base/problems.h"
#include "base/thread_count.h"
#include "entropic/problem.h"
#include "entropic/solver_tuning.h"

namespace otcore::entropic {
namespace {

void require_positive(const char* argument, double x, bool infinity_allowed) {
  if (x > 0.0 && (infinity_allowed || std::isfinite(x))) return;
  throw InvalidArgument(argument, shown(x), "a positive number");
}

void check_options(const Options& options) {
  if (options.method != Method::ipot || options.reg != 0.0) {
    require_positive("reg", options.reg, false);
  }
  require_positive("unbalanced", options.rho_a, true);
  require_positive("unbalanced", options.rho_b, true);
}

Solution part_of(const Solutions& all, std::size_t p, std::size_t n, std::size_t m) {
  const auto part = [p](double* array, std::size_t length) {
    return array == nullptr ? nullptr : array + p * length;
  };
  Solution one;
  one.potential_a = part(all.potential_a, n);
  one.potential_b = part(all.potential_b, m);
  one.marginal_a = part(all.marginal_a, n);
  one.marginal_b = part(all.marginal_b, m);
  return one;
}

template <class To, class From>
void put(To* array, std::size_t p, From value) {
  if (array != nullptr) array[p] = value;
}

void store(const Solution& one, std::size_t p, const Solutions& all) {
  put(all.value, p, one.value);
  put(all.value_linear, p, one.value_linear);
  put(all.gap, p, one.gap);
  put(all.marginal_error, p, one.marginal_error);
  put(all.tolerance, p, one.tolerance);
  put(all.n_iter, p, one.n_iter);
  put(all.status, p, one.status);
  put(all.eps, p, one.eps);
}

// `load(problem, p, options)` gives a thread's Problem the costs of problem p, or makes the first.
template <class T, class Load>
void run(std::size_t count, std::size_t n, std::size_t m, Weights a, Weights b,
         const Options& options, const Solutions& out, Monitor& monitor, const Load& load) {
  check_options(options);
  const bool balanced = std::isinf(options.rho_a) && std::isinf(options.rho_b);
  if (a.shared() && b.shared()) check_marginals(a.of(0), n, b.of(0), m, balanced, options);
  const bool one_by_one =
      n > kLargeProblem / m && count < static_cast<std::size_t>(resolve_threads(options.n_threads));
  Options mine = options;
  if (!one_by_one) mine.n_threads = 1;
  const ProblemRun run{count, std::max<std::size_t>(1, kPairsPerChunk / n / m), one_by_one,
                       options.n_threads};
  run_problems(
      run, monitor, [] { return std::optional<Problem<T>>(); },
      [&](std::optional<Problem<T>>& problem, std::size_t p) {
        Solution one = part_of(out, p, n, m);
        load(problem, p, mine);
        problem->solve(a.of(p), b.of(p), monitor, one);
        store(one, p, out);
      });
}

}  // namespace

double default_tolerance(Method method, double precision, double range, double reg) {
  const double least = method == Method::ipot ? kProximalTolerance : 1e-6;
  return std::max(least, 4.0 * precision * range / reg);
}

template <class T>
void solve_batch(BatchView<const T> costs, Weights a, Weights b, const Options& options,
                 const Solutions& out, Monitor& monitor) {
  run<T>(costs.count, costs.rows, costs.cols, a, b, options, out, monitor,
         [&](std::optional<Problem<T>>& problem, std::size_t p, const Options& mine) {
           require_finite("M", costs[p], "finite costs");
           if (problem) {
             problem->sweep().reset(costs[p]);
           } else {
             problem.emplace(Sweep<T>(costs[p], mine.n_threads, &monitor), mine);
           }
         });
}

template <class T>
void solve_batch_points(BatchView<const T> x, BatchView<const T> y, const cost::Metric& metric,
                        Weights a, Weights b, const Options& options, const Solutions& out,
                        Monitor& monitor) {
  run<T>(x.count, x.rows, y.rows, a, b, options, out, monitor,
         [&](std::optional<Problem<T>>& problem, std::size_t p, const Options& mine) {
           require_finite("X", x[p], "finite coordinates");
           require_finite("Y", y[p], "finite coordinates");
           if (problem) {
             problem->sweep().reset(x[p], y[p]);
           } else {
             problem.emplace(Sweep<T>(x[p], y[p], metric, mine.n_threads, &monitor), mine);
           }
           if (!(problem->sweep().range() <= std::numeric_limits<T>::max())) {
             throw InvalidArgument("X, Y", "a ground cost overflows",
                                   "points whose costs are finite");
           }
         });
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

}  // namespace otcore::entropic
