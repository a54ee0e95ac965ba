#include "minibatch/inner.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "minibatch/entropic_inner.h"
#include "minibatch/exact_inner.h"

namespace otcore::minibatch {

InnerResult unsolved(const Monitor& monitor) {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  return {kNothing, kNothing, kNothing, 0, stopped_status(monitor.stopped())};
}

void check_inner(const InnerOptions& options) {
  if (!options.entropic) return;
  const entropic::Options& entropic = *options.entropic;
  const bool own_step = entropic.method == entropic::Method::ipot && entropic.reg == 0.0;
  if (!own_step && !(entropic.reg > 0.0 && std::isfinite(entropic.reg))) {
    throw InvalidArgument("inner_reg", shown(entropic.reg), "a positive, finite number");
  }
  for (const double rho : {entropic.rho_a, entropic.rho_b}) {
    if (!(rho > 0.0)) throw InvalidArgument("inner_rho", shown(rho), "a positive number");
  }
}

template <class T>
std::unique_ptr<InnerSolver<T>> make_inner_solver(const InnerOptions& options,
                                                  const Batches<T>& batches, int n_threads) {
  if (!options.entropic) return std::make_unique<ExactInner<T>>(batches.x(), batches.y());
  const auto make = [&]<class Real>(Real) -> std::unique_ptr<InnerSolver<T>> {
    return std::make_unique<EntropicInner<T, Real>>(options, batches.x().m, batches.y().m,
                                                    n_threads);
  };
  // IPOT ends at an eps too small for float32.
  return options.entropic->method == entropic::Method::ipot ? make(double{}) : make(T{});
}

template std::unique_ptr<InnerSolver<float>> make_inner_solver(const InnerOptions&,
                                                               const Batches<float>&, int);
template std::unique_ptr<InnerSolver<double>> make_inner_solver(const InnerOptions&,
                                                                const Batches<double>&, int);

}  // namespace otcore::minibatch
