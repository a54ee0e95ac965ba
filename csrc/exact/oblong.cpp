#include "exact/oblong.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

#include "exact/cloud.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

// The points with mass of one side.
struct Side {
  const std::vector<std::int32_t>& points;
  const std::vector<std::int64_t>& mass;
};

struct Choice {
  std::int32_t point;
  double regret;  // what the second cheapest costs more
};

// costs(point, out): what a point of the long side pays at each of the short one's points, by their
// position, potentials deducted. put(point, place, units) is told the plan.
template <class Costs, class Put>
void place(const Side& points, const Side& places, const Costs& costs, const Put& put) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> at(places.points.size());
  std::vector<Choice> order;
  order.reserve(points.points.size());
  for (const std::int32_t point : points.points) {
    costs(point, at.data());
    double best = kInfinity;
    double second = kInfinity;
    for (const double cost : at) {
      second = std::min(second, std::max(best, cost));
      best = std::min(best, cost);
    }
    order.push_back({point, second - best});
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Choice& x, const Choice& y) { return x.regret > y.regret; });

  std::vector<std::size_t> open(places.points.size());
  std::iota(open.begin(), open.end(), std::size_t{0});
  std::vector<std::int64_t> room = places.mass;
  for (const Choice& choice : order) {
    costs(choice.point, at.data());
    std::int64_t left = points.mass[static_cast<std::size_t>(choice.point)];
    while (left > 0) {
      const auto cheapest = std::min_element(
          open.begin(), open.end(), [&](std::size_t x, std::size_t y) { return at[x] < at[y]; });
      const std::int32_t place = places.points[*cheapest];
      std::int64_t& here = room[static_cast<std::size_t>(place)];
      const std::int64_t units = std::min(left, here);
      put(choice.point, place, units);
      left -= units;
      here -= units;
      if (here == 0) open.erase(cheapest);
    }
  }
}

}  // namespace

bool is_oblong(const Masses& masses) {
  const auto [shorter, longer] = std::minmax({masses.rows().size(), masses.cols().size()});
  return longer / shorter >= kOblongSides;
}

bool is_long(const Masses& masses) {
  return is_oblong(masses) && std::max(masses.rows().size(), masses.cols().size()) >= kLongSide;
}

template <class Problem>
std::vector<Flow> place_by_regret(const Problem& problem, const double* u, const double* v) {
  const Masses& masses = problem.masses;
  const Side rows{masses.rows(), masses.supply()};
  const Side cols{masses.cols(), masses.demand()};
  const bool by_rows = rows.points.size() > cols.points.size();  // the long side
  const auto cost = [&](std::int32_t point, std::int32_t place) {
    const auto [row, col] = by_rows ? std::pair(point, place) : std::pair(place, point);
    return problem.cost(static_cast<std::size_t>(row), static_cast<std::size_t>(col));
  };
  const Side& places = by_rows ? cols : rows;
  const double* potentials = by_rows ? v : u;
  std::vector<Flow> flows;
  flows.reserve(rows.points.size() + cols.points.size());
  place(
      by_rows ? rows : cols, places,
      [&](std::int32_t point, double* out) {
        for (std::size_t k = 0; k < places.points.size(); ++k) {
          out[k] = cost(point, places.points[k]) - potentials[places.points[k]];
        }
      },
      [&](std::int32_t point, std::int32_t at, std::int64_t units) {
        const auto [row, col] = by_rows ? std::pair(point, at) : std::pair(at, point);
        flows.push_back({row, col, units, cost(point, at)});
      });
  return flows;
}

template std::vector<Flow> place_by_regret(const DenseProblem<float>&, const double*,
                                           const double*);
template std::vector<Flow> place_by_regret(const DenseProblem<double>&, const double*,
                                           const double*);
template std::vector<Flow> place_by_regret(const CloudProblem&, const double*, const double*);

}  // namespace otcore::exact
