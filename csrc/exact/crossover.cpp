#include "exact/crossover.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <queue>
#include <utility>

#include "exact/forest.h"

namespace otcore::exact {
namespace {

using Node = Tree::Node;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The column at the root of the tree: of points in an order of halves, not one at the edge, which
// few candidates lead to.
std::size_t root_col(const Masses& masses) {
  return static_cast<std::size_t>(masses.cols()[masses.cols().size() / 2]);
}

// The arcs at each node: entries start[k] .. start[k + 1] of arcs point into the list of flows.
struct Adjacency {
  Adjacency(std::size_t n, std::size_t nodes, const std::vector<Flow>& flows)
      : start(nodes + 1), arcs(2 * flows.size()) {
    for (const Flow& flow : flows) {
      ++start[static_cast<std::size_t>(flow.row) + 1];
      ++start[n + static_cast<std::size_t>(flow.col) + 1];
    }
    for (std::size_t k = 0; k < nodes; ++k) start[k + 1] += start[k];
    std::vector<std::size_t> place(start.begin(), start.end() - 1);
    for (std::size_t e = 0; e < flows.size(); ++e) {
      arcs[place[static_cast<std::size_t>(flows[e].row)]++] = e;
      arcs[place[n + static_cast<std::size_t>(flows[e].col)]++] = e;
    }
  }

  std::vector<std::size_t> start;
  std::vector<std::size_t> arcs;
};

// Joins the parts of a forest into one tree.
class Joiner {
 public:
  Joiner(const Arcs& arcs, const Masses& masses, const std::vector<double>& col_potentials,
         const CheapestArc& cheapest, std::vector<Flow>& flows)
      : arcs_(arcs),
        masses_(masses),
        cheapest_(cheapest),
        flows_(flows),
        n_(masses.supply().size()),
        m_(masses.demand().size()),
        part_(n_ + m_, -1),
        potential_(n_ + m_) {
    find_parts(col_potentials);
    transpose();
  }

  // A shortest-path tree towards the part of the root. Its arcs, which carry no mass, lead
  // out of a part, from a row to a column.
  void join() {
    distance_.assign(members_.size(), kInfinity);
    open_v_.assign(m_, -kInfinity);
    via_.resize(members_.size());
    reach(root_part(), 0.0, {});
    std::size_t next_unreached = 0;
    for (std::size_t done = 0; done < members_.size();) {
      if (heap_.empty()) {
        while (reached_[next_unreached]) ++next_unreached;
        reach(next_unreached, 0.0, arc_out_of(next_unreached));
        continue;
      }
      const auto [distance, part] = heap_.top();
      heap_.pop();
      if (reached_[part]) continue;
      reached_[part] = true;
      ++done;
      open(part);
      if (part != root_part()) flows_.push_back(via_[part]);
      relax_into(part, distance);
    }
  }

 private:
  using Entry = std::pair<double, std::size_t>;

  [[nodiscard]] std::size_t root_part() const { return part_of(n_ + root_col(masses_)); }
  [[nodiscard]] std::size_t part_of(std::size_t node) const {
    return static_cast<std::size_t>(part_[node]);
  }

  // Walks through each part. Its potentials are tight on its arcs, at the level where those of its
  // columns agree in the mean with the ones given.
  void find_parts(const std::vector<double>& col_potentials) {
    const Adjacency adjacency(n_, n_ + m_, flows_);
    const auto start = [&](std::size_t node) {
      if (part_[node] >= 0) return;
      const auto part = static_cast<std::int32_t>(members_.size());
      std::vector<std::size_t> members{node};
      part_[node] = part;
      double level = 0.0;
      std::size_t cols = 0;
      for (std::size_t k = 0; k < members.size(); ++k) {
        const std::size_t at = members[k];
        if (at >= n_) {
          level += col_potentials[at - n_] - potential_[at];
          ++cols;
        }
        for (std::size_t e = adjacency.start[at]; e < adjacency.start[at + 1]; ++e) {
          const Flow& flow = flows_[adjacency.arcs[e]];
          const auto row = static_cast<std::size_t>(flow.row);
          const std::size_t other = at == row ? n_ + static_cast<std::size_t>(flow.col) : row;
          if (part_[other] >= 0) continue;
          part_[other] = part;
          potential_[other] = flow.cost - potential_[at];
          members.push_back(other);
        }
      }
      level /= static_cast<double>(cols);
      for (const std::size_t at : members) potential_[at] += at >= n_ ? level : -level;
      members_.push_back(std::move(members));
    };
    for (const std::int32_t i : masses_.rows()) start(static_cast<std::size_t>(i));
    reached_.resize(members_.size());
  }

  // The arcs by column.
  void transpose() {
    starts_.assign(m_ + 1, 0);
    by_col_.resize(arcs_.size());
    for (std::size_t k = 0; k < arcs_.size(); ++k) {
      ++starts_[static_cast<std::size_t>(arcs_.cols()[k]) + 1];
    }
    for (std::size_t j = 0; j < m_; ++j) starts_[j + 1] += starts_[j];
    std::vector<std::size_t> place(starts_.begin(), starts_.end() - 1);
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t k = arcs_.begin(i); k < arcs_.end(i); ++k) {
        const std::int32_t col = arcs_.cols()[k];
        by_col_[place[static_cast<std::size_t>(col)]++] = {static_cast<std::int32_t>(i), col,
                                                           arcs_.costs()[k]};
      }
    }
  }

