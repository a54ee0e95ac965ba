#include "entropic/newton.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "entropic/solver_tuning.h"

namespace otcore::entropic {
namespace {

double dot(const std::vector<double>& x, const std::vector<double>& y) {
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

double modulus(const std::vector<double>& x) {
  double sum = 0.0;
  for (const double entry : x) sum += std::abs(entry);
  return sum;
}

// How much of D's change may be rounding.
template <class T>
double noise(double eps, double mass, double value) {
  constexpr double kPrecision = sizeof(T) == sizeof(float) ? 0x1p-22 : 0x1p-50;
  return kPrecision * eps * mass + 0x1p-46 * std::abs(value);
}

}  // namespace

template <class T>
Newton<T>::Newton(SemiDual<T>& dual, int n_threads)
    : dual_(&dual), plan_(dual, n_threads), damping_(kFirstDamping), trial_(dual.make_point()) {
  const std::size_t m = trial_.g.size();
  for (auto* part : {&direction_, &diagonal_, &conditioner_, &residual_, &search_, &image_}) {
    part->resize(m);
  }
}

// direction_ <- eps * (diagonal - theta P^T diag(1 / P 1) P + damping)^-1 dD/dg, by preconditioned
// conjugate gradients. In a balanced problem constants are in the matrix's kernel, and the
// direction's median is 0.
template <class T>
void Newton<T>::solve(double eps, const Point& at) {
  const std::size_t m = at.g.size();
  plan_.set(eps, at);
  const double theta = dual_->damping(eps);
  const double rho_b = dual_->marginals().rho_b;
  double total = 0.0;
  double total_mass = 0.0;
  for (std::size_t j = 0; j < m; ++j) {
    const double mass = plan_.col_mass()[j];
    const double pull = std::isinf(rho_b) ? 0.0 : eps / rho_b * at.target[j];
    diagonal_[j] = mass + pull + damping_ * std::max(mass, at.target[j]);
    conditioner_[j] = std::max(diagonal_[j] - theta * plan_.diagonal()[j], 1e-14 * diagonal_[j]);
    residual_[j] = at.target[j] - at.col_mass[j];
    total += residual_[j];
    total_mass += at.target[j];
  }
  if (dual_->balanced()) {
    for (std::size_t j = 0; j < m; ++j) residual_[j] -= total * at.target[j] / total_mass;
  }
  const double goal =
      (at.error > kNear * dual_->mass() ? kFarResidual : kNearResidual) * modulus(residual_);
  const std::size_t most = plan_.sparse() ? kSparseIterations : kDenseIterations;
  std::fill(direction_.begin(), direction_.end(), 0.0);
  const auto precondition = [&] {
    for (std::size_t j = 0; j < m; ++j) {
      image_[j] = conditioner_[j] > 0.0 ? residual_[j] / conditioner_[j] : 0.0;
    }
  };
  precondition();
  search_ = image_;
  double slope = dot(residual_, image_);
  for (std::size_t k = 0; k < most && modulus(residual_) > goal && !dual_->spent(4); ++k) {
    plan_.normal(search_, image_);
    double size = 0.0;
    double curvature = 0.0;
    for (std::size_t j = 0; j < m; ++j) {
      image_[j] = diagonal_[j] * search_[j] - theta * image_[j];
      curvature += search_[j] * image_[j];
      size += search_[j] * search_[j] * diagonal_[j];
    }
    if (!(curvature > 0x1p-50 * size)) break;  // as far as rounding lets see
    const double length = slope / curvature;
    for (std::size_t j = 0; j < m; ++j) {
      direction_[j] += length * search_[j];
      residual_[j] -= length * image_[j];
    }
    precondition();
    const double before = std::exchange(slope, dot(residual_, image_));
    for (std::size_t j = 0; j < m; ++j) search_[j] = image_[j] + slope / before * search_[j];
  }
  if (dual_->balanced()) {
    image_ = direction_;
    const auto middle = image_.begin() + static_cast<std::ptrdiff_t>(m / 2);
    std::nth_element(image_.begin(), middle, image_.end());
    const double median = *middle;
    for (double& entry : direction_) entry -= median;
  }
  bend(eps);
}

// Parts of the plan that are joined by small masses w alone make for steps r / w of many eps, where
// the mass that flows grows exponentially, and the step that moves r is of order log(r / w).
template <class T>
void Newton<T>::bend(double eps) {
  for (double& entry : direction_) entry = eps * std::asinh(entry);
}

template <class T>
bool Newton<T>::step(double eps, Point& at, bool& shortened) {
  solve(eps, at);
  double slope = 0.0;
  for (std::size_t j = 0; j < at.g.size(); ++j) {
    slope += (at.target[j] - at.col_mass[j]) * direction_[j];
  }
  const double doubt = noise<T>(eps, dual_->mass(), at.value);
  shortened = false;
  double length = 1.0;
  for (int trial = 0; trial < kTrials && !dual_->spent(2); ++trial, length *= kShorter) {
    for (std::size_t j = 0; j < at.g.size(); ++j) trial_.g[j] = at.g[j] + length * direction_[j];
    std::copy(at.f.begin(), at.f.end(), trial_.f.begin());
    dual_->evaluate(eps, trial_);
    const double rise = trial_.value - at.value;
    if ((slope > 0.0 && rise > doubt && rise >= kArmijo * length * slope) ||
        (rise >= -doubt && trial_.error < at.error)) {
      std::swap(at, trial_);
      damping_ = shortened ? std::min(damping_ * 4.0, kMaxDamping)
                           : std::max(damping_ / 10.0, kMinDamping);
      return true;
    }
    shortened = true;
  }
  damping_ = std::min(damping_ * 30.0, kMaxDamping);
  return false;
}

template class Newton<float>;
template class Newton<double>;

}  // namespace otcore::entropic
