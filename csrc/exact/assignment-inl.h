// The assignment problem by shortest augmenting paths, with vectorised row scans.
//
// Jonker and Volgenant, "A shortest augmenting path algorithm for dense and sparse linear
// assignment problems", Computing 38 (1987): column reduction, reduction transfer, augmenting row
// reduction, then one Dijkstra search per row that is still free. Reduced costs are C_ij - v_j: row
// potentials are implied. Costs are finite but for the padding columns, which are never chosen.
#pragma once

#include <cstddef>
#include <cstdint>

#include "exact/kernels.h"
#include "exact/scan-inl.h"
#include "exact/tuning.h"

namespace otcore::exact::OTCORE_LEVEL {
namespace {

namespace assignment {

// v_j = min_i C_ij, and the column goes to its lowest such row if that row has none yet. Columns
// are taken from the last to the first, as the paper does. Counts the columns that chose each row.
inline void reduce_columns(const Assignment& a, std::int64_t* wishes) {
  for (std::size_t i = 0; i < a.n; ++i) {
    a.col_of_row[i] = -1;
    wishes[i] = 0;
  }
  std::int64_t* argmin = a.pred;
  for (std::size_t j = 0; j < a.stride; j += kLanes) {
    Vec best = simd::load(a.costs + j);
    Lanes best_at = simd::splat_lanes<double>(0);
    for (std::size_t i = 1; i < a.n; ++i) {
      const Vec cost = simd::load(a.costs + i * a.stride + j);
      const Lanes below = cost < best;
      best = simd::select<double>(below, cost, best);
      best_at = simd::select_lanes<double>(below, simd::splat_lanes<double>(static_cast<Lane>(i)),
                                           best_at);
    }
    simd::store(a.v + j, best);
    simd::store_lanes<double>(reinterpret_cast<Lane*>(argmin + j), best_at);
  }
  for (std::size_t j = a.n; j < a.stride; ++j) {
    a.v[j] = 0.0;  // the padding's reduced costs stay +infinity
    a.row_of_col[j] = -1;
  }
  for (std::size_t j = a.n; j-- > 0;) {
    const std::int64_t i = argmin[j];
    const bool first = wishes[i]++ == 0;
    if (first) a.col_of_row[i] = static_cast<std::int64_t>(j);
    a.row_of_col[j] = first ? i : -1;
  }
}

// A row that one column alone chose can lower that column's potential down to its second-best
// alternative. Lists the rows that are free.
inline std::size_t transfer_reduction(const Assignment& a, const std::int64_t* wishes) {
  std::size_t n_free = 0;
  for (std::size_t i = 0; i < a.n; ++i) {
    if (wishes[i] == 0) {
      a.free_rows[n_free++] = static_cast<std::int64_t>(i);
    } else if (wishes[i] == 1 && a.n > 1) {
      const std::int64_t j = a.col_of_row[i];
      const TwoMinima m = two_minima(a.costs + i * a.stride, a.v, a.stride);
      a.v[j] -= (m.first.index == j ? m.second : m.first).value;
    }
  }
  return n_free;
}

// Each free row takes its best column, which is made dearer up to the second best; the row that is
// thrown out is next. Returns how many rows are still free. `budget` bounds the number of steps: in
// floating point, tiny gains could go on for long.
inline std::size_t reduce_rows(const Assignment& a, std::size_t n_free, std::size_t budget) {
  std::size_t next = 0;
  std::size_t kept = 0;
  while (next < n_free) {
    if (budget == 0) {
      while (next < n_free) a.free_rows[kept++] = a.free_rows[next++];
      break;
    }
    --budget;
    const std::int64_t i = a.free_rows[next++];
    const TwoMinima m = two_minima(a.costs + static_cast<std::size_t>(i) * a.stride, a.v, a.stride);
    const double lowered = a.v[m.first.index] - (m.second.value - m.first.value);
    std::int64_t j = m.first.index;
    const bool gains = lowered < a.v[j];
    std::int64_t loser = a.row_of_col[j];
    if (gains) {
      a.v[j] = lowered;
    } else if (loser >= 0) {
      j = m.second.index;
      loser = a.row_of_col[j];
    }
    a.col_of_row[i] = j;
    a.row_of_col[j] = i;
    if (loser >= 0) {
      a.col_of_row[loser] = -1;
      if (gains) {
        a.free_rows[--next] = loser;
      } else {
        a.free_rows[kept++] = loser;
      }
    }
  }
  return kept;
}

// The shortest augmenting path from a free row in reduced costs (Dijkstra), then the update of
// potentials and matching along it.
inline void augment(const Assignment& a, std::int64_t free_row) {
  const Search search{a.stride, a.dist, a.open_v, a.pred};
  start(search);
  std::size_t n_closed = 0;
  std::int64_t sink = -1;
  double shortest = 0.0;
  double offset = 0.0;
  for (std::int64_t i = free_row;;) {
    const double* row = a.costs + static_cast<std::size_t>(i) * a.stride;
    const Minimum nearest = relax(search, row, i, offset);
    const std::int64_t j = nearest.index;
    shortest = nearest.value;
    i = a.row_of_col[j];
    if (i < 0) {
      sink = j;
      break;
    }
    a.closed[n_closed] = j;
    a.closed_dist[n_closed++] = shortest;
    close(search, j);
    offset = a.costs[static_cast<std::size_t>(i) * a.stride + static_cast<std::size_t>(j)] -
             a.v[j] - shortest;
  }
  for (std::size_t c = 0; c < n_closed; ++c) {
    const std::int64_t j = a.closed[c];
    a.v[j] += a.closed_dist[c] - shortest;
    a.open_v[j] = a.v[j];
  }
  for (std::int64_t j = sink;;) {
    const std::int64_t row = a.pred[j];
    a.row_of_col[j] = row;
    const std::int64_t next = a.col_of_row[row];
    a.col_of_row[row] = j;
    if (row == free_row) break;
    j = next;
  }
}

}  // namespace assignment

std::size_t assign(const Assignment& a) {
  std::int64_t* wishes = a.closed;
  assignment::reduce_columns(a, wishes);
  std::size_t n_free = assignment::transfer_reduction(a, wishes);
  if (a.n > 1) n_free = assignment::reduce_rows(a, n_free, kRowReductionSteps * a.n);
  for (std::size_t j = 0; j < a.stride; ++j) a.open_v[j] = a.v[j];
  for (std::size_t f = 0; f < n_free; ++f) assignment::augment(a, a.free_rows[f]);
  return n_free;
}

}  // namespace
}  // namespace otcore::exact::OTCORE_LEVEL
