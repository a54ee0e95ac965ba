#include "exact/equal_points.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/random.h"

namespace otcore::exact {
namespace {

struct Key {
  std::uint64_t hash;
  std::int32_t point;
};

template <class T>
std::uint64_t hash_of(const T* point, std::size_t dims) {
  std::uint64_t hash = dims;
  for (std::size_t k = 0; k < dims; ++k) {
    const double x = static_cast<double>(point[k]) + 0.0;  // -0 becomes 0
    hash = otcore::scatter(hash ^ std::bit_cast<std::uint64_t>(x)) + k;
  }
  return hash;
}

}  // namespace

template <class T>
PointGroups group_equal(MatrixView<const T> points, const std::vector<std::int32_t>& list) {
  std::vector<Key> keys;
  keys.reserve(list.size());
  for (const std::int32_t point : list) {
    keys.push_back({hash_of(points.row(static_cast<std::size_t>(point)), points.cols), point});
  }
  const auto row = [&](const Key& key) { return points.row(static_cast<std::size_t>(key.point)); };
  const auto equal = [&](const Key& x, const Key& y) {
    return x.hash == y.hash && std::equal(row(x), row(x) + points.cols, row(y));
  };
  std::sort(keys.begin(), keys.end(), [&](const Key& x, const Key& y) {
    if (x.hash != y.hash) return x.hash < y.hash;
    if (equal(x, y)) return x.point < y.point;
    return std::lexicographical_compare(row(x), row(x) + points.cols, row(y), row(y) + points.cols);
  });
  // Runs of equal points, in the order of their first.
  std::vector<std::size_t> runs;
  for (std::size_t k = 0; k < keys.size(); ++k) {
    if (k == 0 || !equal(keys[k - 1], keys[k])) runs.push_back(k);
  }
  std::sort(runs.begin(), runs.end(),
            [&](std::size_t x, std::size_t y) { return keys[x].point < keys[y].point; });
  PointGroups groups;
  groups.members.reserve(keys.size());
  groups.starts.reserve(runs.size() + 1);
  groups.starts.push_back(0);
  for (const std::size_t run : runs) {
    std::size_t k = run;
    do {
      groups.members.push_back(keys[k++].point);
    } while (k < keys.size() && equal(keys[run], keys[k]));
    groups.starts.push_back(groups.members.size());
  }
  return groups;
}

std::int64_t PointGroups::sum(std::size_t group, const std::vector<std::int64_t>& masses) const {
  std::int64_t sum = 0;
  for (std::size_t k = starts[group]; k < starts[group + 1]; ++k) {
    sum += masses[static_cast<std::size_t>(members[k])];
  }
  return sum;
}

std::vector<Flow> share_out(const std::vector<Flow>& flows, const PointGroups& rows,
                            const PointGroups& cols, std::vector<std::int64_t> supply,
                            std::vector<std::int64_t> demand) {
  // The member of each group whose turn it is.
  std::vector<std::size_t> row_turn(rows.starts);
  std::vector<std::size_t> col_turn(cols.starts);
  std::vector<Flow> shared;
  shared.reserve(flows.size() + rows.members.size() - rows.size() + cols.members.size() -
                 cols.size());
  for (Flow flow : flows) {
    std::size_t& row_at = row_turn[static_cast<std::size_t>(flow.row)];
    std::size_t& col_at = col_turn[static_cast<std::size_t>(flow.col)];
    while (flow.units > 0) {
      const std::int64_t row = rows.members[row_at];
      const std::int64_t col = cols.members[col_at];
      std::int64_t& from = supply[static_cast<std::size_t>(row)];
      std::int64_t& to = demand[static_cast<std::size_t>(col)];
      const std::int64_t units = std::min({flow.units, from, to});
      shared.push_back(
          {static_cast<std::int32_t>(row), static_cast<std::int32_t>(col), units, flow.cost});
      flow.units -= units;
      from -= units;
      to -= units;
      if (from == 0) ++row_at;
      if (to == 0) ++col_at;
    }
  }
  return shared;
}

template PointGroups group_equal(MatrixView<const float>, const std::vector<std::int32_t>&);
template PointGroups group_equal(MatrixView<const double>, const std::vector<std::int32_t>&);

}  // namespace otcore::exact
