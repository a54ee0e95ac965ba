// Sides of problems between points: their order, blocks, clusters and costs.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "base/sizes.h"
#include "cost/tiles.h"
#include "exact/cloud.h"
#include "exact/tuning.h"
#include "exact_clouds.h"

namespace otcore::exact {
namespace {

constexpr long double kUnit = 0x1p-53L;
constexpr cost::Metric kSquares{};

long double distance(const double* x, const double* y, std::size_t dims) {
  long double sum = 0.0L;
  for (std::size_t k = 0; k < dims; ++k) {
    const long double difference = static_cast<long double>(x[k]) - static_cast<long double>(y[k]);
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

std::vector<double> mean_of(const CloudStage& stage, std::size_t first, std::size_t last) {
  std::vector<double> mean(stage.dims);
  const cost::PointSet<double> members{view_of(stage.points_x, stage.dims),
                                       stage.x->order().data() + first, last - first};
  cost::mean(members, mean.data());
  return mean;
}

const double* point(const CloudStage& stage, std::size_t place) {
  return stage.points_x.data() + static_cast<std::size_t>(stage.x->order()[place]) * stage.dims;
}

TEST(CloudSide, OrdersThePointsItWasGiven) {
  const std::vector<double> points = make_points(200, 3, Shape::normal, 1);
  std::vector<std::int64_t> some;
  for (std::int64_t i = 0; i < 200; i += 1 + i % 2) some.push_back(i);
  const CloudSide side(
      kSquares, cost::PointSet<double>{view_of(points, 3), some.data(), some.size()},
      std::make_shared<const CloudFrame>(CloudFrame{std::vector<double>(3), 1.0, nullptr}));
  ASSERT_EQ(side.size(), some.size());
  std::vector<std::int64_t> order = side.order();
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, some);
}

TEST(CloudSide, CutsAnyNumberIntoBlocks) {
  for (const std::size_t n : {1, 7, 8, 9, 47, 48, 49, 96, 97, 145, 500}) {
    for (const Shape shape : {Shape::normal, Shape::equal}) {
      const CloudStage stage(kSquares, n, 1, 2, shape, 2);
      std::vector<std::int64_t> order = stage.x->order();
      std::sort(order.begin(), order.end());
      std::vector<std::int64_t> all(n);
      std::iota(all.begin(), all.end(), std::int64_t{0});
      EXPECT_EQ(order, all);
      std::size_t sum = 0;
      for (std::size_t b = 0; b < stage.x->blocks(); ++b) {
        const std::size_t size = stage.x->block_size(b);
        EXPECT_GT(size, 0U);
        EXPECT_LE(size, kBlockPoints);
        sum += size;
      }
      EXPECT_EQ(sum, n);
    }
  }
}

// Blocks of points in the plane are compact: far smaller than those of neighbours in any order.
TEST(CloudSide, KeepsNeighboursTogether) {
  const CloudStage stage(kSquares, kBlockPoints * 64, 1, 2, Shape::normal, 3);
  std::vector<double> radii;
  for (std::size_t b = 0; b < stage.x->blocks(); ++b) radii.push_back(stage.x->radius(b));
  std::sort(radii.begin(), radii.end());
  EXPECT_LT(radii[32], 0.5);  // a square with a 64th of the mass in the middle: 0.22
  EXPECT_LT(radii[63], 3.0);
}

TEST(CloudSide, HasBallsAroundItsBlocks) {
  for (const Shape shape : every_shape()) {
    for (const std::size_t dims : {1, 2, 17, 100}) {
      const CloudStage stage(kSquares, 131, 20, dims, shape, 4);
      const CloudSide& side = *stage.x;
      ASSERT_TRUE(side.has_balls() && side.has_locals());
      ASSERT_EQ(side.local_dims(), dims);
      for (std::size_t b = 0; b < side.blocks(); ++b) {
        SCOPED_TRACE("block " + std::to_string(b) + " of " + stage.name());
        const std::size_t first = b * kBlockPoints;
        const std::size_t size = side.block_size(b);
        const std::vector<double> mean = mean_of(stage, first, first + size);
        long double farthest = 0.0L;
        for (std::size_t k = 0; k < size; ++k) {
          const double* x = point(stage, first + k);
          farthest = std::max(farthest, distance(x, mean.data(), dims));
          for (std::size_t c = 0; c < dims; ++c) {
            const auto local = static_cast<float>((x[c] - mean[c]) * stage.local_scale());
            EXPECT_EQ(side.local_row(first + k)[c], local);
            EXPECT_EQ(side.local_cols(b)[c * kBlockPoints + k], local);
          }
        }
        for (std::size_t k = size; k < kBlockPoints; ++k) {
          for (std::size_t c = 0; c < dims; ++c) {
            EXPECT_EQ(side.local_cols(b)[c * kBlockPoints + k], 0.0F);
          }
        }
        // Half the relative error of squared distances (docs/numerics.md), and that of a root.
        const long double error = (16.0L * static_cast<long double>(dims + 4) + 1.0L) * kUnit;
        EXPECT_NEAR(side.radius(b), static_cast<double>(farthest),
                    static_cast<double>(error * farthest));
      }
    }
  }
}

// Of many coordinates, fewer: their products are no less than the points', but for the rounding
// that bounds allow for.
TEST(CloudSide, HasShadowsThatBoundProducts) {
  for (const Shape shape : {Shape::far, Shape::mixed, Shape::outlier}) {
    const CloudStage stage(kSquares, 59, 60, kLeastShadowedDims + 3, shape, 8);
    const CloudSide& side = *stage.x;
    ASSERT_LT(side.local_dims(), stage.dims);
    const double scale = stage.local_scale();
    double shortest = 0.0;
    for (std::size_t b = 0; b < side.blocks(); ++b) {
      const std::size_t first = b * kBlockPoints;
      const std::vector<double> mean = mean_of(stage, first, first + side.block_size(b));
      for (std::size_t k = 0; k < side.block_size(b); ++k) {
        for (std::size_t l = 0; l < side.block_size(b); ++l) {
          long double product = 0.0L;
          for (std::size_t c = 0; c < stage.dims; ++c) {
            product += (static_cast<long double>(point(stage, first + k)[c]) - mean[c]) *
                       (static_cast<long double>(point(stage, first + l)[c]) - mean[c]);
          }
          long double bound = 0.0L;
          for (std::size_t c = 0; c < side.local_dims(); ++c) {
            EXPECT_EQ(side.local_row(first + l)[c], side.local_cols(b)[c * kBlockPoints + l]);
            bound += static_cast<long double>(side.local_row(first + k)[c]) *
                     static_cast<long double>(side.local_cols(b)[c * kBlockPoints + l]);
          }
          const long double reach = side.radius(b) * side.radius(b);
          const auto least = static_cast<double>((product - 0x1p-22L * reach) * scale * scale);
          shortest = std::min(shortest, static_cast<double>(bound) - least);
        }
      }
    }
    const double rounding = 32.0 * static_cast<double>(stage.dims + 8) * 0x1p-53 * stage.largest;
    EXPECT_GE(shortest, -rounding * scale * scale);
  }
}

TEST(CloudSide, HasClustersThatAreMeans) {
  for (const cost::Metric& metric : every_metric()) {
    for (const std::size_t n : {1, 8, 61}) {
      const CloudStage stage(metric, n, 1, 3, Shape::normal, 5);
      const MatrixView<const double> clusters = stage.x->clusters();
      ASSERT_EQ(clusters.rows, (n + kPointsPerCluster - 1) / kPointsPerCluster);
      for (std::size_t k = 0; k < clusters.rows; ++k) {
        const std::size_t first = k * kPointsPerCluster;
        const std::size_t last = std::min(n, first + kPointsPerCluster);
        for (std::size_t c = 0; c < 3; ++c) {
          if (metric.kind == cost::Kind::cosine) {  // a mean could be zero
            EXPECT_EQ(clusters.row(k)[c], point(stage, first)[c]);
            continue;
          }
          long double sum = 0.0L;
          long double moduli = 0.0L;
          for (std::size_t i = first; i < last; ++i) {
            sum += point(stage, i)[c];
            moduli += std::abs(point(stage, i)[c]);
          }
          const auto count = static_cast<long double>(last - first);
          EXPECT_NEAR(clusters.row(k)[c], static_cast<double>(sum / count),
                      static_cast<double>(2 * kPointsPerCluster * kUnit * moduli / count));
        }
      }
      EXPECT_EQ(stage.x->has_balls(), metric.power() == 1.0 || metric.power() == 2.0);
      EXPECT_EQ(stage.x->has_locals(), metric.power() == 2.0);
    }
  }
}

TEST(CloudSide, ReadsFloats) {
  const std::vector<double> points = make_points(100, 3, Shape::far, 6);
  const std::vector<float> narrow(points.begin(), points.end());
  const std::vector<double> wide(narrow.begin(), narrow.end());
  std::vector<std::int64_t> index(100);
  std::iota(index.begin(), index.end(), std::int64_t{0});
  const auto frame = std::make_shared<const CloudFrame>(CloudFrame{{1e6, 1e6, 1e6}, 0.25, nullptr});
  const MatrixView<const float> floats{narrow.data(), 100, 3, 3};
  const CloudSide one(kSquares, cost::PointSet<float>{floats, index.data(), 100}, frame);
  const CloudSide other(kSquares, cost::PointSet<double>{view_of(wide, 3), index.data(), 100},
                        frame);
  EXPECT_EQ(one.order(), other.order());
  Monitor monitor;
  const CloudPair floats_to_doubles{one, other, kSquares, 0.0, 1, monitor};
  const CloudPair doubles{other, other, kSquares, 0.0, 1, monitor};
  for (std::size_t i = 0; i < 100; ++i) {
    for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(one.local_row(i)[c], other.local_row(i)[c]);
    for (std::size_t j = 0; j < 100; ++j) {
      EXPECT_EQ(floats_to_doubles.cost(i, j), doubles.cost(i, j));
    }
  }
}

// One pair alone, a row, a tile anywhere, the sides changed about and cost::fill: the same bits.
TEST(CloudPair, CostsAreTheSameEverywhere) {
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  for (const cost::Metric& metric : every_metric()) {
    for (const std::size_t dims : {1, 2, 3, 16, 17, 100}) {
      for (const Shape shape : {Shape::far, Shape::grid}) {
        CloudStage stage(metric, 57, 103, dims, shape, 7);
        SCOPED_TRACE(stage.name());
        const CloudPair pair = stage.pair();
        const CloudPair swapped = pair.swapped();
        const std::size_t stride = round_up(std::size_t{103}, cost::kColumnPadding<double>);
        const auto row = aligned_array<double>(stride, "row");
        const auto tile = aligned_array<double>(57 * stride, "tile");
        cost::tile(metric, stage.x->row(0), 57, stage.y->block_cols(0), 103, dims, tile.get(),
                   stride);
        for (std::size_t i = 0; i < 57; ++i) {
          pair.fill_row(i, row.get());
          for (std::size_t j = 0; j < 103; ++j) {
            const std::uint64_t expected = bits(stage.cost(i, j));
            ASSERT_EQ(bits(pair.cost(i, j)), expected) << i << ", " << j;
            ASSERT_EQ(bits(row[j]), expected) << i << ", " << j;
            ASSERT_EQ(bits(tile[i * stride + j]), expected) << i << ", " << j;
            ASSERT_EQ(bits(swapped.cost(j, i)), expected) << i << ", " << j;
          }
        }
        // Tiles that start at other rows, and end within a panel.
        for (const std::size_t first : {1, 5, 30}) {
          const std::size_t cols = first + 2;
          cost::tile(metric, stage.x->row(first), 20, stage.y->block_cols(1), cols, dims,
                     tile.get(), stride);
          for (std::size_t i = 0; i < 20; ++i) {
            for (std::size_t j = 0; j < cols; ++j) {
              ASSERT_EQ(bits(tile[i * stride + j]), bits(stage.cost(first + i, kBlockPoints + j)));
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace otcore::exact
