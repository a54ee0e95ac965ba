#include "exact/tree.h"

#include <algorithm>
#include <numeric>

namespace otcore::exact {

Tree::Tree(std::size_t nodes)
    : links_(nodes), next_(nodes), previous_(nodes), last_(nodes), cost_(nodes) {}

void Tree::clear() {
  root_ = kNone;
  std::fill(links_.begin(), links_.end(), Link{});
  for (auto* list : {&next_, &previous_}) std::fill(list->begin(), list->end(), kNone);
  std::iota(last_.begin(), last_.end(), 0);
}

void Tree::attach(Node node, Node parent, std::int64_t flow, double cost) {
  const Node end = last(parent);
  next_[index(end)] = node;
  previous_[index(node)] = end;
  last_[index(parent)] = last(node);
  links_[index(parent)].size += size(node);
  links_[index(node)].parent = parent;
  links_[index(node)].flow = flow;
  cost_[index(node)] = cost;
}

// An ancestor's subtree is the larger: of two nodes neither of which is above the other, the one
// with the smaller subtree is not the apex; of equal ones, neither is.
void Tree::find_path(Node x, Node y, Path& path) {
  path.from_x.clear();
  path.from_y.clear();
  while (x != y) {
    const Link& at_x = links_[index(x)];
    const Link& at_y = links_[index(y)];
    if (at_x.size < at_y.size) {
      path.from_x.push_back(x);
      x = at_x.parent;
    } else {
      path.from_y.push_back(y);
      y = at_y.parent;
    }
  }
}

void Tree::move(Node cut, Node inner, Node outer, std::span<const Node> losing,
                std::span<const Node> gaining, std::int64_t flow, double cost) {
  const std::int32_t moved = size(cut);
  for (const Node node : losing) links_[index(node)].size -= moved;
  for (const Node node : gaining) links_[index(node)].size += moved;
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
    Link& link = links_[at];
    const Node former_parent = link.parent;
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
    link.parent = new_parent;
    std::swap(link.flow, new_flow);
    std::swap(cost_[at], new_cost);
    const std::int32_t former_size = link.size;
    link.size = moved - child_size;
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
