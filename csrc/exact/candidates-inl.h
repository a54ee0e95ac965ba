// What choosing candidate arcs from a cost matrix needs: bounds on the k-th smallest reduced cost
// of a row or column, and the entries below a bound. As in pricing-inl.h, the bits are the same at
// every level.
#pragma once

#include <cstddef>
#include <cstdint>

#include "exact/pricing-inl.h"

namespace otcore::exact::OTCORE_LEVEL {
namespace {

constexpr std::size_t kGroupVectors = kMinimumGroups / kLanes;
static_assert(kGroupVectors * kLanes == kMinimumGroups);
constexpr std::size_t kBits = 64;

template <class T>
void group_minima(const T* row, double scale, const double* v, std::size_t cols, double* minima) {
  const Vec scales = simd::splat(scale);
  Vec best[kGroupVectors];
  for (Vec& group : best) group = simd::splat(kInfinity);
  std::size_t j = 0;
  for (; j + kMinimumGroups <= cols; j += kMinimumGroups) {
    for (std::size_t g = 0; g < kGroupVectors; ++g) {
      const std::size_t at = j + g * kLanes;
      best[g] = simd::min<double>(load_costs(row + at) * scales - simd::load(v + at), best[g]);
    }
  }
  for (std::size_t g = 0; g < kGroupVectors; ++g) simd::store(minima + g * kLanes, best[g]);
  for (std::size_t g = 0; j < cols; ++g, ++j) {
    const double reduced = static_cast<double>(row[j]) * scale - v[j];
    if (reduced < minima[g]) minima[g] = reduced;
  }
}

template <class T>
void fold_minima(const T* row, double scale, double shift, std::size_t cols, double* minima) {
  const Vec scales = simd::splat(scale);
  const Vec shifts = simd::splat(shift);
  std::size_t j = 0;
  for (; j + kLanes <= cols; j += kLanes) {
    const Vec reduced = load_costs(row + j) * scales - shifts;
    simd::store(minima + j, simd::min<double>(reduced, simd::load(minima + j)));
  }
  for (; j < cols; ++j) {
    const double reduced = static_cast<double>(row[j]) * scale - shift;
    if (reduced < minima[j]) minima[j] = reduced;
  }
}

// Bit k is set where scale * C - v < limit in column k, of at most 64.
template <class T>
inline std::uint64_t bits_below(const T* row, double scale, const double* v, std::size_t cols,
                                double limit) {
  const Vec scales = simd::splat(scale);
  const Vec limits = simd::splat(limit);
  std::uint64_t bits = 0;
  std::size_t j = 0;
  for (; j + kLanes <= cols; j += kLanes) {
    const Vec reduced = load_costs(row + j) * scales - simd::load(v + j);
    bits |= std::uint64_t{simd::lane_bits<double>(reduced < limits)} << j;
  }
  for (; j < cols; ++j) {
    bits |= std::uint64_t{static_cast<double>(row[j]) * scale - v[j] < limit} << j;
  }
  return bits;
}

// 64 columns at a time: where a loop over hits ends is what the processor cannot foresee.
template <class T>
std::size_t below(const T* row, double scale, const double* v, std::size_t cols, double limit,
                  std::int32_t* out) {
  std::size_t found = 0;
  const auto list = [&](std::size_t j, std::uint64_t hits) {
    for (; hits != 0; hits &= hits - 1) {
      out[found++] = static_cast<std::int32_t>(j) + __builtin_ctzll(hits);
    }
  };
  std::size_t j = 0;
  for (; j + kBits <= cols; j += kBits) list(j, bits_below(row + j, scale, v + j, kBits, limit));
  if (j < cols) list(j, bits_below(row + j, scale, v + j, cols - j, limit));
  return found;
}

std::size_t tile_below(const double* costs, std::size_t rows, std::size_t cols, const double* v,
                       const double* limits, std::int32_t* out) {
  std::size_t found = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t first = row * kBlockPoints;
    std::uint64_t hits = cols == kBlockPoints
                             ? bits_below(costs + first, 1.0, v, kBlockPoints, limits[row])
                             : bits_below(costs + first, 1.0, v, cols, limits[row]);
    for (; hits != 0; hits &= hits - 1) {
      out[found++] = static_cast<std::int32_t>(first) + __builtin_ctzll(hits);
    }
  }
  return found;
}

}  // namespace
}  // namespace otcore::exact::OTCORE_LEVEL
