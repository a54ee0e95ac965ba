// Ground costs against sums in long double, at every ISA level this machine can run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/aligned.h"
#include "base/error.h"
#include "base/isa.h"
#include "base/monitor.h"
#include "base/views.h"
#include "cost/cost.h"
#include "cost/kernels.h"
#include "cost/tiles.h"
#include "cost_checks.h"

namespace otcore::cost {
namespace {

const std::vector<Metric> kMetrics = {
    {Kind::sqeuclidean, 2.0}, {Kind::euclidean, 2.0}, {Kind::cityblock, 1.0},
    {Kind::cosine, 2.0},      {Kind::minkowski, 1.0}, {Kind::minkowski, 2.0},
    {Kind::minkowski, 1.5},   {Kind::minkowski, 3.0}, {Kind::minkowski, 4.5},
    {Kind::minkowski, 1.7},   {Kind::minkowski, 12.0}};

using Sizes = std::initializer_list<std::size_t>;

// Input and compute types.
template <class Input, class Compute>
struct Types {
  using In = Input;
  using T = Compute;
};

template <class Pair>
class CostTyped : public testing::Test {};
using TypePairs = testing::Types<Types<float, float>, Types<float, double>, Types<double, double>>;
TYPED_TEST_SUITE(CostTyped, TypePairs);

TEST(Metric, ParsesNames) {
  EXPECT_EQ(parse_metric("sqeuclidean", 7.0).power(), 2.0);
  EXPECT_EQ(parse_metric("euclidean", 7.0).power(), 1.0);
  EXPECT_EQ(parse_metric("cityblock", 7.0).power(), 1.0);
  EXPECT_EQ(parse_metric("minkowski", 3.5).power(), 3.5);
  EXPECT_EQ(parse_metric("cosine", 7.0).power(), 0.0);
}

TEST(Metric, RefusesWhatItDoesNotKnow) {
  for (const auto& [name, p] : std::vector<std::tuple<std::string, double>>{
           {"manhattan", 2.0},
           {"", 2.0},
           {"minkowski", 0.5},
           {"minkowski", std::numeric_limits<double>::infinity()},
           {"minkowski", std::numeric_limits<double>::quiet_NaN()}}) {
    try {
      (void)parse_metric(name, p);
      ADD_FAILURE() << name << " accepted";
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.argument(), "metric");
    }
  }
}

TYPED_TEST(CostTyped, EverySizeIsAccurate) {
  using T = typename TypeParam::T;
  const std::vector<std::size_t> dims = {1, 2, 3, 5, 8, 11, 12, 15, 16, 17, 33, 64, 65, 100, 130};
  std::uint32_t seed = 0;
  for (std::size_t n = 1; n <= 70; ++n) {
    const std::size_t m = (n * 37) % 71 + 1;
    const std::size_t d = dims[n % dims.size()];
    const auto x = random_cloud<typename TypeParam::In>(n, d, ++seed);
    const auto y = random_cloud<typename TypeParam::In>(m, d, ++seed, 0.3);
    const std::vector<T> centre = centre_of<T>(y.set());
    expect_accurate<T>(kMetrics[0], x.set(), y.set(), centre);
    expect_accurate<T>(kMetrics[1 + n % 3], x.set(), y.set(), centre);
  }
}

TYPED_TEST(CostTyped, EveryMetricIsAccurate) {
  using In = typename TypeParam::In;
  using T = typename TypeParam::T;
  for (const std::size_t d : Sizes{1, 3, 19}) {
    const auto x = random_cloud<In>(9, d, 30);
    const auto y = random_cloud<In>(19, d, 31, 0.3);
    for (const Metric& metric : kMetrics) {
      expect_accurate<T>(metric, x.set(), y.set(), centre_of<T>(y.set()));
    }
  }
}

TYPED_TEST(CostTyped, FarOffsetsAreAccurate) {
  using In = typename TypeParam::In;
  using T = typename TypeParam::T;
  for (const std::size_t d : Sizes{3, 16, 50}) {
    auto x = random_cloud<In>(21, d, 1, 1e6, 3.0);
    const auto y = random_cloud<In>(33, d, 2, 1e6, 3.0);
    // Some pairs are as close as the numbers allow.
    for (std::size_t i = 0; i < 5; ++i) {
      std::copy_n(y.row(i), d, x.row(i));
      x.row(i)[0] = std::nextafter(x.row(i)[0], In(0));
    }
    for (const Kind kind : {Kind::sqeuclidean, Kind::euclidean, Kind::cityblock}) {
      expect_accurate<T>({kind, 2.0}, x.set(), y.set(), centre_of<T>(y.set()));
      // A centre outside the data costs time, not accuracy.
      expect_accurate<T>({kind, 2.0}, x.set(), y.set(), std::vector<T>(d, T(0)));
    }
  }
}

TYPED_TEST(CostTyped, CloseClustersAreAccurate) {
  using In = typename TypeParam::In;
  using T = typename TypeParam::T;
  auto x = random_cloud<In>(40, 24, 3, 0.0, 1e-3);
  auto y = random_cloud<In>(40, 24, 4, 0.0, 1e-3);
  for (std::size_t i = 0; i < 40; ++i) {
    for (std::size_t k = 0; k < 24; ++k) {
      x.row(i)[k] += static_cast<In>(i % 4);
      y.row(i)[k] += static_cast<In>(i % 4);
    }
  }
  expect_accurate<T>({Kind::sqeuclidean, 2.0}, x.set(), y.set(), centre_of<T>(y.set()));
  expect_accurate<T>({Kind::euclidean, 2.0}, x.set(), y.set(), centre_of<T>(y.set()));
}

TYPED_TEST(CostTyped, SinglePairsOfRowsAreAccurate) {
  using In = typename TypeParam::In;
  using T = typename TypeParam::T;
  const Metric& metric = kMetrics[0];
  for (const std::size_t d : Sizes{17, 32, 50, 67, 256, 300}) {
    const auto x = random_cloud<In>(8, d, 40, 1e3, 3.0);
    const std::vector<T> centre = centre_of<T>(x.set());
    for (const Isa isa : supported_isas()) {
      SCOPED_TRACE(std::string(isa_name(isa)) + ", d = " + std::to_string(d));
      const TileKernels<T>& tiles = tile_kernels<T>(kernels(isa));
      const std::size_t size = tiles.packed_rows_size(form_of(metric, d), x.count, d);
      const auto rows = aligned_array<T>(size, "X");
      const Points<In> points{x.values.data(), d, nullptr, x.count, d};
      const PackKernels<In, T>& packs = pack_kernels<In, T>(kernels(isa));
      ASSERT_EQ(packs.rows(form_of(metric, d), points, centre.data(), rows.get()), -1);
      const std::size_t stride = size / x.count;
      for (std::size_t i = 0; i < x.count; ++i) {
        for (std::size_t j = 0; j < x.count; ++j) {
          const T found = tiles.rows_apart(rows.get() + i * stride, rows.get() + j * stride, d);
          const long double exact = oracle(metric, x.row(i), x.row(j), d);
          EXPECT_LE(std::fabs(found - exact), (d + 3) * kRoundoff<T> * exact);
        }
      }
    }
  }
}

TYPED_TEST(CostTyped, EqualPointsCostExactlyZeroAndPairsAreSymmetric) {
  using T = typename TypeParam::T;
  for (const std::size_t d : Sizes{1, 7, 16, 67}) {
    const auto x = random_cloud<typename TypeParam::In>(29, d, 5, 10.0);
    const std::vector<T> centre = centre_of<T>(x.set());
    for (const Metric& metric : kMetrics) {
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(std::string(isa_name(isa)) + ", " + name_of(metric));
        const TileResult<T> result = tile_at<T>(isa, metric, x.set(), x.set(), centre);
        for (std::size_t i = 0; i < x.count; ++i) {
          ASSERT_EQ(result.at(i, i), T(0));
          for (std::size_t j = 0; j < i; ++j) {
            ASSERT_EQ(result.at(i, j), result.at(j, i));
          }
        }
      }
    }
  }
}

