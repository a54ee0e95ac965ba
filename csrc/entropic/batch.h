// Entropic problems: one, or many of one shape in one call.
//
// The objective is <P, C> + reg KL(P | a x b), KL(P | Q) = sum P log(P / Q) - P + Q; unbalanced
// problems add rho_a KL(P 1 | a) + rho_b KL(P^T 1 | b) in place of the marginals (Chizat et al.,
// Scaling algorithms for unbalanced optimal transport problems, 2018). Its plans are P_ij = a_i b_j
// exp((f_i + g_j - C_ij) / eps), which IPOT's are as well (ipot.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/monitor.h"
#include "base/views.h"
#include "base/weights.h"
#include "cost/cost.h"

namespace otcore::entropic {

enum class Method {
  sinkhorn,  // the regularised problem, by ascent of its semi-dual (sinkhorn.h)
  plain,     // the same by nothing but Sinkhorn's iterations at reg
  ipot,      // the problem without regularisation, by proximal steps of size reg (ipot.h)
  symmetric  // the same points and weights on either side: f = g, by averaged steps (symmetric.h)
};

// From best to worst.
enum class Status : std::int8_t { converged, stalled, max_iter, time_limit, interrupted };

constexpr double kBalanced = std::numeric_limits<double>::infinity();

struct Options {
  Method method = Method::sinkhorn;
  double reg = 0.0;  // > 0; IPOT: 0 is 0.03 of the range of the costs
  // How much marginals that differ from a and b cost; kBalanced: they may not. Sinkhorn only.
  double rho_a = kBalanced;
  double rho_b = kBalanced;
  // The L1 error of the marginals to reach, relative to the mass; for IPOT also the relative change
  // of the value. none: see default_tolerance().
  std::optional<double> tolerance;
  // Passes over all pairs that a problem may take; none: kMaxIter.
  std::optional<std::size_t> max_iter;
  std::size_t inner_iter = 1;     // IPOT: Sinkhorn iterations in a step
  int n_threads = 0;              // 0: num_threads()
  double mass_tolerance = 1e-6;   // relative difference of sum(a) and sum(b) that is normalised
  const double* start = nullptr;  // [m] column potentials to start every problem from; null: none
};

constexpr std::size_t kMaxIter = 10000;

// What an error of rounding of `precision` (2^-53, 2^-24) lets be reached: max(1e-6, 4 * precision
// * range / reg), for IPOT at least 1e-4.
double default_tolerance(Method method, double precision, double range, double reg);

// Where the answers go: arrays of the caller, problem b's part at b times the part's length. Null
// pointers are left out.
struct Solutions {
  double* value = nullptr;         // [B]  the objective, by its dual; IPOT: value_linear
  double* value_linear = nullptr;  // [B]  <P, C>
  double* gap = nullptr;           // [B]  value_linear minus the dual value of the unregularised
                                   //      problem at (c-transform of g, g); balanced only
  double* marginal_error =
      nullptr;                     // [B]  L1, both sides; unbalanced: of the optimality conditions
  double* tolerance = nullptr;     // [B]  for marginal_error, absolute
  std::int64_t* n_iter = nullptr;  // [B]  passes over all pairs until the potentials were found
  Status* status = nullptr;        // [B]
  double* eps = nullptr;           // [B]  of the plan's formula: reg, or IPOT's at its last step
  double* potential_a = nullptr;   // [B, n]  f, by its formula also where a_i = 0
  double* potential_b = nullptr;   // [B, m]  g, gauge sum_j b_j g_j = 0 in balanced problems
  double* marginal_a = nullptr;    // [B, n]  P 1
  double* marginal_b = nullptr;    // [B, m]  P^T 1
};

// Each problem is solved the same way whatever the batch around it and the number of threads. The
// arithmetic on pairs is T's. InvalidArgument for "reg", "unbalanced" (not positive), "M" (not
// finite), "a", "b", "a, b" as in the exact room.
template <class T>
void solve_batch(BatchView<const T> costs, Weights a, Weights b, const Options& options,
                 const Solutions& out, Monitor& monitor);

// The same with ground costs between the rows of X_b (n x d) and Y_b (m x d), in O(n + m) memory.
// Also InvalidArgument for "X", "Y" (not finite, zero vectors under cosine).
template <class T>
void solve_batch_points(BatchView<const T> x, BatchView<const T> y, const cost::Metric& metric,
                        Weights a, Weights b, const Options& options, const Solutions& out,
                        Monitor& monitor);

}  // namespace otcore::entropic
