#include "base/isa.h"
#include "entropic/kernels.h"

namespace otcore::entropic {

const KernelTable& kernel_table() {
  static const KernelTable& chosen = []() -> const KernelTable& {
#if defined(OTCORE_X86_LEVELS)
    if (active_isa() == Isa::avx512) return avx512::kKernels;
    if (active_isa() == Isa::avx2) return avx2::kKernels;
#endif
    return baseline::kKernels;
  }();
  return chosen;
}

}  // namespace otcore::entropic