TYPED_TEST(CostTyped, APairDoesNotDependOnItsPlaceOrCompany) {
  using In = typename TypeParam::In;
  using T = typename TypeParam::T;
  for (const std::size_t d : Sizes{3, 20}) {
    auto x = random_cloud<In>(35, d, 6);
    const auto y = random_cloud<In>(60, d, 7);
    std::copy_n(y.row(4), d, x.row(9));  // a close pair makes its block look twice
    x.row(9)[0] += static_cast<In>(1e-3);
    const std::vector<T> centre = centre_of<T>(y.set());
    for (const Metric& metric : kMetrics) {
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(std::string(isa_name(isa)) + ", " + name_of(metric));
        const TileResult<T> all = tile_at<T>(isa, metric, x.set(), y.set(), centre);
        std::mt19937 generator(static_cast<std::uint32_t>(d));
        for (int trial = 0; trial < 8; ++trial) {
          std::vector<std::int64_t> rows(1 + generator() % 30);
          std::vector<std::int64_t> cols(1 + generator() % 50);
          for (auto& i : rows) i = static_cast<std::int64_t>(generator() % x.count);
          for (auto& j : cols) j = static_cast<std::int64_t>(generator() % y.count);
          const TileResult<T> some =
              tile_at<T>(isa, metric, PointSet<In>{x.view(), rows.data(), rows.size()},
                         PointSet<In>{y.view(), cols.data(), cols.size()}, centre);
          for (std::size_t i = 0; i < rows.size(); ++i) {
            for (std::size_t j = 0; j < cols.size(); ++j) {
              ASSERT_EQ(some.at(i, j), all.at(static_cast<std::size_t>(rows[i]),
                                              static_cast<std::size_t>(cols[j])));
            }
          }
        }
      }
    }
  }
}

