// The entropic coupling of mini-batches (eBoMb-OT): min <gamma, C> + reg * KL(gamma | u x v) over
// the couplings of u and v.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/monitor.h"

namespace otcore::minibatch {

// Log-domain Sinkhorn, annealed from the range of the costs down to reg, with damped Newton steps
// of the semi-dual where Sinkhorn's steps converge slowly; all in float64. Made for the k x k
// problems of mini-batches: a Newton step takes O(kx ky min(kx, ky)) operations.
class EntropicCoupling {
 public:
  // L1 error of the marginals at which a coupling is converged.
  static constexpr double kTolerance = 1e-9;
  // Evaluations of the coupling that a problem may take.
  static constexpr std::int64_t kMaxIter = 5000;

  enum class End { converged, stalled, max_iter, stopped };

  // InvalidArgument("outer_reg") where reg is not positive and finite.
  EntropicCoupling(std::size_t kx, std::size_t ky, double reg);

  // Costs kx x ky, finite; u and v positive, each of sum 1. The errors of rounding are about
  // 2^-53 range(C) / reg: the tolerance is met down to a reg of some 1e-6 of the range. `stalled`
  // says that no step reduces the error any more.
  End solve(const double* costs, const double* u, const double* v, Monitor& monitor);

  // Of the last solve: gamma (kx x ky), the number of evaluations, and <gamma, C> minus the dual
  // value of the unregularised problem (the c-transform of the potential).
  void coupling(double* out) const;
  [[nodiscard]] std::int64_t n_iter() const { return n_iter_; }
  [[nodiscard]] double gap() const;

  // Derivatives of <gamma, C> (without the KL term) in C, u and v, by implicit differentiation of
  // gamma's optimality conditions:
  //   d_costs = gamma * (1 - (C - alpha 1' - 1 beta') / reg),  d_u = alpha,  d_v = beta  where
  //   [diag(gamma 1)  gamma; gamma'  diag(gamma' 1)] [alpha; beta] = [(gamma * C) 1; (gamma * C)'
  //   1].
  // d_u and d_v are known up to opposite constants, as u and v stay of sum 1.
  void gradient(double* d_costs, double* d_u, double* d_v) const;

 private:
  void load(const double* costs, const double* u, const double* v);
  bool anneal(double reg, double tolerance, Monitor& monitor, End& end);
  double evaluate(double reg, const std::vector<double>& g);
  void sinkhorn_step(double reg);
  bool newton_step(double reg, double& error);
  double damped_step();
  void fill_graph(std::vector<double>& graph) const;
  [[nodiscard]] double dual(const std::vector<double>& g) const;

  // The problem with the longer side as rows: rows_ >= cols_. Costs are shifted to a minimum of 0.
  std::size_t rows_;
  std::size_t cols_;
  bool transposed_;
  double reg_;
  double shift_ = 0.0;
  double range_ = 0.0;
  std::vector<double> costs_;
  std::vector<double> u_;
  std::vector<double> v_;
  std::vector<double> log_v_;

  // g is the columns' potential; f, gamma and its column sums follow from it (the rows' marginal is
  // then exact).
  std::vector<double> g_;
  std::vector<double> f_;
  std::vector<double> gamma_;
  std::vector<double> col_sums_;
  std::int64_t n_iter_ = 0;

  // Of newton_step.
  double damping_ = 0.0;
  std::vector<double> graph_;
  std::vector<double> damped_;
  std::vector<double> residual_;
  std::vector<double> step_;
  std::vector<double> trial_;
};

}  // namespace otcore::minibatch
