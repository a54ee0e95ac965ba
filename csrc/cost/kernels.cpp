// Compiled once per instruction-set level, with OTCORE_LEVEL naming it.
#include "cost/kernels.h"

#include "cost/blocks-inl.h"
#include "cost/direct-inl.h"
#include "cost/gram-inl.h"
#include "cost/layout-inl.h"
#include "cost/pack-inl.h"
#include "cost/pull_back-inl.h"

namespace otcore::cost::OTCORE_LEVEL {
namespace {

template <class T>
void tile(const Form& form, const T* packed_rows, std::size_t rows, const T* packed_cols,
          std::size_t cols, std::size_t dims, T* out, std::size_t out_stride) {
  const Tile<T> job{packed_rows, rows, packed_cols, cols, dims, out, out_stride, form.finish};
  switch (form.terms) {
    case Terms::products:
      return gram_tile(job);
    case Terms::squares:
      return direct_tile<T, Squares<T>>(job, {});
    case Terms::moduli:
      return direct_tile<T, Moduli<T>>(job, {});
    case Terms::powers:
      return power_tile(job, form.p);
  }
}

template <class T>
constexpr TileKernels<T> kTileKernels = {packed_rows_size<T>, packed_cols_size<T>, tile<T>,
                                         rows_apart<T>};

template <class In, class T>
constexpr PackKernels<In, T> kPackKernels = {pack_rows<In, T>, pack_cols<In, T>};

}  // namespace

const Kernels kKernels = {
    kTileKernels<float>,         kTileKernels<double>,         kPackKernels<float, float>,
    kPackKernels<float, double>, kPackKernels<double, double>, weigh_differences<float>,
    weigh_differences<double>,
};

}  // namespace otcore::cost::OTCORE_LEVEL
