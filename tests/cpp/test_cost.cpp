// Ground costs against sums in long double, at every ISA level this machine can run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/aligned.h"
#include "base/error.h"
#include "base/isa.h"
#include "base/sizes.h"
#include "cost/cost.h"
#include "cost/kernels.h"
#include "cost/tiles.h"

namespace otcore::cost {
namespace {

const std::vector<Metric> kMetrics = {
    {Kind::sqeuclidean, 2.0}, {Kind::euclidean, 2.0}, {Kind::cityblock, 1.0},
    {Kind::cosine, 2.0},      {Kind::minkowski, 1.0}, {Kind::minkowski, 2.0},
    {Kind::minkowski, 1.5},   {Kind::minkowski, 3.0}, {Kind::minkowski, 4.5},
    {Kind::minkowski, 1.7},   {Kind::minkowski, 12.0}};

std::string name_of(const Metric& metric) {
  return "kind " + std::to_string(static_cast<int>(metric.kind)) + ", p " +
         std::to_string(metric.p);
}

using Sizes = std::initializer_list<std::size_t>;

// Unit roundoff.
template <class T>
constexpr long double kRoundoff = std::numeric_limits<T>::epsilon() / 2.0L;

// Points in rows, `stride` apart.
template <class In>
struct Cloud {
  std::size_t count;
  std::size_t dims;
  std::vector<In> values;

