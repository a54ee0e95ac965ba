// The 1-D room: the sort against the standard library's, results against the definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "oned/oned.h"
#include "oned/sort.h"
#include "oned/tuning.h"

namespace otcore::oned {
namespace {

// ---- Sorting

template <class T>
void expect_sorted(const std::vector<T>& row) {
  const std::size_t n = row.size();
  std::vector<std::int32_t> expected(n);
  std::iota(expected.begin(), expected.end(), 0);
  const auto at = [&row](std::int32_t k) { return row[static_cast<std::size_t>(k)]; };
  std::stable_sort(expected.begin(), expected.end(),
                   [&](std::int32_t l, std::int32_t r) { return at(l) < at(r); });
  Sorter<T> sorter(n);
  std::vector<double> values(n), sorted(n);
  std::vector<std::int32_t> order(n);
  ASSERT_EQ(sorter.values(row.data(), values.data()), -1);
  ASSERT_EQ(sorter.order(row.data(), sorted.data(), order.data()), -1);
  EXPECT_EQ(order, expected);
  EXPECT_EQ(values, sorted);
  for (std::size_t k = 0; k < n; ++k) {
    ASSERT_EQ(values[k], static_cast<double>(at(expected[k])));
    ASSERT_FALSE(values[k] == 0.0 && std::signbit(values[k]));
  }
}

template <class T>
std::vector<std::vector<T>> rows_of(std::size_t n) {
  using Limits = std::numeric_limits<T>;
  std::mt19937 generator(static_cast<std::uint32_t>(n));
  std::normal_distribution<double> normal;
  std::uniform_int_distribution<int> few(-2, 2);
  std::uniform_real_distribution<double> exponent(Limits::min_exponent, Limits::max_exponent - 1);
  const auto fill = [n](auto make) {
    std::vector<T> row(n);
    for (std::size_t i = 0; i < n; ++i) row[i] = static_cast<T>(make(i));
    return row;
  };
  const T special[] = {T(0),
                       T(-0.0),
                       Limits::max(),
                       Limits::lowest(),
                       Limits::denorm_min(),
                       -Limits::denorm_min(),
                       Limits::min(),
                       T(1),
                       T(-1)};
  return {
      fill([&](std::size_t) { return normal(generator); }),
      fill([&](std::size_t) { return few(generator) * 0.5; }),
      fill([](std::size_t) { return 3.25; }),
      fill([](std::size_t i) { return static_cast<double>(i); }),
      fill([](std::size_t i) { return -static_cast<double>(i); }),
      fill(
          [&](std::size_t) { return std::ldexp(normal(generator), int(exponent(generator)) / 2); }),
      // Neighbours in the last digits alone: the leading bits tell nothing apart.
      fill([&](std::size_t) { return T(1) + T(generator() % 64) * Limits::epsilon(); }),
      fill([&](std::size_t i) {
        return i == 0 ? Limits::lowest() : T(1) + T(generator() % 5000) * Limits::epsilon();
      }),
      fill([&](std::size_t) { return special[generator() % std::size(special)]; }),
  };
}

template <class T>
class Sort : public ::testing::Test {};
using Numbers = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Sort, Numbers);

TYPED_TEST(Sort, AgreesWithTheStableSort) {
  for (const std::size_t n :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, kRadixSortFrom - 1, kRadixSortFrom,
        std::size_t{300}, kWideDigitsFrom - 1, kWideDigitsFrom, std::size_t{20000}}) {
    for (const auto& row : rows_of<TypeParam>(n)) {
      SCOPED_TRACE("n = " + std::to_string(n));
      expect_sorted(row);
    }
  }
}

TYPED_TEST(Sort, FindsTheFirstNumberThatIsNotFinite) {
  using Limits = std::numeric_limits<TypeParam>;
  for (const TypeParam bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    for (const std::size_t n : {5, 5000}) {
      std::vector<TypeParam> row(n, TypeParam(1));
      row[3] = bad;
      row[4] = Limits::quiet_NaN();
      Sorter<TypeParam> sorter(n);
      std::vector<double> sorted(n, 7.0);
      std::vector<std::int32_t> order(n);
      EXPECT_EQ(sorter.values(row.data(), sorted.data()), 3);
      EXPECT_EQ(sorter.order(row.data(), sorted.data(), order.data()), 3);
      EXPECT_EQ(sorted, std::vector<double>(n, 7.0));
    }
  }
}

// ---- Transport

// A batch of problems of one shape; rows are shared where there is one for all.
struct Problems {
  std::size_t count = 1, n = 1, m = 1;
  std::vector<double> x, y, a, b;  // a and b empty: uniform

