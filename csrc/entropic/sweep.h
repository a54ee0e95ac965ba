// Passes over all pairs of one problem: everything the entropic solvers ask of the n x m costs. The
// plan of potentials f, g is P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps). It is never held: costs
// come from a matrix that is read in place, or from points, a tile at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/monitor.h"
#include "base/views.h"
#include "cost/cost.h"

namespace otcore::entropic {

// The potentials and weights that make a plan. float64, n entries for the rows, m for the columns;
// potentials in the unit of the costs; weights >= 0, a positive one on either side. Zero weights
// are rows or columns without mass, whose potentials are defined by the same formulas.
struct Scaling {
  double eps = 0.0;
  const double* a = nullptr;
  const double* b = nullptr;
  const double* f = nullptr;
  const double* g = nullptr;
};

// The larger entries of a plan, row by row (CSR).
struct SparsePlan {
  std::vector<std::int64_t> starts;  // n + 1
  std::vector<std::int32_t> cols;
  std::vector<double> mass;
};

// T is the type of the costs' and exponentials' arithmetic; potentials and sums are float64. An
// exponent is right to about 2^-24 (2^-53) of the range of costs over eps. Results do not depend on
// the number of threads. Iterations, updates, transforms and measures allocate nothing after the
// first.
template <class T>
class Sweep {
 public:
  // Costs of n x m, finite. n_threads as parallel_for; 1 never leaves the calling thread. Passes
  // poll `monitor`; once it says stop they return early, and what they were to write is of no use.
  Sweep(MatrixView<const T> costs, int n_threads, Monitor* monitor = nullptr);
  // Ground costs of the rows of x and y. InvalidArgument("X" or "Y") as cost::fill.
  Sweep(MatrixView<const T> x, MatrixView<const T> y, const cost::Metric& metric, int n_threads,
        Monitor* monitor = nullptr);
  ~Sweep();
  Sweep(Sweep&&) noexcept;
  Sweep& operator=(Sweep&&) noexcept;

  // Another problem of the same form and shape, in the same memory.
  void reset(MatrixView<const T> costs);
  void reset(MatrixView<const T> x, MatrixView<const T> y);

  [[nodiscard]] std::size_t rows() const;
  [[nodiscard]] std::size_t cols() const;
  // max C - min C of a matrix; an upper bound of the largest cost of points, at most a few times
  // it.
  [[nodiscard]] double range() const;

  // One full iteration with one exponential per pair:
  //   f_i <- damping * -eps log sum_j b_j exp((g_j - C_ij) / eps)
  //   log_ratio_j <- log sum_i a_i exp((f_i + g_j - C_ij) / eps)   for the new f
  // so that g - eps * log_ratio is the update of g, b exp(log_ratio) the column sums of the plan of
  // (f, g) and, where damping is 1, a its row sums. `f` holds a guess on entry, which costs time
  // where it is far off.
  void iterate(double eps, const double* a, const double* b, const double* g, double damping,
               double* f, double* log_ratio);

  // Sinkhorn's steps of a balanced problem from an iterate() whose g and log_ratio these are: g <-
  // g - eps log_ratio and iterate(), until |b - b exp(log_ratio)|_1 is at most `goal`, `most` times
  // or fewer, but once. Returns how often. Small problems do many at once.
  std::size_t advance(double eps, const double* a, const double* b, std::size_t most, double goal,
                      double* g, double* f, double* log_ratio);

  // What the last iterate() or advance() cannot see of the marginals' relative error. Where a small
  // problem's kernel is used again, so is the rounding of its exponents: iterations converge to the
  // marginals of that kernel, which are about this far from those of the costs. Else 0.
  [[nodiscard]] double hidden_error(double eps) const;

  // The next iterate() makes its exponentials anew, and hides nothing.
  void forget_kernel();

  // f_i = -eps log sum_j b_j exp((g_j - C_ij) / eps), and the same for g. A guess on entry.
  void update_rows(double eps, const double* b, const double* g, double* f);
  void update_cols(double eps, const double* a, const double* f, double* g);

  // <P, C> by P's row and column sums and sum P_ij (f_i + g_j - C_ij), without cancellation; the
  // sums go to row_mass (n) and col_mass (m). The c-transform of g, min C_ij - g_j over the j with
  // b_j > 0, goes to `transform` (n), unless that is null.
  double measure(const Scaling& plan, double* row_mass, double* col_mass, double* transform);

  // out (n x k) = P V, V (m x k); out (m x k) = P^T V, V (n x k); row-major without padding.
  void apply(const Scaling& plan, const double* v, std::size_t k, double* out);
  void apply_t(const Scaling& plan, const double* v, std::size_t k, double* out);

  // The entries with P_ij >= threshold * min(a_i, b_j) into `out`, until there are more than
  // `most`: then false, and `out` is of no use.
  bool extract(const Scaling& plan, double threshold, std::size_t most, SparsePlan& out);

  // The plan, dense, row-major.
  void fill(const Scaling& plan, T* out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otcore::entropic
