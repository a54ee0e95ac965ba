// The network simplex for a transport problem, any n, m and weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/masses.h"
#include "base/monitor.h"
#include "base/views.h"
#include "exact/batch.h"
#include "exact/tree.h"

namespace otcore::exact {

// Primal simplex on spanning trees, with integer masses. Its trees are strongly feasible: an arc
// without flow leads towards the root. Keeping them so, by the choice of the arc that leaves among
// those that tie, makes cycling impossible (W. H. Cunningham, A network simplex method,
// Mathematical Programming 11, 1976). The basis stays between calls of run, so that arcs may join
// in between.
class NetworkSimplex {
 public:
  NetworkSimplex(std::size_t n, std::size_t m);

  // A greedy basis: row by row, each to the columns of lowest C_ij - v_j that still have room, v
  // being the columns' minima. costs.cols is m, or m padded to kColumnPadding with +infinity.
  template <class T>
  void start_greedy(MatrixView<const T> costs, double scale, const Masses& masses);

  // A basis of the caller's: a strongly feasible spanning tree of all nodes with mass, with a
  // column as its root. Resets the number of pivots.
  Tree& start_tree();

  // Pivots until `pricing` (see pricing.h) finds no arc, or max_pivots since the start or the
  // monitor end it: then the basis is feasible, not optimal. Potentials of rows and columns without
  // mass are not set (the columns': -infinity).
  template <class Pricing>
  Status run(Pricing& pricing, std::optional<std::size_t> max_pivots, Monitor& monitor);

  // Gives the basic arcs other costs, and itself their potentials.
  void set_costs(const std::function<double(std::size_t row, std::size_t col)>& cost);

  [[nodiscard]] std::size_t pivots() const { return pivots_; }

  // Potentials of the tree; minus_u is -u.
  [[nodiscard]] const double* minus_u() const { return potentials_.data(); }
  [[nodiscard]] double* v() { return potentials_.data() + n_; }

  // The basic arcs that carry mass, in no order; returns how many. Room for n + m - 1 of each.
  std::size_t flows(std::int32_t* rows, std::int32_t* cols, std::int64_t* units) const;

 private:
  using Node = Tree::Node;

  [[nodiscard]] bool is_row(Node node) const { return node < static_cast<Node>(n_); }
  [[nodiscard]] Node col_node(std::size_t j) const { return static_cast<Node>(n_ + j); }

  void compute_potentials();
  void pivot(std::size_t i, std::size_t j, double cost, double reduced);
  double& potential(Node node) { return potentials_[static_cast<std::size_t>(node)]; }

  std::size_t n_;
  std::size_t m_;
  std::size_t pivots_ = 0;
  Tree tree_;
  Tree::Path path_;
  std::vector<double> potentials_;  // -u, then v: a subtree shifts by one number
  std::vector<std::int64_t> left_;  // room in the columns while a greedy basis is built
};

}  // namespace otcore::exact
