#include "minibatch/entropic_coupling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "minibatch/laplacian.h"

namespace otcore::minibatch {
namespace {

// Chosen by bench_minibatch (outer_entropic) on tables of k = 4 to 200.
constexpr double kAnnealing = 4.0;       // factor between two temperatures
constexpr double kWarmTolerance = 1e-7;  // marginal error at which the next temperature is tried
constexpr double kSlow = 0.3;            // Sinkhorn is slow when a step leaves more of the error
constexpr int kStalledSteps = 50;        // without progress: the limit of rounding
constexpr double kRise = 1e-12;          // of the dual that is progress, in units of the range of C
constexpr double kLongestStep = 100.0;   // of Newton, in units of reg: exponents change by as much
constexpr double kArmijo = 0.1;          // part of the promised rise that a Newton step must give
constexpr double kFirstDamping = 1e-6;
constexpr double kMinDamping = 1e-20;
constexpr double kMaxDamping = 1.0;  // about a Sinkhorn step
constexpr double kDampingFactor = 10.0;

}  // namespace

EntropicCoupling::EntropicCoupling(std::size_t kx, std::size_t ky, double reg)
    : rows_(std::max(kx, ky)),
      cols_(std::min(kx, ky)),
      transposed_(kx < ky),
      reg_(reg),
      costs_(kx * ky),
      u_(rows_),
      v_(cols_),
      log_v_(cols_),
      g_(cols_),
      f_(rows_),
      gamma_(kx * ky),
      col_sums_(cols_),
      graph_(cols_ * cols_),
      damped_((cols_ + 1) * (cols_ + 1)),
      residual_(cols_),
      step_(cols_ + 1),
      trial_(cols_ + 1) {
  if (!(reg > 0.0) || std::isinf(reg)) {
    throw InvalidArgument("outer_reg", shown(reg), "a positive, finite number");
  }
}

void EntropicCoupling::load(const double* costs, const double* u, const double* v) {
  shift_ = *std::min_element(costs, costs + costs_.size());
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = 0; j < cols_; ++j) {
      costs_[i * cols_ + j] = costs[transposed_ ? j * rows_ + i : i * cols_ + j] - shift_;
    }
  }
  range_ = *std::max_element(costs_.begin(), costs_.end());
  std::copy_n(transposed_ ? v : u, rows_, u_.data());
  std::copy_n(transposed_ ? u : v, cols_, v_.data());
  std::transform(v_.begin(), v_.end(), log_v_.begin(), [](double w) { return std::log(w); });
  std::fill(g_.begin(), g_.end(), 0.0);
  n_iter_ = 0;
  damping_ = kFirstDamping;
}

EntropicCoupling::End EntropicCoupling::solve(const double* costs, const double* u, const double* v,
                                              Monitor& monitor) {
  load(costs, u, v);
  End end = End::converged;
  for (double reg = range_; reg > reg_ * kAnnealing; reg /= kAnnealing) {
    if (!anneal(reg, kWarmTolerance, monitor, end)) return end;
  }
  anneal(reg_, kTolerance, monitor, end);
  return end;
}

bool EntropicCoupling::anneal(double reg, double tolerance, Monitor& monitor, End& end) {
  double least_error = std::numeric_limits<double>::infinity();
  double best_dual = -least_error;
  int idle_steps = 0;
  double before = least_error;
  double error = evaluate(reg, g_);
  while (error > tolerance) {
    const double now = dual(g_);
    const bool progress = error < least_error || now > best_dual + kRise * range_;
    idle_steps = progress ? 0 : idle_steps + 1;
    least_error = std::min(least_error, error);
    best_dual = std::max(best_dual, now);
    if (idle_steps > kStalledSteps) {
      end = End::stalled;
      return false;
    }
    if (n_iter_ >= kMaxIter) {
      end = End::max_iter;
      return false;
    }
    if (monitor.poll() != Stop::none) {
      end = End::stopped;
      return false;
    }
    const bool slow = error > kSlow * before;
    before = error;
    if (slow && newton_step(reg, error)) continue;
    sinkhorn_step(reg);
    error = evaluate(reg, g_);
  }
  return true;
}

// f, gamma and column sums for g; returns the L1 error of the columns' marginal.
double EntropicCoupling::evaluate(double reg, const std::vector<double>& g) {
  ++n_iter_;
  std::fill(col_sums_.begin(), col_sums_.end(), 0.0);
  for (std::size_t i = 0; i < rows_; ++i) {
    const double* costs = costs_.data() + i * cols_;
    double* gamma = gamma_.data() + i * cols_;
    double top = -std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < cols_; ++j) {
      gamma[j] = log_v_[j] + (g[j] - costs[j]) / reg;
      top = std::max(top, gamma[j]);
    }
    double sum = 0.0;
    for (std::size_t j = 0; j < cols_; ++j) {
      gamma[j] = std::exp(gamma[j] - top);
      sum += gamma[j];
    }
    f_[i] = -reg * (top + std::log(sum));
    const double scale = u_[i] / sum;
    for (std::size_t j = 0; j < cols_; ++j) {
      gamma[j] *= scale;
      col_sums_[j] += gamma[j];
    }
  }
  double error = 0.0;
  for (std::size_t j = 0; j < cols_; ++j) error += std::abs(col_sums_[j] - v_[j]);
  return error;
}