  [[nodiscard]] Lines<double> lines() const {
    return {count, rows(x, n), rows(y, m), rows(a, n), rows(b, m)};
  }
  [[nodiscard]] static Rows<double> rows(const std::vector<double>& numbers, std::size_t length) {
    return {numbers.empty() ? nullptr : numbers.data(), length,
            numbers.size() == length ? 0 : length};
  }
};

enum class Mass { none, equal, random, zeros, wide };

std::vector<double> masses(Mass kind, std::size_t count, std::size_t length, std::mt19937& rng) {
  std::uniform_real_distribution<double> unit;
  if (kind == Mass::none) return {};
  std::vector<double> result(count * length);
  for (std::size_t b = 0; b < count; ++b) {
    double* row = result.data() + b * length;
    for (std::size_t i = 0; i < length; ++i) {
      switch (kind) {
        case Mass::zeros:
          row[i] = i > 0 && unit(rng) < 0.5 ? 0.0 : unit(rng) + 0.1;
          break;
        case Mass::wide:
          row[i] = std::pow(10.0, -12.0 * unit(rng));
          break;
        case Mass::random:
          row[i] = unit(rng) + 1e-3;
          break;
        case Mass::none:
        case Mass::equal:
          row[i] = 1.0;
      }
    }
    const double sum = std::accumulate(row, row + length, 0.0);
    for (std::size_t i = 0; i < length; ++i) row[i] /= sum;
  }
  return result;
}

Problems make_problems(std::size_t count, std::size_t n, std::size_t m, Mass mass, bool ties) {
  std::mt19937 rng(static_cast<std::uint32_t>(n * 31 + m));
  std::normal_distribution<double> normal;
  Problems p{count, n, m, std::vector<double>(count * n), std::vector<double>(count * m), {}, {}};
  for (double& number : p.x) number = ties ? std::round(normal(rng)) : normal(rng);
  for (double& number : p.y) number = ties ? std::round(normal(rng)) : normal(rng) + 0.5;
  p.a = masses(mass, count, n, rng);
  p.b = masses(mass, count, m, rng);
  return p;
}

struct Answers {
  std::vector<double> value, gap, f, g, mass, in_x, in_y;
  std::vector<std::int64_t> count;
  std::vector<std::int32_t> rows, cols;

  bool operator==(const Answers&) const = default;
};

Answers solve_all(const Problems& p, double power, int n_threads = 1) {
  Answers all;
  all.value.resize(p.count);
  all.gap.resize(p.count);
  all.count.resize(p.count);
  all.f.resize(p.count * p.n);
  all.g.resize(p.count * p.m);
  all.in_x.resize(p.count * p.n);
  all.in_y.resize(p.count * p.m);
  all.mass.resize(p.count * (p.n + p.m - 1));
  all.rows.resize(all.mass.size());
  all.cols.resize(all.mass.size());
  Monitor monitor;
  solve(p.lines(), {power, n_threads},
        {all.value.data(), all.gap.data(), all.f.data(), all.g.data(), all.count.data(),
         all.rows.data(), all.cols.data(), all.mass.data(), all.in_x.data(), all.in_y.data()},
        monitor);
  return all;
}

std::vector<double> values_alone(const Problems& p, double power, int n_threads = 1) {
  std::vector<double> values(p.count);
  Solutions out;
  out.value = values.data();
  Monitor monitor;
  solve(p.lines(), {power, n_threads}, out, monitor);
  return values;
}

double weight(const std::vector<double>& weights, std::size_t i, std::size_t length) {
  return weights.empty() ? 1.0 / static_cast<double>(length) : weights[i];
}

