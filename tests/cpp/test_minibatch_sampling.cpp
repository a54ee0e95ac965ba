// Random numbers, and the batches that are drawn with them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <vector>

#include "base/random.h"
#include "minibatch/sampling.h"
#include "minibatch_problems.h"

namespace otcore::minibatch {
namespace {

bool distinct(const std::int64_t* first, std::size_t count) {
  return std::set<std::int64_t>(first, first + count).size() == count;
}

// From an implementation in exact integers that follows the papers.
TEST(Random, IsTheSameEverywhere) {
  Random random(42, 3);
  EXPECT_EQ(random.next(), 0x6b554cdb425ff5c5U);
  EXPECT_EQ(random.next(), 0x503749639acd89acU);
  EXPECT_EQ(random.next(), 0x47045c0bf7357fa9U);
}

TEST(Random, SeedsAndStreamsDiffer) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (std::uint64_t stream = 0; stream < 50; ++stream) first.insert(Random(seed, stream).next());
  }
  EXPECT_EQ(first.size(), 2500U);
}

TEST(Random, RepeatsItself) {
  Random left(5, 9);
  Random right(5, 9);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(left.next(), right.next());
}

TEST(Random, BelowIsUniform) {
  for (const std::uint64_t bound : {1U, 2U, 3U, 7U, 100U}) {
    Random random(1, bound);
    std::vector<double> counts(bound, 0.0);
    constexpr int kDraws = 100000;
    for (int i = 0; i < kDraws; ++i) {
      const std::uint64_t x = random.below(bound);
      ASSERT_LT(x, bound);
      counts[x] += 1.0;
    }
    const double expected = kDraws / static_cast<double>(bound);
    for (const double count : counts) EXPECT_NEAR(count, expected, 6.0 * std::sqrt(expected));
  }
}

TEST(Random, BelowHasNoModuloBias) {
  // For 3 * 2^62 a remainder would hit the lowest third twice as often.
  constexpr std::uint64_t kBound = std::uint64_t{3} << 62;
  Random random(2);
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += random.below(kBound) < kBound / 3 ? 1 : 0;
  EXPECT_NEAR(low, 10000, 500);
}

TEST(Sampling, BatchesAreDistinctAndInRange) {
  for (const std::size_t n : {1U, 2U, 10U, 1000U}) {
    for (std::size_t m = 1; m <= std::min<std::size_t>(n, 40); ++m) {
      const Indices out = draw(n, 5, m, Sampling::independent);
      for (std::size_t b = 0; b < 5; ++b) ASSERT_TRUE(distinct(&out[b * m], m));
      ASSERT_TRUE(std::all_of(out.begin(), out.end(), [&](std::int64_t i) {
        return i >= 0 && i < static_cast<std::int64_t>(n);
      }));
    }
  }
}

TEST(Sampling, EveryOrderedSampleIsEquallyLikely) {
  // 4 * 3 = 12 ordered pairs of 4 points.
  std::vector<double> counts(16, 0.0);
  DistinctSampler sampler;
  Random random(4);
  constexpr int kDraws = 60000;
  for (int i = 0; i < kDraws; ++i) {
    std::int64_t pair[2];
    sampler.draw(random, 4, 2, pair);
    counts[static_cast<std::size_t>(4 * pair[0] + pair[1])] += 1.0;
  }
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      EXPECT_NEAR(counts[4 * i + j], i == j ? 0.0 : kDraws / 12.0, 6.0 * std::sqrt(kDraws / 12.0));
    }
  }
}

TEST(Sampling, HugeRangesCostNothing) {
  const std::size_t n = std::size_t{1} << 60;
  const Indices out = draw(n, 3, 100, Sampling::independent);
  EXPECT_TRUE(distinct(out.data(), 300));
}

TEST(Sampling, DisjointBatchesPartition) {
  const Indices out = draw(12, 3, 4, Sampling::disjoint);
  EXPECT_TRUE(distinct(out.data(), 12));
  EXPECT_TRUE(distinct(draw(100, 7, 9, Sampling::disjoint).data(), 63));
}

TEST(Sampling, ReplacementRepeats) {
  const Indices out = draw(3, 2, 50, Sampling::with_replacement);
  EXPECT_EQ(std::set<std::int64_t>(out.begin(), out.end()).size(), 3U);
}

TEST(Sampling, ClassesAreBalanced) {
  // Class 0: 50 points, class 5: 7 points, class -2: 43 points.
  std::vector<std::int64_t> labels(100);
  for (std::size_t i = 0; i < 100; ++i) labels[i] = i < 50 ? 0 : i < 57 ? 5 : -2;
  for (const Sampling sampling : {Sampling::independent, Sampling::with_replacement}) {
    for (const std::size_t m : {1U, 2U, 3U, 7U, 20U, 21U}) {
      const Indices out = draw(100, 4, m, sampling, labels);
      for (std::size_t b = 0; b < 4; ++b) {
        for (const std::int64_t label : {0, 5, -2}) {
          std::size_t held = 0;
          for (std::size_t r = 0; r < m; ++r) {
            held += labels[static_cast<std::size_t>(out[b * m + r])] == label ? 1U : 0U;
          }
          EXPECT_GE(held, m / 3);
          EXPECT_LE(held, (m + 2) / 3);
        }
      }
    }
  }
  EXPECT_TRUE(distinct(draw(100, 2, 9, Sampling::disjoint, labels).data(), 18));
}

TEST(Sampling, RemainderGoesToRandomClasses) {
  std::vector<std::int64_t> labels(30);
  std::iota(labels.begin(), labels.end(), 0);
  for (std::int64_t& label : labels) label %= 3;
  std::vector<double> counts(3, 0.0);
  const Indices out = draw(30, 30000, 1, Sampling::independent, labels);
  for (const std::int64_t i : out) counts[static_cast<std::size_t>(i % 3)] += 1.0;
  for (const double count : counts) EXPECT_NEAR(count, 10000.0, 600.0);
}

TEST(Sampling, RefusesWhatCannotBeDrawn) {
  const std::vector<std::int64_t> labels{0, 0, 0, 0, 1};
  EXPECT_EQ(invalid_argument_of([] { draw(5, 1, 6, Sampling::independent); }), "m");
  EXPECT_EQ(invalid_argument_of([] { draw(5, 2, 3, Sampling::disjoint); }), "k, m");
  EXPECT_EQ(invalid_argument_of([] { draw(5, 0, 3, Sampling::disjoint); }), "k");
  EXPECT_EQ(invalid_argument_of([] { draw(5, 1, 0, Sampling::independent); }), "m");
  EXPECT_EQ(invalid_argument_of([] { draw(0, 1, 1, Sampling::with_replacement); }), "X");
  EXPECT_EQ(invalid_argument_of([&] { draw(5, 1, 4, Sampling::independent, labels); }), "labels_x");
  EXPECT_EQ(invalid_argument_of([&] { draw(5, 2, 2, Sampling::disjoint, labels); }), "labels_x");
  EXPECT_EQ(
      invalid_argument_of([] { draw(5, std::size_t{1} << 62, 16, Sampling::with_replacement); }),
      "k * m");
}

}  // namespace
}  // namespace otcore::minibatch
