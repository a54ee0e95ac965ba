// The spanning tree of a transport basis: rows and columns are nodes, basic arcs are edges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace otcore::exact {

// Rooted. Node i < n is row i, node n + j is column j. Each node but the root carries the flow of
// its arc to the parent; arcs always lead from a row to a column, so a row's arc goes up and a
// column's down. Nodes that are in no arc (zero mass) stay outside.
//
// All nodes are on one list in preorder, so that a subtree is a stretch of the list.
class Tree {
 public:
  using Node = std::int32_t;
  static constexpr Node kNone = -1;

  explicit Tree(std::size_t nodes) : links_(nodes) {}

  // Forgets all arcs: every node is alone.
  void clear();

  void set_root(Node node) { root_ = node; }

  // Hangs the subtree of `node`, which has no parent yet, below `parent`, which must not have one
  // either: build from the leaves up.
  void attach(Node node, Node parent, std::int64_t flow);

  [[nodiscard]] Node root() const { return root_; }
  [[nodiscard]] Node parent(Node node) const { return at(node).parent; }
  [[nodiscard]] std::int64_t flow(Node node) const { return at(node).flow; }
  void add_flow(Node node, std::int64_t change) { at(node).flow += change; }
  [[nodiscard]] std::int32_t size(Node node) const { return at(node).size; }

  // Neighbours in preorder over the whole tree, kNone at its ends.
  [[nodiscard]] Node next(Node node) const { return at(node).next; }
  [[nodiscard]] Node previous(Node node) const { return at(node).previous; }

  // The last node in preorder of the subtree.
  [[nodiscard]] Node last(Node node) const { return at(node).last; }

  // The tree path between two nodes, in two parts: from each up to, and without, their lowest
  // common ancestor.
  struct Path {
    std::vector<Node> from_x;
    std::vector<Node> from_y;
    Node apex;
  };

  // Climbs from both sides in turn, leaving marks: as many steps as twice the longer side.
  void find_path(Node x, Node y, Path& path);

  // Cuts the arc above `cut` and hangs its subtree, rerooted at `inner`, below `outer` with `flow`.
  // `inner` is in the subtree of cut, `outer` is not; `apex` is an ancestor of both cut and outer.
  void move(Node cut, Node inner, Node outer, Node apex, std::int64_t flow);

 private:
  struct Links {
    std::int64_t flow;
    Node parent;
    Node next;
    Node previous;
    Node last;
    std::int32_t size;  // nodes in the subtree
    std::int32_t mark;  // the last path that came by
  };

  [[nodiscard]] Links& at(Node node) { return links_[static_cast<std::size_t>(node)]; }
  [[nodiscard]] const Links& at(Node node) const { return links_[static_cast<std::size_t>(node)]; }
  void cut_out(Node top);
  Node turn_around(Node cut, Node inner, Node outer, std::int64_t flow);
  void insert_after(Node outer, Node first, Node end);

  Node root_ = kNone;
  std::int32_t mark_ = 0;
  std::vector<Links> links_;
};

}  // namespace otcore::exact
