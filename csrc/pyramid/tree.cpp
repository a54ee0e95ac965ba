#include "pyramid/tree.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "pyramid/tuning.h"

namespace otcore::pyramid {
namespace {

bool is_order_of(std::vector<std::int32_t> order, const std::vector<std::int32_t>& members) {
  std::sort(order.begin(), order.end());
  return order == members;
}

// Whether the places of the children, one after another, are those of the node.
bool holds_children(const Tree& tree, const Node& node, int side) {
  std::int32_t place = node.begin[side];
  for (std::int32_t c = 0; c < node.children; ++c) {
    const Node& child = tree.nodes[Tree::child(node, c)];
    if (child.begin[side] != place || child.end[side] < place) return false;
    place = child.end[side];
  }
  return place == node.end[side];
}

// Children stand behind their parents, family by family, so every node is the child of one.
bool has_sound_nodes(const Tree& tree) {
  const auto count = static_cast<std::int64_t>(tree.nodes.size());
  std::vector<std::int32_t> parents(tree.nodes.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const Node& node = tree.nodes[static_cast<std::size_t>(i)];
    if (node.children < 0 || node.level < 0) return false;
    if (node.level > static_cast<std::int32_t>(kDeepest)) return false;
    if (node.children == 0) continue;
    if (node.first_child <= i) return false;
    if (std::int64_t{node.first_child} + node.children > count) return false;
    for (std::int32_t c = 0; c < node.children; ++c) {
      const std::size_t child = Tree::child(node, c);
      if (++parents[child] > 1 || tree.nodes[child].level != node.level + 1) return false;
    }
    if (!holds_children(tree, node, 0) || !holds_children(tree, node, 1)) return false;
  }
  return std::count(parents.begin(), parents.end(), 0) == 1;  // the root
}

bool is_sound(const Tree& tree, const std::vector<std::int32_t>& x,
              const std::vector<std::int32_t>& y) {
  if (tree.nodes.empty() || tree.dims == 0) return false;
  if (tree.centres.size() / tree.dims != tree.nodes.size()) return false;
  if (tree.centres.size() % tree.dims != 0) return false;
  if (!(tree.scale > 0.0) || !std::isfinite(tree.scale)) return false;
  if (!is_order_of(tree.order[0], x) || !is_order_of(tree.order[1], y)) return false;
  const Node& root = tree.nodes[0];
  for (const int side : {0, 1}) {
    if (root.begin[side] != 0 || root.end[side] < 0) return false;
    if (static_cast<std::size_t>(root.end[side]) != tree.order[side].size()) return false;
  }
  return root.level == 0 && has_sound_nodes(tree);
}

}  // namespace

void check_tree(const Tree& tree, const std::vector<std::int32_t>& x,
                const std::vector<std::int32_t>& y) {
  if (!is_sound(tree, x, y)) {
    throw InvalidArgument("tree", "parts that do not fit together", "those of one tree");
  }
}

}  // namespace otcore::pyramid
