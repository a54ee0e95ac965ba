// The pyramid: a tree of clusters that two clouds of points share (Pyramid Mini-Batch Optimal
// Transport, algorithm 2 and section 3.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace otcore::pyramid {

// Points of x and y are places [begin, end) of Tree::order. Children follow one another, and stand
// behind their parents.
struct Node {
  std::int32_t begin[2] = {0, 0};
  std::int32_t end[2] = {0, 0};
  std::int32_t first_child = 0;
  std::int32_t children = 0;  // 0: a leaf
  std::int32_t level = 0;

  [[nodiscard]] std::int32_t size(int side) const { return end[side] - begin[side]; }
};

// Points stay where they are: the tree refers to them by number.
struct Tree {
  std::size_t dims = 0;
  double scale = 1.0;           // of Frame, for both clouds
  std::vector<Node> nodes;      // the root is the first
  std::vector<double> centres;  // of every node, times scale; exact in the type of the points
  std::vector<std::int32_t> order[2];  // the points of each side, leaf by leaf

  // The number of a node's child.
  [[nodiscard]] static std::size_t child(const Node& node, std::int32_t c) {
    const std::int32_t number = node.first_child + c;
    return static_cast<std::size_t>(number);
  }
  [[nodiscard]] const double* centre(std::size_t node) const {
    return centres.data() + node * dims;
  }
};

// InvalidArgument("tree") where it is no tree over the given points of x and y (ascending): for
// trees that come from elsewhere.
void check_tree(const Tree& tree, const std::vector<std::int32_t>& x,
                const std::vector<std::int32_t>& y);

}  // namespace otcore::pyramid