  void reach(std::size_t part, double distance, const Flow& via) {
    if (distance >= distance_[part]) return;
    distance_[part] = distance;
    via_[part] = via;
    heap_.emplace(distance, part);
  }

  void relax_into(std::size_t part, double distance) {
    for (const std::size_t node : members_[part]) {
      if (node < n_) continue;
      for (std::size_t k = starts_[node - n_]; k < starts_[node - n_ + 1]; ++k) {
        const Arc& arc = by_col_[k];
        const auto row = static_cast<std::size_t>(arc.row);
        const std::size_t from = part_of(row);
        if (reached_[from]) continue;
        const double reduced = arc.cost - potential_[row] - potential_[node];
        reach(from, distance + std::max(0.0, reduced), {arc.row, arc.col, 0, arc.cost});
      }
    }
  }

  void open(std::size_t part) {
    for (const std::size_t node : members_[part]) {
      if (node >= n_) open_v_[node - n_] = potential_[node];
    }
  }

  // From a part that no arc of the set leads out of to one that is reached already.
  Flow arc_out_of(std::size_t part) {
    const std::size_t row = *std::min_element(members_[part].begin(), members_[part].end());
    const Arc arc = cheapest_(row, open_v_.data());
    return {arc.row, arc.col, 0, arc.cost};
  }

  const Arcs& arcs_;
  const Masses& masses_;
  const CheapestArc& cheapest_;
  std::vector<Flow>& flows_;
  std::size_t n_;
  std::size_t m_;
  std::vector<std::int32_t> part_;  // of each node; -1 without mass
  std::vector<double> potential_;   // u, then v
  std::vector<std::vector<std::size_t>> members_;
  std::vector<std::size_t> starts_;
  std::vector<Arc> by_col_;
  std::vector<double> open_v_;  // of columns in parts that are reached; -infinity elsewhere
  std::vector<double> distance_;
  std::vector<Flow> via_;
  std::vector<bool> reached_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> heap_;
};

// Hangs the tree of these arcs below the root.
void plant(const std::vector<Flow>& flows, const Masses& masses, Tree& tree) {
  const std::size_t n = masses.supply().size();
  const std::size_t nodes = n + masses.demand().size();
  const Adjacency adjacency(n, nodes, flows);
  struct Step {
    std::size_t node;
    std::size_t parent;
    std::int64_t units;
    double cost;
  };
  const std::size_t root = n + root_col(masses);
  std::vector<Step> order{{root, root, 0, 0.0}};
  for (std::size_t k = 0; k < order.size(); ++k) {
    const Step at = order[k];
    for (std::size_t e = adjacency.start[at.node]; e < adjacency.start[at.node + 1]; ++e) {
      const Flow& flow = flows[adjacency.arcs[e]];
      const auto row = static_cast<std::size_t>(flow.row);
      const std::size_t other = at.node == row ? n + static_cast<std::size_t>(flow.col) : row;
      if (other != at.parent) order.push_back({other, at.node, flow.units, flow.cost});
    }
  }
  assert(order.size() == masses.rows().size() + masses.cols().size());
  tree.set_root(static_cast<Node>(root));
  for (std::size_t k = order.size() - 1; k > 0; --k) {
    const Step& step = order[k];
    tree.attach(static_cast<Node>(step.node), static_cast<Node>(step.parent), step.units,
                step.cost);
  }
}

}  // namespace

CheapestArc cheapest_in(const Arcs& arcs, std::function<double(std::size_t, std::size_t)> cost) {
  return [&arcs, cost = std::move(cost), open = std::size_t{0}](std::size_t i,
                                                                const double* v) mutable -> Arc {
    const Arc arc = arcs.cheapest(i, v);
    if (arc.col >= 0) return arc;
    while (v[open] == -kInfinity) open = (open + 1) % arcs.col_count();
    return {arc.row, static_cast<std::int32_t>(open), cost(i, open)};
  };
}

void place_rest(std::vector<std::int64_t>& unplaced, std::vector<std::int64_t>& room,
                std::vector<double> v, const CheapestArc& cheapest, std::vector<Flow>& flows) {
  for (std::size_t j = 0; j < room.size(); ++j) {
    if (room[j] == 0) v[j] = -kInfinity;
  }
  for (std::size_t i = 0; i < unplaced.size(); ++i) {
    while (unplaced[i] > 0) {
      const Arc arc = cheapest(i, v.data());
      const auto j = static_cast<std::size_t>(arc.col);
      const std::int64_t units = std::min(unplaced[i], room[j]);
      flows.push_back({arc.row, arc.col, units, arc.cost});
      unplaced[i] -= units;
      room[j] -= units;
      if (room[j] == 0) v[j] = -kInfinity;
    }
  }
}

void build_basis(std::vector<Flow> flows, const Arcs& arcs, const Masses& masses,
                 const std::vector<double>& col_potentials, const CheapestArc& cheapest,
                 Tree& tree) {
  Forest forest(masses.supply().size(), masses.demand().size());
  forest.take(std::move(flows));
  std::vector<Flow> joined = forest.flows();
  Joiner(arcs, masses, col_potentials, cheapest, joined).join();
  plant(joined, masses, tree);
}

}  // namespace otcore::exact
