// The exact room's kernels: every instruction-set level gives the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "exact/kernels.h"
#include "exact_levels.h"

namespace otcore::exact {
namespace {

TEST(Levels, GiveTheSameAssignment) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const std::size_t n = 1 + 5 * seed % 43;
    const std::size_t stride = (n + 7) / 8 * 8;
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> unit;
    std::vector<double> costs(n * stride, std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        costs[i * stride + j] = seed % 2 == 0 ? unit(generator) : std::floor(5 * unit(generator));
      }
    }
    std::vector<std::int64_t> first;
    for (const Kernels* level : every_level()) {
      std::vector<double> v(stride), dist(stride), open_v(stride), closed_dist(n);
      std::vector<std::int64_t> row_of_col(stride), col_of_row(n), free_rows(n), pred(stride);
      std::vector<std::int64_t> closed(n);
      level->assign({n, stride, costs.data(), v.data(), row_of_col.data(), col_of_row.data(),
                     free_rows.data(), pred.data(), dist.data(), open_v.data(), closed.data(),
                     closed_dist.data()});
      if (first.empty()) first = col_of_row;
      EXPECT_EQ(col_of_row, first) << "n = " << n;
    }
  }
}

template <class T>
void expect_same_sweeps(std::size_t n, std::size_t m) {
  std::mt19937 generator(static_cast<std::uint32_t>(n * 100 + m));
  std::uniform_real_distribution<double> unit;
  std::vector<T> costs(n * m);
  for (T& c : costs) c = static_cast<T>(std::floor(50 * unit(generator)) / 8);
  std::vector<double> minus_u(n), v(m);
  for (auto* side : {&minus_u, &v}) {
    for (double& x : *side) x = std::floor(10 * unit(generator)) / 8;
  }
  std::vector<std::int32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0);
  const auto kernels_of = [](const Kernels* level) -> const CostKernels<T>& {
    if constexpr (sizeof(T) == 4) {
      return level->f32;
    } else {
      return level->f64;
    }
  };
  const CostKernels<T>& base = kernels_of(&baseline::kKernels);
  for (const Kernels* level : every_level()) {
    const CostKernels<T>& kernel = kernels_of(level);
    for (std::size_t start = 0; start < n; ++start) {
      const auto args = [&](const CostKernels<T>& k) {
        return k.price(costs.data(), m, 0.5, rows.data(), n, m, minus_u.data(), v.data(), start, 3,
                       0.25);
      };
      const Entering expected = args(base);
      const Entering arc = args(kernel);
      EXPECT_EQ(arc.position, expected.position);
      EXPECT_EQ(arc.col, expected.col);
      EXPECT_EQ(arc.reduced, expected.reduced);
      if (arc.position < 0) continue;
      const auto i = static_cast<std::size_t>(arc.position);
      EXPECT_EQ(arc.reduced,
                static_cast<double>(costs[i * m + arc.col]) * 0.5 - v[arc.col] + minus_u[i]);
    }
    const CostRange range = kernel.range(costs.data(), m, n, m);
    EXPECT_TRUE(range.finite);
    EXPECT_EQ(range.low, static_cast<double>(*std::min_element(costs.begin(), costs.end())));
    EXPECT_EQ(range.high, static_cast<double>(*std::max_element(costs.begin(), costs.end())));
    std::vector<T> spoiled = costs;
    spoiled[n * m / 2] = std::numeric_limits<T>::quiet_NaN();
    EXPECT_FALSE(kernel.range(spoiled.data(), m, n, m).finite);
    spoiled[n * m / 2] = -std::numeric_limits<T>::infinity();
    const std::size_t padded = (m + 7) / 8 * 8;
    std::vector<double> packed(n * padded);
    EXPECT_FALSE(kernel.pack(spoiled.data(), m, n, m, packed.data(), padded).finite);
    EXPECT_TRUE(kernel.pack(costs.data(), m, n, m, packed.data(), padded).finite);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < padded; ++j) {
        EXPECT_EQ(packed[i * padded + j], j < m ? static_cast<double>(costs[i * m + j])
                                                : std::numeric_limits<double>::infinity());
      }
    }
  }
}

TEST(Levels, GiveTheSameSweeps) {
  for (const std::size_t n : {1, 5, 12}) {
    for (const std::size_t m : {1, 7, 8, 9, 31, 40}) {
      expect_same_sweeps<float>(n, m);
      expect_same_sweeps<double>(n, m);
    }
  }
}

std::vector<double> eighths(std::size_t count, std::mt19937& generator) {
  std::uniform_int_distribution<int> number(0, 80);
  std::vector<double> numbers(count);
  for (double& x : numbers) x = number(generator) / 8.0;
  return numbers;
}

