// Passes over a kernel that is kept: products with scalings, and the scalings.
#pragma once

#include "entropic/side-inl.h"
#include "simd/transpose-inl.h"

namespace otcore::entropic::OTCORE_LEVEL {
namespace {

using simd::Mask;

// float64 from `kDoubles` numbers of T.
inline Vec<double> load_as_float64(const double* p) { return simd::load(p); }
inline Vec<double> load_as_float64(const float* p) { return simd::load_widened(p); }

template <class T>
double reweigh(const SideInput<T>& input, const T* base, double usual, T* weights,
               double* corrections) {
  const std::size_t padded = (input.count + kWidth<T> - 1) / kWidth<T> * kWidth<T>;
  Vec<double> farthest{};
  for (std::size_t j = 0; j < padded; j += kDoubles) {
    const std::size_t left = j < input.count ? input.count - j : 0;
    Vec<double> correction =
        exponents_of(input, j, left, simd::splat(input.lift)) - load_as_float64(base + j);
    const Vec<double> distance = simd::abs<double>(correction - simd::splat(usual));
    // Of padding nothing is asked.
    const Mask<double> used =
        simd::lane_indices<double>() < simd::splat_lanes<double>(static_cast<long long>(left));
    farthest = simd::max<double>(simd::select<double>(used, distance, Vec<double>{}), farthest);
    store_as(weights + j, load_some(input.weights, j, left) * simd::exp2<double>(correction));
    simd::store(corrections + j, correction);
  }
  return simd::reduce_max<double>(farthest);
}

// Lane i is the product of row i, for R rows.
template <class T, std::size_t R>
inline Vec<T> products_of_rows(const T* e, std::size_t stride, std::size_t cols, const T* values) {
  Vec<T> sum[kLanes<T>] = {};
  for (std::size_t j = 0; j < cols; j += kLanes<T>) {
    const Vec<T> value = simd::load(values + j);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < R; ++i) {
      sum[i] = simd::mul_add<T>(simd::load(e + i * stride + j), value, sum[i]);
    }
  }
  return simd::add_lanes<T>(sum);
}

// At most R rows that are left.
template <class T, std::size_t R>
inline Vec<T> products_of_some(const T* e, std::size_t stride, std::size_t rows, std::size_t cols,
                               const T* values) {
  if constexpr (R > 1) {
    if (rows <= R / 2) return products_of_some<T, R / 2>(e, stride, rows, cols, values);
  }
  return products_of_rows<T, R>(e, stride, cols, values);
}

template <class T>
void row_products(const T* e, std::size_t stride, std::size_t rows, std::size_t cols,
                  const T* values, T* sums) {
  for (std::size_t i = 0; i < rows; i += kLanes<T>) {
    simd::store(sums + i,
                products_of_some<T, kLanes<T>>(e + i * stride, stride, rows - i, cols, values));
  }
}

// Whole panels of rows and columns.
template <class T>
void transpose(const T* e, std::size_t stride, std::size_t rows, std::size_t cols, T* out,
               std::size_t out_stride) {
  for (std::size_t i = 0; i < rows; i += kLanes<T>) {
    for (std::size_t j = 0; j < cols; j += kLanes<T>) {
      Vec<T> block[kLanes<T>];
#pragma GCC unroll 16
      for (std::size_t l = 0; l < kLanes<T>; ++l) block[l] = simd::load(e + (i + l) * stride + j);
      simd::transpose<T>(block);
#pragma GCC unroll 16
      for (std::size_t l = 0; l < kLanes<T>; ++l)
        simd::store(out + (j + l) * out_stride + i, block[l]);
    }
  }
}

template <class T>
bool quotients(const T* numerators, const T* sums, std::size_t count, T low, T high, T* out) {
  Mask<T> bad{};
  for (std::size_t i = 0; i < count; i += kLanes<T>) {
    const Mask<T> used =
        simd::lane_indices<T>() < simd::splat_lanes<T>(static_cast<simd::MaskLane<T>>(count - i));
    const Vec<T> sum = simd::select<T>(used, simd::load(sums + i), simd::splat(T(1)));
    bad |= ~((sum >= simd::splat(low)) & (sum <= simd::splat(high))) & used;
    simd::store(out + i, simd::load(numerators + i) / sum);
  }
  return !simd::any<T>(bad);
}

template <class T>
bool shares(const double* totals, const double* b, std::size_t count, double scale, double low,
            double high, T* weights, double* error) {
  Mask<double> bad{};
  Vec<double> sum{};
  for (std::size_t j = 0; j < count; j += kDoubles) {
    const std::size_t left = count - j;
    const Mask<double> used =
        simd::lane_indices<double>() < simd::splat_lanes<double>(static_cast<long long>(left));
    const Vec<double> total = simd::select<double>(used, simd::load(totals + j), simd::splat(1.0));
    bad |= ~((total >= simd::splat(low)) & (total <= simd::splat(high))) & used;
    const Vec<double> c = total * simd::splat(scale);
    const Vec<double> target = load_some(b, j, left);
    sum += simd::abs<double>(target - load_as_float64(weights + j) * c);
    store_as(weights + j, target / c);
  }
  *error = simd::reduce_add<double>(sum);
  return !simd::any<double>(bad);
}

}  // namespace
}  // namespace otcore::entropic::OTCORE_LEVEL
