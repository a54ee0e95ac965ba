#include "entropic/ipot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "entropic/solver_tuning.h"

namespace otcore::entropic {

template <class T>
Ending proximal_steps(SemiDual<T>& dual, const Options& options, double tolerance, Monitor& monitor,
                      Point& at) {
  const auto& [a, b, rho_a, rho_b] = dual.marginals();
  Sweep<T>& sweep = dual.sweep();
  const std::size_t n = sweep.rows();
  const std::size_t m = sweep.cols();
  const double beta = options.reg;
  // Accumulated potentials are kept without the logarithms of the weights, which are part of the
  // plan's formula here; the paper's scalings hold them, and start from 1 / m.
  std::vector<double> before(m);  // G^{t-1}
  std::vector<double> now(m);     // G^t
  for (std::size_t j = 0; j < m; ++j) {
    const double log_b = b[j] > 0.0 ? std::log(b[j]) : 0.0;
    before[j] = beta * log_b;
    now[j] = 0.0;
  }
  // The first extrapolation is then 2 * 0 - beta log b: scalings of 1, the same to a constant.
  std::vector<double> rows(n);
  std::vector<double> cols(m);
  double value = std::numeric_limits<double>::infinity();
  double eps = beta;
  double least_error = std::numeric_limits<double>::infinity();
  std::size_t least_step = 0;
  for (std::size_t t = 1;; ++t) {
    eps = beta / static_cast<double>(t);
    for (std::size_t j = 0; j < m; ++j)
      at.g[j] = (2.0 * now[j] - before[j]) / static_cast<double>(t);
    for (std::size_t inner = 0; inner < options.inner_iter; ++inner) {
      dual.evaluate(eps, at);
      dual.step(eps, at, at);
    }
    for (std::size_t j = 0; j < m; ++j) {
      // After the first step the paper's G^0 is no scaling at all.
      before[j] = t == 1 ? (b[j] > 0.0 ? -beta * std::log(b[j]) : 0.0) : now[j];
      now[j] = at.g[j] * static_cast<double>(t);
    }
    const Stop stop = monitor.poll();
    if (stop != Stop::none) return {stopped_status(stop), eps};
    if (dual.spent(options.inner_iter)) return {Status::max_iter, eps};
    if (t % kValueEvery == 0 && tolerance > 0.0 && !dual.spent(1 + options.inner_iter)) {
      dual.count_passes(1);
      const double measured =
          sweep.measure({eps, a, b, at.f.data(), at.g.data()}, rows.data(), cols.data(), nullptr);
      double error = 0.0;
      for (std::size_t i = 0; i < n; ++i) error += std::abs(rows[i] - a[i]);
      const double scale = std::max(std::abs(measured), 0x1p-20 * sweep.range() * dual.mass());
      if (error <= tolerance * dual.mass() && std::abs(measured - value) <= tolerance * scale) {
        return {Status::converged, eps};
      }
      value = measured;
      if (error < kLower * least_error) {
        least_error = error;
        least_step = t;
      }
      // As eps falls the errors of rounding grow beyond what is asked for.
      constexpr double kPrecision = sizeof(T) == sizeof(float) ? 0x1p-24 : 0x1p-53;
      if (kPrecision * sweep.range() > tolerance * eps && t > least_step + kStalledSteps) {
        return {Status::stalled, eps};
      }
    }
  }
}

template Ending proximal_steps(SemiDual<float>&, const Options&, double, Monitor&, Point&);
template Ending proximal_steps(SemiDual<double>&, const Options&, double, Monitor&, Point&);

}  // namespace otcore::entropic
