// The spanning tree of the simplex, against parents and lists made afresh after every move.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "exact/tree.h"

namespace otcore::exact {
namespace {

using Node = Tree::Node;

// A tree by its edges: between which nodes, and flow and cost of each.
struct Edge {
  std::int64_t flow;
  double cost;
  bool operator==(const Edge&) const = default;
};
using Edges = std::map<std::pair<Node, Node>, Edge>;

std::pair<Node, Node> ends(Node x, Node y) { return std::minmax(x, y); }

std::vector<Node> way_up(const Tree& tree, Node node) {
  std::vector<Node> way;
  for (; node != Tree::kNone; node = tree.parent(node)) way.push_back(node);
  return way;
}

void expect_sound(const Tree& tree, const Edges& edges, std::size_t nodes) {
  std::vector<Node> list;
  for (Node node = tree.root(); node != Tree::kNone; node = tree.next(node)) {
    ASSERT_LT(list.size(), nodes);
    EXPECT_EQ(tree.previous(node), list.empty() ? Tree::kNone : list.back());
    list.push_back(node);
  }
  ASSERT_EQ(list.size(), nodes);
  std::vector<std::size_t> place(nodes);
  std::vector<std::int32_t> size(nodes);
  Edges found;
  for (std::size_t k = 0; k < nodes; ++k) place[static_cast<std::size_t>(list[k])] = k;
  for (const Node node : list) {
    for (const Node above : way_up(tree, node)) ++size[static_cast<std::size_t>(above)];
    if (node == tree.root()) continue;
    found[ends(node, tree.parent(node))] = {tree.flow(node), tree.cost(node)};
  }
  EXPECT_EQ(found, edges);
  // All above a node are before it, and a subtree is a stretch.
  for (const Node node : list) {
    const auto at = static_cast<std::size_t>(node);
    EXPECT_EQ(tree.size(node), size[at]);
    const std::size_t end = place[at] + static_cast<std::size_t>(size[at]) - 1;
    ASSERT_LT(end, nodes);
    EXPECT_EQ(tree.last(node), list[end]);
    for (const Node above : way_up(tree, node)) {
      EXPECT_LE(place[static_cast<std::size_t>(above)], place[at]);
      EXPECT_LE(end, place[static_cast<std::size_t>(tree.last(above))]);
    }
  }
}

// `depth`: a node hangs below one of so many before it.
void expect_sound_moves(Node nodes, Node depth, std::uint32_t seed) {
  std::mt19937 generator(seed);
  const auto any = [&](Node first, Node last) {
    return std::uniform_int_distribution<Node>(first, last)(generator);
  };
  Tree tree(static_cast<std::size_t>(nodes));
  tree.clear();
  tree.set_root(0);
  Edges edges;
  for (Node node = nodes - 1; node > 0; --node) {
    const Node parent = any(std::max(0, node - depth), node - 1);
    tree.attach(node, parent, node, 0.5 * node);
    edges[ends(node, parent)] = {node, 0.5 * node};
  }
  expect_sound(tree, edges, static_cast<std::size_t>(nodes));
  Tree::Path path;
  for (int step = 0; step < 60; ++step) {
    const Node x = any(0, nodes - 1);
    const Node y = any(0, nodes - 1);
    tree.find_path(x, y, path);
    std::vector<Node> from_x = way_up(tree, x);
    std::vector<Node> from_y = way_up(tree, y);
    while (!from_x.empty() && !from_y.empty() && from_x.back() == from_y.back()) {
      from_x.pop_back();
      from_y.pop_back();
    }
    ASSERT_EQ(path.from_x, from_x);
    ASSERT_EQ(path.from_y, from_y);
    if (from_x.empty()) continue;
    const auto cut = static_cast<std::size_t>(any(0, static_cast<Node>(from_x.size()) - 1));
    edges.erase(ends(from_x[cut], tree.parent(from_x[cut])));
    edges[ends(x, y)] = {1000 + step, -1.0 * step};
    tree.move(from_x[cut], x, y, std::span<const Node>(from_x).subspan(cut + 1), from_y,
              1000 + step, -1.0 * step);
    expect_sound(tree, edges, static_cast<std::size_t>(nodes));
    if (testing::Test::HasFailure()) return;
  }
}

TEST(SpanningTree, StaysSoundWhenSubtreesMove) {
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    for (const Node nodes : {2, 3, 5, 12, 40}) {
      for (const Node depth : {1, 3, 40}) expect_sound_moves(nodes, depth, seed);
    }
  }
}

}  // namespace
}  // namespace otcore::exact
