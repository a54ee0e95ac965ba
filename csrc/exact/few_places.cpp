#include "exact/few_places.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "exact/cloud.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// cost(point, place) by position among those with mass.
template <class Cost>
class ShortestMoves {
 public:
  ShortestMoves(std::vector<std::int64_t> masses, std::vector<std::int64_t> room,
                std::vector<double> potentials, const Cost& cost)
      : places_(room.size()),
        masses_(std::move(masses)),
        excess_(std::move(room)),
        potential_(std::move(potentials)),
        cost_(cost),
        units_(masses_.size() * places_),
        moves_(places_ * places_),
        distance_(places_),
        from_(places_),
        settled_(places_) {
    for (std::int64_t& units : excess_) units = -units;
    for (std::size_t p = 0; p < masses_.size(); ++p) add(p, cheapest(p), masses_[p]);
    for (Heap& heap : moves_) std::make_heap(heap.begin(), heap.end());
  }

  // False where the monitor was stopped before the end, or where ties make it take very long: each
  // path brings mass to its place, but how much, masses that tie can make small.
  bool run(Monitor& monitor) {
    for (std::size_t steps = 1; steps <= 4 * units_.size() + 1; ++steps) {
      if (steps % kPivotsPerPoll == 0 && monitor.poll() != Stop::none) return false;
      const std::size_t last = find_path();
      if (last == places_) return true;
      move_along(last);
    }
    return false;
  }

  [[nodiscard]] std::int64_t units(std::size_t p, std::size_t k) const {
    return units_[p * places_ + k];
  }
  [[nodiscard]] const std::vector<double>& potentials() const { return potential_; }

  // The lowest reduced cost of a point.
  [[nodiscard]] double lowest(std::size_t p) const { return reduced(p, cheapest(p)); }

 private:
  // A point that may go from one place to another, and what that costs.
  struct Move {
    double cost;
    std::uint32_t point;
    bool operator<(const Move& other) const { return cost > other.cost; }  // lowest on top
  };
  using Heap = std::vector<Move>;

  [[nodiscard]] double reduced(std::size_t p, std::size_t k) const {
    return cost_(p, k) - potential_[k];
  }

  [[nodiscard]] std::size_t cheapest(std::size_t p) const {
    std::size_t best = 0;
    for (std::size_t k = 1; k < places_; ++k) {
      if (reduced(p, k) < reduced(p, best)) best = k;
    }
    return best;
  }

  Heap& moves(std::size_t k, std::size_t l) { return moves_[k * places_ + l]; }

  // Gives units of a point to a place; its moves from there, if they are new, at the heaps' ends.
  void add(std::size_t p, std::size_t k, std::int64_t units) {
    excess_[k] += units;
    std::int64_t& held = units_[p * places_ + k];
    if (held == 0) {
      for (std::size_t l = 0; l < places_; ++l) {
        if (l != k) {
          moves(k, l).push_back({cost_(p, l) - cost_(p, k), static_cast<std::uint32_t>(p)});
        }
      }
    }
    held += units;
  }

  // The cheapest move from one place to another; those of points that have left are dropped.
  const Move* cheapest_move(std::size_t k, std::size_t l) {
    Heap& heap = moves(k, l);
    while (!heap.empty() && units(heap.front().point, k) == 0) {
      std::pop_heap(heap.begin(), heap.end());
      heap.pop_back();
    }
    return heap.empty() ? nullptr : &heap.front();
  }

  // Dijkstra's search from the places with too much to the nearest with room, which is returned,
  // and the potentials at which the moves on the path are free; `places_` where none has room.
  std::size_t find_path() {
    for (std::size_t k = 0; k < places_; ++k) {
      distance_[k] = excess_[k] > 0 ? 0.0 : kInfinity;
      from_[k] = places_;
      settled_[k] = false;
    }
    for (;;) {
      std::size_t nearest = places_;
      for (std::size_t k = 0; k < places_; ++k) {
        if (settled_[k] || distance_[k] == kInfinity) continue;
        if (nearest == places_ || distance_[k] < distance_[nearest]) nearest = k;
      }
      if (nearest == places_) return places_;
      if (excess_[nearest] < 0) {
        const double end = distance_[nearest];
        for (std::size_t k = 0; k < places_; ++k)
          potential_[k] += std::min(distance_[k], end) - end;
        return nearest;
      }
      settled_[nearest] = true;
      for (std::size_t l = 0; l < places_; ++l) {
        if (settled_[l]) continue;
        const Move* move = cheapest_move(nearest, l);
        if (move == nullptr) continue;
        const double length = std::max(0.0, move->cost + potential_[nearest] - potential_[l]);
        if (distance_[nearest] + length < distance_[l]) {
          distance_[l] = distance_[nearest] + length;
          from_[l] = nearest;
        }
      }
    }
  }