// Against the definitions: numbers are multiples of 1/8, so that sums are exact.
template <class T>
void expect_candidate_sweeps(std::size_t m, const CostKernels<T>& kernel) {
  std::mt19937 generator(static_cast<std::uint32_t>(m));
  const std::vector<double> numbers = eighths(m, generator);
  const std::vector<T> row(numbers.begin(), numbers.end());
  const std::vector<double> v = eighths(m, generator);
  std::vector<double> minima(kMinimumGroups);
  kernel.group_minima(row.data(), 0.5, v.data(), m, minima.data());
  std::vector<double> expected(kMinimumGroups, std::numeric_limits<double>::infinity());
  std::vector<std::int32_t> below;
  std::vector<double> folded = v;
  for (std::size_t j = 0; j < m; ++j) {
    const double cost = 0.5 * static_cast<double>(row[j]);
    double& least = expected[j % kMinimumGroups];
    least = std::min(least, cost - v[j]);
    if (cost - v[j] < -1.0) below.push_back(static_cast<std::int32_t>(j));
    folded[j] = std::min(folded[j], cost - 3.0);
  }
  EXPECT_EQ(minima, expected);
  std::vector<std::int32_t> found(m);
  found.resize(kernel.below(row.data(), 0.5, v.data(), m, -1.0, found.data()));
  EXPECT_EQ(found, below);
  std::vector<double> minima_of_cols = v;
  kernel.fold_minima(row.data(), 0.5, 3.0, m, minima_of_cols.data());
  EXPECT_EQ(minima_of_cols, folded);
}

TEST(Levels, SweepForCandidates) {
  for (const Kernels* level : every_level()) {
    for (const std::size_t m : {1, 7, 8, 71, 72, 73, 150, 300}) {
      expect_candidate_sweeps(m, level->f32);
      expect_candidate_sweeps(m, level->f64);
    }
  }
}

TEST(Levels, FindTheTwoCheapestArcs) {
  std::mt19937 generator(5);
  const std::vector<double> prices = eighths(60, generator);
  for (const Kernels* level : every_level()) {
    for (std::size_t count = 1; count < 40; ++count) {
      std::vector<std::int32_t> cols(60);
      std::iota(cols.begin(), cols.end(), 0);
      std::shuffle(cols.begin(), cols.end(), generator);
      const std::vector<double> costs = eighths(count, generator);
      std::vector<double> sums(count);
      for (std::size_t k = 0; k < count; ++k) {
        sums[k] = costs[k] + prices[static_cast<std::size_t>(cols[k])];
      }
      const Cheapest best = level->two_cheapest(cols.data(), costs.data(), count, prices.data());
      const auto first = std::min_element(sums.begin(), sums.end());
      EXPECT_EQ(best.arc, static_cast<std::size_t>(first - sums.begin()));
      EXPECT_EQ(best.price, *first);
      *first = std::numeric_limits<double>::infinity();
      EXPECT_EQ(best.second, *std::min_element(sums.begin(), sums.end()));
    }
  }
}

TEST(Levels, PriceTheSameArcs) {
  constexpr std::size_t kRows = 12;
  constexpr std::size_t kCols = 50;
  std::mt19937 generator(6);
  const std::vector<double> minus_u = eighths(kRows, generator);
  const std::vector<double> v = eighths(kCols, generator);
  std::vector<std::size_t> starts{0};
  std::vector<std::int32_t> cols;
  std::vector<std::int32_t> rows(kRows);
  std::iota(rows.begin(), rows.end(), 0);
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = i; j < kCols; j += 1 + i % 4) cols.push_back(static_cast<std::int32_t>(j));
    starts.push_back(cols.size());
  }
  const std::vector<double> costs = eighths(cols.size(), generator);
  const auto reduced = [&](std::size_t i, std::size_t k) {
    return costs[k] - v[static_cast<std::size_t>(cols[k])] + minus_u[i];
  };
  for (const Kernels* level : every_level()) {
    for (std::size_t start = 0; start < kRows; ++start) {
      for (const double tolerance : {0.25, 2.0, 100.0}) {
        // Blocks of one arc: the first row in turn that has an arc below, and its best.
        const EnteringArc found =
            level->price_arcs(starts.data(), cols.data(), costs.data(), rows.data(), kRows,
                              minus_u.data(), v.data(), start, 1, tolerance);
        std::ptrdiff_t position = -1;
        std::size_t arc = 0;
        for (std::size_t turn = 0; turn < kRows && position < 0; ++turn) {
          const std::size_t i = (start + turn) % kRows;
          double best = -tolerance;
          for (std::size_t k = starts[i]; k < starts[i + 1]; ++k) {
            if (reduced(i, k) >= best) continue;
            best = reduced(i, k);
            arc = k;
            position = static_cast<std::ptrdiff_t>(i);
          }
        }
        ASSERT_EQ(found.position, position);
        if (position < 0) continue;
        EXPECT_EQ(found.arc, arc);
        EXPECT_EQ(found.reduced, reduced(static_cast<std::size_t>(position), arc));
      }
    }
  }
}

}  // namespace
}  // namespace otcore::exact
