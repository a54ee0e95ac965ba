// Compiled once per instruction-set level, with OTCORE_LEVEL naming it.
#include "sliced/kernels.h"

#include "sliced/add_slopes-inl.h"
#include "sliced/project-inl.h"

namespace otcore::sliced::OTCORE_LEVEL {

const Kernels kKernels = {{project<float>}, {project<double>}, add_slopes};

}  // namespace otcore::sliced::OTCORE_LEVEL