TYPED_TEST(CostTyped, OverflowingNormsDoNotSpoilFiniteCosts) {
  using In = typename TypeParam::In;
  using T = typename TypeParam::T;
  // |x|^2 overflows, |x - y|^2 does not.
  const double huge = std::is_same_v<T, float> ? 1e20 : std::is_same_v<In, float> ? 1e30 : 1e155;
  const auto x = random_cloud<In>(9, 20, 9, huge, huge * 1e-3);
  const auto y = random_cloud<In>(13, 20, 10, huge, huge * 1e-3);
  const Metric metric{Kind::sqeuclidean, 2.0};
  expect_accurate<T>(metric, x.set(), y.set(), centre_of<T>(y.set()));
  expect_accurate<T>(metric, x.set(), y.set(), std::vector<T>(20, T(0)));
}

TYPED_TEST(CostTyped, LargestNumbersGiveInfinityNotNaN) {
  using In = typename TypeParam::In;
  using T = typename TypeParam::T;
  const In largest = std::numeric_limits<In>::max();
  for (const std::size_t d : Sizes{3, 20}) {
    auto x = random_cloud<In>(5, d, 11);
    auto y = random_cloud<In>(5, d, 12);
    std::fill_n(x.row(1), d, largest);
    std::fill_n(y.row(2), d, -largest);
    std::fill_n(y.row(3), d, largest);
    const std::vector<T> centre = centre_of<T>(y.set());
    for (const Metric& metric : kMetrics) {
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(std::string(isa_name(isa)) + ", " + name_of(metric));
        const TileResult<T> result = tile_at<T>(isa, metric, x.set(), y.set(), centre);
        for (std::size_t i = 0; i < 5; ++i) {
          for (std::size_t j = 0; j < 5; ++j) ASSERT_FALSE(std::isnan(result.at(i, j)));
        }
        ASSERT_EQ(result.at(1, 3), T(0));
        if (metric.kind == Kind::cosine) {
          ASSERT_NEAR(result.at(1, 2), 2.0, 1e-5);
        } else if (std::is_same_v<In, T>) {
          ASSERT_EQ(result.at(1, 2), std::numeric_limits<T>::infinity());
        }
      }
    }
  }
}

