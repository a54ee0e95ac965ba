#include "base/isa.h"
#include "exact/kernels.h"

namespace otcore::exact {

const Kernels& kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
#if defined(OTCORE_X86_LEVELS)
    if (active_isa() == Isa::avx512) return avx512::kKernels;
    if (active_isa() == Isa::avx2) return avx2::kKernels;
#endif
    return baseline::kKernels;
  }();
  return chosen;
}

}  // namespace otcore::exact
