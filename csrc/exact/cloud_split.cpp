#include "exact/cloud_split.h"

#include <algorithm>

namespace otcore::exact {

template <class T>
CloudSplit::CloudSplit(MatrixView<const T> points, const std::vector<std::int32_t>& with_mass,
                       const std::vector<std::int64_t>& masses)
    : groups(group_equal(points, with_mass)) {
  for (std::size_t g = 0; g < groups.size(); ++g) first.push_back(groups.first(g));
  for (std::size_t k = 0; k < masses.size(); ++k) {
    if (masses[k] == 0) massless.push_back(static_cast<std::int64_t>(k));
  }
}

std::vector<std::size_t> CloudSplit::order_of(const CloudSide& side) const {
  std::vector<std::size_t> order;
  order.reserve(side.size());
  for (const std::int64_t point : side.order()) {
    const auto at = std::lower_bound(first.begin(), first.end(), point);
    order.push_back(static_cast<std::size_t>(at - first.begin()));
  }
  return order;
}

std::vector<std::int64_t> CloudSplit::sums(const std::vector<std::size_t>& order,
                                           const std::vector<std::int64_t>& masses) const {
  std::vector<std::int64_t> all;
  all.reserve(order.size());
  for (const std::size_t group : order) all.push_back(groups.sum(group, masses));
  return all;
}

std::vector<std::int32_t> CloudSplit::places_of(const std::vector<std::size_t>& order,
                                                std::size_t count) const {
  std::vector<std::int32_t> places(count, -1);
  for (std::size_t k = 0; k < order.size(); ++k) {
    for (std::size_t g = groups.starts[order[k]]; g < groups.starts[order[k] + 1]; ++g) {
      places[static_cast<std::size_t>(groups.members[g])] = static_cast<std::int32_t>(k);
    }
  }
  return places;
}

void CloudSplit::scatter(const std::vector<double>& values, const std::vector<std::size_t>& order,
                         double* out) const {
  for (std::size_t k = 0; k < values.size(); ++k) {
    for (std::size_t g = groups.starts[order[k]]; g < groups.starts[order[k] + 1]; ++g) {
      out[groups.members[g]] = values[k];
    }
  }
}

template CloudSplit::CloudSplit(MatrixView<const float>, const std::vector<std::int32_t>&,
                                const std::vector<std::int64_t>&);
template CloudSplit::CloudSplit(MatrixView<const double>, const std::vector<std::int32_t>&,
                                const std::vector<std::int64_t>&);

}  // namespace otcore::exact
