#include "entropic/problem.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/masses.h"
#include "base/sum.h"
#include "entropic/ipot.h"
#include "entropic/semidual.h"
#include "entropic/sinkhorn.h"
#include "entropic/solver_tuning.h"
#include "entropic/symmetric.h"

namespace otcore::entropic {
namespace {

double sum(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

void set_weights(const double* weights, std::vector<double>& out) {
  if (weights == nullptr) {
    std::fill(out.begin(), out.end(), 1.0 / static_cast<double>(out.size()));
  } else {
    std::copy_n(weights, out.size(), out.begin());
  }
}

}  // namespace

void check_marginals(const double* a, std::size_t n, const double* b, std::size_t m, bool balanced,
                     const Options& options) {
  // Unbalanced problems may have any two masses.
  check_weights(a, n, b, m, balanced ? options.mass_tolerance : HUGE_VAL);
}

template <class T>
Problem<T>::Problem(Sweep<T> sweep, const Options& options)
    : sweep_(std::move(sweep)),
      options_(options),
      a_(sweep_.rows()),
      b_(sweep_.cols()),
      row_mass_(sweep_.rows()),
      col_mass_(sweep_.cols()),
      transform_(sweep_.rows()) {}

template <class T>
void Problem<T>::load(const double* a, const double* b) {
  const bool balanced = std::isinf(options_.rho_a) && std::isinf(options_.rho_b);
  check_marginals(a, a_.size(), b, b_.size(), balanced, options_);
  set_weights(a, a_);
  set_weights(b, b_);
  if (!balanced) return;
  const double scale = sum(a_) / sum(b_);
  for (double& weight : b_) weight *= scale;
}

template <class T>
void Problem<T>::solve(const double* a, const double* b, Monitor& monitor, Solution& out) {
  load(a, b);
  Options options = options_;
  if (options.reg == 0.0) {
    const double range = sweep_.range();
    options.reg = range > 0.0 ? kStepOfRange * range : 1.0;
  }
  SemiDual<T> dual(sweep_, {a_.data(), b_.data(), options_.rho_a, options_.rho_b},
                   options_.max_iter.value_or(kMaxIter));
  Point at = dual.make_point();
  if (options.start != nullptr) std::copy_n(options.start, at.g.size(), at.g.begin());
  constexpr double kPrecision = sizeof(T) == sizeof(float) ? 0x1p-24 : 0x1p-53;
  const double tolerance = options.tolerance.value_or(
      default_tolerance(options.method, kPrecision, sweep_.range(), options.reg));

  Ending ending;
  switch (options.method) {
    case Method::sinkhorn:
    case Method::plain:
      ending = ascend(dual, options, tolerance, options.start != nullptr, monitor, at);
      break;
    case Method::ipot:
      ending = proximal_steps(dual, options, tolerance, monitor, at);
      break;
    case Method::symmetric:
      ending = average(dual, options, tolerance, monitor, at);
      break;
  }
  out.status = ending.status;
  out.eps = ending.eps;
  out.tolerance = tolerance * dual.mass();
  out.n_iter = static_cast<std::int64_t>(dual.passes());
  finish(dual, at, out);
}

// Everything of the answer that follows from the potentials.
template <class T>
void Problem<T>::finish(SemiDual<T>& dual, Point& at, Solution& out) {
  const bool balanced = dual.balanced();
  if (balanced) {
    CompensatedSum moment;
    for (std::size_t j = 0; j < b_.size(); ++j) {
      if (b_[j] > 0.0) moment.add(b_[j] * at.g[j]);
    }
    const double mean = moment.value() / dual.mass();
    for (double& g : at.g) g -= mean;
    for (double& f : at.f) f += mean;
  }
  out.value_linear = sweep_.measure({out.eps, a_.data(), b_.data(), at.f.data(), at.g.data()},
                                    row_mass_.data(), col_mass_.data(), transform_.data());
  const auto& [unused_a, unused_b, rho_a, rho_b] = dual.marginals();
  const auto target = [](double rho, double weight, double potential) {
    return std::isinf(rho) || weight == 0.0 ? weight : weight * std::exp(-potential / rho);
  };
  CompensatedSum error;
  for (std::size_t i = 0; i < a_.size(); ++i) {
    error.add(std::abs(row_mass_[i] - target(rho_a, a_[i], at.f[i])));
  }
  for (std::size_t j = 0; j < b_.size(); ++j) {
    error.add(std::abs(col_mass_[j] - target(rho_b, b_[j], at.g[j])));
  }
  out.marginal_error = error.value();
  out.value = options_.method == Method::ipot ? out.value_linear
                                              : dual.value_at(out.eps, at, sum(row_mass_));
  CompensatedSum bound;
  for (std::size_t i = 0; i < a_.size(); ++i) {
    if (a_[i] > 0.0) bound.add(a_[i] * transform_[i]);
  }
  for (std::size_t j = 0; j < b_.size(); ++j) {
    if (b_[j] > 0.0) bound.add(b_[j] * at.g[j]);
  }
  out.gap = balanced ? out.value_linear - bound.value() : std::nan("");
  if (out.potential_a != nullptr) std::copy(at.f.begin(), at.f.end(), out.potential_a);
  if (out.potential_b != nullptr) std::copy(at.g.begin(), at.g.end(), out.potential_b);
  if (out.marginal_a != nullptr) std::copy(row_mass_.begin(), row_mass_.end(), out.marginal_a);
  if (out.marginal_b != nullptr) std::copy(col_mass_.begin(), col_mass_.end(), out.marginal_b);
}

template class Problem<float>;
template class Problem<double>;

}  // namespace otcore::entropic
