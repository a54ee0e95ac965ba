// Column potentials of the caller's to start from.
#pragma once

#include <vector>

#include "base/masses.h"

namespace otcore::exact {

// `start` (as many as columns, finite) times scale, the highest of a column with mass shifted to 0,
// and none of them below -width: no more than that do the potentials of an optimum differ, so that
// what is far off cannot make the arithmetic lose the costs. -infinity for columns without mass.
void scale_start(const double* start, const Masses& masses, double width, double scale,
                 std::vector<double>& out);

}  // namespace otcore::exact
