#include "exact/replant.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace otcore::exact {
namespace {

// The arcs that join two trees each, in their order.
std::vector<Arc> forest_of(const std::vector<Arc>& arcs, std::size_t n, std::size_t nodes) {
  std::vector<std::size_t> sets(nodes);
  std::iota(sets.begin(), sets.end(), std::size_t{0});
  const auto find = [&](std::size_t node) {
    while (sets[node] != node) node = sets[node] = sets[sets[node]];
    return node;
  };
  std::vector<Arc> forest;
  forest.reserve(arcs.size());
  for (const Arc& arc : arcs) {
    const std::size_t row = find(static_cast<std::size_t>(arc.row));
    const std::size_t col = find(n + static_cast<std::size_t>(arc.col));
    if (row == col) continue;
    sets[row] = col;
    forest.push_back(arc);
  }
  return forest;
}

}  // namespace

std::vector<Flow> replant(const std::vector<Arc>& arcs, const Masses& masses,
                          std::vector<std::int64_t>& unplaced, std::vector<std::int64_t>& room) {
  unplaced = masses.supply();
  room = masses.demand();
  const std::size_t n = unplaced.size();
  const std::size_t nodes = n + room.size();
  const std::vector<Arc> forest = forest_of(arcs, n, nodes);

  // A leaf is a node of one arc: the exclusive or of all arcs at a node that are left is that one.
  std::vector<std::int32_t> degree(nodes);
  std::vector<std::size_t> arcs_at(nodes);
  const auto ends = [&](std::size_t k) {
    return std::pair(static_cast<std::size_t>(forest[k].row),
                     n + static_cast<std::size_t>(forest[k].col));
  };
  for (std::size_t k = 0; k < forest.size(); ++k) {
    for (const std::size_t node : {ends(k).first, ends(k).second}) {
      ++degree[node];
      arcs_at[node] ^= k;
    }
  }
  std::vector<std::size_t> leaves;
  for (std::size_t node = 0; node < nodes; ++node) {
    if (degree[node] == 1) leaves.push_back(node);
  }
  std::vector<Flow> flows;
  flows.reserve(forest.size());
  for (std::size_t at = 0; at < leaves.size(); ++at) {
    if (degree[leaves[at]] != 1) continue;
    const std::size_t k = arcs_at[leaves[at]];
    const Arc& arc = forest[k];
    std::int64_t& from = unplaced[static_cast<std::size_t>(arc.row)];
    std::int64_t& to = room[static_cast<std::size_t>(arc.col)];
    const std::int64_t units = std::min(from, to);
    from -= units;
    to -= units;
    if (units > 0) flows.push_back({arc.row, arc.col, units, arc.cost});
    for (const std::size_t node : {ends(k).first, ends(k).second}) {
      arcs_at[node] ^= k;
      if (--degree[node] == 1) leaves.push_back(node);
    }
  }
  return flows;
}

}  // namespace otcore::exact
