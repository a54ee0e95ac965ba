// Passes over the batches of a pyramid: plans between all points.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/monitor.h"
#include "base/random.h"
#include "minibatch/pass.h"

namespace otcore::minibatch {
namespace {

using Numbers = std::vector<double>;
using Indices = std::vector<std::int64_t>;

constexpr std::size_t kDims = 2;

// Point i of x goes in part to batch 0 and in part to batch 1.
struct Data {
  Numbers x = {0.0, 0.1, 1.0, 0.9, 2.0, 2.2}, y = {0.1, 0.0, 2.1, 2.0};
  Indices offsets_x = {0, 2, 4}, index_x = {0, 1, 1, 2};
  Indices offsets_y = {0, 1, 2}, index_y = {0, 1};
  Numbers mass_x = {1.0, 0.5, 0.5, 2.0}, mass_y = {1.5, 2.5};
  Numbers weights = {0.375, 0.625};

  [[nodiscard]] PassSide<double> side_x() const {
    return {{x.data(), 3, kDims, kDims}, offsets_x.data(), index_x.data(), mass_x.data()};
  }
  [[nodiscard]] PassSide<double> side_y() const {
    return {{y.data(), 2, kDims, kDims}, offsets_y.data(), index_y.data(), mass_y.data()};
  }
};

struct Solved {
  Numbers cost, gap, mass;
  Indices rows, cols;
  Status status = Status::optimal;
};

template <class T>
Solved solve(const PassSide<T>& x, const PassSide<T>& y, const Numbers& weights, Monitor& monitor,
             const PassOptions& options = {}) {
  Pass<T> pass(x, y, weights.data(), weights.size(), options);
  Solved solved{Numbers(weights.size()), Numbers(weights.size()), {}, {}, {}};
  pass.solve({solved.cost.data(), solved.gap.data()}, monitor);
  solved.status = pass.status();
  solved.rows.resize(pass.count());
  solved.cols.resize(pass.count());
  solved.mass.resize(pass.count());
  pass.take_plan({solved.rows.data(), solved.cols.data(), solved.mass.data()});
  EXPECT_EQ(pass.count(), 0u);
  return solved;
}

TEST(Pass, MakesAPlanOfSplitPoints) {
  const Data data;
  Monitor monitor;
  const Solved solved = solve(data.side_x(), data.side_y(), data.weights, monitor);
  EXPECT_EQ(solved.status, Status::optimal);
  Numbers plan(6);
  double cost = 0.0;
  for (std::size_t e = 0; e < solved.mass.size(); ++e) {
    const auto i = static_cast<std::size_t>(solved.rows[e]);
    const auto j = static_cast<std::size_t>(solved.cols[e]);
    plan[i * 2 + j] += solved.mass[e];
    for (std::size_t c = 0; c < kDims; ++c) {
      cost += solved.mass[e] * std::pow(data.x[i * kDims + c] - data.y[j * kDims + c], 2);
    }
  }
  const Numbers expected = {0.25, 0.0, 0.125, 0.125, 0.0, 0.5};
  for (std::size_t e = 0; e < 6; ++e) EXPECT_NEAR(plan[e], expected[e], 1e-15);
  const double value = data.weights[0] * solved.cost[0] + data.weights[1] * solved.cost[1];
  EXPECT_NEAR(value, cost, 1e-14);
}

TEST(Pass, IsBitIdenticalForAnyThreads) {
  constexpr std::size_t kBatches = 300, kSize = 5, kPoints = kBatches * kSize;
  Random random(1);
  std::vector<float> x(kPoints * kDims), y(kPoints * kDims);
  for (std::vector<float>* side : {&x, &y}) {
    for (float& number : *side) number = static_cast<float>(random.next() >> 40) * 0x1p-24F;
  }
  Indices offsets, index;
  for (std::size_t b = 0; b <= kBatches; ++b) offsets.push_back(static_cast<int>(b * kSize));
  for (std::size_t i = 0; i < kPoints; ++i) index.push_back(static_cast<int>(i));
  const PassSide<float> side_x{
      {x.data(), kPoints, kDims, kDims}, offsets.data(), index.data(), nullptr};
  const PassSide<float> side_y{
      {y.data(), kPoints, kDims, kDims}, offsets.data(), index.data(), nullptr};
  const Numbers weights(kBatches, 1.0 / kBatches);
  Monitor monitor;
  const Solved first = solve(side_x, side_y, weights, monitor, {.metric = {}, .n_threads = 1});
  EXPECT_EQ(first.mass.size(), kPoints);
  for (const int n_threads : {2, 5}) {
    const Solved other =
        solve(side_x, side_y, weights, monitor, {.metric = {}, .n_threads = n_threads});
    EXPECT_EQ(other.cost, first.cost);
    EXPECT_EQ(other.cols, first.cols);
    EXPECT_EQ(other.mass, first.mass);
  }
}

TEST(Pass, NamesThePointThatIsNotFinite) {
  Data data;
  data.x[4] = std::nan("");
  Monitor monitor;
  try {
    solve(data.side_x(), data.side_y(), data.weights, monitor);
    FAIL();
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("X[2, 0]"), std::string::npos);
  }
}

TEST(Pass, StopsWithoutAnAnswer) {
  const Data data;
  Monitor monitor([] { return true; });
  while (monitor.poll() == Stop::none) {
  }
  const Solved solved = solve(data.side_x(), data.side_y(), data.weights, monitor);
  EXPECT_EQ(solved.status, Status::interrupted);
  EXPECT_TRUE(std::isnan(solved.cost[0]));
  EXPECT_TRUE(solved.mass.empty());
}

}  // namespace
}  // namespace otcore::minibatch
