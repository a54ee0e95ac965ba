// The sliced room: kernels against plain loops, slices against the oned room, circles against a
// search of all cuts, directions, and answers that do not depend on threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "base/error.h"
#include "base/monitor.h"
#include "base/sizes.h"
#include "oned/oned.h"
#include "sliced/circle.h"
#include "sliced/directions.h"
#include "sliced/kernels.h"
#include "sliced/max_sliced.h"
#include "sliced/plans.h"
#include "sliced/sliced.h"
#include "sliced/tuning.h"

namespace otcore::sliced {
namespace {

template <class T>
std::vector<T> normals(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<T> numbers(count);
  for (T& x : numbers) x = static_cast<T>(normal(generator));
  return numbers;
}

template <class T>
void expect_projections(std::size_t rows, std::size_t dims, std::size_t count) {
  const std::vector<T> points = normals<T>(rows * dims, 1);
  const std::vector<T> directions = normals<T>(count * dims, 2);
  const std::vector<T> centre = normals<T>(dims, 3);
  std::vector<T> group(dims * kGroup);
  for (std::size_t l = 0; l < count; ++l) {
    for (std::size_t k = 0; k < dims; ++k) group[k * kGroup + l] = directions[l * dims + k];
  }
  std::vector<T> out(count * rows + 1, T(7));
  project_kernels<T>().project({points.data(), rows, dims, centre.data()}, group.data(), count,
                               out.data(), rows);
  EXPECT_EQ(out.back(), T(7));  // nothing beyond the end is written
  const double tolerance = 8 * double(dims) * double{std::numeric_limits<T>::epsilon()};
  for (std::size_t l = 0; l < count; ++l) {
    for (std::size_t i = 0; i < rows; ++i) {
      double sum = 0.0;
      for (std::size_t k = 0; k < dims; ++k) {
        sum +=
            (double{points[i * dims + k]} - double{centre[k]}) * double{directions[l * dims + k]};
      }
      ASSERT_NEAR(double{out[l * rows + i]}, sum, tolerance * (1 + std::sqrt(double(dims))));
    }
  }
}

TEST(Kernels, ProjectEverySize) {
  for (const std::size_t rows : {1, 3, 4, 7, 8, 15, 16, 17, 33, 100}) {
    for (const std::size_t dims : {1, 2, 7, 16, 50}) {
      for (const std::size_t count : {1, 3, 8, 15, 16}) {
        expect_projections<float>(rows, dims, count);
        expect_projections<double>(rows, dims, count);
      }
    }
  }
}

TEST(Kernels, AddSlopesOfEverySize) {
  for (const std::size_t rows : {1, 3, 4, 5, 9}) {
    for (const std::size_t dims : {1, 3, 7, 8, 9, 15, 16, 17, 33}) {
      const std::size_t count = 5;
      const std::size_t padded = round_up(dims, kSumPadding);
      const std::vector<double> slopes = normals<double>(count * rows, 1);
      std::vector<double> directions(count * padded);
      const std::vector<double> plain = normals<double>(count * dims, 2);
      for (std::size_t l = 0; l < count; ++l) {
        std::copy_n(plain.data() + l * dims, dims, directions.data() + l * padded);
      }
      std::vector<double> out(rows * dims + 1, 0.5);
      sum_kernels<double>().add_slopes({slopes.data(), 1, rows, count, 0}, rows, directions.data(),
                                       count, dims, out.data());
      EXPECT_EQ(out.back(), 0.5);
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t k = 0; k < dims; ++k) {
          double sum = 0.5;
          for (std::size_t l = 0; l < count; ++l) sum += slopes[l * rows + i] * plain[l * dims + k];
          ASSERT_NEAR(out[i * dims + k], sum, 1e-13);
        }
      }
    }
  }
}