TEST(Cosine, IsAccurateForSmallAnglesAndAnyLength) {
  for (const std::size_t d : Sizes{2, 40}) {
    auto x = random_cloud<double>(6, d, 13);
    auto y = random_cloud<double>(6, d, 14);
    for (std::size_t i = 0; i < 6; ++i) {
      const double length = std::ldexp(1.0, static_cast<int>(i) * 400 - 1000);
      for (std::size_t k = 0; k < d; ++k) {
        y.row(i)[k] = x.row(i)[k] * (1.0 + 1e-4 * static_cast<double>(k % 2)) * length;
      }
    }
    // The oracle's squares must not underflow: its answer does not depend on the length.
    const std::vector<double> centre(d, 0.0);
    for (const Isa isa : supported_isas()) {
      const TileResult<double> result =
          tile_at<double>(isa, {Kind::cosine, 2.0}, x.set(), y.set(), centre);
      for (std::size_t i = 0; i < 6; ++i) {
        std::vector<double> y_scaled(y.row(i), y.row(i) + d);
        for (double& value : y_scaled) value = std::ldexp(value, 1000 - static_cast<int>(i) * 400);
        const long double cost = oracle({Kind::cosine, 2.0}, x.row(i), y_scaled.data(), d);
        ASSERT_GT(cost, 0.0L);
        ASSERT_LE(std::fabs(result.at(i, i) - cost),
                  error_bound<double>({Kind::cosine, 2.0}, d, cost));
      }
    }
  }
}

TEST(Cosine, PackingNamesTheFirstZeroVector) {
  for (const std::size_t d : Sizes{3, 20}) {
    auto x = random_cloud<float>(40, d, 15);
    std::fill_n(x.row(23), d, 0.0F);
    std::fill_n(x.row(31), d, -0.0F);
    const Metric metric{Kind::cosine, 2.0};
    const auto rows = aligned_array<double>(packed_rows_size<double>(metric, 40, d), "X");
    const auto cols = aligned_array<double>(packed_cols_size<double>(metric, 40, d), "Y");
    const std::vector<double> centre(d, 0.0);
    EXPECT_EQ(pack_rows(metric, x.set(), centre.data(), rows.get()), 23);
    EXPECT_EQ(pack_cols(metric, x.set(), centre.data(), cols.get()), 23);
    const std::vector<std::int64_t> index = {5, 31, 23};
    const PointSet<float> gathered{x.view(), index.data(), index.size()};
    EXPECT_EQ(pack_cols(metric, gathered, centre.data(), cols.get()), 1);
  }
}

TEST(Mean, IsTheMeanOfTheIndexedPoints) {
  const auto x = random_cloud<float>(100, 130, 16, 5.0);
  const std::vector<std::int64_t> index = {3, 99, 3, 0};
  const std::vector<double> centre = centre_of<double>(PointSet<float>{x.view(), index.data(), 4});
  for (std::size_t k = 0; k < 130; ++k) {
    const double expected = (2.0 * static_cast<double>(x.row(3)[k]) +
                             static_cast<double>(x.row(99)[k]) + static_cast<double>(x.row(0)[k])) /
                            4.0;
    EXPECT_NEAR(centre[k], expected, 1e-14);
  }
}

template <class T, class In>
std::vector<T> filled(const Metric& metric, const Cloud<In>& x, const Cloud<In>& y,
                      std::size_t stride, int threads) {
  std::vector<T> out(x.count * stride, T(kSentinel));
  fill(metric, x.view(), y.view(), MatrixView<T>{out.data(), x.count, y.count, stride}, threads);
  return out;
}

TYPED_TEST(CostTyped, FillIsTheTileForAnyStrideAndThreadCount) {
  using In = typename TypeParam::In;
  using T = typename TypeParam::T;
  for (const auto& [n, m, d] : std::vector<std::tuple<std::size_t, std::size_t, std::size_t>>{
           {1, 1, 1}, {7, 5, 3}, {100, 200, 2}, {97, 64, 40}, {250, 131, 20}}) {
    const auto x = random_cloud<In>(n, d, 17);
    const auto y = random_cloud<In>(m, d, 18);
    const std::vector<T> centre = centre_of<T>(y.set());
    for (const Metric& metric : {kMetrics[0], kMetrics[1], kMetrics[2], kMetrics[3]}) {
      const TileResult<T> expected = tile_at<T>(active_isa(), metric, x.set(), y.set(), centre);
      for (const std::size_t stride : {m, m + 3}) {
        for (const int threads : {1, 2, 3, 5}) {
          const std::vector<T> out = filled<T>(metric, x, y, stride, threads);
          for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < stride; ++j) {
              ASSERT_EQ(out[i * stride + j], j < m ? expected.at(i, j) : T(kSentinel))
                  << i << ", " << j;
            }
          }
        }
      }
    }
  }
}

