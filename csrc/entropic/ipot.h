// IPOT: optimal transport without regularisation, by inexact proximal point steps (Y. Xie, X. Wang,
// R. Wang, H. Zha, A fast proximal point method for computing exact Wasserstein distance, UAI
// 2019).
#pragma once

#include "base/monitor.h"
#include "entropic/batch.h"
#include "entropic/semidual.h"
#include "entropic/sinkhorn.h"

namespace otcore::entropic {

// Proximal steps of size beta = options.reg, each of options.inner_iter Sinkhorn iterations. The
// plan after step t is exp((F + G - t C) / beta) for the accumulated F, G: the plan of (F / t, G /
// t) at eps = beta / t, which `at` and the result hold; columns' marginals are exact. The next
// step's rows start from 2 G^t - G^{t-1}, which makes it the algorithm of the paper, that keeps its
// scaling b from step to step, in exact arithmetic. Ends where neither the marginals' error nor,
// over some steps, the value's relative change exceeds `tolerance`.
template <class T>
Ending proximal_steps(SemiDual<T>& dual, const Options& options, double tolerance, Monitor& monitor,
                      Point& at);

}  // namespace otcore::entropic
