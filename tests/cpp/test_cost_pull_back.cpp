// Derivatives of a plan's cost in the points, against plain sums.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/random.h"
#include "cost/pull_back.h"

namespace otcore::cost {
namespace {

template <class T>
class PullBack : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(PullBack, Types, );

TYPED_TEST(PullBack, IsTheSumOverThePairs) {
  using T = TypeParam;
  Random random(5);
  const auto number = [&random](double offset) {
    return static_cast<T>(offset + static_cast<double>(random.next() >> 11) * 0x1p-53);
  };
  const std::size_t n = 37, m = 23;
  for (const std::size_t d : {1, 3, 8, 31, 32, 33, 70}) {
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{20}, std::size_t{700}, n * m}) {
      std::vector<T> x, y;
      for (std::size_t k = 0; k < n * d; ++k) x.push_back(number(1000.0));
      for (std::size_t k = 0; k < m * d; ++k) y.push_back(number(1000.0));
      std::vector<std::int64_t> rows, cols;
      std::vector<double> mass;
      for (std::size_t e = 0; e < count; ++e) {
        const bool dense = count == n * m;
        rows.push_back(static_cast<std::int64_t>(dense ? e / m : random.below(n)));
        cols.push_back(static_cast<std::int64_t>(dense ? e % m : random.below(m)));
        mass.push_back(static_cast<double>(random.below(100)) - 20.0);
      }
      std::vector<double> in_x(n * d), in_y(m * d);
      for (std::size_t e = 0; e < count; ++e) {
        const auto i = static_cast<std::size_t>(rows[e]) * d;
        const auto j = static_cast<std::size_t>(cols[e]) * d;
        for (std::size_t k = 0; k < d; ++k) {
          const double slope = 2.0 * mass[e] * (double{x[i + k]} - double{y[j + k]});
          in_x[i + k] += slope;
          in_y[j + k] -= slope;
        }
      }
      const WeightedPairs pairs{rows.data(), cols.data(), mass.data(), count};
      std::vector<T> found_x(n * d, T(7)), found_y(m * d, T(7)), alone(n * d);
      pull_squares_back<T>({x.data(), n, d, d}, {y.data(), m, d, d}, pairs, 2, found_x.data(),
                           found_y.data());
      pull_squares_back<T>({x.data(), n, d, d}, {y.data(), m, d, d}, pairs, 1, alone.data(),
                           nullptr);
      EXPECT_EQ(alone, found_x);
      const auto rounding = double{std::numeric_limits<T>::epsilon()};
      for (std::size_t k = 0; k < n * d; ++k) {
        ASSERT_NEAR(double{found_x[k]}, in_x[k], rounding * std::abs(in_x[k]) + 1e-10);
      }
      for (std::size_t k = 0; k < m * d; ++k) {
        ASSERT_NEAR(double{found_y[k]}, in_y[k], rounding * std::abs(in_y[k]) + 1e-10);
      }
    }
  }
}

}  // namespace
}  // namespace otcore::cost
