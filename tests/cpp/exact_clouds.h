// Problems between points: clouds of every kind, and one as the parts of the solver without a cost
// matrix see it, with the matrix.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/masses.h"
#include "base/monitor.h"
#include "cost/cost.h"
#include "cost/tiles.h"
#include "exact/candidates.h"
#include "exact/cloud.h"
#include "exact/cloud_shadow.h"
#include "exact/cloud_side.h"
#include "exact/pricing.h"

namespace otcore::exact {

inline std::vector<cost::Metric> every_metric() {
  using cost::Kind;
  return {{Kind::sqeuclidean, 2.0}, {Kind::euclidean, 2.0}, {Kind::cityblock, 2.0},
          {Kind::minkowski, 1.5},   {Kind::minkowski, 2.3}, {Kind::cosine, 2.0}};
}

enum class Shape { normal, far, tiny, huge, grid, repeated, equal, mixed, outlier };

inline std::vector<Shape> every_shape() {
  return {Shape::normal,   Shape::far,   Shape::tiny,  Shape::huge,   Shape::grid,
          Shape::repeated, Shape::equal, Shape::mixed, Shape::outlier};
}

// `count` points of the shape; none is zero.
inline std::vector<double> make_points(std::size_t count, std::size_t dims, Shape shape,
                                       std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<double> points(count * dims);
  for (std::size_t k = 0; k < points.size(); ++k) {
    double& x = points[k];
    x = normal(generator);
    switch (shape) {
      case Shape::normal:
        break;
      case Shape::far:
        x += 1e6;
        break;
      case Shape::tiny:
        x *= 1e-20;
        break;
      case Shape::huge:
        x *= 1e20;
        break;
      case Shape::grid:  // many pairs at the same distance
        x = std::floor(2.0 * x) + 0.5;
        break;
      case Shape::repeated:  // five points
        x = k < 5 * dims ? x : points[k % (5 * dims)];
        break;
      case Shape::equal:  // of both sides
        x = 0.1 * static_cast<double>(1 + k % dims);
        break;
      case Shape::mixed:  // clusters of very different sizes, far from each other
        x = std::pow(10.0, static_cast<double>(k / dims % 3) * 3.0 - 6.0) * x +
            static_cast<double>(k / dims % 3);
        break;
      case Shape::outlier:  // one point far from all others, and directions of no extent
        if (k % dims >= 20) x = 0.0;
        if (k / dims + 1 == count) x *= 1e6;
        break;
    }
  }
  return points;
}

inline MatrixView<const double> view_of(const std::vector<double>& points, std::size_t dims) {
  return {points.data(), points.size() / dims, dims, dims};
}

// The sides of a problem, and its matrix by their places.
struct CloudStage {
  CloudStage(const cost::Metric& ground, std::size_t n, std::size_t m, std::size_t d, Shape shape,
             std::uint32_t seed)
      : metric(ground),
        dims(d),
        points_x(make_points(n, d, shape, seed)),
        points_y(make_points(m, d, shape, seed + 1)),
        costs(n * m),
        masses(n, m) {
    const auto of_x = view_of(points_x, d);
    const auto of_y = view_of(points_y, d);
    std::vector<double> matrix(n * m);
    cost::fill<double, double>(metric, of_x, of_y, MatrixView<double>{matrix.data(), n, m, m}, 1);
    largest = *std::max_element(matrix.begin(), matrix.end());
    centre.resize(d);
    cost::mean(cost::PointSet<double>{of_y, nullptr, m}, centre.data());
    const auto frame = std::make_shared<const CloudFrame>(
        CloudFrame{centre, local_scale(), make_shadow(metric, of_x, of_y, centre)});
    for (const auto& [points, side] : {std::pair(of_x, &x), std::pair(of_y, &y)}) {
      std::vector<std::int64_t> index(points.rows);
      std::iota(index.begin(), index.end(), std::int64_t{0});
      side->emplace(metric, cost::PointSet<double>{points, index.data(), index.size()}, frame);
    }
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < m; ++j) {
        costs[i * m + j] = matrix[static_cast<std::size_t>(x->order()[i]) * m +
                                  static_cast<std::size_t>(y->order()[j])];
      }
    }
    masses.set(nullptr, nullptr, 1e-6);
  }

  // As cloud_solve.cpp has them.
  [[nodiscard]] double local_scale() const {
    return largest > 0.0 ? std::exp2(-std::floor(0.5 * std::log2(largest))) : 1.0;
  }
  [[nodiscard]] double tolerance() const { return kPricingTolerance * largest; }
  CloudPair pair(int n_threads = 1) {
    return {*x, *y, metric, static_cast<double>(dims + 8) * tolerance(), n_threads, monitor};
  }
  CloudProblem problem(int n_threads = 1) {
    return {pair(n_threads), masses, tolerance(), exact::nearest_count(n() + m())};
  }

  [[nodiscard]] std::size_t n() const { return x->size(); }
  [[nodiscard]] std::size_t m() const { return y->size(); }
  [[nodiscard]] double cost(std::size_t i, std::size_t j) const { return costs[i * m() + j]; }

  // min_j C_ij - v_j, and min_i C_ij - u_i.
  [[nodiscard]] std::vector<double> row_transform(const std::vector<double>& v) const {
    std::vector<double> u(n(), std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < n(); ++i) {
      for (std::size_t j = 0; j < m(); ++j) u[i] = std::min(u[i], cost(i, j) - v[j]);
    }
    return u;
  }
  [[nodiscard]] std::vector<double> col_transform(const std::vector<double>& u) const {
    std::vector<double> v(m(), std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < n(); ++i) {
      for (std::size_t j = 0; j < m(); ++j) v[j] = std::min(v[j], cost(i, j) - u[i]);
    }
    return v;
  }

  // Numbers of the given size, relative to the largest cost.
  [[nodiscard]] std::vector<double> numbers(std::size_t count, double size,
                                            std::uint32_t seed) const {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    std::vector<double> all(count);
    for (double& one : all) one = size * (largest > 0.0 ? largest : 1.0) * normal(generator);
    return all;
  }

  [[nodiscard]] std::string name() const {
    return "metric " + std::to_string(static_cast<int>(metric.kind)) + ", p " +
           std::to_string(metric.p) + ", " + std::to_string(n()) + " x " + std::to_string(m()) +
           " x " + std::to_string(dims);
  }

  cost::Metric metric;
  std::size_t dims;
  std::vector<double> points_x, points_y;
  std::vector<double> costs;
  double largest = 0.0;
  std::vector<double> centre;
  std::optional<CloudSide> x, y;
  Masses masses;
  Monitor monitor;
};

}  // namespace otcore::exact
