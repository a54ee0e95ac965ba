// What tiles of pairs are sifted by, at every instruction-set level: pairs below limits, and the
// float32 filter before them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "exact/kernels.h"
#include "exact_levels.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kFloatInfinity = std::numeric_limits<float>::infinity();
constexpr std::int32_t kSentinel = -77;

// The places a kernel lists; it may write no more than these.
template <class Kernel>
std::vector<std::int32_t> listed(const Kernel& kernel) {
  std::vector<std::int32_t> places(kBlockPoints * kBlockPoints + 1, kSentinel);
  const std::size_t found = kernel(places.data());
  EXPECT_LT(found, places.size());
  EXPECT_TRUE(std::all_of(places.begin() + static_cast<std::ptrdiff_t>(found), places.end(),
                          [](std::int32_t place) { return place == kSentinel; }));
  places.resize(found);
  return places;
}

TEST(Tiles, ListWhatIsBelowLimits) {
  std::mt19937 generator(1);
  std::uniform_int_distribution<int> number(0, 40);
  const auto costs = aligned_array<double>(kBlockPoints * kBlockPoints, "costs");
  for (const Kernels* level : every_level()) {
    for (const std::size_t rows : {1, 2, 7, 47, 48}) {
      for (const std::size_t cols : {1, 3, 4, 7, 8, 9, 15, 17, 31, 33, 40, 47, 48}) {
        // Behind the columns of a tile are infinities; here, what would be listed.
        std::fill(costs.get(), costs.get() + kBlockPoints * kBlockPoints, -kInfinity);
        std::vector<double> v(cols);
        std::vector<double> limits(rows);
        for (double& x : v) x = number(generator) / 8.0;
        for (double& x : limits) x = number(generator) / 16.0;
        limits[rows / 2] = rows % 2 == 0 ? kInfinity : -kInfinity;
        std::vector<std::int32_t> expected;
        for (std::size_t i = 0; i < rows; ++i) {
          for (std::size_t j = 0; j < cols; ++j) {
            double& cost = costs[i * kBlockPoints + j];
            cost = number(generator) / 8.0;
            if (i == 1 && j == 2) cost = kInfinity;
            if (cost - v[j] < limits[i]) {
              expected.push_back(static_cast<std::int32_t>(i * kBlockPoints + j));
            }
          }
        }
        EXPECT_EQ(listed([&](std::int32_t* out) {
                    return level->tile_below(costs.get(), rows, cols, v.data(), limits.data(), out);
                  }),
                  expected)
            << rows << " x " << cols;
      }
    }
  }
}

// A tile of the float32 filter. Rows end where memory does, so that sanitizers see reads beyond.
struct Products {
  Products(std::size_t n, std::size_t d)
      : rows(n),
        dims(d),
        x(n * d),
        y(aligned_array<float>(kBlockPoints * d, "y")),
        starts(aligned_array<float>(kBlockPoints, "starts")),
        above(n) {
    std::fill(y.get(), y.get() + kBlockPoints * d, 0.0F);
    std::fill(starts.get(), starts.get() + kBlockPoints, -kFloatInfinity);
  }

  [[nodiscard]] std::vector<std::int32_t> at(const Kernels& level) const {
    return listed([&](std::int32_t* out) {
      return level.products_above(x.data(), rows, y.get(), dims, starts.get(), above.data(), out);
    });
  }

  std::size_t rows;
  std::size_t dims;
  std::vector<float> x;
  AlignedArray<float> y;
  AlignedArray<float> starts;
  std::vector<float> above;
};

// Numbers are small multiples of 1/4, so that sums are exact.
TEST(Products, AreListedAboveBounds) {
  std::mt19937 generator(2);
  std::uniform_int_distribution<int> number(-12, 12);
  const auto quarter = [&] { return static_cast<float>(number(generator)) / 4.0F; };
  for (const Kernels* level : every_level()) {
    for (const std::size_t rows : {1, 2, 3, 7, 8, 9, 17, 47, 48}) {
      for (const std::size_t dims : {1, 2, 3, 16, 50}) {
        for (const std::size_t cols : {1, 7, 33, 48}) {
          Products tile(rows, dims);
          for (float& x : tile.x) x = quarter();
          for (float& bound : tile.above) bound = quarter();
          tile.above[rows / 2] = rows % 2 == 0 ? kFloatInfinity : -kFloatInfinity;
          for (std::size_t c = 0; c < cols; ++c) {
            tile.starts[c] = quarter();
            for (std::size_t k = 0; k < dims; ++k) tile.y[k * kBlockPoints + c] = quarter();
          }
          if (cols > 2) tile.starts[1] = -kFloatInfinity;
          std::vector<std::int32_t> expected;
          for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t c = 0; c < kBlockPoints; ++c) {
              float sum = tile.starts[c];
              for (std::size_t k = 0; k < dims; ++k) {
                sum += tile.x[r * dims + k] * tile.y[k * kBlockPoints + c];
              }
              if (sum > tile.above[r]) {
                expected.push_back(static_cast<std::int32_t>(r * kBlockPoints + c));
              }
            }
          }
          EXPECT_EQ(tile.at(*level), expected) << rows << " x " << cols << " x " << dims;
        }
      }
    }
  }
}

