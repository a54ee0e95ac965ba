// Scans of a row's arcs in a sparse set. Ties go to the first arc, so no result depends on the
// vector width.
#pragma once

#include <cstddef>
#include <cstdint>

#include "exact/scan-inl.h"

namespace otcore::exact::OTCORE_LEVEL {
namespace {

// The cheapest arc at the given prices, and the price of the second cheapest.
inline Cheapest two_cheapest(const std::int32_t* cols, const double* costs, std::size_t count,
                             const double* prices) {
  Vec first = simd::splat(kInfinity);
  Vec second = first;
  Lanes first_at = simd::splat_lanes<double>(INT64_MAX);
  Lanes at = simd::lane_indices<double>();
  const Lanes step = simd::splat_lanes<double>(static_cast<Lane>(kLanes));
  std::size_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    const Vec price = simd::load(costs + k) + simd::gather(prices, cols + k);
    const Lanes lower = price < first;
    second = simd::min<double>(simd::select<double>(lower, first, price), second);
    first = simd::select<double>(lower, price, first);
    first_at = simd::select_lanes<double>(lower, at, first_at);
    at += step;
  }
  const Minimum best = reduce(first, first_at);
  // Without the winner, each lane's best is its first, or its second where the winner was its
  // first.
  const Lanes winner = first_at == simd::splat_lanes<double>(best.index);
  Cheapest found{best.value, simd::reduce_min<double>(simd::select<double>(winner, second, first)),
                 static_cast<std::size_t>(best.index)};
  for (; k < count; ++k) {
    const double price = costs[k] + prices[cols[k]];
    if (price < found.price) {
      found.second = found.price;
      found.price = price;
      found.arc = k;
    } else if (price < found.second) {
      found.second = price;
    }
  }
  return found;
}

// The first arc with the lowest reduced cost, if it is below `best`.
inline ArcMinimum lowest_arc(const std::int32_t* cols, const double* costs, std::size_t count,
                             const double* v, double best) {
  Vec lowest = simd::splat(best);
  Lanes lowest_at = simd::splat_lanes<double>(INT64_MAX);
  Lanes at = simd::lane_indices<double>();
  const Lanes step = simd::splat_lanes<double>(static_cast<Lane>(kLanes));
  std::size_t k = 0;
  bool found_any = false;
  for (; k + kLanes <= count; k += kLanes) {
    const Vec reduced = simd::load(costs + k) - simd::gather(v, cols + k);
    const Lanes lower = reduced < lowest;
    if (simd::any<double>(lower)) {
      lowest = simd::select<double>(lower, reduced, lowest);
      lowest_at = simd::select_lanes<double>(lower, at, lowest_at);
      found_any = true;
    }
    at += step;
  }
  ArcMinimum found{best, -1};
  if (found_any) {
    const Minimum minimum = reduce(lowest, lowest_at);
    found = {minimum.value, static_cast<std::ptrdiff_t>(minimum.index)};
  }
  for (; k < count; ++k) {
    const double reduced = costs[k] - v[cols[k]];
    if (reduced < found.reduced) found = {reduced, static_cast<std::ptrdiff_t>(k)};
  }
  return found;
}

// Looks at the rows of the list in turn from position `start`, until `block` arcs have been seen
// and one of them is below -tolerance, or all rows have been seen.
EnteringArc price_arcs(const std::size_t* starts, const std::int32_t* cols, const double* costs,
                       const std::int32_t* row_list, std::size_t rows, const double* minus_u,
                       const double* v, std::size_t start, std::size_t block, double tolerance) {
  double best = -tolerance;
  EnteringArc entering{-1, 0, 0, 0.0};
  std::size_t position = start;
  std::size_t seen = 0;
  for (std::size_t turn = 0; turn < rows; ++turn) {
    const auto i = static_cast<std::size_t>(row_list[position]);
    const std::size_t first = starts[i];
    const std::size_t count = starts[i + 1] - first;
    const ArcMinimum lowest = lowest_arc(cols + first, costs + first, count, v, best - minus_u[i]);
    const std::size_t here = position;
    position = position + 1 == rows ? 0 : position + 1;
    if (lowest.arc >= 0 && lowest.reduced + minus_u[i] < best) {
      best = lowest.reduced + minus_u[i];
      entering = {static_cast<std::ptrdiff_t>(here), first + static_cast<std::size_t>(lowest.arc),
                  position, best};
    }
    seen += count;
    if (seen >= block) {
      if (entering.position >= 0) break;
      seen = 0;
    }
  }
  entering.next = position;
  return entering;
}

}  // namespace
}  // namespace otcore::exact::OTCORE_LEVEL