  [[nodiscard]] MatrixView<const In> view() const { return {values.data(), count, dims, dims}; }
  [[nodiscard]] PointSet<In> set() const { return {view(), nullptr, count}; }
  In* row(std::size_t i) { return values.data() + i * dims; }
  [[nodiscard]] const In* row(std::size_t i) const { return values.data() + i * dims; }
};

template <class In>
Cloud<In> random_cloud(std::size_t count, std::size_t dims, std::uint32_t seed, double offset = 0.0,
                       double spread = 1.0) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Cloud<In> cloud{count, dims, std::vector<In>(count * dims)};
  for (In& value : cloud.values) value = static_cast<In>(offset + spread * normal(generator));
  return cloud;
}

template <class In>
long double oracle(const Metric& metric, const In* x, const In* y, std::size_t dims) {
  long double sum = 0.0L;
  long double x_norm = 0.0L;
  long double y_norm = 0.0L;
  for (std::size_t k = 0; k < dims; ++k) {
    x_norm += static_cast<long double>(x[k]) * x[k];
    y_norm += static_cast<long double>(y[k]) * y[k];
  }
  x_norm = std::sqrt(x_norm);
  y_norm = std::sqrt(y_norm);
  for (std::size_t k = 0; k < dims; ++k) {
    const bool cosine = metric.kind == Kind::cosine;
    const long double difference = static_cast<long double>(x[k]) / (cosine ? x_norm : 1.0L) -
                                   static_cast<long double>(y[k]) / (cosine ? y_norm : 1.0L);
    switch (metric.kind) {
      case Kind::sqeuclidean:
      case Kind::euclidean:
      case Kind::cosine:
        sum += difference * difference;
        break;
      case Kind::cityblock:
        sum += std::fabs(difference);
        break;
      case Kind::minkowski:
        sum += std::pow(std::fabs(difference), static_cast<long double>(metric.p));
        break;
    }
  }
  if (metric.kind == Kind::euclidean) return std::sqrt(sum);
  return metric.kind == Kind::cosine ? sum / 2.0L : sum;
}

// docs/numerics.md, "Ground costs".
template <class T>
long double error_bound(const Metric& metric, std::size_t dims, long double cost) {
  const auto d = static_cast<long double>(dims);
  const long double gram = 32.0L * (d + 4.0L);
  switch (metric.kind) {
    case Kind::sqeuclidean:
    case Kind::euclidean:
      return gram * kRoundoff<T> * cost;
    case Kind::cosine:
      return gram * kRoundoff<T> * cost + 4.0L * kRoundoff<T> * std::sqrt(cost) +
             16.0L * kRoundoff<T> * kRoundoff<T>;
    case Kind::cityblock:
    case Kind::minkowski:
      break;
  }
  return (d + 4.0L * static_cast<long double>(metric.p)) * kRoundoff<T> * cost;
}

template <class T>
bool same_bits(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <class T>
struct TileResult {
  std::size_t stride;
  std::vector<T> values;

  [[nodiscard]] T at(std::size_t i, std::size_t j) const { return values[i * stride + j]; }
};

constexpr int kSentinel = -77;

// Packs and computes one tile at a level; the output has one row too many, full of kSentinel.
template <class T, class In>
TileResult<T> tile_at(Isa isa, const Metric& metric, const PointSet<In>& x, const PointSet<In>& y,
                      const std::vector<T>& centre) {
  const std::size_t dims = x.points.cols;
  const Form form = form_of(metric, dims);
  const TileKernels<T>& tiles = tile_kernels<T>(kernels(isa));
  const PackKernels<In, T>& packs = pack_kernels<In, T>(kernels(isa));
  const auto packed_x = aligned_array<T>(tiles.packed_rows_size(form, x.count, dims), "X");
  const auto packed_y = aligned_array<T>(tiles.packed_cols_size(form, y.count, dims), "Y");
  const auto points = [](const PointSet<In>& set) {
    return Points<In>{set.points.data, set.points.stride, set.index, set.count, set.points.cols};
  };
  EXPECT_EQ(packs.rows(form, points(x), centre.data(), packed_x.get()), -1);
  EXPECT_EQ(packs.cols(form, points(y), centre.data(), packed_y.get()), -1);
  TileResult<T> result{round_up(y.count, kColumnPadding<T>), {}};
  result.values.assign((x.count + 1) * result.stride, T(kSentinel));
  tiles.tile(form, packed_x.get(), x.count, packed_y.get(), y.count, dims, result.values.data(),
             result.stride);
  return result;
}

template <class T, class In>
std::vector<T> centre_of(const PointSet<In>& points) {
  std::vector<T> centre(points.points.cols);
  mean(points, centre.data());
  return centre;
}

template <class T, class In>
void expect_accurate(const Metric& metric, const PointSet<In>& x, const PointSet<In>& y,
                     const std::vector<T>& centre) {
  const std::size_t dims = x.points.cols;
  std::vector<long double> expected;
  for (std::size_t i = 0; i < x.count; ++i) {
    for (std::size_t j = 0; j < y.count; ++j) {
      expected.push_back(oracle(metric, x.row(i), y.row(j), dims));
    }
  }
  for (const Isa isa : supported_isas()) {
    SCOPED_TRACE(std::string(isa_name(isa)) + ", " + name_of(metric) + ", " +
                 std::to_string(x.count) + " x " + std::to_string(y.count) + " x " +
                 std::to_string(dims));
    const TileResult<T> result = tile_at<T>(isa, metric, x, y, centre);
    for (std::size_t i = 0; i < x.count; ++i) {
      for (std::size_t j = 0; j < y.count; ++j) {
        const long double cost = expected[i * y.count + j];
        ASSERT_GE(result.at(i, j), T(0));
        ASSERT_LE(std::fabs(result.at(i, j) - cost), error_bound<T>(metric, dims, cost))
            << "at " << i << ", " << j << ": " << result.at(i, j) << " for " << cost;
      }
      for (std::size_t j = y.count; j < result.stride; ++j) {
        ASSERT_EQ(result.at(i, j), std::numeric_limits<T>::infinity());
      }
    }
    for (std::size_t j = 0; j < result.stride; ++j) {
      ASSERT_EQ(result.at(x.count, j), T(kSentinel)) << "wrote behind the last row";
    }
  }
}

// Input and compute types.
template <class In_, class T_>
struct Types {
  using In = In_;
  using T = T_;
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

TYPED_TEST(CostTyped, EverySizeAndMetricIsAccurate) {
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
    expect_accurate<T>(kMetrics[1 + n % (kMetrics.size() - 1)], x.set(), y.set(), centre);
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
            ASSERT_TRUE(same_bits(result.at(i, j), result.at(j, i)));
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
        std::mt19937 generator(8);
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
              ASSERT_TRUE(same_bits(some.at(i, j), all.at(static_cast<std::size_t>(rows[i]),
                                                          static_cast<std::size_t>(cols[j]))));
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
              ASSERT_TRUE(same_bits(out[i * stride + j], j < m ? expected.at(i, j) : T(kSentinel)))
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
      ASSERT_TRUE(same_bits(row[j], all[i * y.count + j])) << i << ", " << j;
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
  const auto x = random_cloud<double>(300, 20, 28);
  std::vector<double> out(300 * 300, kSentinel);
  Monitor monitor([] { return true; });
  while (monitor.poll() == Stop::none) {
  }
  fill(Metric{}, x.view(), x.view(), MatrixView<double>{out.data(), 300, 300, 300}, 2, &monitor);
  EXPECT_EQ(monitor.stopped(), Stop::interrupted);
  EXPECT_EQ(std::ranges::count(out, kSentinel), 300 * 300);
}

}  // namespace
}  // namespace otcore::cost
