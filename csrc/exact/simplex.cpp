#include "exact/simplex.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <span>

#include "base/sizes.h"
#include "exact/kernels.h"
#include "exact/pricing.h"
#include "exact/problem.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

NetworkSimplex::NetworkSimplex(std::size_t n, std::size_t m)
    : n_(n), m_(m), tree_(n + m), potentials_(n + round_up(m, kColumnPadding)), left_(m) {
  path_.from_x.reserve(n + m);
  path_.from_y.reserve(n + m);
}

Tree& NetworkSimplex::start_tree() {
  pivots_ = 0;
  std::fill(potentials_.begin() + static_cast<std::ptrdiff_t>(n_), potentials_.end(), -kInfinity);
  tree_.clear();
  return tree_;
}

template <class Pricing>
Status NetworkSimplex::run(Pricing& pricing, std::optional<std::size_t> max_pivots,
                           Monitor& monitor) {
  // Potentials drift by roundings as pivots shift them; they are computed afresh every `refresh`
  // pivots, and before the last look, so that optimality is claimed for the basis itself.
  const std::size_t refresh = n_ + m_;
  std::size_t since_refresh = 0;
  compute_potentials();
  for (;;) {
    if (max_pivots && pivots_ >= *max_pivots) return Status::max_iter;
    const bool look = pivots_ % kPivotsPerPoll == kPivotsPerPoll - 1;
    if (const auto stopped = status_of(look ? monitor.poll() : monitor.stopped())) return *stopped;
    if (since_refresh == refresh) {
      compute_potentials();
      since_refresh = 0;
    }
    Candidate arc;
    if (!pricing.find(minus_u(), v(), arc)) {
      if (since_refresh == 0) return Status::optimal;
      compute_potentials();
      since_refresh = 0;
      continue;
    }
    pivot(arc.row, arc.col, arc.cost, arc.reduced);
    ++pivots_;
    ++since_refresh;
  }
}

// Every allocation finishes one row or column, which hangs below the other: n + m - 1 arcs, a tree.
// Where both end together the column does, and the row's next arc, up to another column, has no
// flow: the tree is strongly feasible.
template <class T>
void NetworkSimplex::start_greedy(MatrixView<const T> costs, double scale, const Masses& masses) {
  const CostKernels<T>& kernel = cost_kernels<T>();
  pivots_ = 0;
  tree_.clear();
  kernel.column_minima(costs.data, costs.stride, scale, masses.rows().data(), masses.rows().size(),
                       costs.cols, v());
  std::fill(potentials_.begin() + static_cast<std::ptrdiff_t>(n_ + m_), potentials_.end(), 0.0);
  for (std::size_t j = 0; j < m_; ++j) {
    if (masses.demand()[j] == 0) {
      v()[j] = -kInfinity;
    } else {
      left_[j] = masses.demand()[j];
    }
  }
  std::size_t arcs = masses.rows().size() + masses.cols().size() - 1;
  for (const std::int32_t i : masses.rows()) {
    const auto row = static_cast<std::size_t>(i);
    std::int64_t supply = masses.supply()[row];
    for (;;) {
      const std::size_t j = kernel.row_minimum(costs.row(row), scale, v(), costs.cols).col;
      const double cost = static_cast<double>(costs.row(row)[j]) * scale;
      std::int64_t& demand = left_[j];
      if (arcs == 1) {
        assert(supply == demand);
        tree_.attach(i, col_node(j), supply, cost);
        tree_.set_root(col_node(j));
        return;
      }
      --arcs;
      if (supply < demand) {
        tree_.attach(i, col_node(j), supply, cost);
        demand -= supply;
        break;
      }
      tree_.attach(col_node(j), i, demand, cost);
      supply -= demand;
      v()[j] = -kInfinity;
    }
  }
}

void NetworkSimplex::set_costs(
    const std::function<double(std::size_t row, std::size_t col)>& cost) {
  const Node root = tree_.root();
  for (Node node = tree_.next(root); node != Tree::kNone; node = tree_.next(node)) {
    const Node row = is_row(node) ? node : tree_.parent(node);
    const Node col = is_row(node) ? tree_.parent(node) : node;
    tree_.set_cost(node, cost(static_cast<std::size_t>(row), static_cast<std::size_t>(col) - n_));
  }
  compute_potentials();
}

