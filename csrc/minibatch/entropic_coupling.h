// The entropic coupling of mini-batches (eBoMb-OT): min <gamma, C> + reg * KL(gamma | u x v) over
// the couplings of u and v, and the derivatives of <gamma, C>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/monitor.h"
#include "entropic/problem.h"
#include "minibatch/status.h"

namespace otcore::minibatch {

// Solves one k x k problem after another, in float64.
class EntropicCoupling {
 public:
  // L1 error of the marginals at which a coupling is converged.
  static constexpr double kTolerance = 1e-9;
  // Passes over the pairs that a problem may take.
  static constexpr std::size_t kMaxIter = 5000;

  // InvalidArgument("outer_reg") where reg is not positive and finite.
  EntropicCoupling(std::size_t kx, std::size_t ky, double reg);

  // Costs kx x ky, finite; u and v positive, each of sum 1. The errors of rounding are about
  // 2^-53 range(C) / reg: the tolerance is met down to a reg of some 1e-6 of the range. Any status
  // but `optimal`.
  Status solve(const double* costs, const double* u, const double* v, Monitor& monitor);

  // Of the last solve: gamma (kx x ky), the number of passes, and <gamma, C> minus the dual value
  // of the unregularised problem (the c-transform of the potential).
  void coupling(double* out) const;
  [[nodiscard]] std::int64_t n_iter() const { return solution_.n_iter; }
  [[nodiscard]] double gap() const { return solution_.gap; }

  // Derivatives of <gamma, C> (without the KL term) in C, u and v, by implicit differentiation of
  // gamma's optimality conditions:
  //   d_costs = gamma * (1 - (C - alpha 1' - 1 beta') / reg),  d_u = alpha,  d_v = beta  where
  //   [diag(gamma 1)  gamma; gamma'  diag(gamma' 1)] [alpha; beta] = [(gamma * C) 1; (gamma * C)'
  //   1].
  // d_u and d_v are known up to opposite constants, as u and v stay of sum 1. Takes
  // O(kx ky min(kx, ky)) operations.
  void gradient(double* d_costs, double* d_u, double* d_v) const;

 private:
  void load(const double* costs, const double* u, const double* v);
  [[nodiscard]] std::vector<double> graph() const;

  // The problem with the longer side as rows: rows_ >= cols_. Costs are shifted to a minimum of 0,
  // so that exponents are right to the range of the costs, whatever their size.
  std::size_t rows_;
  std::size_t cols_;
  bool transposed_;
  double reg_;
  double shift_ = 0.0;
  std::vector<double> costs_;
  std::vector<double> u_;
  std::vector<double> v_;
  std::optional<entropic::Problem<double>> problem_;

  std::vector<double> f_;
  std::vector<double> g_;
  std::vector<double> gamma_;
  entropic::Solution solution_;
};

}  // namespace otcore::minibatch