  void move_along(std::size_t last) {
    std::int64_t moved = -excess_[last];
    path_.clear();
    std::size_t at = last;
    for (; from_[at] != places_; at = from_[at]) {
      const std::size_t p = moves(from_[at], at).front().point;
      path_.push_back({p, from_[at], at});
      moved = std::min(moved, units(p, from_[at]));
    }
    moved = std::min(moved, excess_[at]);
    for (const Step& step : path_) {
      add(step.point, step.to, moved);
      for (std::size_t l = 0; l < places_; ++l) {
        if (l != step.to) std::push_heap(moves(step.to, l).begin(), moves(step.to, l).end());
      }
      excess_[step.from] -= moved;
      units_[step.point * places_ + step.from] -= moved;
    }
  }

  struct Step {
    std::size_t point;
    std::size_t from;
    std::size_t to;
  };

  std::size_t places_;
  std::vector<std::int64_t> masses_;
  std::vector<std::int64_t> excess_;  // of each place: what it holds less what it has room for
  std::vector<double> potential_;
  const Cost& cost_;
  std::vector<std::int64_t> units_;  // of each point at each place
  std::vector<Heap> moves_;          // from each place to each
  std::vector<double> distance_;
  std::vector<std::size_t> from_;
  std::vector<char> settled_;
  std::vector<Step> path_;
};

std::vector<std::int64_t> positive(const std::vector<std::int32_t>& list,
                                   const std::vector<std::int64_t>& masses) {
  std::vector<std::int64_t> of_list;
  of_list.reserve(list.size());
  for (const std::int32_t k : list) of_list.push_back(masses[static_cast<std::size_t>(k)]);
  return of_list;
}

}  // namespace

bool has_few_places(const Masses& masses) {
  return std::min(masses.rows().size(), masses.cols().size()) <= kFewPlaces;
}

template <class Problem>
std::optional<std::vector<Flow>> place_on_few(const Problem& problem, const double* u,
                                              std::vector<double>& v) {
  const Masses& masses = problem.masses;
  const bool by_rows = masses.rows().size() > masses.cols().size();  // the points are rows
  const std::vector<std::int32_t>& points = by_rows ? masses.rows() : masses.cols();
  const std::vector<std::int32_t>& places = by_rows ? masses.cols() : masses.rows();
  const auto cost = [&](std::size_t p, std::size_t k) {
    const auto point = static_cast<std::size_t>(points[p]);
    const auto place = static_cast<std::size_t>(places[k]);
    return by_rows ? problem.cost(point, place) : problem.cost(place, point);
  };
  std::vector<double> potentials;
  potentials.reserve(places.size());
  const double* given = by_rows ? v.data() : u;
  for (const std::int32_t k : places) potentials.push_back(given[k]);
  ShortestMoves moves(positive(points, by_rows ? masses.supply() : masses.demand()),
                      positive(places, by_rows ? masses.demand() : masses.supply()),
                      std::move(potentials), cost);
  if (!moves.run(problem.monitor)) return std::nullopt;

  std::vector<Flow> flows;
  flows.reserve(points.size() + places.size());
  for (std::size_t p = 0; p < points.size(); ++p) {
    for (std::size_t k = 0; k < places.size(); ++k) {
      if (moves.units(p, k) == 0) continue;
      const std::int32_t row = by_rows ? points[p] : places[k];
      const std::int32_t col = by_rows ? places[k] : points[p];
      flows.push_back({row, col, moves.units(p, k), cost(p, k)});
    }
    if (!by_rows) v[static_cast<std::size_t>(points[p])] = moves.lowest(p);
  }
  for (std::size_t k = 0; by_rows && k < places.size(); ++k) {
    v[static_cast<std::size_t>(places[k])] = moves.potentials()[k];
  }
  return flows;
}

template std::optional<std::vector<Flow>> place_on_few(const DenseProblem<float>&, const double*,
                                                       std::vector<double>&);
template std::optional<std::vector<Flow>> place_on_few(const DenseProblem<double>&, const double*,
                                                       std::vector<double>&);
template std::optional<std::vector<Flow>> place_on_few(const CloudProblem&, const double*,
                                                       std::vector<double>&);

}  // namespace otcore::exact
