// The monotone coupling of two sorted rows of masses: the plan that is optimal on the line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace otcore::oned {

// `units` of mass from the i-th to the j-th point in sorted order.
struct Step {
  std::int32_t i;
  std::int32_t j;
  std::int64_t units;
};

// The points of one side that have mass, in sorted order.
struct Support {
  std::vector<double> points;
  std::vector<std::int64_t> units;
  std::vector<std::int32_t> place;  // among all points of the side in sorted order

  [[nodiscard]] std::size_t count() const { return points.size(); }
};

// visit(i, j, units) for every step of the coupling, in order: each fills up point i, point j or
// both, so there are at most a.count() + b.count() - 1. The units of both sides add up
// to the same, which is positive.
template <class Visit>
void walk(const Support& a, const Support& b, Visit&& visit) {
  std::size_t i = 0;
  std::size_t j = 0;
  std::int64_t left_a = a.units[0];
  std::int64_t left_b = b.units[0];
  // Which side is next is anyone's guess: selections, where branches would be mispredicted.
  for (;;) {
    const std::int64_t moved = left_a < left_b ? left_a : left_b;
    visit(i, j, moved);
    left_a -= moved;
    left_b -= moved;
    const bool full_a = left_a == 0;
    const bool full_b = left_b == 0;
    i += full_a ? 1 : 0;
    if (i == a.count()) return;
    j += full_b ? 1 : 0;
    const std::int64_t units_a = a.units[i];
    const std::int64_t units_b = b.units[j];
    left_a = full_a ? units_a : left_a;
    left_b = full_b ? units_b : left_b;
  }
}

}  // namespace otcore::oned
