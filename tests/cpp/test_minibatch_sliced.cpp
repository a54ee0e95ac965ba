// Tables of sliced inner problems, against sorting by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/monitor.h"
#include "base/random.h"
#include "minibatch/sliced_table.h"
#include "minibatch/transport.h"

namespace otcore::minibatch {
namespace {

using Numbers = std::vector<double>;

constexpr std::size_t kPoints = 40, kDims = 3, kSlices = 37;

double uniform(Random& random) { return static_cast<double>(random.next() >> 11) * 0x1p-53; }

template <class T>
struct Data {
  Data(std::size_t k_x, std::size_t m_x, std::size_t k_y, std::size_t m_y)
      : kx(k_x), mx(m_x), ky(k_y), my(m_y) {
    Random random(7);
    for (std::vector<T>* numbers : {&x, &y}) {
      for (std::size_t c = 0; c < kPoints * kDims; ++c) {
        numbers->push_back(static_cast<T>(uniform(random)));
      }
    }
    for (std::size_t c = 0; c < kSlices * kDims; ++c) {
      directions.push_back(static_cast<T>(uniform(random) - 0.5));
    }
    for (std::size_t i = 0; i < kx * mx; ++i) batches_x.push_back(pick(random));
    for (std::size_t i = 0; i < ky * my; ++i) batches_y.push_back(pick(random));
  }

  static std::int64_t pick(Random& random) {
    return static_cast<std::int64_t>(random.below(kPoints));
  }
  [[nodiscard]] Side<T> side_x() const { return {{x.data(), kPoints, kDims, kDims}, {}, kx, mx}; }
  [[nodiscard]] Side<T> side_y() const { return {{y.data(), kPoints, kDims, kDims}, {}, ky, my}; }
  [[nodiscard]] SlicedOptions<T> options(double p, int n_threads = 2) const {
    return {
        .directions = {directions.data(), kSlices, kDims, kDims}, .p = p, .n_threads = n_threads};
  }

  // The cost of two batches: each point split into as many as the other batch has.
  [[nodiscard]] double cost(std::size_t i, std::size_t j, double p) const {
    double sum = 0.0;
    for (std::size_t l = 0; l < kSlices; ++l) {
      const auto projected = [&](const std::vector<T>& points, const std::int64_t* batch,
                                 std::size_t m, std::size_t copies) {
        Numbers numbers;
        for (std::size_t r = 0; r < m; ++r) {
          double product = 0.0;
          for (std::size_t c = 0; c < kDims; ++c) {
            product += static_cast<double>(points[static_cast<std::size_t>(batch[r]) * kDims + c]) *
                       static_cast<double>(directions[l * kDims + c]);
          }
          numbers.insert(numbers.end(), copies, product);
        }
        std::sort(numbers.begin(), numbers.end());
        return numbers;
      };
      const Numbers left = projected(x, batches_x.data() + i * mx, mx, my);
      const Numbers right = projected(y, batches_y.data() + j * my, my, mx);
      for (std::size_t r = 0; r < left.size(); ++r) {
        sum += std::pow(std::abs(left[r] - right[r]), p) / static_cast<double>(left.size());
      }
    }
    return sum / static_cast<double>(kSlices);
  }

