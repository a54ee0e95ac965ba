// A plan to start from out of another problem's: which arcs it took, not how much.
#pragma once

#include <cstdint>
#include <vector>

#include "base/masses.h"
#include "exact/arcs.h"
#include "exact/flow.h"

namespace otcore::exact {

// Mass on arcs of which those that close cycles are left out: on a forest the marginals determine
// it, from the leaves on. Where they do not fit, a leaf takes or gives what its neighbour has left;
// unplaced and room become what is left at the end.
std::vector<Flow> replant(const std::vector<Arc>& arcs, const Masses& masses,
                          std::vector<std::int64_t>& unplaced, std::vector<std::int64_t>& room);

}  // namespace otcore::exact
