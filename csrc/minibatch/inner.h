// The inner problem: transport between one x batch and one y batch, exact or entropic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/monitor.h"
#include "entropic/batch.h"
#include "minibatch/batches.h"
#include "minibatch/status.h"

namespace otcore::minibatch {

struct InnerOptions {
  // None: exact. Any method but symmetric; n_threads and start are not read.
  std::optional<entropic::Options> entropic;
  // The cost of a pair is <P, C>, P held fixed in its derivatives, instead of the regularised
  // objective, whose derivatives in C and the weights P and the potentials make. Without a
  // regularisation (exact, IPOT) the two are the same.
  bool linear = false;
};

struct InnerResult {
  double cost = 0.0;
  double gap = 0.0;             // <P, C> less the cost of exact transport, at most; NaN: unbalanced
  double marginal_error = 0.0;  // L1, both sides; unbalanced: of the optimality conditions
  std::size_t count = 0;        // entries of the plan
  Status status = Status::optimal;
};

// Entry e moves mass[e] from point rows[e] of the x batch to point cols[e] of the y batch.
struct InnerPlan {
  const std::int32_t* rows = nullptr;
  const std::int32_t* cols = nullptr;
  const double* mass = nullptr;
};

// Solves one pair of batches after another, between their normalised weights; one per thread, which
// allocates at its first solve. keep() writes what any solver of the same shape can go on with: a
// record of record_size() bytes, a multiple of 8 and aligned to it.
template <class T>
class InnerSolver {
 public:
  virtual ~InnerSolver() = default;

  // Solves for batches i and j. Errors: Batches::costs. Where `monitor` says stop the numbers are
  // NaN and the plan is empty.
  virtual InnerResult solve(const Batches<T>& batches, std::size_t i, std::size_t j,
                            Monitor& monitor) = 0;

  // The plan of the last solve. Entropic plans leave out entries below 2^-50 of what their rows or
  // columns hold: at most 2^-50 min(mx, my) of the mass.
  [[nodiscard]] virtual InnerPlan plan() const = 0;

  [[nodiscard]] virtual std::size_t record_size() const = 0;
  virtual void keep(std::byte* record) const = 0;
  // The plan of the pair that `record` is of. It may point into the record, or into this.
  virtual InnerPlan recall(const Batches<T>& batches, std::size_t i, std::size_t j,
                           const std::byte* record) = 0;

  // The derivatives of the pair's cost in the weights of the x batch and of the y batch, each up to
  // a constant; from its record, or by solving (again) where that is null or does not say.
  virtual void weight_slopes(const Batches<T>& batches, std::size_t i, std::size_t j,
                             const std::byte* record, double* slopes_x, double* slopes_y,
                             Monitor& monitor) = 0;
};

// What a stop leaves of a pair.
InnerResult unsolved(const Monitor& monitor);

// InvalidArgument for "inner_reg" (not positive and finite; IPOT's may be 0, for its default) and
// "inner_rho" (not positive).
void check_inner(const InnerOptions& options);

// For batches of that shape. n_threads as parallel_for, for the passes of one entropic problem.
template <class T>
std::unique_ptr<InnerSolver<T>> make_inner_solver(const InnerOptions& options,
                                                  const Batches<T>& batches, int n_threads);

}  // namespace otcore::minibatch
