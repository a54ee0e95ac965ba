// Inner products of a block of points with a block of others, in float32, against a bound for each:
// the filter that spares most pairs of a cloud their costs in float64.
#pragma once

#include <cstddef>
#include <cstdint>

#include "exact/kernels.h"
#include "simd/vec-inl.h"

namespace otcore::exact::OTCORE_LEVEL {
namespace {

constexpr std::size_t kFloatLanes = static_cast<std::size_t>(simd::kLanes<float>);
constexpr std::size_t kBlockVectors = kBlockPoints / kFloatLanes;
static_assert(kBlockVectors * kFloatLanes == kBlockPoints);

// Rows at a time: as many as leave registers for one row of vectors of y.
constexpr std::size_t kProductRows = kBlockVectors == 3 ? 8 : kBlockVectors == 6 ? 2 : 1;

template <std::size_t kRows>
[[gnu::always_inline]] inline void product_bits(const float* x, const float* y, std::size_t dims,
                                                const float* starts, const float* above,
                                                std::uint64_t (&bits)[kRows]) {
  simd::Vec<float> sums[kRows][kBlockVectors];
#pragma GCC unroll 16
  for (std::size_t v = 0; v < kBlockVectors; ++v) {
    const simd::Vec<float> start = simd::load(starts + v * kFloatLanes);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) sums[r][v] = start;
  }
  for (std::size_t k = 0; k < dims; ++k) {
    const float* of_y = y + k * kBlockPoints;
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kBlockVectors; ++v) {
      const simd::Vec<float> coordinates = simd::load(of_y + v * kFloatLanes);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) {
        sums[r][v] = simd::mul_add<float>(simd::splat(x[r * dims + k]), coordinates, sums[r][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
    bits[r] = 0;
    const simd::Vec<float> bound = simd::splat(above[r]);
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kBlockVectors; ++v) {
      bits[r] |= std::uint64_t{simd::lane_bits<float>(sums[r][v] > bound)} << (v * kFloatLanes);
    }
  }
}

inline std::size_t list_bits(std::uint64_t bits, std::size_t row, std::int32_t* out) {
  std::size_t found = 0;
  for (; bits != 0; bits &= bits - 1) {
    out[found++] = static_cast<std::int32_t>(row * kBlockPoints) + __builtin_ctzll(bits);
  }
  return found;
}

std::size_t products_above(const float* x, std::size_t rows, const float* y, std::size_t dims,
                           const float* starts, const float* above, std::int32_t* out) {
  std::size_t found = 0;
  std::size_t row = 0;
  for (; row + kProductRows <= rows; row += kProductRows) {
    std::uint64_t bits[kProductRows];
    product_bits(x + row * dims, y, dims, starts, above + row, bits);
    for (std::size_t r = 0; r < kProductRows; ++r) {
      found += list_bits(bits[r], row + r, out + found);
    }
  }
  for (; row < rows; ++row) {
    std::uint64_t bits[1];
    product_bits(x + row * dims, y, dims, starts, above + row, bits);
    found += list_bits(bits[0], row, out + found);
  }
  return found;
}

}  // namespace
}  // namespace otcore::exact::OTCORE_LEVEL
