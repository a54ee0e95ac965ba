// One entropic problem and its solver: what batches and tables of mini-batches are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/monitor.h"
#include "entropic/batch.h"
#include "entropic/semidual.h"
#include "entropic/sweep.h"

namespace otcore::entropic {

// Where one problem's answer goes; null pointers are left out. See Solutions.
struct Solution {
  double value = 0.0;
  double value_linear = 0.0;
  double gap = 0.0;
  double marginal_error = 0.0;
  double tolerance = 0.0;
  std::int64_t n_iter = 0;
  Status status = Status::converged;
  double eps = 0.0;
  double* potential_a = nullptr;  // [n]
  double* potential_b = nullptr;  // [m]
  double* marginal_a = nullptr;   // [n]
  double* marginal_b = nullptr;   // [m]
};

// InvalidArgument as solve_batch, for weights of one problem; null: uniform.
void check_marginals(const double* a, std::size_t n, const double* b, std::size_t m, bool balanced,
                     const Options& options);

// Solves one problem after another: one Problem per thread.
template <class T>
class Problem {
 public:
  Problem(Sweep<T> sweep, const Options& options);

  // The costs of the next solve; see Sweep::reset.
  [[nodiscard]] Sweep<T>& sweep() { return sweep_; }

  // a and b as Weights.
  void solve(const double* a, const double* b, Monitor& monitor, Solution& out);

 private:
  void load(const double* a, const double* b);
  void finish(SemiDual<T>& dual, Point& at, Solution& out);

  Sweep<T> sweep_;
  Options options_;
  std::vector<double> a_;
  std::vector<double> b_;
  std::vector<double> row_mass_;
  std::vector<double> col_mass_;
  std::vector<double> transform_;
};

}  // namespace otcore::entropic
