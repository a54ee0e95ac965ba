#include "base/isa.h"
#include "pyramid/kernels.h"

namespace otcore::pyramid {
namespace {

const Kernels& kernels(Isa isa) {
#if defined(OTCORE_X86_LEVELS)
  if (isa == Isa::avx512) return avx512::kKernels;
  if (isa == Isa::avx2) return avx2::kKernels;
#endif
  (void)isa;
  return baseline::kKernels;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = kernels(active_isa());
  return chosen;
}

}  // namespace otcore::pyramid