TEST(Products, OfNaNAreNotListed) {
  for (const Kernels* level : every_level()) {
    Products tile(9, 2);
    std::fill(tile.starts.get(), tile.starts.get() + kBlockPoints, 1.0F);
    tile.above[8] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(tile.at(*level).size(), 8 * kBlockPoints);
  }
}

enum class Numbers { random, rounded_down, cancelling, uneven };

// Coordinates in float64: random ones; such whose roundings to float32 are the largest there are,
// and all one way; pairs of coordinates whose products cancel; of very different size.
double coordinate(Numbers kind, std::size_t k, bool of_y, std::mt19937& generator) {
  std::normal_distribution<double> normal;
  switch (kind) {
    case Numbers::random:
      return normal(generator);
    case Numbers::rounded_down:
      return 1.0 + 0x1p-24 * (1.0 - 0x1p-20);
    case Numbers::cancelling:
      return of_y && k % 2 == 1 ? -1.0 - 0x1p-24 * (1.0 + 0x1p-20) : 1.0 + normal(generator) / 1e3;
    case Numbers::uneven:
      return std::pow(10.0, static_cast<double>(k % 7) - 6.0) * normal(generator);
  }
  return 0.0;
}

// The bound of CloudScan::find_products: no pair with <x, y> - q > p for numbers in float64 is
// missed in float32, however close; and pairs that are below by many roundings are left out.
TEST(Products, MissNothingThatIsAboveInFloat64) {
  constexpr double kUnit = 1.1 * 0x1p-24;
  constexpr std::size_t kRows = 19;
  std::mt19937 generator(3);
  std::normal_distribution<double> normal;
  for (const Numbers kind :
       {Numbers::random, Numbers::rounded_down, Numbers::cancelling, Numbers::uneven}) {
    for (const std::size_t dims : {1, 2, 3, 16, 100, 301}) {
      for (const double size : {0.0, 1e-3, 1.0, 30.0}) {  // of q, to that of products
        SCOPED_TRACE(std::to_string(static_cast<int>(kind)) + ", d = " + std::to_string(dims) +
                     ", q: " + std::to_string(size));
        Products tile(kRows, dims);
        std::vector<long double> x(kRows * dims);
        std::vector<long double> y(kBlockPoints * dims);
        std::vector<double> squares_x(kRows), squares_y(kBlockPoints);
        for (std::size_t r = 0; r < kRows; ++r) {
          for (std::size_t k = 0; k < dims; ++k) {
            const double number = coordinate(kind, k, false, generator);
            x[r * dims + k] = number;
            squares_x[r] += number * number;
            tile.x[r * dims + k] = static_cast<float>(number);
          }
        }
        for (std::size_t c = 0; c < kBlockPoints; ++c) {
          for (std::size_t k = 0; k < dims; ++k) {
            const double number = coordinate(kind, k, true, generator);
            y[c * dims + k] = number;
            squares_y[c] += number * number;
            tile.y[k * kBlockPoints + c] = static_cast<float>(number);
          }
        }
        const double reach = std::sqrt(*std::max_element(squares_x.begin(), squares_x.end()) *
                                       *std::max_element(squares_y.begin(), squares_y.end()));
        std::vector<double> q(kBlockPoints);
        double largest_q = 0.0;
        for (std::size_t c = 0; c < kBlockPoints; ++c) {
          q[c] = size * reach * normal(generator);
          largest_q = std::max(largest_q, std::abs(q[c]));
          tile.starts[c] = static_cast<float>(-q[c]);
        }
        const auto exact = [&](std::size_t r, std::size_t c) {
          long double sum = -q[c];
          for (std::size_t k = 0; k < dims; ++k) sum += x[r * dims + k] * y[c * dims + k];
          return sum;
        };
        // Each row's bound is right below the pair that has r above it.
        std::vector<double> least(kRows);
        const double error = kUnit * static_cast<double>(dims + 4) * (reach + largest_q);
        for (std::size_t r = 0; r < kRows; ++r) {
          std::vector<long double> all(kBlockPoints);
          for (std::size_t c = 0; c < kBlockPoints; ++c) all[c] = exact(r, c);
          std::sort(all.rbegin(), all.rend());
          least[r] = std::nextafter(static_cast<double>(all[r]), -kInfinity);
          tile.above[r] = static_cast<float>(least[r] - error - kUnit * std::abs(least[r]));
        }
        for (const Kernels* level : every_level()) {
          const std::vector<std::int32_t> found = tile.at(*level);
          for (std::size_t r = 0; r < kRows; ++r) {
            for (std::size_t c = 0; c < kBlockPoints; ++c) {
              const long double over = exact(r, c) - least[r];
              const bool is_found = std::binary_search(
                  found.begin(), found.end(), static_cast<std::int32_t>(r * kBlockPoints + c));
              if (over > 0.0L) {
                EXPECT_TRUE(is_found) << r << ", " << c;
              } else if (over < -3.0L * (error + kUnit * std::abs(least[r]))) {
                EXPECT_FALSE(is_found) << r << ", " << c;
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace otcore::exact
