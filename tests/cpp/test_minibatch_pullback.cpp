// Gradients of sliced tables in the points: by columns as by rows, however much is kept, and where
// columns have to give up.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "base/monitor.h"
#include "minibatch/places.h"
#include "minibatch/sliced_columns.h"
#include "minibatch/sliced_table.h"
#include "minibatch_problems.h"

namespace otcore::minibatch {
namespace {

template <class T>
struct Sliced {
  Sliced(std::size_t dims, std::size_t slices, std::size_t points) : d(dims), m(points) {
    const auto fill = [](std::vector<T>& to, std::size_t count, std::uint64_t stream) {
      for (const double u : uniform_numbers(count, stream)) to.push_back(static_cast<T>(u - 0.5));
    };
    fill(x, kPoints * d, 1);
    fill(y, kPoints * d, 2);
    fill(directions, slices * d, 3);
    batches_x = draw(kPoints, kBatches, m, Sampling::independent, {}, 1);
    batches_y = draw(kPoints, kBatches, m, Sampling::independent, {}, 2);
  }

  // By columns, or, with weights that are all the same, by rows.
  [[nodiscard]] std::pair<Numbers, Numbers> gradients(bool rows, double p, const Numbers& weights,
                                                      bool diagonal, int n_threads = 2,
                                                      bool keep = true) const {
    const Numbers equal(kPoints, 0.25);
    const auto side = [&](const std::vector<T>& points) {
      return Side<T>{{points.data(), kPoints, d, d}, rows ? equal.data() : nullptr, kBatches, m};
    };
    SlicedTable<T> table(side(x), side(y),
                         {.directions = {directions.data(), directions.size() / d, d, d},
                          .p = p,
                          .diagonal = diagonal,
                          .keep = keep,
                          .n_threads = n_threads});
    Monitor monitor;
    table.solve(batches_x.data(), batches_y.data(), monitor);
    std::pair found{Numbers(kBatches * m * d, 7.0), Numbers(kBatches * m * d, 7.0)};
    table.points_gradient(weights.data(), found.first.data(), found.second.data(), monitor);
    return found;
  }

  void expect_alike(double p, const Numbers& weights, bool diagonal, double tolerance) const {
    const auto by_rows = gradients(true, p, weights, diagonal);
    const auto by_columns = gradients(false, p, weights, diagonal);
    for (const auto& [expected, found] : {std::pair(by_rows.first, by_columns.first),
                                          std::pair(by_rows.second, by_columns.second)}) {
      double largest = 0.0;
      for (const double g : expected) largest = std::max(largest, std::abs(g));
      for (std::size_t k = 0; k < found.size(); ++k) {
        ASSERT_NEAR(found[k], expected[k], tolerance * largest) << p << " " << k;
      }
    }
  }

  static constexpr std::size_t kPoints = 300, kBatches = 3;
  std::size_t d, m;
  std::vector<T> x, y, directions;
  Indices batches_x, batches_y;
};

const Numbers kWeights = {0.5, 0.0, 1.0, 0.0, 2.0, -1.0, 0.0, 0.0, 0.0};

template <class T>
class PullBackOf : public ::testing::Test {
 protected:
  static constexpr double kTolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;
};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(PullBackOf, Types, );

TYPED_TEST(PullBackOf, ColumnsGiveWhatRowsGive) {
  for (const std::size_t m : {1, 5, 16, 100}) {
    for (const std::size_t slices : {1, 16, 131}) {
      for (const std::size_t d : {1, 3, 16, 35}) {
        const Sliced<TypeParam> problem(d, slices, m);
        for (const double p : {1.0, 2.0}) {
          problem.expect_alike(p, kWeights, false, this->kTolerance);
          problem.expect_alike(p, {0.5, 0.0, 1.0}, true, this->kTolerance);
        }
      }
    }
  }
}

// Tiny and huge weights: the scale of the slopes is that of the projections.
TYPED_TEST(PullBackOf, WeightsOfAnyScale) {
  const Sliced<TypeParam> problem(3, 20, 30);
  for (const double scale : {1e-200, 1e200}) {
    Numbers weights = kWeights;
    for (double& weight : weights) weight *= scale;
    problem.expect_alike(2.0, weights, false, this->kTolerance);
  }
  const auto zero = problem.gradients(false, 2.0, Numbers(9), false);
  EXPECT_EQ(zero.first, Numbers(zero.first.size()));
  Numbers unknown = kWeights;
  unknown[4] = std::numeric_limits<double>::quiet_NaN();
  const auto found =
      problem.gradients(false, 2.0, unknown, false).first;  // of batch 1, which it is of
  EXPECT_TRUE(std::isnan(found[30 * 3]));
  EXPECT_TRUE(std::isfinite(found[0]));
}

// One point so far away that the others share a step of the grid.
TYPED_TEST(PullBackOf, RowsWhereColumnsGiveUp) {
  Sliced<TypeParam> problem(3, 20, 100);
  const auto far = static_cast<std::size_t>(problem.batches_x[7]);
  problem.x[far * 3] = sizeof(TypeParam) == 4 ? TypeParam(1e15) : TypeParam(1e100);
  problem.expect_alike(2.0, kWeights, false, this->kTolerance);
}

TYPED_TEST(PullBackOf, IsBitIdenticalForAnyThreadsKeptOrNot) {
  const Sliced<TypeParam> problem(20, 150, 140);
  const auto one = problem.gradients(false, 2.0, kWeights, false, 1);
  for (const int n_threads : {2, 5}) {
    for (const bool keep : {false, true}) {
      EXPECT_EQ(problem.gradients(false, 2.0, kWeights, false, n_threads, keep), one);
    }
  }
}

// Projections that are not kept, but made again piece by piece.
TEST(PullBack, OfMoreThanIsKept) {
  const Sliced<double> problem(1, 7000, 120);
  const Side<double> side{{problem.x.data(), 300, 1, 1}, nullptr, 3, 120};
  const SlicedBatches<double> batches(side, side, {problem.directions.data(), 7000, 1, 1});
  ASSERT_FALSE(SlicedColumns<double>::fit(batches));
  problem.expect_alike(2.0, kWeights, false, 1e-13);
}

TEST(Places, OfAPointAreAddedUp) {
  const std::vector<float> points(5 * 2);
  const Indices batches = {3, 0, 3, 1, 3, 0};
  const Numbers by_place = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  std::vector<float> out(5 * 2, 7.0f);
  add_up_places<float>({{points.data(), 5, 2, 2}, nullptr, 3, 2}, batches.data(), by_place.data(),
                       2, out.data());
  EXPECT_EQ(out, (std::vector<float>{14, 16, 7, 8, 0, 0, 15, 18, 0, 0}));
}

}  // namespace
}  // namespace otcore::minibatch
