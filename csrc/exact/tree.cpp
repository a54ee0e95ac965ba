#include "exact/tree.h"

#include <algorithm>
#include <numeric>

namespace otcore::exact {

Tree::Tree(std::size_t nodes)
    : parent_(nodes),
      next_(nodes),
      previous_(nodes),
      last_(nodes),
      size_(nodes),
      mark_(nodes),
      flow_(nodes),
      cost_(nodes) {}

void Tree::clear() {
  root_ = kNone;
  path_ = 0;
  for (auto* links : {&parent_, &next_, &previous_}) std::fill(links->begin(), links->end(), kNone);
  std::iota(last_.begin(), last_.end(), 0);
  std::fill(size_.begin(), size_.end(), 1);
  std::fill(mark_.begin(), mark_.end(), 0);
}

void Tree::attach(Node node, Node parent, std::int64_t flow, double cost) {
  const Node end = last(parent);
  next_[index(end)] = node;
  previous_[index(node)] = end;
  last_[index(parent)] = last(node);
  size_[index(parent)] += size(node);
  parent_[index(node)] = parent;
  flow_[index(node)] = flow;
  cost_[index(node)] = cost;
}

void Tree::find_path(Node x, Node y, Path& path) {
  ++path_;
  mark_[index(x)] = path_;
  mark_[index(y)] = path_;
  path.from_x.assign(1, x);
  path.from_y.assign(1, y);
  // One step up; true when the other side has been there.
  const auto climb = [this](Node& node, std::vector<Node>& nodes) {
    if (node == root_) return false;
    node = parent(node);
    if (mark_[index(node)] == path_) return true;
    mark_[index(node)] = path_;
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

void Tree::move(Node cut, Node inner, Node outer, Node apex, std::int64_t flow, double cost) {
  const std::int32_t moved = size(cut);
  for (Node node = parent(cut); node != apex; node = parent(node)) size_[index(node)] -= moved;
  for (Node node = outer; node != apex; node = parent(node)) size_[index(node)] += moved;
  cut_out(cut);
  const Node end = turn_around(cut, inner, outer, flow, cost);
  insert_after(outer, inner, end);
}

// Takes top's stretch out of the list.
void Tree::cut_out(Node top) {
  const Node before = previous(top);
  const Node end = last(top);
  const Node after = next(end);
  next_[index(before)] = after;
  if (after != kNone) previous_[index(after)] = before;
  for (Node node = parent(top); node != kNone && last(node) == end; node = parent(node)) {
    last_[index(node)] = before;
  }
}

// Reroots the subtree of `cut` at `inner` and makes it a child of `outer`: each node of the path
// from inner up to cut takes its former parent as its last child. In the list, inner's stretch
// comes first, and each node of the path follows with what its former stretch had around its former
// child's. Returns the new end of the stretch.
Tree::Node Tree::turn_around(Node cut, Node inner, Node outer, std::int64_t flow, double cost) {
  const std::int32_t moved = size(cut);
  Node new_parent = outer;
  std::int64_t new_flow = flow;
  double new_cost = cost;
  std::int32_t child_size = 0;
  // The former neighbours and end of the former child's stretch.
  Node before = kNone;
  Node after = kNone;
  Node child_end = kNone;
  Node end = kNone;
  for (Node node = inner;;) {
    const std::size_t at = index(node);
    const Node former_last = last_[at];
    const Node former_parent = parent_[at];
    // Where child and node end together, the list has been changed there already.
    const Node former_after = former_last == child_end ? after : next(former_last);
    if (node == inner) {
      end = former_last;
      before = previous_[at];
    } else {
      const Node former_previous = previous_[at];
      next_[index(end)] = node;
      previous_[at] = end;
      end = before;
      if (child_end != former_last) {
        next_[index(end)] = after;
        previous_[index(after)] = end;
        end = former_last;
      }
      before = former_previous;
    }
    parent_[at] = new_parent;
    std::swap(flow_[at], new_flow);
    std::swap(cost_[at], new_cost);
    const std::int32_t former_size = size_[at];
    size_[at] = moved - child_size;
    if (node == cut) break;
    after = former_after;
    child_end = former_last;
    child_size = former_size;
    new_parent = node;
    node = former_parent;
  }
  for (Node node = cut; node != outer; node = parent(node)) last_[index(node)] = end;
  return end;
}

// Puts the stretch from `first` to `end` right behind `outer`, its new parent.
void Tree::insert_after(Node outer, Node first, Node end) {
  const Node after = next(outer);
  next_[index(outer)] = first;
  previous_[index(first)] = outer;
  next_[index(end)] = after;
  if (after != kNone) previous_[index(after)] = end;
  for (Node node = outer; node != kNone && last(node) == outer; node = parent(node)) {
    last_[index(node)] = end;
  }
}

}  // namespace otcore::exact