// The plan has the masses and the value, the potentials are feasible and prove it optimal.
void expect_optimal(const Problems& p, double power) {
  ASSERT_EQ(p.count, 1U);
  const Answers all = solve_all(p, power);
  EXPECT_EQ(values_alone(p, power), all.value);
  const auto cost = [&](std::size_t i, std::size_t j) {
    return std::pow(std::abs(p.x[i] - p.y[j]), power);
  };
  const auto count = static_cast<std::size_t>(all.count[0]);
  ASSERT_LE(count, p.n + p.m - 1);
  std::vector<double> rows(p.n, 0.0), cols(p.m, 0.0);
  double value = 0.0;
  for (std::size_t k = 0; k < count; ++k) {
    const auto i = static_cast<std::size_t>(all.rows[k]);
    const auto j = static_cast<std::size_t>(all.cols[k]);
    EXPECT_GT(all.mass[k], 0.0);
    if (k > 0) {
      EXPECT_LT(std::pair(all.rows[k - 1], all.cols[k - 1]), std::pair(all.rows[k], all.cols[k]));
    }
    rows[i] += all.mass[k];
    cols[j] += all.mass[k];
    value += all.mass[k] * cost(i, j);
  }
  const double size = static_cast<double>(p.n + p.m) * 0x1p-52;
  double dual = 0.0, gauge = 0.0, most = 0.0;
  for (std::size_t i = 0; i < p.n; ++i) {
    EXPECT_NEAR(rows[i], weight(p.a, i, p.n), size);
    dual += weight(p.a, i, p.n) * all.f[i];
    double tightest = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < p.m; ++j) {
      most = std::max(most, cost(i, j));
      tightest = std::min(tightest, cost(i, j) - all.f[i] - all.g[j]);
    }
    EXPECT_NEAR(tightest, 0.0, 0x1p-48 * most);  // feasible, and the c-transform
  }
  for (std::size_t j = 0; j < p.m; ++j) {
    EXPECT_NEAR(cols[j], weight(p.b, j, p.m), size);
    dual += weight(p.b, j, p.m) * all.g[j];
    gauge += weight(p.b, j, p.m) * all.g[j];
    double tightest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < p.n; ++i)
      tightest = std::min(tightest, cost(i, j) - all.f[i] - all.g[j]);
    EXPECT_NEAR(tightest, 0.0, 0x1p-44 * most);  // also for columns without mass
  }
  EXPECT_NEAR(gauge, 0.0, size * most);
  EXPECT_NEAR(all.value[0], value, size * value);
  EXPECT_NEAR(all.gap[0], all.value[0] - dual, size * most);
  EXPECT_LE(std::abs(all.gap[0]), 1e-9 * value + 0x1p-47 * most);
}

TEST(Transport, IsOptimal) {
  for (const auto& [n, m] : {std::pair{1, 1}, {1, 9}, {9, 1}, {6, 6}, {40, 60}, {130, 90}}) {
    for (const Mass mass : {Mass::none, Mass::equal, Mass::random, Mass::zeros, Mass::wide}) {
      for (const double power : {1.0, 1.3, 1.5, 2.0, 3.0, 4.5, 11.0}) {
        for (const bool ties : {false, true}) {
          SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(m) + ", masses " +
                       std::to_string(static_cast<int>(mass)) + ", p " + std::to_string(power));
          expect_optimal(make_problems(1, static_cast<std::size_t>(n), static_cast<std::size_t>(m),
                                       mass, ties),
                         power);
        }
      }
    }
  }
}

TEST(Transport, OfARowToItselfIsFreeAndFlat) {
  Problems p = make_problems(1, 50, 50, Mass::none, true);
  p.y = p.x;
  const Answers all = solve_all(p, 2.0);
  EXPECT_EQ(all.value[0], 0.0);
  EXPECT_EQ(all.gap[0], 0.0);
  EXPECT_EQ(all.f, std::vector<double>(50, 0.0));
  EXPECT_EQ(all.g, std::vector<double>(50, 0.0));
}

TEST(Transport, ExchangingTheSidesExchangesThePotentials) {
  for (const Mass mass : {Mass::none, Mass::random}) {
    Problems p = make_problems(1, 30, 30, mass, false);
    const Answers one = solve_all(p, 3.0);
    std::swap(p.x, p.y);
    std::swap(p.a, p.b);
    const Answers other = solve_all(p, 3.0);
    EXPECT_DOUBLE_EQ(one.value[0], other.value[0]);
    for (std::size_t i = 0; i < 30; ++i) {
      EXPECT_NEAR(one.f[i] - one.f[0], other.g[i] - other.g[0], 1e-12);
      EXPECT_NEAR(one.in_x[i], other.in_y[i], 1e-12);
    }
  }
}

TEST(Transport, OfManyPointsStaysTight) {
  const Problems p = make_problems(1, 60000, 50000, Mass::random, false);
  const Answers all = solve_all(p, 1.0);
  EXPECT_EQ(values_alone(p, 1.0), all.value);
  EXPECT_LE(std::abs(all.gap[0]), 1e-13 * all.value[0]);
}

TEST(Transport, FloatsAreReadAsTheyAre) {
  const Problems p = make_problems(1, 300, 200, Mass::random, false);
  const std::vector<float> x(p.x.begin(), p.x.end()), y(p.y.begin(), p.y.end());
  Problems wide = p;
  wide.x.assign(x.begin(), x.end());
  wide.y.assign(y.begin(), y.end());
  double value = 0.0;
  Solutions out;
  out.value = &value;
  Monitor monitor;
  solve(Lines<float>{1, {x.data(), 300, 0}, {y.data(), 200, 0}, p.lines().a, p.lines().b}, {}, out,
        monitor);
  EXPECT_EQ(value, values_alone(wide, 2.0)[0]);
}

