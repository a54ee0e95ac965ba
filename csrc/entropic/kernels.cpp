// Compiled once per instruction-set level, with OTCORE_LEVEL naming it.
#include "entropic/kernels.h"

#include "entropic/columns-inl.h"
#include "entropic/exponents-inl.h"
#include "entropic/kept-inl.h"
#include "entropic/plan-inl.h"
#include "entropic/side-inl.h"

namespace otcore::entropic::OTCORE_LEVEL {
namespace {

template <class T>
constexpr Kernels<T> make_kernels() {
  return {exponents<T>,    exponentials<T>, replace<T>,        powers<T>, moments<T>,
          row_maxima<T>,   col_maxima<T>,   shifted_powers<T>, fold<T>,   flush<T>,
          dots<T>,         weigh<T>,        select<T>,         side<T>,   reweigh<T>,
          row_products<T>, transpose<T>,    quotients<T>,      shares<T>, range<T>};
}

}  // namespace

const KernelTable kKernels = {make_kernels<float>(), make_kernels<double>(), {log2_all, exp2_all}};

}  // namespace otcore::entropic::OTCORE_LEVEL
