#include "minibatch/entropic_coupling.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "minibatch/laplacian.h"

namespace otcore::minibatch {

namespace {

// The solver's own error is that of its last step; rounding the potentials adds to it.
constexpr double kAsked = 0.9;

}  // namespace

EntropicCoupling::EntropicCoupling(std::size_t kx, std::size_t ky, double reg)
    : rows_(std::max(kx, ky)),
      cols_(std::min(kx, ky)),
      transposed_(kx < ky),
      reg_(reg),
      costs_(kx * ky),
      u_(rows_),
      v_(cols_),
      f_(rows_),
      g_(cols_),
      gamma_(kx * ky) {
  if (!(reg > 0.0) || std::isinf(reg)) {
    throw InvalidArgument("outer_reg", shown(reg), "a positive, finite number");
  }
  solution_.potential_a = f_.data();
  solution_.potential_b = g_.data();
}

void EntropicCoupling::load(const double* costs, const double* u, const double* v) {
  shift_ = *std::min_element(costs, costs + costs_.size());
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = 0; j < cols_; ++j) {
      costs_[i * cols_ + j] = costs[transposed_ ? j * rows_ + i : i * cols_ + j] - shift_;
    }
  }
  std::copy_n(transposed_ ? v : u, rows_, u_.data());
  std::copy_n(transposed_ ? u : v, cols_, v_.data());
  const MatrixView<const double> view{costs_.data(), rows_, cols_, cols_};
  if (problem_) {
    problem_->sweep().reset(view);
    return;
  }
  entropic::Options options;
  options.reg = reg_;
  options.tolerance = kAsked * kTolerance;
  options.max_iter = kMaxIter;
  options.n_threads = 1;
  problem_.emplace(entropic::Sweep<double>(view, 1), options);
}

Status EntropicCoupling::solve(const double* costs, const double* u, const double* v,
                               Monitor& monitor) {
  load(costs, u, v);
  problem_->solve(u_.data(), v_.data(), monitor, solution_);
  problem_->sweep().fill({solution_.eps, u_.data(), v_.data(), f_.data(), g_.data()},
                         gamma_.data());
  const Status status = status_of(solution_.status);
  const bool reached = solution_.marginal_error <= kTolerance;
  return status == Status::converged && !reached ? Status::stalled : status;
}

void EntropicCoupling::coupling(double* out) const {
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = 0; j < cols_; ++j) {
      out[transposed_ ? j * rows_ + i : i * cols_ + j] = gamma_[i * cols_ + j];
    }
  }
}

// The normal matrix of the columns' potentials, diag(gamma' 1) - gamma' diag(1 / u) gamma, is the
// Laplacian of a graph, whose weights these are (right of the diagonal).
std::vector<double> EntropicCoupling::graph() const {
  std::vector<double> weights(cols_ * cols_, 0.0);
  for (std::size_t i = 0; i < rows_; ++i) {
    const double* gamma = gamma_.data() + i * cols_;
    for (std::size_t j = 0; j < cols_; ++j) {
      const double share = gamma[j] / u_[i];
      if (share == 0.0) continue;
      double* row = weights.data() + j * cols_;
      for (std::size_t l = j + 1; l < cols_; ++l) row[l] += share * gamma[l];
    }
  }
  return weights;
}

void EntropicCoupling::gradient(double* d_costs, double* d_u, double* d_v) const {
  std::vector<double> alpha(rows_);
  std::vector<double> beta(cols_);
  std::vector<double> rhs(cols_, 0.0);
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = 0; j < cols_; ++j) {
      const double moved = gamma_[i * cols_ + j] * costs_[i * cols_ + j];
      alpha[i] += moved / u_[i];
      rhs[j] += moved;
    }
  }
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = 0; j < cols_; ++j) rhs[j] -= gamma_[i * cols_ + j] * alpha[i];
  }
  std::vector<double> weights = graph();
  solve_laplacian(weights.data(), cols_, rhs.data(), beta.data());
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = 0; j < cols_; ++j) {
      alpha[i] -= gamma_[i * cols_ + j] / u_[i] * beta[j];
    }
  }
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = 0; j < cols_; ++j) {
      const std::size_t e = i * cols_ + j;
      d_costs[transposed_ ? j * rows_ + i : e] =
          gamma_[e] * (1.0 - (costs_[e] - alpha[i] - beta[j]) / reg_);
    }
  }
  for (double& value : alpha) value += shift_;
  std::copy(alpha.begin(), alpha.end(), transposed_ ? d_v : d_u);
  std::copy(beta.begin(), beta.end(), transposed_ ? d_u : d_v);
}

}  // namespace otcore::minibatch
