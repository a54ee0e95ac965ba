// The same points and weights on either side: the optimum has f = g.
#pragma once

#include "base/monitor.h"
#include "entropic/batch.h"
#include "entropic/semidual.h"
#include "entropic/sinkhorn.h"

namespace otcore::entropic {

// f <- (f + S(f)) / 2, S being Sinkhorn's update, while eps is annealed down to options.reg (J.
// Feydy et al., Interpolating between optimal transport and MMD using Sinkhorn divergences, 2019,
// section 3.1). A pass is an update of one side. at.f and at.g are equal in the end.
template <class T>
Ending average(SemiDual<T>& dual, const Options& options, double tolerance, Monitor& monitor,
               Point& at);

}  // namespace otcore::entropic
