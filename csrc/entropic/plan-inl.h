// What is done with a block of a plan: moments, products with values, selection.
#pragma once

#include "entropic/exponents-inl.h"

namespace otcore::entropic::OTCORE_LEVEL {
namespace {

// Beyond this 2^z is 0, and stays so when it is multiplied by z.
template <class T>
constexpr T kNoPower = T(-2000);

template <class T>
void moments(T* z, std::size_t stride, std::size_t rows, std::size_t cols, const T* weights,
             const T* shifts, double* sums, double* moments, T* maxima) {
  alignas(64) T lanes[kLanes<T>];
  for (std::size_t i = 0; i < rows; ++i, z += stride) {
    Vec<T> high = simd::splat(maxima[i]);
    for (std::size_t first = 0; first < cols; first += kSumColumns) {
      const std::size_t end = cols - first < kSumColumns ? cols : first + kSumColumns;
      Vec<T> sum{};
      Vec<T> moment{};
      for (std::size_t j = first; j < end; j += kLanes<T>) {
        const Vec<T> whole = simd::load(z + j);
        high = simd::max<T>(whole + simd::load(shifts + j), high);
        const Vec<T> exponent = simd::max<T>(whole, simd::splat(kNoPower<T>));
        const Vec<T> power = simd::exp2<T>(exponent);
        const Vec<T> mass = power * simd::load(weights + j);
        sum += mass;
        moment = simd::mul_add<T>(mass, exponent, moment);
        simd::store(z + j, power);
      }
      simd::store(lanes, sum);
      sums[i] += sum_in_float64(lanes);
      simd::store(lanes, moment);
      moments[i] += sum_in_float64(lanes);
    }
    maxima[i] = simd::reduce_max<T>(high);
  }
}

// R rows against one row of values, in strips as short as all sums of float32.
template <class T, std::size_t R>
inline void dot_rows(const T* e, std::size_t stride, std::size_t cols, const T* values, double* out,
                     std::size_t out_stride) {
  alignas(64) T lanes[kLanes<T>];
  for (std::size_t first = 0; first < cols; first += kSumColumns) {
    const std::size_t end = cols - first < kSumColumns ? cols : first + kSumColumns;
    Vec<T> sum[R] = {};
    for (std::size_t j = first; j < end; j += kLanes<T>) {
      const Vec<T> value = simd::load(values + j);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) {
        sum[i] = simd::mul_add<T>(simd::load(e + i * stride + j), value, sum[i]);
      }
    }
    for (std::size_t i = 0; i < R; ++i) {
      simd::store(lanes, sum[i]);
      out[i * out_stride] += sum_in_float64(lanes);
    }
  }
}

template <class T>
void dots(const T* e, std::size_t stride, std::size_t rows, std::size_t cols, const T* values,
          std::size_t value_stride, std::size_t k, double* out) {
  constexpr std::size_t kRows = 6;
  std::size_t i = 0;
  for (; i + kRows <= rows; i += kRows) {
    for (std::size_t c = 0; c < k; ++c) {
      dot_rows<T, kRows>(e + i * stride, stride, cols, values + c * value_stride, out + i * k + c,
                         k);
    }
  }
  for (; i < rows; ++i) {
    for (std::size_t c = 0; c < k; ++c) {
      dot_rows<T, 1>(e + i * stride, stride, cols, values + c * value_stride, out + i * k + c, k);
    }
  }
}

template <class T>
void weigh(T* e, std::size_t stride, std::size_t rows, std::size_t cols, const T* row_weights,
           const T* col_weights) {
  for (std::size_t i = 0; i < rows; ++i, e += stride) {
    const Vec<T> weight = simd::splat(row_weights[i]);
    for (std::size_t j = 0; j < cols; j += kLanes<T>) {
      simd::store(e + j, simd::load(e + j) * weight * simd::load(col_weights + j));
    }
  }
}

template <class T>
std::size_t select(const T* p, std::size_t cols, T row_limit, const T* limits, std::int32_t* out) {
  std::size_t count = 0;
  const Vec<T> row_limits = simd::splat(row_limit);
  for (std::size_t j = 0; j < cols; j += kLanes<T>) {
    const Vec<T> limit = simd::min<T>(row_limits, simd::load(limits + j));
    unsigned bits = simd::lane_bits<T>((simd::load(p + j) >= limit) & (limit > simd::splat(T(0))));
    for (; bits != 0; bits &= bits - 1) {
      out[count++] = static_cast<std::int32_t>(j) + __builtin_ctz(bits);
    }
  }
  return count;
}

}  // namespace
}  // namespace otcore::entropic::OTCORE_LEVEL
