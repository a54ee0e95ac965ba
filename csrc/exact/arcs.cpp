#include "exact/arcs.h"

#include <algorithm>
#include <utility>

namespace otcore::exact {

void Arcs::add(const ArcParts& parts) {
  // A counting sort by row.
  std::vector<std::size_t> end_of(rows() + 1);
  std::size_t added = 0;
  for (const auto& part : parts) {
    added += part.size();
    for (const Arc& arc : part) ++end_of[static_cast<std::size_t>(arc.row) + 1];
  }
  for (std::size_t i = 0; i < rows(); ++i) end_of[i + 1] += end_of[i];
  std::vector<const Arc*> sorted(added);
  for (const auto& part : parts) {
    for (const Arc& arc : part) sorted[end_of[static_cast<std::size_t>(arc.row)]++] = &arc;
  }

  std::vector<std::int32_t> cols(size() + added);
  std::vector<double> costs(size() + added);
  std::fill(last_row_.begin(), last_row_.end(), -1);
  std::size_t count = 0;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rows(); ++i) {
    const std::size_t first = count;
    const auto take = [&](std::int32_t col, double cost) {
      std::int32_t& last = last_row_[static_cast<std::size_t>(col)];
      if (last == static_cast<std::int32_t>(i)) return;
      last = static_cast<std::int32_t>(i);
      cols[count] = col;
      costs[count++] = cost;
    };
    for (std::size_t k = begin(i); k < end(i); ++k) take(cols_[k], costs_[k]);
    for (; next < end_of[i]; ++next) take(sorted[next]->col, sorted[next]->cost);
    start_[i] = first;
  }
  start_[rows()] = count;
  cols.resize(count);
  costs.resize(count);
  cols_ = std::move(cols);
  costs_ = std::move(costs);
}

}  // namespace otcore::exact
