// Kernels that gradients of sorted slices, and random directions, are made of, against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "base/sizes.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::sliced {
namespace {

template <class T>
std::vector<T> numbers_of(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<T> numbers(count);
  for (T& x : numbers) x = static_cast<T>(normal(generator));
  return numbers;
}

template <class T>
class SlopeKernels : public ::testing::Test {
 protected:
  // Where the number of point i in direction l of a group stands.
  static std::size_t at(std::size_t i, std::size_t l, std::size_t points) {
    const std::size_t lanes = project_kernels<T>().lanes;
    return l / lanes * lanes * points + i * lanes + l % lanes;
  }
};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(SlopeKernels, Types, );

TYPED_TEST(SlopeKernels, ColumnsAreSortedAndUnsortedAgain) {
  using T = TypeParam;
  const std::size_t dims = 3;
  for (const std::size_t n : {1, 2, 15, 16, 17, 100}) {
    for (const std::size_t count : {1, 7, 16}) {
      const std::vector<T> points = numbers_of<T>(n * dims, 1);
      std::vector<T> group = numbers_of<T>(dims * kGroup, 2);
      for (std::size_t k = 0; k < dims; ++k) {
        std::fill_n(group.data() + k * kGroup + count, kGroup - count, T{0});
      }
      std::vector<T> memory(kGroup * round_up(n, kColumnPadding));
      std::vector<T> sorted(n * kGroup), projections(n * kGroup), back(n * kGroup);
      const Points<T> view{points.data(), n, dims, nullptr};
      ASSERT_TRUE(project_kernels<T>().sort_columns(view, group.data(), count, memory.data(),
                                                    sorted.data(), projections.data()));
      std::vector<T> rows(count * n);
      project_kernels<T>().project(view, group.data(), count, rows.data(), n);
      for (std::size_t l = 0; l < kGroup; ++l) {
        std::vector<T> row(n);
        if (l < count) std::copy_n(rows.data() + l * n, n, row.data());
        for (std::size_t i = 0; i < n; ++i) {
          ASSERT_EQ(projections[this->at(i, l, n)], row[i]);
        }
        std::sort(row.begin(), row.end());
        for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(sorted[this->at(i, l, n)], row[i]);
      }
      ASSERT_EQ(project_kernels<T>().unsort_columns(projections.data(), sorted.data(), n,
                                                    memory.data(), back.data()),
                Order::found);
      EXPECT_EQ(back, projections);
    }
  }
}

TYPED_TEST(SlopeKernels, OneFarPointHidesTheOrderOfTheOthers) {
  using T = TypeParam;
  const std::size_t n = 1000;
  std::vector<T> projections = numbers_of<T>(n * kGroup, 1);
  projections[0] = std::sqrt(std::numeric_limits<T>::max());
  std::vector<T> memory(kGroup * round_up(n, kColumnPadding)), out(n * kGroup);
  const std::vector<T> sorted(n * kGroup);
  EXPECT_EQ(project_kernels<T>().unsort_columns(projections.data(), sorted.data(), n, memory.data(),
                                                out.data()),
            Order::too_close);
}

TYPED_TEST(SlopeKernels, PairSlopesAreSumsOverTheOthers) {
  using T = TypeParam;
  const std::size_t length = 5 * kSumPadding;
  const std::vector<T> own = numbers_of<T>(length, 1);
  const std::vector<std::vector<T>> others = {numbers_of<T>(length, 2), own,
                                              numbers_of<T>(length, 3)};
  const std::vector<double> weights = {0.5, 2.0, -0.25};
  const T* at[] = {others[0].data(), others[1].data(), others[2].data()};
  for (const std::size_t count : {0, 1, 3}) {
    for (const bool squares : {false, true}) {
      std::vector<T> out(length + 1, T(7));
      project_kernels<T>().pair_slopes(own.data(), at, weights.data(), count, length, squares,
                                       out.data());
      EXPECT_EQ(out.back(), T(7));
      for (std::size_t k = 0; k < length; ++k) {
        double sum = 0.0;
        for (std::size_t j = 0; j < count; ++j) {
          const double d = double{own[k]} - double{others[j][k]};
          sum += weights[j] * (squares ? d : d > 0.0 ? 1.0 : d < 0.0 ? -1.0 : 0.0);
        }
        ASSERT_NEAR(double{out[k]}, sum, double{std::numeric_limits<T>::epsilon()} * 4);
      }
    }
  }
}

// More slices than are summed at a time, in blocks and in rows.
TYPED_TEST(SlopeKernels, AddSlopesOfBlocks) {
  using T = TypeParam;
  const std::size_t lanes = project_kernels<T>().lanes;
  for (const std::size_t count : {std::size_t{1}, lanes, kSumSlices + lanes + 1, 3 * kSumSlices}) {
    for (const std::size_t dims : {1, 16, 70, 83}) {
      const std::size_t rows = 7;
      const std::size_t blocks = (count + lanes - 1) / lanes;
      const std::size_t padded = round_up(dims, kSumPadding);
      const std::vector<T> slopes = numbers_of<T>(blocks * rows * lanes, 1);
      const std::vector<T> directions = numbers_of<T>(count * padded, 2);
      std::vector<double> out(rows * dims + 1, 0.5);
      sum_kernels<T>().add_slopes({slopes.data(), lanes, 1, lanes, rows * lanes}, rows,
                                  directions.data(), count, dims, out.data());
      EXPECT_EQ(out.back(), 0.5);
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t k = 0; k < dims; ++k) {
          double sum = 0.5;
          double size = 0.5;
          for (std::size_t l = 0; l < count; ++l) {
            const T slope = slopes[l / lanes * rows * lanes + i * lanes + l % lanes];
            sum += double{slope} * double{directions[l * padded + k]};
            size += std::abs(double{slope} * double{directions[l * padded + k]});
          }
          ASSERT_NEAR(out[i * dims + k], sum,
                      0.5 * kSumSlices * double{std::numeric_limits<T>::epsilon()} * size);
        }
      }
    }
  }
}

TEST(Normals, AreThoseOfBoxAndMuller) {
  std::vector<double> u = {0x1p-54, 1.0, 0.5, 0.7071067811865476, 1.0 - 0x1p-53, 0.25};
  std::vector<double> v = {0.0, 1.0, 0.125, 0.375, 0.5, 0.75};
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> uniform(0x1p-54, 1.0);
  while (u.size() < 1000) {
    u.push_back(uniform(generator));
    v.push_back(uniform(generator));
  }
  for (std::size_t count = u.size(); count > u.size() - 9; --count) {
    std::vector<double> out(2 * count + 1, 7.0);
    kernels().normals(u.data(), v.data(), count, out.data());
    EXPECT_EQ(out.back(), 7.0);
    for (std::size_t i = 0; i < count; ++i) {
      const long double radius = std::sqrt(-2.0L * std::log(static_cast<long double>(u[i])));
      const long double angle = 2.0L * std::numbers::pi_v<long double> * v[i];
      const double tolerance = 4 * 0x1p-52 * static_cast<double>(radius);
      ASSERT_NEAR(out[2 * i], static_cast<double>(radius * std::cos(angle)), tolerance) << i;
      ASSERT_NEAR(out[2 * i + 1], static_cast<double>(radius * std::sin(angle)), tolerance) << i;
    }
  }
}

}  // namespace
}  // namespace otcore::sliced
