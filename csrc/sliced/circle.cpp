#include "sliced/circle.h"

#include <algorithm>
#include <cmath>

#include "base/sum.h"
#include "oned/power.h"

namespace otcore::sliced {

void CircleSolver::Side::sort(const double* positions, const std::vector<std::int64_t>& units) {
  sorter.order(positions, sorted.data(), order.data());
  points.clear();
  ends.clear();
  index.clear();
  std::uint64_t end = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const auto i = static_cast<std::size_t>(order[k]);
    if (units[i] == 0) continue;
    end += static_cast<std::uint64_t>(units[i]);
    points.push_back(sorted[k]);
    ends.push_back(end);
    index.push_back(i);
  }
}

CircleSolver::Place CircleSolver::place_of(std::uint64_t shift) const {
  const std::uint64_t total = y_.ends.back();
  const std::uint64_t unit = shift % total;
  const auto point = std::upper_bound(y_.ends.begin(), y_.ends.end(), unit) - y_.ends.begin();
  return {static_cast<double>(shift / total) - 1.0, static_cast<std::size_t>(point), unit};
}

// Every point of x takes a unit of mass over from the next one, at the place where its own ends.
template <class Power>
double CircleSolver::difference(Power power, std::uint64_t shift) const {
  const std::uint64_t total = y_.ends.back();
  const Place start = place_of(shift);
  std::size_t j = start.point;
  double turn = start.turn;
  std::uint64_t passed = 0;  // units of whole turns since the start
  CompensatedSum sum;
  const std::size_t n = x_.points.size();
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t unit = start.unit + x_.ends[i];
    while (y_.ends[j] + passed <= unit) {
      if (++j == y_.points.size()) {
        j = 0;
        turn += 1.0;
        passed += total;
      }
    }
    const double y = y_.points[j] + turn;
    const double next = i + 1 < n ? x_.points[i + 1] : x_.points[0] + 1.0;
    sum.add(power(x_.points[i] - y));
    sum.add(-power(next - y));
  }
  return sum.value();
}

// Distances of optimal pairs are at most half a turn, so the first unit of x, within [0, 1), meets
// y within [-1/2, 3/2): three turns hold the shift.
template <class Power>
std::uint64_t CircleSolver::best_shift(Power power) const {
  std::uint64_t low = 0;
  std::uint64_t high = 3 * y_.ends.back();
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (difference(power, middle) >= 0.0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

template <class Visit>
void CircleSolver::walk(std::uint64_t shift, const Visit& visit) const {
  const Place start = place_of(shift);
  std::size_t j = start.point;
  double turn = start.turn;
  std::uint64_t left_y = y_.ends[j] - start.unit;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < x_.points.size(); ++i) {
    std::uint64_t left_x = x_.ends[i] - before;
    before = x_.ends[i];
    while (left_x > 0) {
      if (left_y == 0) {
        if (++j == y_.points.size()) {
          j = 0;
          turn += 1.0;
        }
        left_y = y_.ends[j] - (j == 0 ? 0 : y_.ends[j - 1]);
      }
      const std::uint64_t moved = std::min(left_x, left_y);
      visit(i, j, turn, static_cast<std::int64_t>(moved));
      left_x -= moved;
      left_y -= moved;
    }
  }
}

double CircleSolver::solve(const double* x, const double* y, double* slope_x, double* slope_y) {
  x_.sort(x, masses_.supply());
  y_.sort(y, masses_.demand());
  const std::uint64_t shift =
      oned::with_power(p_, [this](auto power) { return best_shift(power); });
  CompensatedSum sum;
  oned::with_power(p_, [&](auto power) {
    walk(shift, [&](std::size_t i, std::size_t j, double turn, std::int64_t units) {
      sum.add(masses_.mass(units) * power(x_.points[i] - (y_.points[j] + turn)));
    });
  });
  if (slope_x == nullptr && slope_y == nullptr) return sum.value();
  if (slope_x != nullptr) std::fill_n(slope_x, x_.order.size(), 0.0);
  if (slope_y != nullptr) std::fill_n(slope_y, y_.order.size(), 0.0);
  oned::with_power(p_ - 1.0, [&](auto power) {
    walk(shift, [&](std::size_t i, std::size_t j, double turn, std::int64_t units) {
      const double distance = x_.points[i] - (y_.points[j] + turn);
      if (distance == 0.0) return;
      const double slope = std::copysign(p_ * masses_.mass(units) * power(distance), distance);
      if (slope_x != nullptr) slope_x[x_.index[i]] += slope;
      if (slope_y != nullptr) slope_y[y_.index[j]] -= slope;
    });
  });
  return sum.value();
}

}  // namespace otcore::sliced
