// Newton steps of the semi-dual, for problems on which Sinkhorn's steps are slow. The linear system
// is solved by conjugate gradients, on the plan's larger entries where they are few.
#pragma once

#include <vector>

#include "entropic/plan_product.h"
#include "entropic/semidual.h"

namespace otcore::entropic {

template <class T>
class Newton {
 public:
  Newton(SemiDual<T>& dual, int n_threads);

  // A damped (Levenberg-Marquardt) step from `at`, evaluated. False, with `at` as it was, where no
  // step of the line search was accepted: the damping is then larger at the next call. `shortened`
  // says whether the full step was refused.
  bool step(double eps, Point& at, bool& shortened);

 private:
  void solve(double eps, const Point& at);
  void bend(double eps);

  SemiDual<T>* dual_;
  PlanProduct<T> plan_;
  double damping_;
  Point trial_;
  std::vector<double> direction_;
  std::vector<double> diagonal_;
  std::vector<double> conditioner_;
  std::vector<double> residual_;
  std::vector<double> search_;
  std::vector<double> image_;
};

}  // namespace otcore::entropic
