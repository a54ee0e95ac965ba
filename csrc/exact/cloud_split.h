// The points of a side as the solver sees them: equal ones together, those without mass apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/views.h"
#include "exact/cloud_side.h"
#include "exact/equal_points.h"

namespace otcore::exact {

struct CloudSplit {
  CloudSplit() = default;

  // with_mass: the points that have some, ascending; masses: of all.
  template <class T>
  CloudSplit(MatrixView<const T> points, const std::vector<std::int32_t>& with_mass,
             const std::vector<std::int64_t>& masses);

  // The group that is at each place of a side made of `first`: the `order` of the functions below.
  [[nodiscard]] std::vector<std::size_t> order_of(const CloudSide& side) const;

  // The groups' masses, by place.
  [[nodiscard]] std::vector<std::int64_t> sums(const std::vector<std::size_t>& order,
                                               const std::vector<std::int64_t>& masses) const;

  // The place of each of `count` points, -1 where it has none.
  [[nodiscard]] std::vector<std::int32_t> places_of(const std::vector<std::size_t>& order,
                                                    std::size_t count) const;

  // Values by place, to all points of the groups.
  void scatter(const std::vector<double>& values, const std::vector<std::size_t>& order,
               double* out) const;

  PointGroups groups;               // of points with mass
  std::vector<std::int64_t> first;  // of each group
  std::vector<std::int64_t> massless;
};

}  // namespace otcore::exact
