#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/isa.h"
#include "base/masses.h"
#include "base/monitor.h"
#include "base/sizes.h"
#include "pyramid/build.h"
#include "pyramid/extraction.h"
#include "pyramid/kernels.h"
#include "pyramid/kmeans.h"
#include "pyramid/tree.h"
#include "pyramid/tuning.h"

namespace otcore::pyramid {
namespace {

template <class T>
std::vector<T> normals(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<T> numbers(count);
  for (T& x : numbers) x = static_cast<T>(normal(generator));
  return numbers;
}

std::vector<std::int32_t> all(std::size_t count) {
  std::vector<std::int32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

const Kernels& table(Isa isa) {
#if defined(OTCORE_X86_LEVELS)
  if (isa == Isa::avx512) return avx512::kKernels;
  if (isa == Isa::avx2) return avx2::kKernels;
#endif
  (void)isa;
  return baseline::kKernels;
}

template <class T>
const PointKernels<T>& kernels_of(Isa isa) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return table(isa).f32;
  } else {
    return table(isa).f64;
  }
}

// Every kernel of a level on one size, against plain loops.
template <class T>
void expect_kernels(Isa isa, std::size_t count, std::size_t dims, std::size_t centres) {
  SCOPED_TRACE(std::string(isa_name(isa)) + " " + std::to_string(count) + " points, " +
               std::to_string(dims) + " dims, " + std::to_string(centres) + " centres");
  const PointKernels<T>& kernels = kernels_of<T>(isa);
  const double tolerance = 64 * double(dims) * double{std::numeric_limits<T>::epsilon()};
  const std::vector<T> data = normals<T>(count * dims, 1);
  const std::vector<T> origin = normals<T>(dims, 2);
  std::vector<T> others = normals<T>(centres * dims, 3);
  const std::size_t panels = round_up(count, kPanel<T>) / kPanel<T>;
  const std::size_t padded = panels * kPanel<T>;

  std::vector<const T*> rows(count);
  for (std::size_t i = 0; i < count; ++i) rows[i] = data.data() + i * dims;
  std::vector<T> packed(padded * dims + 1, T(7));
  kernels.pack(rows.data(), count, dims, origin.data(), T(0.5), packed.data());
  EXPECT_EQ(packed.back(), T(7));
  const auto at = [&](std::size_t i, std::size_t k) {
    return double{packed[(i / kPanel<T> * dims + k) * kPanel<T> + i % kPanel<T>]};
  };
  for (std::size_t i = 0; i < padded; ++i) {
    for (std::size_t k = 0; k < dims; ++k) {
      const double x = i < count ? 0.5 * double{data[i * dims + k]} - double{origin[k]} : 0.0;
      ASSERT_NEAR(at(i, k), x, 4 * double{std::numeric_limits<T>::epsilon()});
    }
  }

  const Panels<T> points{packed.data(), panels, dims};
  PackedCentres<T> blocks;
  blocks.pack(others.data(), centres, dims, origin.data());
  const auto distance = [&](std::size_t i, std::size_t c) {
    double sum = 0.0;
    for (std::size_t k = 0; k < dims; ++k) {
      const double difference = at(i, k) - (double{others[c * dims + k]} - double{origin[k]});
      sum += difference * difference;
    }
    return sum;
  };
  std::vector<std::int32_t> labels(padded + 1, 99);
  kernels.assign(points, blocks.blocks.data(), blocks.half_squares.data(), centres, labels.data());
  EXPECT_EQ(labels.back(), 99);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_GE(labels[i], 0);
    ASSERT_LT(std::size_t(labels[i]), centres);
    for (std::size_t c = 0; c < centres; ++c) {
      ASSERT_LE(distance(i, std::size_t(labels[i])), distance(i, c) + tolerance * 10);
    }
  }

  // Half of the points had no label before, the others the next one.
  std::vector<std::int32_t> before(padded, -1), now(padded, -1);
  std::vector<double> sums(centres * dims, 0.25), expected = sums;
  for (std::size_t i = 0; i < count; ++i) {
    now[i] = labels[i];
    if (i % 2 == 0) before[i] = (labels[i] + 1) % std::int32_t(centres);
    if (i % 16 < 8) before[i] = now[i];
    for (std::size_t k = 0; k < dims && before[i] != now[i]; ++k) {
      expected[std::size_t(now[i]) * dims + k] += at(i, k);
      if (before[i] >= 0) expected[std::size_t(before[i]) * dims + k] -= at(i, k);
    }
  }
  kernels.add_moves(points, before.data(), now.data(), centres, sums.data());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    ASSERT_NEAR(sums[i], expected[i], tolerance * double(count));
  }

  const std::size_t tried = std::min(centres, kCentres);
  std::vector<T> squares(padded, T(0)), nearest(padded, T(0)), out(tried * padded + 1, T(7));
  for (std::size_t i = 0; i < count; ++i) {
    double square = 0.0;
    for (std::size_t k = 0; k < dims; ++k) square += at(i, k) * at(i, k);
    squares[i] = T(square);
    nearest[i] = T(i % 3 == 0 ? 0.5 : 1e6);
  }
  PackedCentres<T> candidates;
  candidates.pack(others.data(), tried, dims, origin.data());
  std::vector<double> remain(tried);
  kernels.try_seeds(points, candidates.blocks.data(), candidates.half_squares.data(), tried,
                    squares.data(), nearest.data(), out.data(), padded, remain.data());
  EXPECT_EQ(out.back(), T(7));
  for (std::size_t c = 0; c < tried; ++c) {
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
      const double left = std::min(double{nearest[i]}, distance(i, c));
      ASSERT_NEAR(double{out[c * padded + i]}, left, tolerance * 10);
      sum += left;
    }
    ASSERT_NEAR(remain[c], sum, tolerance * 10 * double(count));
  }
}

