// Scans of a row of costs, padded to whole vectors with +infinity: what shortest augmenting paths
// spend their time in. Ties go to the lowest column, so no result depends on the vector width.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/vec-inl.h"

namespace otcore::exact::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;
using Vec = simd::Vec<double>;
using Lanes = simd::Mask<double>;
using Lane = simd::MaskLane<double>;
constexpr std::size_t kLanes = static_cast<std::size_t>(simd::kLanes<double>);
constexpr double kInfinity = __builtin_inf();

struct Minimum {
  double value;
  std::int64_t index;
};

// The smallest value and the lowest index that has it, from per-lane candidates whose indices are
// the lowest of their lane.
inline Minimum reduce(Vec values, Lanes indices) {
  const double best = simd::reduce_min<double>(values);
  const Lanes far = simd::splat_lanes<double>(INT64_MAX);
  const Lanes held = simd::select_lanes<double>(values == simd::splat(best), indices, far);
  return {best, simd::reduce_min_lanes<double>(held)};
}

struct TwoMinima {
  Minimum first;
  Minimum second;
};

// The two smallest reduced costs of a row.
inline TwoMinima two_minima(const double* row, const double* v, std::size_t stride) {
  Vec first = simd::splat(kInfinity);
  Vec second = first;
  Lanes first_at = simd::splat_lanes<double>(INT64_MAX);
  Lanes second_at = first_at;
  Lanes at = simd::lane_indices<double>();
  const Lanes step = simd::splat_lanes<double>(static_cast<Lane>(kLanes));
  for (std::size_t j = 0; j < stride; j += kLanes) {
    const Vec reduced = simd::load(row + j) - simd::load(v + j);
    const Lanes below_first = reduced < first;
    const Lanes below_second = reduced < second;
    const Vec pushed = simd::select<double>(below_first, first, reduced);
    const Lanes pushed_at = simd::select_lanes<double>(below_first, first_at, at);
    second = simd::select<double>(below_second, pushed, second);
    second_at = simd::select_lanes<double>(below_second, pushed_at, second_at);
    first = simd::select<double>(below_first, reduced, first);
    first_at = simd::select_lanes<double>(below_first, at, first_at);
    at += step;
  }
  const Minimum best = reduce(first, first_at);
  // Without the winner, each lane's best is its first, or its second where the winner was its
  // first.
  const Lanes winner = first_at == simd::splat_lanes<double>(best.index);
  return {best, reduce(simd::select<double>(winner, second, first),
                       simd::select_lanes<double>(winner, second_at, first_at))};
}

// The state of a Dijkstra search over columns: tentative distances of open columns, +infinity for
// closed ones, with the row each was reached from; and v, but -infinity for closed columns, so
// that they never improve and the scan needs no test.
struct Search {
  std::size_t stride;
  double* dist;
  double* open_v;
  std::int64_t* pred;
};

inline void start(const Search& search) {
  const Vec infinity = simd::splat(kInfinity);
  for (std::size_t j = 0; j < search.stride; j += kLanes) simd::store(search.dist + j, infinity);
}

inline void close(const Search& search, std::int64_t j) {
  search.dist[j] = kInfinity;
  search.open_v[j] = -kInfinity;
}

// Reaches columns from row i at C_ij - v_j - offset, and returns the nearest open column.
inline Minimum relax(const Search& search, const double* row, std::int64_t i, double offset) {
  const Lanes step = simd::splat_lanes<double>(static_cast<Lane>(kLanes));
  const Vec offsets = simd::splat(offset);
  const Lanes from = simd::splat_lanes<double>(static_cast<Lane>(i));
  Vec best = simd::splat(kInfinity);
  Lanes best_at = simd::splat_lanes<double>(INT64_MAX);
  Lanes at = simd::lane_indices<double>();
  auto* pred = reinterpret_cast<Lane*>(search.pred);
  for (std::size_t j = 0; j < search.stride; j += kLanes) {
    const Vec reached = simd::load(row + j) - simd::load(search.open_v + j) - offsets;
    const Vec before = simd::load(search.dist + j);
    const Lanes better = reached < before;
    const Vec now = simd::select<double>(better, reached, before);
    simd::store(search.dist + j, now);
    simd::store_lanes<double>(
        pred + j, simd::select_lanes<double>(better, from, simd::load_lanes<double>(pred + j)));
    const Lanes below = now < best;
    best = simd::select<double>(below, now, best);
    best_at = simd::select_lanes<double>(below, at, best_at);
    at += step;
  }
  return reduce(best, best_at);
}

}  // namespace
}  // namespace otcore::exact::OTCORE_LEVEL
