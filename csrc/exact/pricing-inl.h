// Sweeps over a cost matrix of the caller, read in place: range, packing, minima of reduced costs
// by row and by column, pricing. Everything is computed in float64; scale is a power of two, so
// scale * C is exact, contraction to a fused multiply-add changes nothing, and all levels
// give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "exact/kernels.h"
#include "exact/scan-inl.h"

namespace otcore::exact::OTCORE_LEVEL {
namespace {

inline Vec load_costs(const double* p) { return simd::load(p); }
inline Vec load_costs(const float* p) { return simd::load_widened(p); }

// Per-lane minima of a row's scale * C - v; columns beyond the last whole vector count in lane 0.
template <class T>
inline Vec row_minima(const T* row, Vec scales, const double* v, std::size_t cols) {
  Vec best0 = simd::splat(kInfinity);
  Vec best1 = best0;
  std::size_t j = 0;
  for (; j + 2 * kLanes <= cols; j += 2 * kLanes) {
    best0 = simd::min<double>(load_costs(row + j) * scales - simd::load(v + j), best0);
    best1 = simd::min<double>(load_costs(row + j + kLanes) * scales - simd::load(v + j + kLanes),
                              best1);
  }
  if (j + kLanes <= cols) {
    best0 = simd::min<double>(load_costs(row + j) * scales - simd::load(v + j), best0);
    j += kLanes;
  }
  Vec best = simd::min<double>(best0, best1);
  for (; j < cols; ++j) {
    const double reduced = static_cast<double>(row[j]) * scales[0] - v[j];
    if (reduced < best[0]) best[0] = reduced;
  }
  return best;
}

template <class T>
double row_minimum_value(const T* row, double scale, const double* v, std::size_t cols) {
  return simd::reduce_min<double>(row_minima(row, simd::splat(scale), v, cols));
}

// The first column where scale * C - v + shift is `value`, which a scan has found.
template <class T>
inline std::size_t find_column(const T* row, double scale, const double* v, std::size_t cols,
                               double shift, double value) {
  const Vec scales = simd::splat(scale);
  const Vec shifts = simd::splat(shift);
  const Vec values = simd::splat(value);
  std::size_t j = 0;
  for (; j + kLanes <= cols; j += kLanes) {
    const Vec reduced = load_costs(row + j) * scales - simd::load(v + j);
    const Lanes equal = (reduced + shifts) == values;
    if (simd::any<double>(equal)) {
      const Lanes far = simd::splat_lanes<double>(INT64_MAX);
      const Lanes held = simd::select_lanes<double>(equal, simd::lane_indices<double>(), far);
      return j + static_cast<std::size_t>(simd::reduce_min_lanes<double>(held));
    }
  }
  while (j + 1 < cols && (static_cast<double>(row[j]) * scale - v[j]) + shift != value) ++j;
  return j;
}

template <class T>
RowMinimum row_minimum(const T* row, double scale, const double* v, std::size_t cols) {
  const double value = row_minimum_value(row, scale, v, cols);
  return {value, find_column(row, scale, v, cols, 0.0, value)};
}

// Keeps the best arc per lane and the turn at which its row was looked at; the earliest row wins a
// tie, so the choice does not depend on the number of lanes.
template <class T>
Entering price(const T* costs, std::size_t stride, double scale, const std::int32_t* row_list,
               std::size_t rows, std::size_t cols, const double* minus_u, const double* v,
               std::size_t start, std::size_t block, double tolerance) {
  const Vec scales = simd::splat(scale);
  Vec best = simd::splat(-tolerance);
  Lanes best_turn = simd::splat_lanes<double>(INT64_MAX);
  std::size_t position = start;
  std::size_t turn = 0;
  while (turn < rows) {
    const std::size_t end = block < rows - turn ? turn + block : rows;
    for (; turn < end; ++turn) {
      const auto i = static_cast<std::size_t>(row_list[position]);
      const Vec reduced = row_minima(costs + i * stride, scales, v, cols) + simd::splat(minus_u[i]);
      const Lanes below = reduced < best;
      best = simd::select<double>(below, reduced, best);
      best_turn = simd::select_lanes<double>(
          below, simd::splat_lanes<double>(static_cast<Lane>(turn)), best_turn);
      position = position + 1 == rows ? 0 : position + 1;
    }
    const Minimum found = reduce(best, best_turn);
    if (found.index == INT64_MAX) continue;
    const std::size_t at = (start + static_cast<std::size_t>(found.index)) % rows;
    const auto i = static_cast<std::size_t>(row_list[at]);
    return {static_cast<std::ptrdiff_t>(at),
            find_column(costs + i * stride, scale, v, cols, minus_u[i], found.value), found.value};
  }
  return {-1, 0, 0.0};
}

template <class T>
void column_minima(const T* costs, std::size_t stride, double scale, const std::int32_t* row_list,
                   std::size_t rows, std::size_t cols, double* v) {
  for (std::size_t j = 0; j < cols; ++j) v[j] = kInfinity;
  const Vec scales = simd::splat(scale);
  for (std::size_t r = 0; r < rows; ++r) {
    const T* row = costs + static_cast<std::size_t>(row_list[r]) * stride;
    std::size_t j = 0;
    for (; j + kLanes <= cols; j += kLanes) {
      simd::store(v + j, simd::min<double>(load_costs(row + j) * scales, simd::load(v + j)));
    }
    for (; j < cols; ++j) {
      const double cost = static_cast<double>(row[j]) * scale;
      v[j] = cost < v[j] ? cost : v[j];
    }
  }
}

// A sum of x - x is zero exactly if every x is finite.
template <class T>
CostRange range(const T* costs, std::size_t stride, std::size_t rows, std::size_t cols) {
  Vec low = simd::splat(kInfinity);
  Vec high = simd::splat(-kInfinity);
  Vec zeros = simd::splat(0.0);
  double low_rest = kInfinity;
  double high_rest = -kInfinity;
  double zero_rest = 0.0;
  for (std::size_t i = 0; i < rows; ++i) {
    const T* row = costs + i * stride;
    std::size_t j = 0;
    for (; j + kLanes <= cols; j += kLanes) {
      const Vec x = load_costs(row + j);
      low = simd::min<double>(x, low);
      high = simd::max<double>(x, high);
      zeros += x - x;
    }
    for (; j < cols; ++j) {
      const auto x = static_cast<double>(row[j]);
      low_rest = x < low_rest ? x : low_rest;
      high_rest = x > high_rest ? x : high_rest;
      zero_rest += x - x;
    }
  }
  const double low_all = simd::reduce_min<double>(low);
  const double high_all = simd::reduce_max<double>(high);
  return {low_all < low_rest ? low_all : low_rest, high_all > high_rest ? high_all : high_rest,
          simd::reduce_add<double>(zeros) + zero_rest == 0.0};
}

template <class T>
CostRange pack(const T* costs, std::size_t stride, std::size_t rows, std::size_t cols, double* out,
               std::size_t padded) {
  Vec low = simd::splat(kInfinity);
  Vec high = simd::splat(-kInfinity);
  Vec zeros = simd::splat(0.0);
  const std::size_t whole = cols / kLanes * kLanes;
  for (std::size_t i = 0; i < rows; ++i) {
    const T* row = costs + i * stride;
    double* out_row = out + i * padded;
    std::size_t j = 0;
    for (; j < whole; j += kLanes) {
      const Vec x = load_costs(row + j);
      low = simd::min<double>(x, low);
      high = simd::max<double>(x, high);
      zeros += x - x;
      simd::store(out_row + j, x);
    }
    if (j < cols) {
      // The rest through a padded copy of one vector: the pads repeat the first entry.
      double rest[kLanes];
      for (std::size_t l = 0; l < kLanes; ++l) {
        rest[l] = static_cast<double>(row[j + l < cols ? j + l : j]);
      }
      const Vec x = simd::load(rest);
      low = simd::min<double>(x, low);
      high = simd::max<double>(x, high);
      zeros += x - x;
      for (; j < cols; ++j) out_row[j] = static_cast<double>(row[j]);
    }
    for (; j < padded; ++j) out_row[j] = kInfinity;
  }
  return {simd::reduce_min<double>(low), simd::reduce_max<double>(high),
          simd::reduce_add<double>(zeros) == 0.0};
}

}  // namespace
}  // namespace otcore::exact::OTCORE_LEVEL