TEST(Transport, BatchesAreTheirProblemsForAnyThreads) {
  for (const Mass mass : {Mass::none, Mass::random, Mass::zeros}) {
    const std::size_t count = 40, n = 700, m = mass == Mass::none ? 700 : 500;
    const Problems p = make_problems(count, n, m, mass, false);
    const Answers all = solve_all(p, 2.0, 1);
    for (const int n_threads : {2, 3, 5}) {
      EXPECT_EQ(solve_all(p, 2.0, n_threads), all);
      EXPECT_EQ(values_alone(p, 2.0, n_threads), all.value);
    }
    const auto part = [](const std::vector<double>& from, std::size_t b, std::size_t length) {
      if (from.empty()) return from;
      const auto start = from.begin() + static_cast<std::ptrdiff_t>(b * length);
      return std::vector<double>(start, start + static_cast<std::ptrdiff_t>(length));
    };
    for (const std::size_t b : {std::size_t{0}, std::size_t{17}, count - 1}) {
      const Problems one{
          1, n, m, part(p.x, b, n), part(p.y, b, m), part(p.a, b, n), part(p.b, b, m)};
      const Answers alone = solve_all(one, 2.0);
      EXPECT_EQ(alone.value[0], all.value[b]);
      EXPECT_EQ(alone.f, part(all.f, b, n));
      EXPECT_EQ(alone.in_y, part(all.in_y, b, m));
    }
  }
}

TEST(Transport, SharedRowsServeAll) {
  Problems p = make_problems(30, 90, 80, Mass::random, false);
  Problems shared = p;
  shared.x.resize(p.n);
  shared.b.resize(p.m);
  for (std::size_t b = 0; b < p.count; ++b) {
    std::copy_n(shared.x.begin(), p.n, p.x.begin() + static_cast<std::ptrdiff_t>(b * p.n));
    std::copy_n(shared.b.begin(), p.m, p.b.begin() + static_cast<std::ptrdiff_t>(b * p.m));
  }
  EXPECT_EQ(solve_all(p, 1.5, 2), solve_all(shared, 1.5, 2));
}

TEST(Transport, OneLongRowOnAnyThreads) {
  const Problems p = make_problems(1, kSplitSortFrom, kSplitSortFrom, Mass::none, false);
  EXPECT_EQ(values_alone(p, 2.0, 1), values_alone(p, 2.0, 2));
}

TEST(Transport, StopsBetweenProblems) {
  const Problems p = make_problems(100, 500, 500, Mass::none, false);
  for (const int n_threads : {1, 2}) {
    std::vector<double> values(p.count, -1.0);
    Solutions out;
    out.value = values.data();
    Monitor monitor({}, {}, 0.0);
    EXPECT_EQ(monitor.poll(), Stop::time_limit);
    solve(p.lines(), {2.0, n_threads}, out, monitor);
    EXPECT_EQ(values, std::vector<double>(p.count, -1.0));
  }
}

TEST(Transport, ErrorsNameTheLowestBadRow) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto message = [](const Problems& p, double power) {
    try {
      values_alone(p, power, 3);
    } catch (const InvalidArgument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const Problems good = make_problems(50, 600, 600, Mass::random, false);
  EXPECT_EQ(message(good, 2.0), "");
  Problems bad = good;
  bad.y[41 * 600] = bad.y[7 * 600 + 5] = nan;
  EXPECT_NE(message(bad, 2.0).find("y: y[7, 5] is nan"), std::string::npos);
  bad = good;
  bad.a[3 * 600 + 2] = -1.0;
  EXPECT_NE(message(bad, 2.0).find("a: a[3, 2] is -1"), std::string::npos);
  bad = good;
  bad.x[9 * 600] = 1e200;
  EXPECT_NE(message(bad, 2.0).find("x, y: in problem 9 the cost of the farthest points overflows"),
            std::string::npos);
  EXPECT_EQ(message(bad, 1.0), "");
  bad = make_problems(1, 4, 5, Mass::random, false);
  bad.x[2] = nan;
  EXPECT_NE(message(bad, 2.0).find("x: x[2] is nan"), std::string::npos);
  bad = make_problems(1, 4, 5, Mass::random, false);
  for (auto* side : {&bad.x, &bad.y}) {
    for (double& number : *side) number *= 1e150;
  }
  for (auto* side : {&bad.a, &bad.b}) {
    for (double& number : *side) number *= 1e20;
  }
  EXPECT_NE(message(bad, 2.0).find("the transport cost overflows"), std::string::npos);
}

}  // namespace
}  // namespace otcore::oned
