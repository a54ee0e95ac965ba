// The outer problem: how much each pair of mini-batches counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/monitor.h"
#include "exact/problem.h"
#include "minibatch/entropic_coupling.h"
#include "minibatch/status.h"

namespace otcore::minibatch {

enum class Coupling {
  diagonal,  // m-OT on the pairs (i, i): 1 / k each
  product,   // m-OT on all pairs: u_i v_j
  exact,     // BoMb-OT: the optimal coupling of u and v
  entropic,  // eBoMb-OT: the same with reg * KL(gamma | u x v) added
};

struct OuterResult {
  double value = 0.0;           // <gamma, C>, without the KL term
  double gap = 0.0;             // value minus the optimum without KL, at most; 0 for m-OT
  double marginal_error = 0.0;  // L1, both sides
  std::int64_t n_iter = 0;
  Status status = Status::optimal;
};

// Solves outer problems of one shape one after another.
class Outer {
 public:
  // InvalidArgument("outer_reg") for a reg that is not positive and finite (entropic only).
  Outer(Coupling kind, std::size_t kx, std::size_t ky, double reg);

  // costs and gamma: kx x ky, or k for diagonal. u and v: positive weights of sum 1; null is
  // uniform. Where a cost is NaN (a pair was not solved) so are value and gamma, and the status is
  // that of `monitor`.
  OuterResult solve(const double* costs, const double* u, const double* v, double* gamma,
                    Monitor& monitor);

  // Derivatives of the last solve's value in its costs, u and v. Those in u and v are known up to
  // opposite constants; for diagonal, where the weights are fixed, they are 0.
  void gradient(const double* costs, const double* gamma, double* d_costs, double* d_u,
                double* d_v) const;

 private:
  void solve_exact(const double* costs, const double* u, const double* v, double* gamma,
                   Monitor& monitor, OuterResult& result);
  void solve_entropic(const double* costs, double* gamma, Monitor& monitor, OuterResult& result);

  Coupling kind_;
  std::size_t kx_;
  std::size_t ky_;
  std::vector<double> u_;
  std::vector<double> v_;

  // For exact: the solver, its plan, and the potentials of the last solve.
  std::optional<exact::Solver> solver_;
  std::vector<std::int32_t> rows_;
  std::vector<std::int32_t> cols_;
  std::vector<double> mass_;
  std::vector<double> potential_x_;
  std::vector<double> potential_y_;

  std::optional<EntropicCoupling> entropic_;
};

}  // namespace otcore::minibatch
