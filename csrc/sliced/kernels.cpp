// Compiled once per instruction-set level, with OTCORE_LEVEL naming it.
#include "sliced/kernels.h"

#include "sliced/add_slopes-inl.h"
#include "sliced/column_slopes-inl.h"
#include "sliced/columns-inl.h"
#include "sliced/normals-inl.h"
#include "sliced/pair_slopes-inl.h"
#include "sliced/pair_sums-inl.h"
#include "sliced/project-inl.h"

namespace otcore::sliced::OTCORE_LEVEL {

namespace {

template <class T>
constexpr ProjectKernels<T> kProjectKernels = {
    project<T>,        line_columns<T>, line_slopes<T>,
    sort_columns<T>,   pair_sums<T>,    pair_slopes<T>,
    unsort_columns<T>, simd::kLanes<T>, columns_up_to(simd::kLanes<T>)};

}  // namespace

const Kernels kKernels = {kProjectKernels<float>,
                          kProjectKernels<double>,
                          {add_slopes<float>},
                          {add_slopes<double>},
                          normals};

}  // namespace otcore::sliced::OTCORE_LEVEL
