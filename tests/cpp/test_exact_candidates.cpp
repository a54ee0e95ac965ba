// The arcs that large problems are solved on, and the potentials they are chosen with.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "exact/arcs.h"
#include "exact/candidates.h"
#include "exact/coarse.h"
#include "exact_problems.h"
#include "exact_stage.h"

namespace otcore::exact {
namespace {

using Pairs = std::set<std::pair<std::int32_t, std::int32_t>>;

Pairs pairs_of(const ArcParts& parts) {
  Pairs pairs;
  for (const auto& part : parts) {
    for (const Arc& arc : part) EXPECT_TRUE(pairs.emplace(arc.row, arc.col).second);
  }
  return pairs;
}

TEST(Arcs, KeepEachPairOnce) {
  Arcs arcs(3, 4);
  arcs.add({{{2, 1, 0.5}, {0, 3, 1.0}}, {{2, 1, 0.5}, {2, 0, 2.0}}});
  arcs.add({{{2, 0, 2.0}, {0, 0, 3.0}, {2, 3, 4.0}}});
  ASSERT_EQ(arcs.size(), 5U);
  const std::vector<std::size_t> start(arcs.start(), arcs.start() + 4);
  EXPECT_EQ(start, (std::vector<std::size_t>{0, 2, 2, 5}));
  const std::vector<std::int32_t> cols(arcs.cols(), arcs.cols() + 5);
  EXPECT_EQ(cols, (std::vector<std::int32_t>{3, 0, 1, 0, 3}));
  const std::vector<double> costs(arcs.costs(), arcs.costs() + 5);
  EXPECT_EQ(costs, (std::vector<double>{1.0, 3.0, 0.5, 2.0, 4.0}));
}

TEST(Candidates, AreTheNearest) {
  constexpr std::size_t kCount = 5;
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{90, 110}, {130, 40}, {3, 200}}) {
    Stage stage(make_problem(n, m, Costs::uniform, Mass::zeros, 7));
    std::vector<double> v = stage.numbers(m, 1);
    for (std::size_t j = 0; j < m; ++j) {
      if (stage.masses.demand()[j] == 0) v[j] = -kInfinity;
    }
    std::vector<double> u(n);
    Pairs expected;
    std::vector<double> minima(n);
    for (const std::int32_t i : stage.masses.rows()) {
      const auto row = static_cast<std::size_t>(i);
      std::vector<std::pair<double, std::int32_t>> reduced;
      for (const std::int32_t j : stage.masses.cols()) {
        const auto col = static_cast<std::size_t>(j);
        reduced.emplace_back(stage.cost(row, col) - v[col], j);
      }
      std::sort(reduced.begin(), reduced.end());
      minima[row] = reduced[0].first;
      for (std::size_t k = 0; k < std::min(kCount, reduced.size()); ++k) {
        expected.emplace(i, reduced[k].second);
      }
    }
    EXPECT_EQ(pairs_of(nearest_of_rows(stage.dense(), v.data(), kCount, u.data())), expected);
    for (const std::int32_t i : stage.masses.rows()) {
      EXPECT_EQ(u[static_cast<std::size_t>(i)], minima[static_cast<std::size_t>(i)]);
    }

    // Not the rows' transform, at which many of a column's arcs tie.
    u = stage.numbers(n, 2);
    expected.clear();
    for (const std::int32_t j : stage.masses.cols()) {
      std::vector<std::pair<double, std::int32_t>> reduced;
      for (const std::int32_t i : stage.masses.rows()) {
        const auto row = static_cast<std::size_t>(i);
        reduced.emplace_back(stage.cost(row, static_cast<std::size_t>(j)) - u[row], i);
      }
      std::sort(reduced.begin(), reduced.end());
      for (std::size_t k = 0; k < std::min(kCount, reduced.size()); ++k) {
        expected.emplace(reduced[k].second, j);
      }
    }
    EXPECT_EQ(pairs_of(nearest_of_cols(stage.dense(), u.data(), kCount)), expected);
  }
}

// Equal costs: as many as were asked for, and not the same columns for every row.
TEST(Candidates, SpreadOverTies) {
  Stage stage(make_problem(300, 200, Costs::equal, Mass::uniform, 1));
  const std::vector<double> zeros(300);
  std::vector<double> u(300);
  const Pairs rows = pairs_of(nearest_of_rows(stage.dense(), zeros.data(), 6, u.data()));
  EXPECT_EQ(rows.size(), 300U * 6U);
  std::set<std::int32_t> used;
  for (const auto& [i, j] : rows) used.insert(j);
  EXPECT_EQ(used.size(), 200U);
  const Pairs cols = pairs_of(nearest_of_cols(stage.dense(), u.data(), 6));
  EXPECT_EQ(cols.size(), 200U * 6U);
  used.clear();
  for (const auto& [i, j] : cols) used.insert(i);
  EXPECT_GT(used.size(), 100U);
}

TEST(Candidates, ThatAreViolatedAreFound) {
  Stage stage(make_problem(60, 70, Costs::uniform, Mass::random, 3));
  const std::vector<double> v = stage.numbers(70, 4);
  const std::vector<double> levels = stage.numbers(60, 5);
  std::vector<double> u(60);
  for (std::size_t i = 0; i < 60; ++i) u[i] = levels[i] - 1.0;
  const std::vector<double> before = u;
  Pairs expected;
  for (std::size_t i = 0; i < 60; ++i) {
    for (std::size_t j = 0; j < 70; ++j) {
      if (stage.cost(i, j) - v[j] < u[i] - 0.01) {
        expected.emplace(static_cast<std::int32_t>(i), static_cast<std::int32_t>(j));
      }
    }
  }
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(pairs_of(violated_arcs(stage.dense(), v.data(), 0.01, 1000, u.data())), expected);
  for (std::size_t i = 0; i < 60; ++i) {
    double least = kInfinity;
    for (std::size_t j = 0; j < 70; ++j) least = std::min(least, stage.cost(i, j) - v[j]);
    EXPECT_EQ(u[i], least);
  }
  u = before;
  for (const auto& [i, count] : [&] {
         std::vector<std::pair<std::int32_t, int>> counts;
         for (const auto& [row, col] :
              pairs_of(violated_arcs(stage.dense(), v.data(), 0.01, 2, u.data()))) {
           if (counts.empty() || counts.back().first != row) counts.emplace_back(row, 0);
           ++counts.back().second;
         }
         return counts;
       }()) {
    EXPECT_LE(count, 2) << "row " << i;
  }
}

TEST(StartPotentials, AreFiniteWhereThereIsMass) {
  for (const Mass mass : {Mass::uniform, Mass::zeros, Mass::spread, Mass::heavy}) {
    Stage stage(make_problem(200, 150, Costs::negative, mass, 2));
    std::vector<double> v(150);
    start_potentials(stage.dense(), v.data());
    for (std::size_t j = 0; j < 150; ++j) {
      EXPECT_EQ(std::isfinite(v[j]), stage.masses.demand()[j] > 0);
    }
  }
}

}  // namespace
}  // namespace otcore::exact
