#include "entropic/semidual.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/sum.h"
#include "entropic/kernels.h"

namespace otcore::entropic {
namespace {

// Keeps the masses of bad potentials finite.
constexpr double kMostLogarithm = 600.0;

// rho / (rho + eps), also for rho = infinity.
double share(double rho, double eps) { return std::isinf(rho) ? 1.0 : rho / (rho + eps); }

double phi(double rho, double t) { return std::isinf(rho) ? t : -rho * std::expm1(-t / rho); }

// exp(-t / rho): what a weight is scaled with.
double relaxation(double rho, double t) { return std::isinf(rho) ? 1.0 : std::exp(-t / rho); }

}  // namespace

template <class T>
SemiDual<T>::SemiDual(Sweep<T>& sweep, const Marginals& marginals, std::size_t most)
    : sweep_(&sweep),
      marginals_(marginals),
      mass_(std::accumulate(marginals.a, marginals.a + sweep.rows(), 0.0)),
      mass_b_(std::accumulate(marginals.b, marginals.b + sweep.cols(), 0.0)),
      most_(most) {}

template <class T>
Point SemiDual<T>::make_point() const {
  Point point;
  point.f.resize(sweep_->rows());
  for (auto* part : {&point.g, &point.log_ratio, &point.col_mass, &point.target}) {
    part->resize(sweep_->cols());
  }
  return point;
}

template <class T>
bool SemiDual<T>::balanced() const {
  return std::isinf(marginals_.rho_a) && std::isinf(marginals_.rho_b);
}

template <class T>
double SemiDual<T>::damping(double eps) const {
  return share(marginals_.rho_a, eps);
}

template <class T>
double SemiDual<T>::row_mass(const Point& at, std::size_t i) const {
  const double weight = marginals_.a[i];
  return weight == 0.0 ? 0.0 : weight * relaxation(marginals_.rho_a, at.f[i]);
}

template <class T>
void SemiDual<T>::evaluate(double eps, Point& at) {
  const auto& [a, b, rho_a, rho_b] = marginals_;
  ++passes_;
  sweep_->iterate(eps, a, b, at.g.data(), damping(eps), at.f.data(), at.log_ratio.data());
  assess(eps, at);
}

template <class T>
void SemiDual<T>::evaluate_afresh(double eps, Point& at) {
  sweep_->forget_kernel();
  evaluate(eps, at);
}

template <class T>
void SemiDual<T>::advance(double eps, std::size_t most, double goal, Point& at) {
  if (!balanced()) {
    step(eps, at, at);
    evaluate(eps, at);
    return;
  }
  passes_ += sweep_->advance(eps, marginals_.a, marginals_.b, most, goal, at.g.data(), at.f.data(),
                             at.log_ratio.data());
  assess(eps, at);
}

template <class T>
void SemiDual<T>::assess(double eps, Point& at) const {
  const auto& [a, b, rho_a, rho_b] = marginals_;
  CompensatedSum error;
  double plan_mass = mass_;
  if (!std::isinf(rho_a)) {
    CompensatedSum relaxed;
    for (std::size_t i = 0; i < at.f.size(); ++i) relaxed.add(row_mass(at, i));
    plan_mass = relaxed.value();
  }
  for (std::size_t j = 0; j < at.g.size(); ++j) {
    at.col_mass[j] = kLog2E * std::min(at.log_ratio[j], kMostLogarithm);
  }
  kernel_table().functions.exp2(at.col_mass.data(), at.col_mass.size(), at.col_mass.data());
  for (std::size_t j = 0; j < at.g.size(); ++j) {
    if (b[j] == 0.0) {
      at.col_mass[j] = at.target[j] = 0.0;
      continue;
    }
    at.col_mass[j] *= b[j];
    at.target[j] = b[j] * relaxation(rho_b, at.g[j]);
    error.add(std::abs(at.target[j] - at.col_mass[j]));
  }
  at.hidden = sweep_->hidden_error(eps) * mass_;
  at.error = error.value() + at.hidden;
  at.value = value_at(eps, at, plan_mass);
}

template <class T>
double SemiDual<T>::value_at(double eps, const Point& at, double plan_mass) const {
  const auto& [a, b, rho_a, rho_b] = marginals_;
  CompensatedSum value;
  for (std::size_t i = 0; i < at.f.size(); ++i) {
    if (a[i] > 0.0) value.add(a[i] * phi(rho_a, at.f[i]));
  }
  for (std::size_t j = 0; j < at.g.size(); ++j) {
    if (b[j] > 0.0) value.add(b[j] * phi(rho_b, at.g[j]));
  }
  return value.value() - eps * (plan_mass - mass_ * mass_b_);
}

template <class T>
void SemiDual<T>::step(double eps, const Point& from, Point& to) const {
  const double damping = share(marginals_.rho_b, eps);
  for (std::size_t j = 0; j < from.g.size(); ++j) {
    to.g[j] = damping * (from.g[j] - eps * from.log_ratio[j]);
  }
  if (&to != &from) to.f = from.f;
}

template class SemiDual<float>;
template class SemiDual<double>;

}  // namespace otcore::entropic
