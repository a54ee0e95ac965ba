#include "minibatch/outer.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace otcore::minibatch {
namespace {

void set_weights(const double* from, std::vector<double>& to) {
  if (from == nullptr) {
    std::fill(to.begin(), to.end(), 1.0 / static_cast<double>(to.size()));
  } else {
    std::copy_n(from, to.size(), to.begin());
  }
}

double marginal_error(const double* gamma, const std::vector<double>& u,
                      const std::vector<double>& v) {
  double error = 0.0;
  std::vector<double> rest = v;
  for (std::size_t i = 0; i < u.size(); ++i) {
    double sum = 0.0;
    for (std::size_t j = 0; j < v.size(); ++j) {
      sum += gamma[i * v.size() + j];
      rest[j] -= gamma[i * v.size() + j];
    }
    error += std::abs(sum - u[i]);
  }
  for (const double missing : rest) error += std::abs(missing);
  return error;
}

}  // namespace

Outer::Outer(Coupling kind, std::size_t kx, std::size_t ky, double reg)
    : kind_(kind), kx_(kx), ky_(ky), u_(kx), v_(ky) {
  if (kind == Coupling::exact) {
    solver_.emplace(kx, ky, exact::Options{});
    rows_.resize(exact::max_plan_entries(kx, ky));
    cols_.resize(rows_.size());
    mass_.resize(rows_.size());
    potential_x_.resize(kx);
    potential_y_.resize(ky);
  } else if (kind == Coupling::entropic) {
    entropic_.emplace(kx, ky, reg);
  }
}

OuterResult Outer::solve(const double* costs, const double* u, const double* v, double* gamma,
                         Monitor& monitor) {
  OuterResult result;
  set_weights(u, u_);
  set_weights(v, v_);
  const std::size_t pairs = kind_ == Coupling::diagonal ? kx_ : kx_ * ky_;
  const bool complete =
      std::none_of(costs, costs + pairs, [](double cost) { return std::isnan(cost); });
  if (!complete) {
    result.status = stopped_status(monitor.stopped());
  } else if (kind_ == Coupling::diagonal) {
    std::copy(u_.begin(), u_.end(), gamma);
  } else if (kind_ == Coupling::product) {
    for (std::size_t i = 0; i < kx_; ++i) {
      for (std::size_t j = 0; j < ky_; ++j) gamma[i * ky_ + j] = u_[i] * v_[j];
    }
  } else if (kind_ == Coupling::exact) {
    solve_exact(costs, u, v, gamma, monitor, result);
  } else {
    solve_entropic(costs, gamma, monitor, result);
  }
  if (result.status == Status::interrupted || result.status == Status::time_limit) {
    result.value = result.gap = result.marginal_error = std::numeric_limits<double>::quiet_NaN();
    std::fill_n(gamma, pairs, std::numeric_limits<double>::quiet_NaN());
    return result;
  }
  for (std::size_t pair = 0; pair < pairs; ++pair) result.value += gamma[pair] * costs[pair];
  if (kind_ != Coupling::diagonal) result.marginal_error = marginal_error(gamma, u_, v_);
  return result;
}

void Outer::solve_exact(const double* costs, const double* u, const double* v, double* gamma,
                        Monitor& monitor, OuterResult& result) {
  exact::Solution solution;
  solution.rows = rows_.data();
  solution.cols = cols_.data();
  solution.mass = mass_.data();
  solution.potential_a = potential_x_.data();
  solution.potential_b = potential_y_.data();
  solver_->solve<double>({costs, kx_, ky_, ky_}, u, v, monitor, solution);
  result.gap = solution.gap;
  result.n_iter = solution.n_iter;
  if (solution.status != exact::Status::optimal) {
    result.status = stopped_status(monitor.stopped());
    return;
  }
  std::fill_n(gamma, kx_ * ky_, 0.0);
  for (std::size_t e = 0; e < solution.count; ++e) {
    gamma[static_cast<std::size_t>(rows_[e]) * ky_ + static_cast<std::size_t>(cols_[e])] = mass_[e];
  }
}

void Outer::solve_entropic(const double* costs, double* gamma, Monitor& monitor,
                           OuterResult& result) {
  result.status = entropic_->solve(costs, u_.data(), v_.data(), monitor);
  result.gap = entropic_->gap();
  result.n_iter = entropic_->n_iter();
  entropic_->coupling(gamma);
}

void Outer::gradient(const double* costs, const double* gamma, double* d_costs, double* d_u,
                     double* d_v) const {
  if (kind_ == Coupling::entropic) {
    entropic_->gradient(d_costs, d_u, d_v);
    return;
  }
  const std::size_t pairs = kind_ == Coupling::diagonal ? kx_ : kx_ * ky_;
  std::copy_n(gamma, pairs, d_costs);
  std::fill_n(d_u, kx_, 0.0);
  std::fill_n(d_v, ky_, 0.0);
  if (kind_ == Coupling::product) {
    for (std::size_t i = 0; i < kx_; ++i) {
      for (std::size_t j = 0; j < ky_; ++j) {
        d_u[i] += costs[i * ky_ + j] * v_[j];
        d_v[j] += costs[i * ky_ + j] * u_[i];
      }
    }
  } else if (kind_ == Coupling::exact) {
    std::copy(potential_x_.begin(), potential_x_.end(), d_u);
    std::copy(potential_y_.begin(), potential_y_.end(), d_v);
  }
}

}  // namespace otcore::minibatch
