#include "exact/oblong.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

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

// reduced(point, place): what each point of the long side pays at each of the short one, its
// potential deducted. put(point, place, units) is told the plan.
template <class Reduced, class Put>
void place(const Side& points, const Side& places, const Reduced& reduced, const Put& put) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<Choice> order;
  order.reserve(points.points.size());
  for (const std::int32_t point : points.points) {
    double best = kInfinity;
    double second = kInfinity;
    for (const std::int32_t at : places.points) {
      const double cost = reduced(point, at);
      second = std::min(second, std::max(best, cost));
      best = std::min(best, cost);
    }
    order.push_back({point, second - best});
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Choice& x, const Choice& y) { return x.regret > y.regret; });

  std::vector<std::int32_t> open = places.points;
  std::vector<std::int64_t> room = places.mass;
  for (const Choice& choice : order) {
    std::int64_t left = points.mass[static_cast<std::size_t>(choice.point)];
    while (left > 0) {
      auto cheapest = open.begin();
      double best = kInfinity;
      for (auto at = open.begin(); at != open.end(); ++at) {
        const double cost = reduced(choice.point, *at);
        if (cost < best) {
          best = cost;
          cheapest = at;
        }
      }
      std::int64_t& here = room[static_cast<std::size_t>(*cheapest)];
      const std::int64_t units = std::min(left, here);
      put(choice.point, *cheapest, units);
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

template <class T>
std::vector<Flow> place_by_regret(const DenseProblem<T>& problem, const double* u,
                                  const double* v) {
  const Masses& masses = problem.masses;
  const Side rows{masses.rows(), masses.supply()};
  const Side cols{masses.cols(), masses.demand()};
  const auto cost = [&problem](std::int32_t row, std::int32_t col) {
    return problem.cost(static_cast<std::size_t>(row), static_cast<std::size_t>(col));
  };
  std::vector<Flow> flows;
  flows.reserve(rows.points.size() + cols.points.size());
  if (rows.points.size() > cols.points.size()) {
    place(
        rows, cols, [&](std::int32_t row, std::int32_t col) { return cost(row, col) - v[col]; },
        [&](std::int32_t row, std::int32_t col, std::int64_t units) {
          flows.push_back({row, col, units, cost(row, col)});
        });
  } else {
    place(
        cols, rows, [&](std::int32_t col, std::int32_t row) { return cost(row, col) - u[row]; },
        [&](std::int32_t col, std::int32_t row, std::int64_t units) {
          flows.push_back({row, col, units, cost(row, col)});
        });
  }
  return flows;
}

template std::vector<Flow> place_by_regret(const DenseProblem<float>&, const double*,
                                           const double*);
template std::vector<Flow> place_by_regret(const DenseProblem<double>&, const double*,
                                           const double*);

}  // namespace otcore::exact
