// The dual problem as a function of g alone, f being its best answer to g. For the plan P of (f, g)
// and theta = rho_a / (rho_a + eps) (1 where balanced), rho_b likewise:
//   f_i       = -theta eps log sum_j b_j exp((g_j - C_ij) / eps)
//   D(g)      = sum_i a_i phi_a(f_i) + sum_j b_j phi_b(g_j) - eps (sum P - sum a sum b)
//   dD/dg_j   = b_j exp(-g_j / rho_b) - c_j,  c = P^T 1
//   -eps D''  = diag(c + (eps / rho_b) b exp(-g / rho_b)) - theta P^T diag(1 / P 1) P
// with phi(t) = rho (1 - exp(-t / rho)), t where balanced. D is concave; the first line makes the
// rows' marginal right, so dD/dg is all that is wrong with P.
#pragma once

#include <cstddef>
#include <vector>

#include "entropic/batch.h"
#include "entropic/sweep.h"

namespace otcore::entropic {

struct Marginals {
  const double* a = nullptr;  // [n]
  const double* b = nullptr;  // [m]
  double rho_a = 0.0;         // infinity: balanced
  double rho_b = 0.0;
};

// A point of the semi-dual and what one pass over all pairs says of it.
struct Point {
  std::vector<double> f;          // [n]
  std::vector<double> g;          // [m]
  std::vector<double> log_ratio;  // [m] log(c_j / b_j), by its formula where b_j = 0
  std::vector<double> col_mass;   // [m] c
  std::vector<double> target;     // [m] b exp(-g / rho_b)
  double error = 0.0;             // |target - c|_1, with what rounding may hide of it:
  double hidden = 0.0;            // see Sweep::hidden_error
  double value = 0.0;             // D(g)
};

template <class T>
class SemiDual {
 public:
  SemiDual(Sweep<T>& sweep, const Marginals& marginals, std::size_t most = kMaxIter);

  [[nodiscard]] Point make_point() const;

  // All of `at` for at.g. at.f holds a guess. One pass.
  void evaluate(double eps, Point& at);

  // The same by a pass that hides no rounding.
  void evaluate_afresh(double eps, Point& at);

  // Sinkhorn's steps from `at`, which is evaluated, until its error, less what is hidden, is at
  // most `goal`: at most `most` > 0, and perhaps just one.
  void advance(double eps, std::size_t most, double goal, Point& at);

  // g of Sinkhorn's update at `from`, into to.g; from.f becomes the guess to.f. They may be one.
  void step(double eps, const Point& from, Point& to) const;

  // D's formula at (f, g) of any origin, whose plan has `plan_mass` in all.
  [[nodiscard]] double value_at(double eps, const Point& at, double plan_mass) const;

  [[nodiscard]] const Marginals& marginals() const { return marginals_; }
  [[nodiscard]] Sweep<T>& sweep() { return *sweep_; }
  [[nodiscard]] double mass() const { return mass_; }
  [[nodiscard]] bool balanced() const;
  // rho_a / (rho_a + eps).
  [[nodiscard]] double damping(double eps) const;
  // P 1 of (f, g): a exp(-f / rho_a).
  [[nodiscard]] double row_mass(const Point& at, std::size_t i) const;
  // Passes over all pairs so far, and whether fewer than `more` are left of `most`.
  [[nodiscard]] std::size_t passes() const { return passes_; }
  void count_passes(std::size_t passes) { passes_ += passes; }
  [[nodiscard]] bool spent(std::size_t more = 1) const { return passes_ + more > most_; }
  [[nodiscard]] std::size_t left() const { return passes_ < most_ ? most_ - passes_ : 0; }

 private:
  // What of a point follows from its potentials and log_ratio.
  void assess(double eps, Point& at) const;

  Sweep<T>* sweep_;
  Marginals marginals_;
  double mass_ = 0.0;    // sum a
  double mass_b_ = 0.0;  // sum b
  std::size_t most_;
  std::size_t passes_ = 0;
};

}  // namespace otcore::entropic
