#include "base/isa.h"
#include "cost/kernels.h"

namespace otcore::cost {

const Kernels& kernels(Isa isa) {
#if defined(OTCORE_X86_LEVELS)
  if (isa == Isa::avx512) return avx512::kKernels;
  if (isa == Isa::avx2) return avx2::kKernels;
#endif
  (void)isa;
  return baseline::kKernels;
}

const Kernels& kernels() {
  static const Kernels& chosen = kernels(active_isa());
  return chosen;
}

}  // namespace otcore::cost
