// Equal points as one, and what moves between them.
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "base/masses.h"
#include "exact/equal_points.h"

namespace otcore::exact {
namespace {

TEST(EqualPoints, AreGroupedByTheirFirst) {
  const std::vector<double> points{1.0, 2.0, 0.0, 3.0, 1.0, 2.0, -0.0, 3.0, 5.0, 5.0, 1.0, 2.0};
  const MatrixView<const double> view{points.data(), 6, 2, 2};
  const PointGroups groups = group_equal(view, std::vector<std::int32_t>{0, 1, 2, 3, 4, 5});
  EXPECT_EQ(groups.members, (std::vector<std::int64_t>{0, 2, 5, 1, 3, 4}));
  EXPECT_EQ(groups.starts, (std::vector<std::size_t>{0, 3, 5, 6}));
  const PointGroups some = group_equal(view, std::vector<std::int32_t>{2, 4, 5});
  EXPECT_EQ(some.members, (std::vector<std::int64_t>{2, 5, 4}));
  EXPECT_EQ(some.sum(0, {1, 10, 100, 1000, 10000, 100000}), 100100);
}

TEST(EqualPoints, ManyInFloatAndDouble) {
  std::mt19937 generator(1);
  std::uniform_int_distribution<int> digit(0, 3);
  std::vector<float> floats(3 * 500);
  for (float& x : floats) x = static_cast<float>(digit(generator)) / 3.0F;
  const std::vector<double> doubles(floats.begin(), floats.end());
  std::vector<std::int32_t> all(500);
  std::iota(all.begin(), all.end(), 0);
  const PointGroups groups = group_equal(MatrixView<const float>{floats.data(), 500, 3, 3}, all);
  const PointGroups same = group_equal(MatrixView<const double>{doubles.data(), 500, 3, 3}, all);
  EXPECT_EQ(groups.members, same.members);
  EXPECT_EQ(groups.starts, same.starts);
  EXPECT_EQ(groups.size(), 64U);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const float* first = floats.data() + 3 * groups.first(g);
    for (std::size_t k = groups.starts[g]; k < groups.starts[g + 1]; ++k) {
      EXPECT_TRUE(std::equal(first, first + 3, floats.data() + 3 * groups.members[k]));
      if (k > groups.starts[g]) {
        EXPECT_LT(groups.members[k - 1], groups.members[k]);
      }
    }
    if (g > 0) {
      EXPECT_LT(groups.first(g - 1), groups.first(g));
    }
  }
}

TEST(EqualPoints, ShareOutWhatTheirGroupsMove) {
  // Groups {0, 2} and {1} of rows, {0} and {1, 2, 3} of columns.
  const PointGroups rows{{0, 2, 1}, {0, 2, 3}};
  const PointGroups cols{{0, 1, 2, 3}, {0, 1, 4}};
  const std::vector<std::int64_t> supply{5, 7, 4};
  const std::vector<std::int64_t> demand{6, 2, 7, 1};
  const std::vector<Flow> flows{{0, 0, 6, 1.5}, {0, 1, 3, 2.5}, {1, 1, 7, 3.5}};
  const std::vector<Flow> shared = share_out(flows, rows, cols, supply, demand);
  EXPECT_LE(shared.size(), 3U + 4U - 1U);
  std::vector<std::int64_t> out(3);
  std::vector<std::int64_t> in(4);
  for (const Flow& flow : shared) {
    EXPECT_GT(flow.units, 0);
    out[static_cast<std::size_t>(flow.row)] += flow.units;
    in[static_cast<std::size_t>(flow.col)] += flow.units;
    const bool first = flow.row != 1;
    EXPECT_EQ(flow.cost, first ? (flow.col == 0 ? 1.5 : 2.5) : 3.5);
  }
  EXPECT_EQ(out, supply);
  EXPECT_EQ(in, demand);
}

TEST(Masses, InOtherParts) {
  Masses whole(3, 2);
  const double a[] = {1.0, 2.0, 1.0};
  whole.set(a, nullptr, 1.0);
  const std::int64_t half = whole.supply()[0] + whole.supply()[2];
  const Masses parts(whole, {half, whole.supply()[1]}, whole.demand());
  EXPECT_EQ(parts.total(), whole.total());
  EXPECT_EQ(parts.mass(half), whole.mass(half));
  EXPECT_EQ(parts.rows(), (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(parts.cols(), (std::vector<std::int32_t>{0, 1}));
}

}  // namespace
}  // namespace otcore::exact
