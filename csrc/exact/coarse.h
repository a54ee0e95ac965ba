// Potentials to start from, out of a problem between clusters of rows and of columns.
#pragma once

#include "exact/candidates.h"

namespace otcore::exact {

// Fills v with column potentials: the columns' minima, or those that the optimum of a coarse
// problem extends to, whichever has the higher dual value on a sample of the rows. Rows are alike
// where their costs to a few landmark columns are, columns likewise; a cluster stands for its
// members' mass, at the member nearest to their mean.
template <class T>
void start_potentials(const DenseProblem<T>& problem, double* v);

}  // namespace otcore::exact
