// The regularised problem, balanced or not, by ascent of its semi-dual: Sinkhorn's steps while eps
// is annealed down to reg, and Newton steps where Sinkhorn's converge slowly.
#pragma once

#include <cstddef>

#include "base/monitor.h"
#include "entropic/batch.h"
#include "entropic/semidual.h"

namespace otcore::entropic {

struct Ending {
  Status status = Status::converged;
  double eps = 0.0;  // of the point's formula
};

// What stopped a solve.
Status stopped_status(Stop stop);

// Takes at.g as the start and leaves the best point at reg; `started` says that at.g is a good one,
// so that annealing would lose it. `tolerance` is relative to the mass.
template <class T>
Ending ascend(SemiDual<T>& dual, const Options& options, double tolerance, bool started,
              Monitor& monitor, Point& at);

}  // namespace otcore::entropic
