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

template <class T>
std::size_t below(const T* row, double scale, const double* v, std::size_t cols, double limit,
                  std::int32_t* out) {
  const Vec scales = simd::splat(scale);
  const Vec limits = simd::splat(limit);
  std::size_t found = 0;
  std::size_t j = 0;
  for (; j + kLanes <= cols; j += kLanes) {
    unsigned hits =
        simd::lane_bits<double>(load_costs(row + j) * scales - simd::load(v + j) < limits);
    for (; hits != 0; hits &= hits - 1) {
      out[found++] = static_cast<std::int32_t>(j) + __builtin_ctz(hits);
    }
  }
  for (; j < cols; ++j) {
    if (static_cast<double>(row[j]) * scale - v[j] < limit) {
      out[found++] = static_cast<std::int32_t>(j);
    }
  }
  return found;
}

}  // namespace
}  // namespace otcore::exact::OTCORE_LEVEL