TEST(Kernels, AreRightAtEverySizeAndLevel) {
  for (const Isa isa : supported_isas()) {
    for (const std::size_t count : {1, 8, 15, 16, 17, 33, 100}) {
      for (const std::size_t dims : {1, 2, 3, 8, 15, 16, 17, 40}) {
        for (const std::size_t centres : {1, 2, 4, 5, 8, 9, 19}) {
          expect_kernels<float>(isa, count, dims, centres);
          expect_kernels<double>(isa, count, dims, centres);
        }
      }
    }
  }
}

// Two clouds, a cluster of which stands apart.
template <class T>
struct Case {
  Case(std::size_t points_x, std::size_t points_y, std::size_t dims)
      : n(points_x),
        m(points_y),
        d(dims),
        x(normals<T>(n * d, 1)),
        y(normals<T>(m * d, 2)),
        members{all(n), all(m)} {
    for (std::size_t i = 0; i < n / 3; ++i) x[i * d] += T(20);
    for (std::size_t i = 0; i < m / 4; ++i) y[i * d] += T(20);
  }
  [[nodiscard]] Clouds<T> clouds() const { return {{x.data(), n, d, d}, {y.data(), m, d, d}}; }
  Tree build(const BuildOptions& options) {
    Monitor monitor;
    return pyramid::build(clouds(), members, options, monitor);
  }

  std::size_t n, m, d;
  std::vector<T> x, y;
  std::vector<std::int32_t> members[2];
};

bool same(const Tree& left, const Tree& right) {
  const auto numbers = [](const Node& node) {
    return std::vector<std::int32_t>{node.begin[0],    node.begin[1], node.end[0], node.end[1],
                                     node.first_child, node.children, node.level};
  };
  return std::equal(left.nodes.begin(), left.nodes.end(), right.nodes.begin(), right.nodes.end(),
                    [&](const Node& a, const Node& b) { return numbers(a) == numbers(b); }) &&
         left.centres == right.centres && left.order[0] == right.order[0] &&
         left.order[1] == right.order[1];
}

template <class T>
void expect_same_for_all_threads(std::size_t n, std::size_t m, std::size_t d, Mode mode) {
  Case<T> problem(n, m, d);
  BuildOptions options;
  options.mode = mode;
  options.seed = 3;
  options.n_iter = 3;
  options.n_threads = 1;
  const Tree tree = problem.build(options);
  check_tree(tree, problem.members[0], problem.members[1]);
  for (const int threads : {2, 3}) {
    options.n_threads = threads;
    EXPECT_TRUE(same(tree, problem.build(options)));
  }
  Tree moved = tree;
  Monitor monitor;
  reassign(moved, 0, problem.clouds().x, 2, monitor);
  reassign(moved, 1, problem.clouds().y, 3, monitor);
  EXPECT_TRUE(same(tree, moved));  // nobody moved
}

TEST(Tree, IsTheSameForAllThreads) {
  for (const Mode mode : {Mode::joint, Mode::interleaving}) {
    expect_same_for_all_threads<float>(25000, 20000, 3, mode);
    expect_same_for_all_threads<double>(1000, 700, 17, mode);
    // Beyond what is packed once.
    expect_same_for_all_threads<double>(20000, 20000, 60, mode);
  }
}

TEST(KMeans, FindsClustersThatAreApart) {
  const std::size_t clusters = 5, each = 300;
  std::vector<double> points = normals<double>(clusters * each * 2, 4);
  for (std::size_t i = 0; i < clusters * each; ++i) points[2 * i] += 100.0 * double(i % clusters);
  const std::vector<std::int32_t> index = all(clusters * each);
  const std::vector<double> origin(2, 0.0);
  const Members<double> members{{points.data(), clusters * each, 2, 2}, index.data(), index.size()};
  const Blocks<double> blocks(members, {members.points, nullptr, 0}, {1.0, origin.data()});
  Workspace<double> workspace;
  KMeans<double> kmeans(clusters, 20);
  std::vector<std::int32_t> labels(index.size());
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    kmeans.run(blocks, random, {&workspace, 1, nullptr}, labels.data());
    ASSERT_EQ(kmeans.count(), clusters);
    for (std::size_t i = 0; i < labels.size(); ++i) EXPECT_EQ(labels[i], labels[i % clusters]);
  }
}