void NetworkSimplex::compute_potentials() {
  const Node root = tree_.root();
  potential(root) = 0.0;
  for (Node node = tree_.next(root); node != Tree::kNone; node = tree_.next(node)) {
    const double cost = tree_.cost(node);
    potential(node) = potential(tree_.parent(node)) + (is_row(node) ? -cost : cost);
  }
}

// Arc (i, j) enters. Mass goes round the cycle i -> j -> apex -> i: flows shrink on columns' arcs
// between j and the apex and on rows' arcs between i and the apex. The smallest of them leaves; of
// several the last on the way from the apex along the cycle, which keeps the tree strongly
// feasible: on j's side the one nearest the apex, else on i's side the one nearest i.
void NetworkSimplex::pivot(std::size_t i, std::size_t j, double cost, double reduced) {
  const auto row = static_cast<Node>(i);
  const Node col = col_node(j);
  tree_.find_path(row, col, path_);
  std::int64_t moved = std::numeric_limits<std::int64_t>::max();
  std::size_t leaving = 0;  // its place on its side
  bool on_row_side = true;
  // Rows and columns alternate along a path: every other arc shrinks, the first one included.
  for (std::size_t k = 0; k < path_.from_x.size(); k += 2) {
    const std::int64_t flow = tree_.flow(path_.from_x[k]);
    if (flow < moved) {
      moved = flow;
      leaving = k;
    }
  }
  for (std::size_t k = 0; k < path_.from_y.size(); k += 2) {
    const std::int64_t flow = tree_.flow(path_.from_y[k]);
    if (flow <= moved) {
      moved = flow;
      leaving = k;
      on_row_side = false;
    }
  }
  for (const auto* side : {&path_.from_x, &path_.from_y}) {
    if (moved == 0) break;
    std::int64_t change = -moved;
    for (const Node node : *side) {
      tree_.add_flow(node, change);
      change = -change;
    }
  }
  const Node inner = on_row_side ? row : col;
  const Node outer = on_row_side ? col : row;
  const std::vector<Node>& side = on_row_side ? path_.from_x : path_.from_y;
  tree_.move(side[leaving], inner, outer, std::span(side).subspan(leaving + 1),
             on_row_side ? path_.from_y : path_.from_x, moved, cost);

  // The subtree that moved shifts by the reduced cost, or all others the other way: whichever is
  // smaller.
  const Node root = tree_.root();
  const double change = on_row_side ? -reduced : reduced;
  const Node end = tree_.last(inner);
  if (tree_.size(inner) <= tree_.size(root) / 2) {
    for (Node node = inner; node != end; node = tree_.next(node)) potential(node) += change;
    potential(end) += change;
  } else {
    for (Node node = root; node != inner; node = tree_.next(node)) potential(node) -= change;
    for (Node node = tree_.next(end); node != Tree::kNone; node = tree_.next(node)) {
      potential(node) -= change;
    }
  }
}

std::size_t NetworkSimplex::flows(std::int32_t* rows, std::int32_t* cols,
                                  std::int64_t* units) const {
  std::size_t count = 0;
  for (Node node = tree_.next(tree_.root()); node != Tree::kNone; node = tree_.next(node)) {
    const std::int64_t flow = tree_.flow(node);
    assert(flow >= 0);
    if (flow == 0) continue;
    const Node parent = tree_.parent(node);
    rows[count] = is_row(node) ? node : parent;
    cols[count] = (is_row(node) ? parent : node) - static_cast<Node>(n_);
    units[count++] = flow;
  }
  return count;
}

template void NetworkSimplex::start_greedy(MatrixView<const float>, double, const Masses&);
template void NetworkSimplex::start_greedy(MatrixView<const double>, double, const Masses&);
template Status NetworkSimplex::run(DensePricing<float>&, std::optional<std::size_t>, Monitor&);
template Status NetworkSimplex::run(DensePricing<double>&, std::optional<std::size_t>, Monitor&);
template Status NetworkSimplex::run(ArcPricing&, std::optional<std::size_t>, Monitor&);

}  // namespace otcore::exact
