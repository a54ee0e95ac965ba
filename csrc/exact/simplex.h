// The network simplex for one dense transport problem, any n, m and weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/monitor.h"
#include "base/views.h"
#include "exact/batch.h"
#include "exact/masses.h"
#include "exact/problem.h"
#include "exact/tree.h"

namespace otcore::exact {

// Primal simplex on spanning trees. Integer masses, perturbed so that no basis is degenerate (see
// Masses): every pivot lowers the cost, so it cannot cycle. Costs are read in place.
class NetworkSimplex {
 public:
  NetworkSimplex(std::size_t n, std::size_t m);

  // Pivots from a greedy basis until no arc's reduced cost, C_ij * scale - u_i - v_j, is below
  // -tolerance, or max_pivots or the monitor end it: then the basis is feasible, not optimal.
  // Potentials of rows and columns without mass are not set (the columns': -infinity). costs.cols
  // is m, or m padded to kColumnPadding with +infinity.
  template <class T>
  Status solve(MatrixView<const T> costs, double scale, const Masses& masses, double tolerance,
               std::optional<std::size_t> max_pivots, Monitor& monitor);

  [[nodiscard]] std::size_t pivots() const { return pivots_; }
  [[nodiscard]] double* v() { return potentials_.data() + n_; }

  // The basic arcs that carry mass, in no order; returns how many. Room for n + m - 1 of each.
  std::size_t flows(const Masses& masses, std::int32_t* rows, std::int32_t* cols,
                    std::int64_t* units);

 private:
  using Node = Tree::Node;

  [[nodiscard]] bool is_row(Node node) const { return node < static_cast<Node>(n_); }
  [[nodiscard]] Node first_col() const { return static_cast<Node>(n_); }
  [[nodiscard]] Node col_node(std::size_t j) const { return static_cast<Node>(n_ + j); }

  template <class T>
  void build_greedy_basis(MatrixView<const T> costs, double scale, const Masses& masses);
  template <class T>
  void compute_potentials(MatrixView<const T> costs, double scale);
  void pivot(std::size_t i, std::size_t j, double reduced);
  double& potential(Node node) { return potentials_[static_cast<std::size_t>(node)]; }

  std::size_t n_;
  std::size_t m_;
  std::size_t pivots_ = 0;
  Tree tree_;
  Tree::Path path_;
  std::vector<double> potentials_;  // -u, then v: a subtree shifts by one number
  std::vector<std::int64_t> left_;  // mass left to place, or a subtree's net supply
};

}  // namespace otcore::exact
