// Many exact problems of one shape in one call. One large problem is a batch of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/monitor.h"
#include "base/views.h"
#include "base/weights.h"
#include "cost/cost.h"

namespace otcore::exact {

// infeasible: of sparse costs alone.
enum class Status : std::int8_t { optimal, max_iter, time_limit, interrupted, infeasible };

// What a call that was stopped ends with.
inline std::optional<Status> status_of(Stop stop) {
  if (stop == Stop::none) return std::nullopt;
  return stop == Stop::time_limit ? Status::time_limit : Status::interrupted;
}

// Pairs of a row and a column.
struct ArcList {
  const std::int32_t* rows = nullptr;
  const std::int32_t* cols = nullptr;
  std::size_t count = 0;
};

struct Options {
  // Pivots (network simplex) or augmenting paths (assignment) a problem may take; none: no limit.
  std::optional<std::size_t> max_iter;
  int n_threads = 0;             // 0: num_threads()
  double mass_tolerance = 1e-6;  // relative difference of sum(a) and sum(b) that is normalised
  // Column potentials to start every problem from, finite, one for each column; null: none.
  // Assignments have no use for them.
  const double* start = nullptr;
  // With them, the arcs that a plan took: a start for large problems between points alone.
  ArcList start_plan = {};
  // Bytes that a large problem between points may take beside its data; none: no limit.
  std::optional<std::size_t> max_memory = std::nullopt;
  // Counts the stages of large dense problems as the call's progress: for a call with one problem.
  bool tell_stages = false;
};

// Where the answers go: arrays of the caller, problem b's part at b times the part's length.
// Null pointers are left out (values too: then why call).
struct Solutions {
  double* value = nullptr;  // [B]      sum of mass * cost
  double* gap =
      nullptr;  // [B]      value minus the dual value of the potentials, >= 0 up to rounding
  std::int64_t* n_iter = nullptr;  // [B]      pivots or augmenting paths
  Status* status = nullptr;        // [B]
  double* potential_a = nullptr;   // [B, n]   f = c-transform of g: f_i + g_j <= C_ij
  double* potential_b = nullptr;   // [B, m]   g, gauge sum_j b_j g_j = 0
  // The plan: entries() triples per problem, the first `count` of them used, sorted by row then
  // column, all masses positive.
  std::int64_t* count = nullptr;  // [B]
  std::int32_t* rows = nullptr;   // [B, entries]
  std::int32_t* cols = nullptr;   // [B, entries]
  double* mass = nullptr;         // [B, entries]
};

// The most entries a plan of an n x m problem has: n + m - 1.
std::size_t max_plan_entries(std::size_t n, std::size_t m);

// Solves problem b for min <P, C_b>, P 1 = a_b, P^T 1 = b_b, P >= 0. Costs are float or double, the
// arithmetic is double. Each problem is solved the same way whatever the batch around it and the
// number of threads. InvalidArgument for "M" (not finite), "a", "b" (negative, not finite, zero
// sum), "a, b" (masses differ), with the index of the first offender in the lowest problem.
template <class T>
void solve_batch(BatchView<const T> costs, Weights a, Weights b, const Options& options,
                 const Solutions& out, Monitor& monitor);

// The same with C_b = the ground cost between the rows of X_b (n x d) and Y_b (m x d), formed in
// float64, one problem's at a time per thread. Also InvalidArgument for "X", "Y" (not finite, zero
// vectors under cosine).
template <class T>
void solve_batch_points(BatchView<const T> x, BatchView<const T> y, const cost::Metric& metric,
                        Weights a, Weights b, const Options& options, const Solutions& out,
                        Monitor& monitor);

}  // namespace otcore::exact