// More numbers on either side than are packed at a time.
TEST(Fill, PiecesFitTogether) {
  const std::size_t d = 16000;
  const auto x = random_cloud<double>(200, d, 19);
  const auto y = random_cloud<double>(75, d, 20);
  const Metric metric{Kind::euclidean, 2.0};
  const std::vector<double> all = filled<double>(metric, x, y, y.count, 2);
  for (const std::size_t i : Sizes{0, 191, 192, 199}) {
    const Cloud<double> one{1, d, std::vector<double>(x.row(i), x.row(i) + d)};
    const std::vector<double> row = filled<double>(metric, one, y, y.count, 1);
    for (std::size_t j = 0; j < y.count; ++j) {
      ASSERT_EQ(row[j], all[i * y.count + j]) << i << ", " << j;
    }
    for (const std::size_t j : Sizes{0, 63, 64, 74}) {
      const long double cost = oracle(metric, x.row(i), y.row(j), d);
      ASSERT_LE(std::fabs(row[j] - cost), error_bound<double>(metric, d, cost));
    }
  }
}

TEST(Fill, EmptySidesGiveAnEmptyMatrix) {
  const auto x = random_cloud<double>(0, 3, 21);
  const auto y = random_cloud<double>(4, 3, 22);
  EXPECT_NO_THROW(filled<double>(Metric{}, x, y, 4, 1));
  EXPECT_NO_THROW(filled<double>(Metric{}, y, x, 0, 1));
}

TEST(Fill, RefusesShapesThatDoNotFitAndZeroVectors) {
  const auto argument_of = [](const Metric& metric, const Cloud<double>& x, const Cloud<double>& y,
                              std::size_t rows, std::size_t stride) -> std::string {
    std::vector<double> out(1000);
    try {
      fill(metric, x.view(), y.view(), MatrixView<double>{out.data(), rows, y.count, stride}, 1);
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "";
  };
  auto x = random_cloud<double>(6, 3, 23);
  auto y = random_cloud<double>(5, 3, 24);
  const Metric cosine{Kind::cosine, 2.0};
  EXPECT_EQ(argument_of(cosine, x, y, 6, 5), "");
  EXPECT_EQ(argument_of(cosine, x, y, 7, 5).substr(0, 4), "out:");
  EXPECT_EQ(argument_of(cosine, x, y, 6, 4).substr(0, 4), "out:");
  EXPECT_EQ(argument_of(cosine, x, random_cloud<double>(5, 4, 25), 6, 5).substr(0, 2), "Y:");
  EXPECT_EQ(
      argument_of(cosine, random_cloud<double>(6, 0, 26), random_cloud<double>(5, 0, 27), 6, 5)
          .substr(0, 2),
      "X:");
  std::fill_n(y.row(4), 3, 0.0);
  EXPECT_EQ(argument_of(cosine, x, y, 6, 5).substr(0, 24), "Y: row 4 is a zero vecto");
  y = random_cloud<double>(5, 3, 24);
  std::fill_n(x.row(2), 3, 0.0);
  EXPECT_EQ(argument_of(cosine, x, y, 6, 5).substr(0, 24), "X: row 2 is a zero vecto");
  EXPECT_EQ(argument_of(Metric{}, x, y, 6, 5), "");
}

TEST(Fill, StopsWhenTheMonitorSaysSo) {
  constexpr std::size_t kCount = 300;
  const auto x = random_cloud<double>(kCount, 20, 28);
  std::vector<double> out(kCount * kCount, kSentinel);
  Monitor monitor([] { return true; });
  while (monitor.poll() == Stop::none) {
  }
  fill(Metric{}, x.view(), x.view(), MatrixView<double>{out.data(), kCount, kCount, kCount}, 2,
       &monitor);
  EXPECT_EQ(monitor.stopped(), Stop::interrupted);
  EXPECT_EQ(std::ranges::count(out, kSentinel), std::ssize(out));
}

}  // namespace
}  // namespace otcore::cost
