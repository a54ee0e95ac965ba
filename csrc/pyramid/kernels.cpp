// Compiled once per instruction-set level, with OTCORE_LEVEL naming it.
#include "pyramid/kernels.h"

#include "pyramid/assign-inl.h"
#include "pyramid/moves-inl.h"
#include "pyramid/pack-inl.h"
#include "pyramid/seeds-inl.h"

namespace otcore::pyramid::OTCORE_LEVEL {

namespace {

template <class T>
constexpr PointKernels<T> kPointKernels = {pack<T>, assign<T>, add_moves<T>, try_seeds<T>};

}  // namespace

const Kernels kKernels = {kPointKernels<float>, kPointKernels<double>};

}  // namespace otcore::pyramid::OTCORE_LEVEL
