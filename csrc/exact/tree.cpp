#include "exact/tree.h"

namespace otcore::exact {

void Tree::clear() {
  root_ = kNone;
  mark_ = 0;
  for (std::size_t k = 0; k < links_.size(); ++k) {
    links_[k] = {0, kNone, kNone, kNone, static_cast<Node>(k), 1, 0};
  }
}

void Tree::attach(Node node, Node parent, std::int64_t flow) {
  const Node end = last(parent);
  at(end).next = node;
  at(node).previous = end;
  at(parent).last = last(node);
  at(parent).size += size(node);
  at(node).parent = parent;
  at(node).flow = flow;
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
  cut_out(cut);
  const Node end = turn_around(cut, inner, outer, flow);
  insert_after(outer, inner, end);
}

// Takes top's stretch out of the list.
void Tree::cut_out(Node top) {
  const Node before = previous(top);
  const Node end = last(top);
  const Node after = next(end);
  at(before).next = after;
  if (after != kNone) at(after).previous = before;
  for (Node node = parent(top); node != kNone && last(node) == end; node = parent(node)) {
    at(node).last = before;
  }
}

// Reroots the subtree of `cut` at `inner` and makes it a child of `outer`: each node of the path
// from inner up to cut takes its former parent as its last child. In the list, inner's stretch
// comes first, and each node of the path follows with what its former stretch had around its former
// child's. Returns the new end of the stretch.
Tree::Node Tree::turn_around(Node cut, Node inner, Node outer, std::int64_t flow) {
  const std::int32_t moved = size(cut);
  Node new_parent = outer;
  std::int64_t new_flow = flow;
  std::int32_t child_size = 0;
  // The former neighbours and end of the former child's stretch.
  Node before = kNone;
  Node after = kNone;
  Node child_end = kNone;
  Node end = kNone;
  for (Node node = inner;;) {
    Links& links = at(node);
    const Links former = links;
    // Where child and node end together, the list has been changed there already.
    const Node former_after = former.last == child_end ? after : next(former.last);
    if (node == inner) {
      end = former.last;
    } else {
      at(end).next = node;
      links.previous = end;
      end = before;
      if (child_end != former.last) {
        at(end).next = after;
        at(after).previous = end;
        end = former.last;
      }
    }
    links.parent = new_parent;
    links.flow = new_flow;
    links.size = moved - child_size;
    if (node == cut) break;
    before = former.previous;
    after = former_after;
    child_end = former.last;
    child_size = former.size;
    new_parent = node;
    new_flow = former.flow;
    node = former.parent;
  }
  for (Node node = cut; node != outer; node = parent(node)) at(node).last = end;
  return end;
}

// Puts the stretch from `first` to `end` right behind `outer`, its new parent.
void Tree::insert_after(Node outer, Node first, Node end) {
  const Node after = next(outer);
  at(outer).next = first;
  at(first).previous = outer;
  at(end).next = after;
  if (after != kNone) at(after).previous = end;
  for (Node node = outer; node != kNone && last(node) == outer; node = parent(node)) {
    at(node).last = end;
  }
}

}  // namespace otcore::exact