// Sorted projections of two clouds on the only direction (1, 0, ...), and their slopes, against a
// stable sort.
template <class T>
Order expect_slopes(const std::vector<T>& x, const std::vector<T>& y, bool squares) {
  const std::size_t n = x.size();
  const std::size_t lanes = project_kernels<T>().lanes;
  const std::size_t padded = round_up(n, kColumnPadding);
  const T centre = T{0};
  std::vector<T> group(kGroup);
  group[0] = T{1};
  std::vector<T> memory(2 * kGroup * padded);
  std::vector<T> slopes_x(lanes * padded);
  std::vector<T> slopes_y(lanes * padded);
  double sum = 0.0;
  const Order order = project_kernels<T>().line_slopes(
      {x.data(), n, 1, &centre}, {y.data(), n, 1, &centre}, group.data(), 1, squares, memory.data(),
      {&sum, slopes_x.data(), slopes_y.data()});
  if (order != Order::found) return order;
  const auto ranks = [n](const std::vector<T>& numbers) {
    std::vector<std::size_t> at(n);
    std::iota(at.begin(), at.end(), std::size_t{0});
    std::stable_sort(at.begin(), at.end(),
                     [&](std::size_t i, std::size_t j) { return numbers[i] < numbers[j]; });
    return at;
  };
  const std::vector<std::size_t> order_x = ranks(x);
  const std::vector<std::size_t> order_y = ranks(y);
  double expected = 0.0;
  for (std::size_t k = 0; k < n; ++k) {
    const double d = double{x[order_x[k]]} - double{y[order_y[k]]};
    expected += squares ? d * d : std::abs(d);
    const double slope = (squares ? 2.0 * d : d > 0.0 ? 1.0 : d < 0.0 ? -1.0 : 0.0) / double(n);
    const double rounding = 2.0 * double{std::numeric_limits<T>::epsilon()} * std::abs(slope);
    EXPECT_NEAR(double{slopes_x[order_x[k] * lanes]}, slope, rounding);
    EXPECT_NEAR(double{slopes_y[order_y[k] * lanes]}, -slope, rounding);
  }
  EXPECT_NEAR(sum, expected, 1e-12 * expected);
  return order;
}

template <class T>
void expect_slopes_of_hard_columns() {
  for (const std::size_t n : {1, 2, 15, 16, 17, 100, 1000, 4097}) {
    const std::vector<T> x = normals<T>(n, 1);
    std::vector<T> y = normals<T>(n, 2);
    for (const bool squares : {false, true}) {
      EXPECT_EQ(expect_slopes(x, y, squares), Order::found);
      EXPECT_EQ(expect_slopes(x, x, squares), Order::found);
      EXPECT_EQ(expect_slopes(x, std::vector<T>(n, T{3}), squares), Order::found);
    }
    for (T& number : y) number = std::round(number);  // ties
    EXPECT_EQ(expect_slopes(x, y, true), Order::found);
  }
  // Steps that would be below the smallest number: all on the first.
  std::vector<T> tiny = normals<T>(50, 1);
  for (T& number : tiny) number = std::round(number) * std::numeric_limits<T>::denorm_min();
  EXPECT_EQ(expect_slopes(tiny, normals<T>(50, 2), true), Order::found);
  // One point far away: the others share a step of the grid.
  std::vector<T> far = normals<T>(1000, 1);
  far[500] = std::sqrt(std::numeric_limits<T>::max());
  EXPECT_EQ(expect_slopes(far, normals<T>(1000, 2), true), Order::too_close);
  // The range overflows.
  std::vector<T> wide = normals<T>(1000, 1);
  wide[0] = std::numeric_limits<T>::max();
  wide[1] = -wide[0];
  EXPECT_EQ(expect_slopes(wide, normals<T>(1000, 2), true), Order::too_close);
  wide[1] = std::numeric_limits<T>::infinity();
  EXPECT_EQ(expect_slopes(wide, normals<T>(1000, 2), true), Order::not_finite);
}

TEST(Kernels, SlopesOfHardColumns) {
  expect_slopes_of_hard_columns<float>();
  expect_slopes_of_hard_columns<double>();
}

// Two clouds and directions; the clouds are of one problem.
template <class T>
struct Case {
  Case(std::size_t rows_x, std::size_t rows_y, std::size_t dims, std::size_t lines)
      : n(rows_x),
        m(rows_y),
        d(dims),
        count(lines),
        x(normals<T>(n * d, 1)),
        y(normals<T>(m * d, 2)),
        directions(normals<T>(count * d, 3)) {}

  [[nodiscard]] Clouds<T> clouds() const {
    return {{x.data(), 1, n, d, n * d}, {y.data(), 1, m, d, m * d}, {}, {}};
  }
  [[nodiscard]] MatrixView<const T> rows() const { return {directions.data(), count, d, d}; }