TEST(KMeans, GivesFewerCentresWhereThereAreFewerPoints) {
  const std::vector<float> points = {1, 1, 1, 1, 2, 2, 3, 3, 3};
  const std::vector<std::int32_t> index = all(points.size());
  const float origin = 0;
  const Members<float> members{{points.data(), points.size(), 1, 1}, index.data(), index.size()};
  const Blocks<float> blocks(members, {members.points, nullptr, 0}, {1.0F, &origin});
  Workspace<float> workspace;
  KMeans<float> kmeans(8, 10);
  std::vector<std::int32_t> labels(points.size());
  Random random(1);
  kmeans.run(blocks, random, {&workspace, 1, nullptr}, labels.data());
  EXPECT_EQ(kmeans.count(), 3U);
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(kmeans.centres()[std::size_t(labels[i])], points[i]);
  }
}

TEST(Extraction, PartitionsThePoints) {
  for (const Mode mode : {Mode::joint, Mode::interleaving}) {
    Case<float> problem(1000, 1000, 3);
    BuildOptions options;
    options.mode = mode;
    options.leaf_size = 10;
    const Tree tree = problem.build(options);
    for (const std::size_t m : {1, 7, 100, 5000}) {
      const Pass pass = extract(tree, nullptr, m, 5);
      EXPECT_TRUE(pass.x.mass.empty());
      for (const Batches* side : {&pass.x, &pass.y}) {
        EXPECT_EQ(side->offsets.size(), (1000 + m - 1) / m + 1);
        std::vector<std::int64_t> points = side->index;
        std::sort(points.begin(), points.end());
        for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(points[i], std::int64_t(i));
      }
      EXPECT_EQ(pass.x.offsets, pass.y.offsets);
    }
  }
}

TEST(Extraction, HasTheMarginals) {
  Case<double> problem(300, 170, 2);
  BuildOptions options;
  options.leaf_size = 8;
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> a(300), b(170);
  for (double& weight : a) weight = std::pow(uniform(generator), 6);
  for (double& weight : b) weight = std::pow(uniform(generator), 6);
  a[7] = b[9] = 0.0;
  const double ratio =
      std::accumulate(a.begin(), a.end(), 0.0) / std::accumulate(b.begin(), b.end(), 0.0);
  for (double& weight : b) weight *= ratio;
  Masses masses(300, 170);
  masses.set(a.data(), b.data(), 1e-6);
  problem.members[0] = masses.rows();
  problem.members[1] = masses.cols();
  const Tree tree = problem.build(options);
  for (const std::size_t m : {1, 5, 64}) {
    const Pass pass = extract(tree, &masses, m, 2);
    std::vector<double> of_x(300), of_y(170);
    ASSERT_EQ(pass.x.offsets.size(), pass.y.offsets.size());
    for (std::size_t batch = 0; batch + 1 < pass.x.offsets.size(); ++batch) {
      double sums[2] = {0.0, 0.0};
      const auto add = [&](const Batches& side, std::vector<double>& total, double& sum) {
        const auto begin = std::size_t(side.offsets[batch]);
        const auto end = std::size_t(side.offsets[batch + 1]);
        EXPECT_GE(end, begin + 1);
        EXPECT_LE(end, begin + m);
        for (std::size_t e = begin; e < end; ++e) {
          total[std::size_t(side.index[e])] += side.mass[e];
          sum += side.mass[e];
        }
      };
      add(pass.x, of_x, sums[0]);
      add(pass.y, of_y, sums[1]);
      EXPECT_NEAR(sums[0], sums[1], 1e-12);
    }
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(of_x[i], a[i], 1e-12);
    for (std::size_t j = 0; j < b.size(); ++j) EXPECT_NEAR(of_y[j], b[j], 1e-12);
  }
  const std::vector<double> taken = taken_per_level(tree, &masses);
  EXPECT_NEAR(std::accumulate(taken.begin(), taken.end(), 0.0), 1.0, 1e-12);
}

TEST(Pyramid, ErrorsNameTheirArgument) {
  Case<float> problem(50, 40, 2);
  const auto expect = [&](const BuildOptions& options, const char* argument) {
    try {
      problem.build(options);
      FAIL() << argument;
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.argument(), argument);
    }
  };
  expect({.branching = 1}, "branching");
  expect({.leaf_size = 0}, "leaf_size");
  Tree tree = problem.build({.leaf_size = 5});
  EXPECT_THROW(extract(tree, nullptr, 0, 1), InvalidArgument);
  problem.y[3] = std::numeric_limits<float>::infinity();
  expect({}, "Y");
  tree.nodes[1].end[0] += 1;
  EXPECT_THROW(check_tree(tree, problem.members[0], problem.members[1]), InvalidArgument);
}

TEST(Pyramid, StopsWhenItIsAskedTo) {
  Case<float> problem(2000, 2000, 2);
  Monitor monitor([] { return false; }, {}, 0.0);
  monitor.poll();
  const Tree tree = pyramid::build(problem.clouds(), problem.members, {}, monitor);
  EXPECT_EQ(tree.nodes.size(), 1U);
}

}  // namespace
}  // namespace otcore::pyramid
