#include "entropic/symmetric.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "entropic/solver_tuning.h"

namespace otcore::entropic {

template <class T>
Ending average(SemiDual<T>& dual, const Options& options, double tolerance, Monitor& monitor,
               Point& at) {
  const double* a = dual.marginals().a;
  const double rho = dual.marginals().rho_a;
  std::vector<double> updated(at.f.size());
  double best = std::numeric_limits<double>::infinity();
  std::size_t best_pass = 0;
  double eps = std::max(options.reg, dual.sweep().range() / kFirstEps);
  for (;;) {
    const double damping = dual.damping(eps);
    dual.count_passes(1);
    updated = at.f;
    dual.sweep().update_rows(eps, a, at.f.data(), updated.data());
    // The plan of (f, f) has row sums a exp((f - S f) / eps), S without damping.
    double error = 0.0;
    for (std::size_t i = 0; i < updated.size(); ++i) {
      const double target = std::isinf(rho) ? 1.0 : std::exp(-at.f[i] / rho);
      const double ratio = std::exp(std::min((at.f[i] - updated[i]) / eps, 600.0));
      if (a[i] > 0.0) error += a[i] * std::abs(ratio - target);
    }
    const bool last = eps <= options.reg;
    const Stop stop = monitor.poll();
    if (error < kLower * best) {
      best = error;
      best_pass = dual.passes();
    }
    const bool done = last && error <= tolerance * dual.mass();
    if (done || stop != Stop::none || dual.passes() >= options.max_iter.value_or(kMaxIter) ||
        dual.passes() > best_pass + kStalledPasses) {
      at.g = at.f;
      if (done) return {Status::converged, options.reg};
      if (stop != Stop::none) return {stopped_status(stop), options.reg};
      return {dual.passes() > best_pass + kStalledPasses ? Status::stalled : Status::max_iter,
              options.reg};
    }
    for (std::size_t i = 0; i < updated.size(); ++i) {
      at.f[i] = 0.5 * (at.f[i] + damping * updated[i]);
    }
    if (!last && error <= kLevelError * dual.mass()) {
      eps = std::max(options.reg, eps / kEpsFactor);
      best = std::numeric_limits<double>::infinity();
    }
  }
}

template Ending average(SemiDual<float>&, const Options&, double, Monitor&, Point&);
template Ending average(SemiDual<double>&, const Options&, double, Monitor&, Point&);

}  // namespace otcore::entropic
