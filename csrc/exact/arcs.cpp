#include "exact/arcs.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace otcore::exact {

void Arcs::add(const ArcParts& parts) {
  // A counting sort by row, behind what is there of each; then repetitions close up.
  std::vector<std::size_t> end_of(rows() + 1);
  for (const auto& part : parts) {
    for (const Arc& arc : part) ++end_of[static_cast<std::size_t>(arc.row) + 1];
  }
  for (std::size_t i = 0; i < rows(); ++i) end_of[i + 1] += end_of[i] + (end(i) - begin(i));
  std::vector<std::int32_t> cols(end_of[rows()]);
  std::vector<double> costs(end_of[rows()]);
  for (std::size_t i = 0; i < rows(); ++i) {
    for (std::size_t k = begin(i); k < end(i); ++k) {
      cols[end_of[i]] = cols_[k];
      costs[end_of[i]++] = costs_[k];
    }
  }
  for (const auto& part : parts) {
    for (const Arc& arc : part) {
      std::size_t& at = end_of[static_cast<std::size_t>(arc.row)];
      cols[at] = arc.col;
      costs[at++] = arc.cost;
    }
  }

  std::fill(last_row_.begin(), last_row_.end(), -1);
  std::size_t count = 0;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rows(); ++i) {
    start_[i] = count;
    for (; next < end_of[i]; ++next) {
      std::int32_t& last = last_row_[static_cast<std::size_t>(cols[next])];
      if (last == static_cast<std::int32_t>(i)) continue;
      last = static_cast<std::int32_t>(i);
      cols[count] = cols[next];
      costs[count++] = costs[next];
    }
  }
  start_[rows()] = count;
  cols.resize(count);
  costs.resize(count);
  cols_ = std::move(cols);
  costs_ = std::move(costs);
}

void Arcs::transform(const double* v, double* u) const {
  for (std::size_t i = 0; i < rows(); ++i) {
    u[i] = std::numeric_limits<double>::infinity();
    for (std::size_t k = begin(i); k < end(i); ++k) u[i] = std::min(u[i], costs_[k] - v[cols_[k]]);
  }
}

Arc Arcs::cheapest(std::size_t i, const double* v) const {
  double lowest = std::numeric_limits<double>::infinity();
  Arc best{static_cast<std::int32_t>(i), -1, 0.0};
  for (std::size_t k = begin(i); k < end(i); ++k) {
    const double reduced = costs_[k] - v[cols_[k]];
    if (reduced >= lowest) continue;
    lowest = reduced;
    best.col = cols_[k];
    best.cost = costs_[k];
  }
  return best;
}

}  // namespace otcore::exact
