// A forest of rows and columns with mass on its arcs, and the plan's cycles cancelled into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "exact/flow.h"

namespace otcore::exact {

// Nodes 0 .. n are rows, n .. n + m columns. Unlike Tree it has no order and no sizes: it is built
// once, from a plan.
class Forest {
 public:
  using Node = std::int32_t;
  static constexpr Node kNone = -1;

  Forest(std::size_t n, std::size_t m);

  // Takes the plan's arcs, each pair at most once. Where they make a cycle, mass goes round it, in
  // the direction that costs less, until an arc of it is empty.
  void take(std::vector<Flow> flows);

  // The arcs with mass: no cycles.
  [[nodiscard]] std::vector<Flow> flows() const;

 private:
  struct Link {
    Node parent = kNone;
    std::int64_t units = 0;  // of the arc to the parent
    double cost = 0.0;
  };

  [[nodiscard]] bool is_row(Node node) const { return node < n_; }
  [[nodiscard]] Link& at(Node node) { return links_[static_cast<std::size_t>(node)]; }
  [[nodiscard]] Node find_set(Node node);
  [[nodiscard]] Node set_size(Node set) const { return -sets_[static_cast<std::size_t>(set)]; }
  void unite(Node small, Node large);
  void link(Node child, Node parent, const Flow& flow);
  void make_root(Node node);
  void close_cycle(const Flow& flow);
  void mark_path(Node node);
  [[nodiscard]] Node meeting_point(Node node) const;

  Node n_;
  std::vector<Link> links_;
  std::vector<Node> sets_;  // trees as sets: a parent, or minus the size at the representative
  std::vector<std::int32_t> marks_;
  std::int32_t mark_ = 0;
};

}  // namespace otcore::exact
