// Problems for Sweep, and in long double what its passes should give.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <random>
#include <vector>

#include "cost/cost.h"
#include "entropic/sweep.h"

namespace otcore::entropic {

using cost::Kind;
using cost::Metric;
using Sizes = std::initializer_list<std::size_t>;
using Real = long double;

template <class T>
class SweepTyped : public testing::Test {};
using Reals = testing::Types<float, double>;

inline const std::vector<Metric> kMetrics = {{Kind::sqeuclidean, 2.0}, {Kind::euclidean, 2.0},
                                             {Kind::cityblock, 1.0},   {Kind::cosine, 2.0},
                                             {Kind::minkowski, 2.0},   {Kind::minkowski, 3.0}};

inline Real exact_cost(const Metric& metric, const std::vector<Real>& x,
                       const std::vector<Real>& y) {
  Real sum = 0;
  Real xx = 0;
  Real yy = 0;
  const double p = metric.kind == Kind::cityblock   ? 1.0
                   : metric.kind == Kind::minkowski ? metric.p
                                                    : 2.0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    xx += x[k] * x[k];
    yy += y[k] * y[k];
  }
  const bool cosine = metric.kind == Kind::cosine;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const Real difference = cosine ? x[k] / std::sqrt(xx) - y[k] / std::sqrt(yy) : x[k] - y[k];
    sum += std::pow(std::abs(difference), Real(p));
  }
  if (metric.kind == Kind::euclidean) return std::sqrt(sum);
  return cosine ? sum / 2 : sum;
}

// A problem with its costs, and potentials and weights to try on it.
template <class T>
struct SweepProblem {
  std::size_t n, m, d;
  Metric metric;
  bool points;
  std::vector<T> x, y, matrix;
  std::vector<Real> costs;
  Real range = 0;  // of the costs' moduli as well, for a bound of the rounding
  std::vector<double> a, b, f, g;

  // Points of n x d and m x d, or, for d = 0, a matrix.
  SweepProblem(std::size_t rows, std::size_t cols, std::size_t dims, const Metric& kind = {},
               double scale = 1.0, std::uint32_t seed = 1)
      : n(rows), m(cols), d(dims), metric(kind), points(dims > 0), costs(rows * cols) {
    std::mt19937 generator(seed + static_cast<std::uint32_t>(n * 1000 + m * 10 + d));
    std::uniform_real_distribution<double> unit(-1.0, 1.0);
    const auto draw = [&](std::vector<T>& out, std::size_t count) {
      out.resize(count);
      for (T& v : out) v = static_cast<T>(unit(generator) * scale);
    };
    if (points) {
      draw(x, n * d);
      draw(y, m * d);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < m; ++j) {
          costs[i * m + j] = exact_cost(
              metric,
              {x.begin() + static_cast<long>(i * d), x.begin() + static_cast<long>((i + 1) * d)},
              {y.begin() + static_cast<long>(j * d), y.begin() + static_cast<long>((j + 1) * d)});
        }
      }
    } else {
      draw(matrix, n * m);
      std::copy(matrix.begin(), matrix.end(), costs.begin());
    }
    for (const Real c : costs) range = std::max(range, std::abs(c));
    const auto normal = [&](std::vector<double>& out, std::size_t count) {
      out.resize(count);
      double sum = 0.0;
      for (double& v : out) sum += v = 1.1 + unit(generator);
      for (double& v : out) v /= sum;
    };
    normal(a, n);
    normal(b, m);
    f.resize(n);
    g.resize(m);
    for (double& v : f) v = 0.3 * unit(generator) * static_cast<double>(range);
    for (double& v : g) v = 0.3 * unit(generator) * static_cast<double>(range);
  }

  Sweep<T> sweep(int threads = 1) const {
    if (points) return {{x.data(), n, d, d}, {y.data(), m, d, d}, metric, threads};
    return {{matrix.data(), n, m, m}, threads};
  }

  Scaling scaling(double eps) const { return {eps, a.data(), b.data(), f.data(), g.data()}; }

  // log sum_k w_k exp(z_k).
  static Real log_sum(const std::vector<Real>& z, const std::vector<double>& w) {
    Real high = -std::numeric_limits<Real>::infinity();
    for (std::size_t k = 0; k < z.size(); ++k) {
      if (w[k] > 0) high = std::max(high, z[k]);
    }
    Real sum = 0;
    for (std::size_t k = 0; k < z.size(); ++k) {
      if (w[k] > 0) sum += Real(w[k]) * std::exp(z[k] - high);
    }
    return high + std::log(sum);
  }
  Real row_log_sum(std::size_t i, double eps) const {
    std::vector<Real> z(m);
    for (std::size_t j = 0; j < m; ++j) z[j] = (Real(g[j]) - costs[i * m + j]) / eps;
    return log_sum(z, b);
  }
  Real col_log_sum(std::size_t j, double eps, const std::vector<double>& rows) const {
    std::vector<Real> z(n);
    for (std::size_t i = 0; i < n; ++i) z[i] = (Real(rows[i]) - costs[i * m + j]) / eps;
    return log_sum(z, a);
  }
  Real mass(std::size_t i, std::size_t j, double eps) const {
    return Real(a[i]) * Real(b[j]) * std::exp((Real(f[i]) + g[j] - costs[i * m + j]) / eps);
  }

  // What rounding to T of exponents, and of sums, may change in a logarithm.
  double log_error(double eps) const {
    const double u = std::numeric_limits<T>::epsilon() / 2;
    double largest = static_cast<double>(range);
    for (const double v : f) largest = std::max(largest, std::abs(v));
    for (const double v : g) largest = std::max(largest, std::abs(v));
    return u * (10.0 + static_cast<double>(d)) * (largest / eps + 4.0);
  }
};

}  // namespace otcore::entropic