  std::size_t n, m, d, count;
  std::vector<T> x, y, directions;
};

// Slopes may be found in columns or row by row: gradients are the same.
TEST(Sliced, GradientsWithAndWithoutColumns) {
  const Case<double> problem(300, 300, 5, 37);
  std::vector<double> gradients[2];
  for (const bool columns : {false, true}) {
    std::vector<double> cost(problem.count);
    std::vector<double> gradient(problem.n * problem.d);
    std::vector<double> rows(problem.count * problem.d);
    Solutions out;
    out.cost = cost.data();
    out.gradient_x = gradient.data();
    if (!columns) out.gradient_directions = rows.data();
    Monitor monitor;
    solve(problem.clouds(), problem.rows(), {}, out, monitor);
    gradients[columns ? 1 : 0] = gradient;
  }
  for (std::size_t k = 0; k < gradients[0].size(); ++k) {
    ASSERT_NEAR(gradients[0][k], gradients[1][k], 1e-14);
  }
}

TEST(Sliced, SlicesAreProblemsOnTheLine) {
  const Case<double> problem(70, 50, 4, 37);
  std::vector<double> cost(problem.count);
  Solutions out;
  out.cost = cost.data();
  Monitor monitor;
  solve(problem.clouds(), problem.rows(), {}, out, monitor);
  for (std::size_t l = 0; l < problem.count; ++l) {
    const auto project = [&](const std::vector<double>& points, std::size_t rows) {
      std::vector<double> line(rows);
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t k = 0; k < problem.d; ++k) {
          line[i] += points[i * problem.d + k] * problem.rows().row(l)[k];
        }
      }
      return line;
    };
    const std::vector<double> x = project(problem.x, problem.n);
    const std::vector<double> y = project(problem.y, problem.m);
    double expected = 0.0;
    oned::Solutions line;
    line.value = &expected;
    Monitor other;
    oned::solve<double>({1, {x.data(), problem.n, 0}, {y.data(), problem.m, 0}, {}, {}}, {}, line,
                        other);
    EXPECT_NEAR(cost[l], expected, 1e-12 * expected);
  }
}

template <class T>
void expect_same_bits(std::size_t n, std::size_t m, Slices slices) {
  const Case<T> problem(n, m, 5, 40);
  const std::size_t lines = slices == Slices::lines ? problem.count : problem.count / 2;
  std::vector<std::vector<double>> answers;
  for (const int threads : {1, 2, 3}) {
    std::vector<double> all(lines + (n + m + problem.count) * problem.d + n + m);
    Solutions out;
    out.cost = all.data();
    out.gradient_x = out.cost + lines;
    out.gradient_y = out.gradient_x + n * problem.d;
    out.gradient_directions = out.gradient_y + m * problem.d;
    if (slices == Slices::lines) {
      out.potential_a = out.gradient_directions + problem.count * problem.d;
      out.potential_b = out.potential_a + n;
    }
    Monitor monitor;
    solve(problem.clouds(), problem.rows(), {slices, 1.5, threads, 1e-6}, out, monitor);
    answers.push_back(all);
  }
  EXPECT_EQ(answers[0], answers[1]);
  EXPECT_EQ(answers[0], answers[2]);
}

TEST(Sliced, ThreadsChangeNothing) {
  for (const Slices slices : {Slices::lines, Slices::circles}) {
    expect_same_bits<float>(300, 300, slices);
    expect_same_bits<double>(200, 130, slices);
    expect_same_bits<double>(20000, 3000, slices);
  }
}

TEST(Sliced, ErrorsNameTheirArgument) {
  Case<float> problem(5, 4, 3, 2);
  std::vector<double> cost(2);
  Solutions out;
  out.cost = cost.data();
  const auto expect = [&](const char* argument) {
    Monitor monitor;
    try {
      solve(problem.clouds(), problem.rows(), {}, out, monitor);
      FAIL() << argument;
    } catch (const InvalidArgument& error) {
      EXPECT_EQ(error.argument(), argument);
    }
  };
  problem.directions[4] = std::numeric_limits<float>::infinity();
  expect("projections");
  problem.directions[4] = std::numeric_limits<float>::max();
  problem.x[1] = std::numeric_limits<float>::max();
  expect("X, Y, projections");
  problem.y[3] = std::numeric_limits<float>::quiet_NaN();
  expect("Y");
}

