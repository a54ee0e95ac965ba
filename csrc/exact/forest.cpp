#include "exact/forest.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace otcore::exact {

Forest::Forest(std::size_t n, std::size_t m)
    : n_(static_cast<Node>(n)), links_(n + m), sets_(n + m, -1), marks_(n + m) {}

void Forest::take(std::vector<Flow> flows) {
  // Small flows last: they are what cycles are made of.
  std::sort(flows.begin(), flows.end(), [](const Flow& x, const Flow& y) {
    return std::tuple(-x.units, x.row, x.col) < std::tuple(-y.units, y.row, y.col);
  });
  for (const Flow& flow : flows) {
    const Node row = flow.row;
    const Node col = n_ + flow.col;
    const Node row_set = find_set(row);
    const Node col_set = find_set(col);
    if (row_set == col_set) {
      close_cycle(flow);
      continue;
    }
    // The smaller tree is turned round.
    const bool row_below = set_size(row_set) <= set_size(col_set);
    unite(row_below ? row_set : col_set, row_below ? col_set : row_set);
    link(row_below ? row : col, row_below ? col : row, flow);
  }
}

// The representative of the node's tree; ways to it are halved as they are walked.
Forest::Node Forest::find_set(Node node) {
  for (Node above; (above = sets_[static_cast<std::size_t>(node)]) >= 0; node = above) {
    const Node next = sets_[static_cast<std::size_t>(above)];
    if (next >= 0) sets_[static_cast<std::size_t>(node)] = next;
  }
  return node;
}

void Forest::unite(Node small, Node large) {
  sets_[static_cast<std::size_t>(large)] += sets_[static_cast<std::size_t>(small)];
  sets_[static_cast<std::size_t>(small)] = large;
}

// Hangs the tree that holds `child` below `parent` by the flow's arc.
void Forest::link(Node child, Node parent, const Flow& flow) {
  make_root(child);
  at(child) = {parent, flow.units, flow.cost};
}

void Forest::make_root(Node node) {
  Link above;
  Node child = kNone;
  while (node != kNone) {
    const Link former = at(node);
    at(node) = {child, above.units, above.cost};
    above = former;
    child = node;
    node = former.parent;
  }
}

void Forest::mark_path(Node node) {
  ++mark_;
  for (; node != kNone; node = at(node).parent) marks_[static_cast<std::size_t>(node)] = mark_;
}

// The first marked node on the way to the root.
Forest::Node Forest::meeting_point(Node node) const {
  while (node != kNone && marks_[static_cast<std::size_t>(node)] != mark_) {
    node = links_[static_cast<std::size_t>(node)].parent;
  }
  return node;
}

// Where the flow's arc gains a unit, arcs lose and gain one in
// turn on the ways from the row and from the column to the node where they meet, the first ones
// losing.
void Forest::close_cycle(const Flow& flow) {
  const Node row = flow.row;
  const Node col = n_ + flow.col;
  mark_path(col);
  const Node meet = meeting_point(row);
  struct Least {
    std::int64_t units = std::numeric_limits<std::int64_t>::max();
    Node node = kNone;
    bool from_row = false;
  };
  Least losing;
  Least gaining;
  double change = flow.cost;
  for (const Node end : {row, col}) {
    bool loses = true;
    for (Node node = end; node != meet; node = at(node).parent, loses = !loses) {
      const Link& link = at(node);
      change += loses ? -link.cost : link.cost;
      Least& least = loses ? losing : gaining;
      if (link.units < least.units) least = {link.units, node, end == row};
    }
  }
  // Along the cycle until an arc is empty: the flow's own only when it loses.
  const bool drops = change >= 0.0 && flow.units <= gaining.units;
  const Least& least = change < 0.0 ? losing : gaining;
  const std::int64_t moved = change < 0.0 ? losing.units : -std::min(flow.units, gaining.units);
  for (const Node end : {row, col}) {
    std::int64_t sign = -1;
    for (Node node = end; node != meet; node = at(node).parent, sign = -sign) {
      at(node).units += sign * moved;
    }
  }
  if (drops) return;
  at(least.node) = {};
  link(least.from_row ? row : col, least.from_row ? col : row,
       {flow.row, flow.col, flow.units + moved, flow.cost});
}

std::vector<Flow> Forest::flows() const {
  std::vector<Flow> flows;
  for (std::size_t k = 0; k < links_.size(); ++k) {
    const auto node = static_cast<Node>(k);
    const Link& link = links_[k];
    if (link.parent == kNone || link.units == 0) continue;
    flows.push_back({is_row(node) ? node : link.parent, (is_row(node) ? link.parent : node) - n_,
                     link.units, link.cost});
  }
  return flows;
}

}  // namespace otcore::exact
