// How packed points lie in memory.
//
// A packed row stands alone:
//   point     [dims]
// or, for products,
//   norm      [1, padded]     |x|^2, centred
//   point     [dims, padded]  centred
//   original  [dims, padded]  as it was before centring
// and columns come in panels of kWidth:
//   points    [dims][kWidth]  one coordinate of all points side by side
// or, for products,
//   norms     [kWidth]
//   points    [dims][kWidth]
//   originals [kWidth][dims, padded]
// with parts padded to 64 bytes. Unused columns of the last panel are such that their costs come
// out as +infinity.
#pragma once

#include <cstddef>

#include "cost/kernels.h"
#include "simd/vec-inl.h"

namespace otcore::cost::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;
using simd::Vec;

template <class T>
constexpr T kInfinity = static_cast<T>(__builtin_inf());
template <class T>
constexpr T kNaN = static_cast<T>(__builtin_nan(""));
template <class T>
constexpr T kMax = static_cast<T>(sizeof(T) == sizeof(float) ? double{__FLT_MAX__} : __DBL_MAX__);

template <class T>
constexpr std::size_t kLanes = static_cast<std::size_t>(simd::kLanes<T>);
template <class T>
constexpr std::size_t kWidth = 64 / sizeof(T);
template <class T>
constexpr std::size_t kPanelVectors = kWidth<T> / kLanes<T>;

template <class T>
inline std::size_t pad(std::size_t size) {
  return (size + kWidth<T> - 1) / kWidth<T> * kWidth<T>;
}

// Offsets of the parts of a packed row or panel, in T.
struct Layout {
  std::size_t points;
  std::size_t originals;
  std::size_t original_stride;
  std::size_t size;  // from one row or panel to the next
};

// Rows are an odd number of cache lines (or numbers) apart, so that the rows of a block do not
// compete for the same lines of the cache.
template <class T>
inline Layout row_layout(Terms terms, std::size_t dims) {
  if (terms != Terms::products) return {0, 0, 0, dims | 1};
  const std::size_t padded = pad<T>(dims);
  return {kWidth<T>, kWidth<T> + padded, padded, kWidth<T> + 2 * padded};
}

template <class T>
inline Layout panel_layout(Terms terms, std::size_t dims) {
  const std::size_t points = kWidth<T> * dims;
  if (terms != Terms::products) return {0, 0, 0, points};
  const std::size_t padded = pad<T>(dims);
  return {kWidth<T>, kWidth<T> + points, padded, kWidth<T> * (1 + dims + padded)};
}

template <class T>
std::size_t packed_rows_size(const Form& form, std::size_t rows, std::size_t dims) {
  return pad<T>(rows * row_layout<T>(form.terms, dims).size);
}

template <class T>
std::size_t packed_cols_size(const Form& form, std::size_t cols, std::size_t dims) {
  return (cols + kWidth<T> - 1) / kWidth<T> * panel_layout<T>(form.terms, dims).size;
}

}  // namespace
}  // namespace otcore::cost::OTCORE_LEVEL
