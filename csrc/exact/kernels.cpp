// Compiled once per instruction-set level, with OTCORE_LEVEL naming it.
#include "exact/kernels.h"

#include "exact/arcs-inl.h"
#include "exact/assignment-inl.h"
#include "exact/candidates-inl.h"
#include "exact/pricing-inl.h"
#include "exact/products-inl.h"

namespace otcore::exact::OTCORE_LEVEL {
namespace {

template <class T>
constexpr CostKernels<T> make_cost_kernels() {
  return {range<T>, pack<T>,         column_minima<T>, row_minimum<T>, row_minimum_value<T>,
          price<T>, group_minima<T>, fold_minima<T>,   below<T>};
}

}  // namespace

const Kernels kKernels = {
    make_cost_kernels<float>(),
    make_cost_kernels<double>(),
    assign,
    two_cheapest,
    price_arcs,
    tile_below,
    products_above,
};

}  // namespace otcore::exact::OTCORE_LEVEL
