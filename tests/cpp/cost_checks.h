// Random points, ground costs in long double, and the checks that our costs must pass.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "base/isa.h"
#include "base/sizes.h"
#include "base/views.h"
#include "cost/cost.h"
#include "cost/kernels.h"
#include "cost/tiles.h"

namespace otcore::cost {

// Unit roundoff.
template <class T>
constexpr long double kRoundoff = std::numeric_limits<T>::epsilon() / 2.0L;

// Points in rows.
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
  for (std::size_t k = 0; k < dims && metric.kind == Kind::cosine; ++k) {
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

inline std::string name_of(const Metric& metric) {
  return "kind " + std::to_string(static_cast<int>(metric.kind)) + ", p " +
         std::to_string(metric.p);
}

template <class T>
struct TileResult {
  std::size_t stride;
  std::vector<T> values;

  [[nodiscard]] T at(std::size_t i, std::size_t j) const { return values[i * stride + j]; }
};

// What a kernel must not overwrite.
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

}  // namespace otcore::cost