  std::size_t kx, mx, ky, my;
  std::vector<T> x, y, directions;
  std::vector<std::int64_t> batches_x, batches_y;
};

template <class T>
Numbers costs(const Data<T>& data, const SlicedOptions<T>& options) {
  SlicedTable<T> table(data.side_x(), data.side_y(), options);
  Monitor monitor;
  table.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  EXPECT_EQ(table.status(), Status::optimal);
  return table.costs();
}

template <class T>
class SlicedTableOf : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(SlicedTableOf, Types, );

TYPED_TEST(SlicedTableOf, AgreesWithSortingByHand) {
  const double tolerance = sizeof(TypeParam) == 4 ? 1e-5 : 1e-12;
  for (const auto& [mx, my] :
       {std::pair(6, 6), std::pair(33, 33), std::pair(1, 4), std::pair(9, 5)}) {
    const Data<TypeParam> data(5, static_cast<std::size_t>(mx), 11, static_cast<std::size_t>(my));
    for (const double p : {1.0, 1.5, 2.0, 2.7, 3.0}) {
      const Numbers found = costs(data, data.options(p));
      for (std::size_t pair = 0; pair < found.size(); ++pair) {
        const double expected = data.cost(pair / 11, pair % 11, p);
        EXPECT_NEAR(found[pair], expected, tolerance * expected) << mx << " " << my << " " << p;
      }
    }
  }
}

TYPED_TEST(SlicedTableOf, IsBitIdenticalForAnyThreads) {
  for (const std::size_t my : {8, 7}) {
    const Data<TypeParam> data(9, 8, 70, my);
    const Numbers first = costs(data, data.options(2.0, 1));
    for (const int n_threads : {2, 5}) {
      EXPECT_EQ(costs(data, data.options(2.0, n_threads)), first);
    }
  }
}

TEST(SlicedTable, PointsGradientIsThatOfDifferences) {
  const Data<double> data(2, 5, 3, 4);
  const Numbers weights = {0.5, 0.0, 1.0, 0.0, 2.0, -1.0};
  SlicedTable<double> table(data.side_x(), data.side_y(), data.options(3.0));
  Monitor monitor;
  table.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  Numbers grad_x(2 * 5 * kDims), grad_y(3 * 4 * kDims), alone(grad_y.size());
  table.points_gradient(weights.data(), grad_x.data(), grad_y.data(), monitor);
  table.points_gradient(weights.data(), nullptr, alone.data(), monitor);
  EXPECT_EQ(alone, grad_y);

  constexpr double kStep = 1e-6;
  const auto value = [&](std::size_t coordinate, double step) {
    Data<double> moved = data;
    moved.x[coordinate] += step;
    const Numbers found = costs(moved, moved.options(3.0));
    double sum = 0.0;
    for (std::size_t pair = 0; pair < found.size(); ++pair) sum += weights[pair] * found[pair];
    return sum;
  };
  for (std::size_t point = 0; point < kPoints; ++point) {
    for (std::size_t c = 0; c < kDims; ++c) {
      double gradient = 0.0;
      for (std::size_t place = 0; place < data.batches_x.size(); ++place) {
        if (static_cast<std::size_t>(data.batches_x[place]) == point) {
          gradient += grad_x[place * kDims + c];
        }
      }
      const std::size_t coordinate = point * kDims + c;
      const double slope = (value(coordinate, kStep) - value(coordinate, -kStep)) / (2.0 * kStep);
      EXPECT_NEAR(gradient, slope, 1e-8);
    }
  }
}

TEST(SlicedTable, CouplesAsOtherTablesDo) {
  const Data<double> data(6, 5, 6, 5);
  Monitor monitor;
  Numbers values;
  for (const Coupling coupling : {Coupling::exact, Coupling::entropic, Coupling::product}) {
    Transport<double, SlicedTable<double>> transport(data.side_x(), data.side_y(),
                                                     data.options(2.0), {coupling, 0.01});
    transport.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    values.push_back(transport.result().value);
  }
  EXPECT_LT(values[0], values[1]);
  EXPECT_LT(values[1], values[2]);
}

TEST(SlicedTable, ChecksItsInput) {
  const auto argument_of = [](Data<double> data, bool diagonal = false) -> std::string {
    try {
      SlicedOptions<double> options = data.options(2.0);
      options.diagonal = diagonal;
      costs(data, options);
    } catch (const InvalidArgument& error) {
      return error.argument();
    }
    return "";
  };
  const Data<double> good(2, 4, 3, 4);
  EXPECT_EQ(argument_of(good), "");
  EXPECT_EQ(argument_of(good, true), "k");
  Data<double> bad = good;
  bad.directions[4] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(argument_of(bad), "inner_projections");
  bad = good;
  bad.y[static_cast<std::size_t>(good.batches_y[3]) * kDims] = 1e300;
  EXPECT_EQ(argument_of(bad), "X, Y, inner_projections");
  bad.y[static_cast<std::size_t>(good.batches_y[3]) * kDims] = INFINITY;
  EXPECT_EQ(argument_of(bad), "Y");
}

TEST(SlicedTable, StopsWithoutAnAnswer) {
  Monitor monitor([] { return true; });
  while (monitor.poll() == Stop::none) {
  }
  for (const std::size_t my : {6, 5}) {
    const Data<double> data(3, 6, 4, my);
    SlicedTable<double> table(data.side_x(), data.side_y(), data.options(2.0));
    table.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    EXPECT_EQ(table.status(), Status::interrupted);
    EXPECT_TRUE(std::isnan(table.costs()[0]));
  }
}

}  // namespace
}  // namespace otcore::minibatch
