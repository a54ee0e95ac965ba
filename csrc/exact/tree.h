// The spanning tree of a transport basis: rows and columns are nodes, basic arcs are edges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace otcore::exact {

// Rooted. Node i < n is row i, node n + j is column j. Each node but the root carries the flow and
// the cost of its arc to the parent; arcs always lead from a row to a column, so a row's arc goes
// up and a column's down. Nodes that are in no arc (zero mass) stay outside.
//
// All nodes are on one list in preorder, so that a subtree is a stretch of the list.
class Tree {
 public:
  using Node = std::int32_t;
  static constexpr Node kNone = -1;

  explicit Tree(std::size_t nodes);

  // Forgets all arcs: every node is alone.
  void clear();

  void set_root(Node node) { root_ = node; }

  // Hangs the subtree of `node`, which has no parent yet, below `parent`, which must not have one
  // either: build from the leaves up.
  void attach(Node node, Node parent, std::int64_t flow, double cost);

  [[nodiscard]] Node root() const { return root_; }
  [[nodiscard]] Node parent(Node node) const { return links_[index(node)].parent; }
  [[nodiscard]] std::int64_t flow(Node node) const { return links_[index(node)].flow; }
  [[nodiscard]] double cost(Node node) const { return cost_[index(node)]; }
  void add_flow(Node node, std::int64_t change) { links_[index(node)].flow += change; }
  void set_cost(Node node, double cost) { cost_[index(node)] = cost; }
  [[nodiscard]] std::int32_t size(Node node) const { return links_[index(node)].size; }

  // Neighbours in preorder over the whole tree, kNone at its ends.
  [[nodiscard]] Node next(Node node) const { return next_[index(node)]; }
  [[nodiscard]] Node previous(Node node) const { return previous_[index(node)]; }

  // The last node in preorder of the subtree.
  [[nodiscard]] Node last(Node node) const { return last_[index(node)]; }

  // The tree path between two nodes, in two parts: from each up to, and without, their lowest
  // common ancestor.
  struct Path {
    std::vector<Node> from_x;
    std::vector<Node> from_y;
  };

  // Climbs from whichever side has the smaller subtree: as many steps as the path has.
  void find_path(Node x, Node y, Path& path);

  // Cuts the arc above `cut` and hangs its subtree, rerooted at `inner`, below `outer` by an arc of
  // `flow` and `cost`. `inner` is in the subtree of cut, `outer` is not. losing and gaining: what
  // is above cut, and outer with what is above it, up to and without their lowest common ancestor.
  void move(Node cut, Node inner, Node outer, std::span<const Node> losing,
            std::span<const Node> gaining, std::int64_t flow, double cost);

 private:
  static std::size_t index(Node node) { return static_cast<std::size_t>(node); }
  void cut_out(Node top);
  Node turn_around(Node cut, Node inner, Node outer, std::int64_t flow, double cost);
  void insert_after(Node outer, Node first, Node end);

  // What a walk up to the root reads, together: every step is a place of its own in memory.
  struct Link {
    Node parent = kNone;
    std::int32_t size = 1;  // nodes in the subtree
    std::int64_t flow = 0;
  };

  Node root_ = kNone;
  std::vector<Link> links_;
  // Apart, since a walk along the list reads one of them.
  std::vector<Node> next_;
  std::vector<Node> previous_;
  std::vector<Node> last_;
  std::vector<double> cost_;
};

}  // namespace otcore::exact
