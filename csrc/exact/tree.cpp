#include "exact/tree.h"

#include <algorithm>

namespace otcore::exact {

void Tree::clear() {
  root_ = kNone;
  mark_ = 0;
  std::fill(links_.begin(), links_.end(), Links{0, kNone, kNone, kNone, kNone, 1, 0});
}

void Tree::attach(Node node, Node parent, std::int64_t flow) {
  link(node, parent);
  at(node).flow = flow;
  at(parent).size += at(node).size;
}

void Tree::find_path(Node x, Node y, Path& path) {
  ++mark_;
  at(x).mark = mark_;
  at(y).mark = mark_;
  path.from_x.assign(1, x);
  path.from_y.assign(1, y);
  // One step up; true when the other side has been there.
  const auto climb = [this](Node& node, std::vector<Node>& nodes) {
    if (node == root_) return false;
    node = parent(node);
    if (at(node).mark == mark_) return true;
    at(node).mark = mark_;
    nodes.push_back(node);
    return false;
  };
  const auto cut_at = [](std::vector<Node>& nodes, Node apex) {
    while (nodes.back() != apex) nodes.pop_back();
    nodes.pop_back();
  };
  for (;;) {
    if (climb(x, path.from_x)) {
      path.apex = x;
      return cut_at(path.from_y, x);
    }
    if (climb(y, path.from_y)) {
      path.apex = y;
      return cut_at(path.from_x, y);
    }
  }
}

void Tree::move(Node cut, Node inner, Node outer, Node apex, std::int64_t flow) {
  const std::int32_t moved = size(cut);
  for (Node node = parent(cut); node != apex; node = parent(node)) at(node).size -= moved;
  for (Node node = outer; node != apex; node = parent(node)) at(node).size += moved;

  // Turns the path from inner up to cut around: each node takes its former parent as a child.
  Node node = inner;
  Node new_parent = outer;
  std::int64_t new_flow = flow;
  std::int32_t below = 0;  // former size of the subtree the node loses to its former child
  for (;;) {
    const Node former_parent = parent(node);
    const std::int64_t former_flow = at(node).flow;
    const std::int32_t former_size = at(node).size;
    detach(node);
    link(node, new_parent);
    at(node).flow = new_flow;
    at(node).size = moved - below;
    below = former_size;
    if (node == cut) break;
    new_parent = node;
    new_flow = former_flow;
    node = former_parent;
  }
}

void Tree::detach(Node node) {
  const Node before = at(node).prev_sibling;
  const Node after = at(node).next_sibling;
  if (before != kNone) {
    at(before).next_sibling = after;
  } else {
    at(parent(node)).first_child = after;
  }
  if (after != kNone) at(after).prev_sibling = before;
}

void Tree::link(Node node, Node parent) {
  const Node first = at(parent).first_child;
  at(node).parent = parent;
  at(node).prev_sibling = kNone;
  at(node).next_sibling = first;
  at(parent).first_child = node;
  if (first != kNone) at(first).prev_sibling = node;
}

}  // namespace otcore::exact
