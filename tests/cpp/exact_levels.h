// The exact room's kernels at every instruction-set level that this machine has.
#pragma once

#include <vector>

#include "base/isa.h"
#include "exact/kernels.h"

namespace otcore::exact {

inline std::vector<const Kernels*> every_level() {
  std::vector<const Kernels*> tables{&baseline::kKernels};
#if defined(OTCORE_X86_LEVELS)
  for (const Isa isa : supported_isas()) {
    if (isa == Isa::avx2) tables.push_back(&avx2::kKernels);
    if (isa == Isa::avx512) tables.push_back(&avx512::kKernels);
  }
#endif
  return tables;
}

}  // namespace otcore::exact
