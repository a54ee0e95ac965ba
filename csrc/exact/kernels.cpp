// Compiled once per instruction-set level, with OTCORE_LEVEL naming it.
#include "exact/kernels.h"

#include "exact/assignment-inl.h"
#include "exact/pricing-inl.h"

namespace otcore::exact::OTCORE_LEVEL {

const Kernels kKernels = {
    make_cost_kernels<float>(),
    make_cost_kernels<double>(),
    assign,
};

}  // namespace otcore::exact::OTCORE_LEVEL