TEST(Circle, IsTheBestOfAllCuts) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> uniform;
  for (const double p : {1.0, 1.5, 2.0, 3.0}) {
    for (const std::size_t n : {1, 2, 3, 17, 60}) {
      std::vector<double> x(n), y(n);
      for (double& position : x) position = uniform(generator);
      for (double& position : y) position = uniform(generator) * uniform(generator);
      CircleSolver solver(n, n, p);
      solver.set_masses(nullptr, nullptr, 1e-6);
      const double cost = solver.solve(x.data(), y.data(), nullptr, nullptr);
      std::sort(x.begin(), x.end());
      std::sort(y.begin(), y.end());
      double best = std::numeric_limits<double>::infinity();
      for (std::size_t shift = 0; shift <= 3 * n; ++shift) {
        double sum = 0.0;
        for (std::size_t i = 0; i < n; ++i) {
          const std::size_t j = i + shift;
          const double at = y[j % n] + double(j / n) - 1.0;
          sum += std::pow(std::abs(x[i] - at), p) / double(n);
        }
        best = std::min(best, sum);
      }
      EXPECT_NEAR(cost, best, 1e-13);
    }
  }
}

TEST(Directions, AreUnitVectorsAndBlocksAreOrthogonal) {
  for (const Sampling sampling : {Sampling::gaussian, Sampling::orthogonal, Sampling::quasi}) {
    for (const std::size_t dims : {1, 2, 3, 8, 31}) {
      const std::size_t count = 2 * dims + 1;
      std::vector<double> rows(count * dims);
      sample_directions(sampling, dims, count, Random(5), rows.data());
      for (std::size_t l = 0; l < count; ++l) {
        for (std::size_t k = 0; k <= l; ++k) {
          double product = 0.0;
          for (std::size_t i = 0; i < dims; ++i) product += rows[l * dims + i] * rows[k * dims + i];
          if (k == l) {
            EXPECT_NEAR(product, 1.0, 1e-14);
          } else if (sampling == Sampling::orthogonal && k / dims == l / dims) {
            EXPECT_NEAR(product, 0.0, 1e-14);
          }
        }
      }
    }
  }
  EXPECT_THROW(parse_sampling("sobol"), InvalidArgument);
}

TEST(Maximum, OfATranslationIsItsLength) {
  Case<double> problem(50, 50, 3, 6);
  problem.y = problem.x;
  for (std::size_t i = 0; i < problem.n; ++i) problem.y[i * 3 + 1] += 2.0;
  std::vector<double> direction(3);
  Monitor monitor;
  const Maximum maximum =
      maximise(problem.clouds(), problem.rows(), {}, {}, direction.data(), monitor);
  EXPECT_TRUE(maximum.converged);
  EXPECT_NEAR(maximum.cost, 4.0, 1e-8);
  EXPECT_NEAR(std::abs(direction[1]), 1.0, 1e-6);
}

TEST(Plans, HaveTheMarginals) {
  const Case<float> problem(30, 20, 3, 4);
  const std::size_t entries = 49;
  std::vector<double> cost(4), mass(4 * entries);
  std::vector<std::int64_t> count(4);
  std::vector<std::int32_t> rows(4 * entries), cols(4 * entries);
  Monitor monitor;
  solve_plans(problem.clouds(), problem.rows(), {}, {},
              {cost.data(), count.data(), rows.data(), cols.data(), mass.data()}, monitor);
  for (std::size_t l = 0; l < 4; ++l) {
    std::vector<double> of_rows(30), of_cols(20);
    for (std::size_t e = l * entries; e < l * entries + std::size_t(count[l]); ++e) {
      of_rows[std::size_t(rows[e])] += mass[e];
      of_cols[std::size_t(cols[e])] += mass[e];
    }
    for (const double sum : of_rows) EXPECT_NEAR(sum, 1.0 / 30, 1e-15);
    for (const double sum : of_cols) EXPECT_NEAR(sum, 1.0 / 20, 1e-15);
  }
}

}  // namespace
}  // namespace otcore::sliced
