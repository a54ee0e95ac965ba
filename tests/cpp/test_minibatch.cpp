// Tables of mini-batch transport, and what their pairs of batches add up to.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/monitor.h"
#include "minibatch/transport.h"
#include "minibatch_problems.h"

namespace otcore::minibatch {
namespace {

struct Plan {
  Indices rows, cols;
  Numbers mass;
};

Plan aggregate(const Table<double>& table, const Numbers& weights) {
  const std::size_t count = table.count_entries(weights.data());
  Plan plan{Indices(count), Indices(count), Numbers(count)};
  Monitor monitor;
  table.aggregate(weights.data(), {plan.rows.data(), plan.cols.data(), plan.mass.data()}, monitor);
  return plan;
}

double squared_distance(const Data& data, std::int64_t place_x, std::int64_t place_y) {
  const auto i = static_cast<std::size_t>(data.batches_x[static_cast<std::size_t>(place_x)]);
  const auto j = static_cast<std::size_t>(data.batches_y[static_cast<std::size_t>(place_y)]);
  double sum = 0.0;
  for (std::size_t c = 0; c < data.d; ++c) {
    const double difference = data.x[i * data.d + c] - data.y[j * data.d + c];
    sum += difference * difference;
  }
  return sum;
}

TEST(Table, PlansCostWhatTheTableSays) {
  for (const Data& data : {make_data(6, 8, 6, 8), make_data(3, 7, 5, 10), make_data(1, 1, 4, 2)}) {
    Table<double> table(data.side_x(), data.side_y(), {});
    Monitor monitor;
    table.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    for (std::size_t pair = 0; pair < table.costs().size(); ++pair) {
      Numbers weights(table.costs().size(), 0.0);
      weights[pair] = 2.0;
      const Plan plan = aggregate(table, weights);
      double cost = 0.0;
      for (std::size_t e = 0; e < plan.mass.size(); ++e) {
        EXPECT_EQ(static_cast<std::size_t>(plan.rows[e]) / data.mx, pair / data.ky);
        EXPECT_EQ(static_cast<std::size_t>(plan.cols[e]) / data.my, pair % data.ky);
        cost += plan.mass[e] * squared_distance(data, plan.rows[e], plan.cols[e]);
      }
      EXPECT_NEAR(cost, 2.0 * table.costs()[pair], 1e-14);
      EXPECT_LE(table.gaps()[pair], 1e-12);
    }
  }
}

TEST(Table, DiagonalIsTheDiagonal) {
  const Data data = make_data(5, 6, 5, 6);
  Monitor monitor;
  Table<double> all(data.side_x(), data.side_y(), {});
  Table<double> diagonal(data.side_x(), data.side_y(), {.metric = {}, .diagonal = true});
  all.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  diagonal.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(diagonal.costs()[i], all.costs()[i * 5 + i]);
  const Plan plan = aggregate(diagonal, Numbers(5, 0.2));
  for (std::size_t e = 0; e < plan.mass.size(); ++e) EXPECT_EQ(plan.rows[e] / 6, plan.cols[e] / 6);
}

// A table whose plans pass kRecordBytes solves its pairs again, from its own copy of the points.
TEST(Table, LargeTablesAreSolvedAgain) {
  constexpr std::size_t kBatches = 1200;
  Data data = make_data(kBatches, 2, kBatches, 2);
  data.a = data.b = Numbers(data.n, 1.0);  // with weights a plan has room for 3 entries: 69 MB
  ASSERT_GT(kBatches * kBatches * 3 * 16, Table<double>::kRecordBytes);
  Table<double> table(data.side_x(), data.side_y(), {});
  Monitor monitor;
  table.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  const Data before = data;
  for (double& x : data.x) x += 1.0;
  Numbers weights(kBatches * kBatches, 0.0);
  weights[7] = 1.0;
  weights.back() = 3.0;
  const Plan plan = aggregate(table, weights);
  double cost = 0.0;
  for (std::size_t e = 0; e < plan.mass.size(); ++e) {
    cost += plan.mass[e] * squared_distance(before, plan.rows[e], plan.cols[e]);
  }
  EXPECT_NEAR(cost, table.costs()[7] + 3.0 * table.costs().back(), 1e-14);
}

TEST(Table, ChecksThePoints) {
  Data data = make_data(3, 4, 3, 4);
  Monitor monitor;
  const auto solve = [&](const TableOptions& options = {}) {
    Table<double> table(data.side_x(), data.side_y(), options);
    table.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  };
  const auto drawn = static_cast<std::size_t>(data.batches_y[5]) * data.d;
  data.y[drawn] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(invalid_argument_of(solve), "Y");
  data.y[drawn] = 1e200;
  EXPECT_EQ(invalid_argument_of(solve), "X, Y");
  for (std::size_t c = 0; c < data.d; ++c) data.y[drawn + c] = 0.0;
  EXPECT_EQ(invalid_argument_of([&] { solve({.metric = {cost::Kind::cosine}}); }), "Y");
  EXPECT_EQ(invalid_argument_of([&] { solve({.metric = {cost::Kind::cosine}, .root = true}); }),
            "root");
  data.a.assign(data.n, 0.0);
  EXPECT_EQ(invalid_argument_of(solve), "a");
  data.a.assign(data.n, -1.0);
  EXPECT_EQ(invalid_argument_of(solve), "a");
  data.a.clear();
  data.ky = 2;
  EXPECT_EQ(invalid_argument_of([&] { solve({.metric = {}, .diagonal = true}); }), "k");
}

TEST(Transport, IsBitIdenticalForAnyThreads) {
  for (const Coupling coupling :
       {Coupling::diagonal, Coupling::product, Coupling::exact, Coupling::entropic}) {
    const Data data = make_data(20, 12, 20, 12);
    std::vector<Numbers> costs, plans;
    for (const int n_threads : {1, 2, 3, 5}) {
      Transport<double> transport(
          data.side_x(), data.side_y(),
          {.metric = {}, .coupling = coupling, .outer_reg = 0.01, .n_threads = n_threads});
      Monitor monitor;
      transport.solve(data.batches_x.data(), data.batches_y.data(), monitor);
      costs.push_back(transport.table().costs());
      plans.push_back(aggregate(transport.table(), transport.coupling()).mass);
      EXPECT_EQ(costs.back(), costs.front());
      EXPECT_EQ(plans.back(), plans.front());
    }
  }
}

TEST(Transport, BombIsAtMostMiniBatch) {
  const Data data = make_data(9, 5, 7, 6);
  Monitor monitor;
  Numbers values;
  for (const Coupling coupling : {Coupling::exact, Coupling::entropic, Coupling::product}) {
    Transport<double> transport(data.side_x(), data.side_y(),
                                {.metric = {}, .coupling = coupling, .outer_reg = 0.02});
    transport.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    values.push_back(transport.result().value);
    EXPECT_LE(transport.result().marginal_error, 1e-9);
  }
  EXPECT_LT(values[0], values[1]);
  EXPECT_LT(values[1], values[2]);
}

TEST(Transport, StopsWithoutAnAnswer) {
  const Data data = make_data(10, 10, 10, 10);
  Monitor monitor([] { return true; });
  while (monitor.poll() == Stop::none) {
  }
  for (const Coupling coupling : {Coupling::product, Coupling::exact, Coupling::entropic}) {
    Transport<double> transport(data.side_x(), data.side_y(),
                                {.metric = {}, .coupling = coupling, .outer_reg = 1.0});
    transport.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    EXPECT_EQ(transport.result().status, Status::interrupted);
    EXPECT_TRUE(std::isnan(transport.result().value));
    EXPECT_TRUE(std::isnan(transport.table().costs()[0]));
  }
}

}  // namespace
}  // namespace otcore::minibatch