void EntropicCoupling::sinkhorn_step(double reg) {
  for (std::size_t j = 0; j < cols_; ++j) {
    if (col_sums_[j] > std::numeric_limits<double>::min()) {
      g_[j] += reg * std::log(v_[j] / col_sums_[j]);
      continue;
    }
    // The column's mass underflows; its logarithm does not.
    double top = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < rows_; ++i) top = std::max(top, f_[i] - costs_[i * cols_ + j]);
    double sum = 0.0;
    for (std::size_t i = 0; i < rows_; ++i) {
      sum += u_[i] * std::exp((f_[i] - costs_[i * cols_ + j] - top) / reg);
    }
    g_[j] = -top - reg * std::log(sum);
  }
}

// The Hessian of the semi-dual in g is -(diag(gamma' 1) - gamma' diag(1 / u) gamma) / reg: the
// Laplacian of a graph, whose weights this gives (right of the diagonal).
void EntropicCoupling::fill_graph(std::vector<double>& graph) const {
  std::fill(graph.begin(), graph.end(), 0.0);
  for (std::size_t i = 0; i < rows_; ++i) {
    const double* gamma = gamma_.data() + i * cols_;
    for (std::size_t j = 0; j < cols_; ++j) {
      const double share = gamma[j] / u_[i];
      if (share == 0.0) continue;
      double* row = graph.data() + j * cols_;
      for (std::size_t l = j + 1; l < cols_; ++l) row[l] += share * gamma[l];
    }
  }
}

double EntropicCoupling::dual(const std::vector<double>& g) const {
  double sum = 0.0;
  for (std::size_t i = 0; i < rows_; ++i) sum += u_[i] * f_[i];
  for (std::size_t j = 0; j < cols_; ++j) sum += v_[j] * g[j];
  return sum;
}

// step_ = (Laplacian + damping_ diag(v))^-1 residual_; returns its largest entry. The damping is a
// further node that stays at 0, tied to node j by damping_ * v_j.
double EntropicCoupling::damped_step() {
  const std::size_t nodes = cols_ + 1;
  for (std::size_t j = 0; j < cols_; ++j) {
    std::copy_n(graph_.data() + j * cols_, cols_, damped_.data() + j * nodes);
    damped_[j * nodes + cols_] = damping_ * v_[j];
  }
  std::copy_n(residual_.data(), cols_, trial_.data());
  trial_[cols_] = 0.0;
  solve_laplacian(damped_.data(), nodes, trial_.data(), step_.data());
  double longest = 0.0;
  for (const double x : step_) longest = std::max(longest, std::abs(x));
  return longest;
}

// A damped Newton (Levenberg-Marquardt) step of the semi-dual. Taken when it raises the dual by a
// fair part of what its slope promises, or halves the error where rounding hides the dual's rise;
// false, with all as it was, where no damping gives such a step.
bool EntropicCoupling::newton_step(double reg, double& error) {
  const double before = dual(g_);
  fill_graph(graph_);
  for (std::size_t j = 0; j < cols_; ++j) residual_[j] = v_[j] - col_sums_[j];
  for (; damping_ <= kMaxDamping; damping_ *= kDampingFactor) {
    if (!(damped_step() < kLongestStep)) continue;
    double slope = 0.0;
    for (std::size_t j = 0; j < cols_; ++j) {
      slope += reg * step_[j] * residual_[j];
      trial_[j] = g_[j] + reg * step_[j];
    }
    const double trial_error = evaluate(reg, trial_);
    if (dual(trial_) > before + kArmijo * slope || trial_error < 0.5 * error) {
      std::copy_n(trial_.data(), cols_, g_.data());
      error = trial_error;
      damping_ = std::max(damping_ / kDampingFactor, kMinDamping);
      return true;
    }
  }
  damping_ = kFirstDamping;
  evaluate(reg, g_);
  return false;
}

void EntropicCoupling::coupling(double* out) const {
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = 0; j < cols_; ++j) {
      out[transposed_ ? j * rows_ + i : i * cols_ + j] = gamma_[i * cols_ + j];
    }
  }
}

double EntropicCoupling::gap() const {
  double gap = 0.0;
  for (std::size_t i = 0; i < rows_; ++i) {
    const double* costs = costs_.data() + i * cols_;
    double transform = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < cols_; ++j) transform = std::min(transform, costs[j] - g_[j]);
    for (std::size_t j = 0; j < cols_; ++j) {
      gap += gamma_[i * cols_ + j] * (costs[j] - g_[j] - transform);
    }
  }
  for (std::size_t j = 0; j < cols_; ++j) gap += (col_sums_[j] - v_[j]) * g_[j];
  return gap;
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
  std::vector<double> graph(cols_ * cols_);
  fill_graph(graph);
  solve_laplacian(graph.data(), cols_, rhs.data(), beta.data());
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
