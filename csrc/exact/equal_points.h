// Points that are the same: one for all, and back to each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/views.h"
#include "exact/flow.h"

namespace otcore::exact {

// Groups of equal points, by the lowest of each: group g's are members[starts[g]] ..
// members[starts[g + 1]], ascending.
struct PointGroups {
  std::vector<std::int64_t> members;
  std::vector<std::size_t> starts;

  [[nodiscard]] std::size_t size() const { return starts.size() - 1; }
  [[nodiscard]] std::int64_t first(std::size_t group) const { return members[starts[group]]; }
  // The sum of the members' masses.
  [[nodiscard]] std::int64_t sum(std::size_t group, const std::vector<std::int64_t>& masses) const;
};

// Groups the listed points, which are finite; -0 equals 0.
template <class T>
PointGroups group_equal(MatrixView<const T> points, const std::vector<std::int32_t>& list);

// What moves between groups, as what moves between their members: each in turn, so that there are
// no more flows than flows between groups and further members. Rows and columns of `flows` are
// groups, those of the answer points; the masses are those of the points, which `flows` moves
// exactly.
std::vector<Flow> share_out(const std::vector<Flow>& flows, const PointGroups& rows,
                            const PointGroups& cols, std::vector<std::int64_t> supply,
                            std::vector<std::int64_t> demand);

}  // namespace otcore::exact
