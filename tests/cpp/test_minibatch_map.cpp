// Barycentric maps of mini-batch transport.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "base/monitor.h"
#include "minibatch/map.h"
#include "minibatch/sampling.h"
#include "minibatch_problems.h"

namespace otcore::minibatch {
namespace {

struct MapAnswer {
  Numbers map, mass;
  MapResult result;
};

MapAnswer solve_map(const Data& data, MapOptions options) {
  MapAnswer answer{Numbers(data.n * data.d), Numbers(data.n), {}};
  Monitor monitor;
  answer.result = barycentric_map(data.side_x(), data.side_y(), options, answer.map.data(),
                                  answer.mass.data(), monitor);
  return answer;
}

TEST(Map, IsBitIdenticalForAnyThreads) {
  const Data data = make_data(4, 5, 4, 5);
  std::vector<MapAnswer> answers;
  for (const int n_threads : {1, 2, 3, 5}) {
    answers.push_back(solve_map(
        data, {.transport = {.metric = {}, .n_threads = n_threads}, .iterations = 300, .seed = 1}));
    EXPECT_EQ(answers.back().map, answers.front().map);
    EXPECT_EQ(answers.back().mass, answers.front().mass);
    EXPECT_EQ(answers.back().result.value, answers.front().result.value);
  }
}

TEST(Map, FillsWhatWasNotDrawn) {
  for (const Sampling sampling :
       {Sampling::independent, Sampling::with_replacement, Sampling::disjoint}) {
    const Data data = make_data(3, 7, 2, 5);
    const MapAnswer answer = solve_map(
        data, {.transport = {.metric = {}}, .sampling = sampling, .iterations = 2, .seed = 1});
    EXPECT_GE(answer.result.filled, data.n - 2 * 3 * 7);
    EXPECT_EQ(answer.result.iterations, 2U);
    for (const double mass : answer.mass) EXPECT_GT(mass, 0.0);
    for (const double x : answer.map) EXPECT_TRUE(x >= 0.0 && x <= 1.0);
  }
}

TEST(Map, FillsWithAlmostAllPointsInABatch) {
  Data data = make_data(1, 1, 1, 1);
  data.n = 12;
  data.mx = 11;
  data.my = 12;
  const MapAnswer answer =
      solve_map(data, {.transport = {.metric = {}}, .iterations = 1, .seed = 1});
  EXPECT_EQ(answer.result.filled, 1U);
  for (const double mass : answer.mass) EXPECT_GT(mass, 0.0);
}

TEST(Map, PointsWithoutWeightHaveNoImage) {
  Data data = make_data(4, 20, 4, 20);
  data.a.assign(data.n, 1.0);
  data.a[17] = 0.0;
  const MapAnswer answer =
      solve_map(data, {.transport = {.metric = {}}, .iterations = 20, .seed = 1});
  for (std::size_t i = 0; i < data.n; ++i) {
    EXPECT_EQ(std::isnan(answer.map[i * data.d]), i == 17);
    EXPECT_EQ(answer.mass[i] == 0.0, i == 17);
  }
}

TEST(Map, KeepsWhatWasDoneWhenStopped) {
  const Data data = make_data(4, 5, 4, 5);
  MapAnswer answer{Numbers(data.n * data.d), Numbers(data.n), {}};
  std::size_t reported = 0;
  Monitor monitor([&] { return reported > 0; },
                  [&](std::size_t done, std::size_t) { reported = done; });
  const std::size_t asked = 100'000'000;
  answer.result = barycentric_map(data.side_x(), data.side_y(),
                                  {.transport = {.metric = {}}, .iterations = asked, .seed = 1},
                                  answer.map.data(), answer.mass.data(), monitor);
  EXPECT_EQ(answer.result.status(), Status::interrupted);
  EXPECT_GT(answer.result.iterations, 0U);
  EXPECT_LT(answer.result.iterations, asked);
  EXPECT_NEAR(std::accumulate(answer.mass.begin(), answer.mass.end(), 0.0),
              static_cast<double>(answer.result.iterations),
              1e-6 * static_cast<double>(answer.result.iterations));
  EXPECT_TRUE(std::isfinite(answer.result.value));
}

}  // namespace
}  // namespace otcore::minibatch
