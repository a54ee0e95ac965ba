// Inner problems of mini-batch transport: solvers, their records, tables and maps of them.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/monitor.h"
#include "base/random.h"
#include "minibatch/inner.h"
#include "minibatch/map.h"
#include "minibatch/transport.h"

namespace otcore::minibatch {
namespace {

using Numbers = std::vector<double>;
using Indices = std::vector<std::int64_t>;

InnerOptions sinkhorn(double reg, double rho_a = entropic::kBalanced,
                      double rho_b = entropic::kBalanced) {
  entropic::Options options;
  options.reg = reg;
  options.rho_a = rho_a;
  options.rho_b = rho_b;
  options.tolerance = 1e-12;
  return {.entropic = options};
}

InnerOptions ipot() {
  entropic::Options options;
  options.method = entropic::Method::ipot;
  return {.entropic = options};
}

InnerOptions linear(InnerOptions options) {
  options.linear = true;
  return options;
}

template <class T>
struct Data {
  static constexpr std::size_t kPoints = 30, kDims = 3;

  explicit Data(std::size_t k_x = 3, std::size_t m_x = 7, std::size_t k_y = 4, std::size_t m_y = 5)
      : kx(k_x), mx(m_x), ky(k_y), my(m_y) {
    Random random(5);
    const auto uniform = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53; };
    for (std::vector<T>* side : {&x, &y}) {
      for (std::size_t c = 0; c < kPoints * kDims; ++c) side->push_back(static_cast<T>(uniform()));
    }
    for (std::size_t i = 0; i < kPoints; ++i) a.push_back(0.2 + uniform());
    a[3] = 0.0;
    for (std::size_t i = 0; i < kx * mx; ++i) batches_x.push_back(pick(i));
    for (std::size_t i = 0; i < ky * my; ++i) batches_y.push_back(pick(i + 11));
  }

  static std::int64_t pick(std::size_t i) { return static_cast<std::int64_t>(i * 7 % kPoints); }
  [[nodiscard]] Side<T> side_x() const {
    return {{x.data(), kPoints, kDims, kDims}, a.data(), kx, mx};
  }
  [[nodiscard]] Side<T> side_y() const {
    return {{y.data(), kPoints, kDims, kDims}, nullptr, ky, my};
  }
  [[nodiscard]] Batches<T> pack() const {
    Batches<T> batches(side_x(), side_y(), {});
    Monitor monitor;
    batches.pack(batches_x.data(), batches_y.data(), 1, monitor);
    return batches;
  }

  std::size_t kx, mx, ky, my;
  std::vector<T> x, y;
  Numbers a;
  Indices batches_x, batches_y;
};

template <class Call>
std::string invalid_argument_of(Call call) {
  try {
    call();
  } catch (const InvalidArgument& error) {
    return error.argument();
  }
  return "";
}

std::vector<InnerOptions> all_options() {
  return {{},
          sinkhorn(0.1),
          linear(sinkhorn(0.1)),
          sinkhorn(0.1, 0.5, 0.5),
          sinkhorn(0.1, entropic::kBalanced, 0.3),
          ipot()};
}

template <class T>
void check_records() {
  const Data<T> data;
  const Batches<T> batches = data.pack();
  Monitor monitor;
  for (const InnerOptions& options : all_options()) {
    const auto solver = make_inner_solver(options, batches, 1);
    const auto reader = make_inner_solver(options, batches, 1);
    const std::size_t size = solver->record_size();
    EXPECT_EQ(size % sizeof(double), 0U);
    std::vector<std::byte> record(size);
    const InnerResult result = solver->solve(batches, 1, 2, monitor);
    EXPECT_GT(result.count, 0U);
    EXPECT_LE(result.marginal_error, 1e-4);
    solver->keep(record.data());
    const InnerPlan plan = solver->plan();
    const InnerPlan recalled = reader->recall(batches, 1, 2, record.data());
    for (std::size_t e = 0; e < result.count; ++e) {
      ASSERT_EQ(recalled.rows[e], plan.rows[e]);
      ASSERT_EQ(recalled.cols[e], plan.cols[e]);
      ASSERT_EQ(recalled.mass[e], plan.mass[e]);
      ASSERT_GT(plan.mass[e], 0.0);
    }
    // With a record and by solving again.
    Numbers slopes(2 * (data.mx + data.my));
    double* again = slopes.data() + data.mx + data.my;
    reader->weight_slopes(batches, 1, 2, record.data(), slopes.data(), slopes.data() + data.mx,
                          monitor);
    reader->weight_slopes(batches, 1, 2, nullptr, again, again + data.mx, monitor);
    for (std::size_t r = 0; r < data.mx + data.my; ++r) EXPECT_EQ(slopes[r], again[r]);
  }
}

TEST(InnerSolver, GoesOnWithRecordsInDouble) { check_records<double>(); }
TEST(InnerSolver, GoesOnWithRecordsInFloat) { check_records<float>(); }

TEST(InnerSolver, KeepsMarginals) {
  const Data<double> data;
  const Batches<double> batches = data.pack();
  Monitor monitor;
  const auto solver = make_inner_solver(sinkhorn(0.02), batches, 1);
  for (std::size_t i = 0; i < data.kx; ++i) {
    const InnerResult result = solver->solve(batches, i, 1, monitor);
    Numbers rows(data.mx, 0.0);
    for (std::size_t e = 0; e < result.count; ++e) {
      rows[static_cast<std::size_t>(solver->plan().rows[e])] += solver->plan().mass[e];
    }
    for (std::size_t r = 0; r < data.mx; ++r) {
      EXPECT_NEAR(rows[r], batches.weights_x(i)[r], 1e-11);
    }
  }
}

// Central differences of the cost in the weights, along a direction that keeps their sum.
TEST(InnerSolver, SlopesMatchDifferences) {
  Monitor monitor;
  for (const InnerOptions& options :
       {sinkhorn(0.1), sinkhorn(0.1, 0.5, 0.5), sinkhorn(0.1, entropic::kBalanced, 0.3),
        sinkhorn(0.1, 0.3, entropic::kBalanced)}) {
    Data<double> data(1, 7, 1, 5);
    const double total = std::accumulate(data.a.begin(), data.a.end(), 0.0);
    const auto first = static_cast<std::size_t>(data.batches_x[1]);
    const auto second = static_cast<std::size_t>(data.batches_x[4]);
    const auto cost = [&](double step) {
      Data<double> moved = data;
      moved.a[first] += step;
      moved.a[second] -= step;
      const Batches<double> batches = moved.pack();
      return make_inner_solver(options, batches, 1)->solve(batches, 0, 0, monitor).cost;
    };
    const Batches<double> batches = data.pack();
    Numbers slopes(data.mx + data.my);
    make_inner_solver(options, batches, 1)
        ->weight_slopes(batches, 0, 0, nullptr, slopes.data(), slopes.data() + data.mx, monitor);
    constexpr double kStep = 1e-5;
    const double difference = (cost(kStep) - cost(-kStep)) / (2.0 * kStep);
    EXPECT_NEAR((slopes[1] - slopes[4]) / batches.masses_x()[0], difference, 1e-8 * total);
  }
}

TEST(InnerSolver, LeavesNothingAfterAStop) {
  const Data<double> data;
  const Batches<double> batches = data.pack();
  Monitor monitor([] { return true; });
  while (monitor.poll() == Stop::none) {
  }
  for (const InnerOptions& options : all_options()) {
    const InnerResult result =
        make_inner_solver(options, batches, 1)->solve(batches, 0, 0, monitor);
    EXPECT_TRUE(std::isnan(result.cost));
    EXPECT_EQ(result.count, 0U);
    EXPECT_EQ(result.status, Status::interrupted);
  }
}

TEST(InnerSolver, RefusesBadOptions) {
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {0.0, -1.0, nothing, entropic::kBalanced}) {
    EXPECT_EQ(invalid_argument_of([&] { check_inner(sinkhorn(bad)); }), "inner_reg");
  }
  for (const double bad : {0.0, -1.0, nothing}) {
    EXPECT_EQ(invalid_argument_of([&] { check_inner(sinkhorn(1.0, bad, 1.0)); }), "inner_rho");
    EXPECT_EQ(invalid_argument_of([&] { check_inner(sinkhorn(1.0, 1.0, bad)); }), "inner_rho");
  }
  check_inner(ipot());
}

TEST(InnerSolver, Float32CostsMustFit) {
  Data<float> data;
  for (float& coordinate : data.x) coordinate = 1e25F;
  const Batches<float> batches = data.pack();
  Monitor monitor;
  EXPECT_EQ(invalid_argument_of([&] {
              make_inner_solver(sinkhorn(0.1), batches, 1)->solve(batches, 0, 0, monitor);
            }),
            "X, Y");
  EXPECT_GT(make_inner_solver({}, batches, 1)->solve(batches, 0, 0, monitor).cost, 1e50);
}

TEST(EntropicTable, RootsTransportCostsAlone) {
  const Data<double> data;
  const auto make = [&](const InnerOptions& inner) {
    const Table<double> table(data.side_x(), data.side_y(),
                              {.metric = {}, .root = true, .inner = inner});
  };
  make({});
  make(ipot());
  make(linear(sinkhorn(0.1)));
  EXPECT_EQ(invalid_argument_of([&] { make(sinkhorn(0.1)); }), "root");
  EXPECT_EQ(invalid_argument_of([&] { make(linear(sinkhorn(0.1, 1.0, 1.0))); }), "root");
  EXPECT_EQ(invalid_argument_of([&] { make(linear(sinkhorn(0.0))); }), "inner_reg");
}

TEST(EntropicTable, IsBitIdenticalForAnyThreads) {
  const Data<double> data(12, 9, 10, 8);
  for (const InnerOptions& inner : all_options()) {
    std::vector<Numbers> costs, masses;
    for (const int n_threads : {1, 2, 5}) {
      Transport<double> transport(
          data.side_x(), data.side_y(),
          {.metric = {}, .coupling = Coupling::product, .inner = inner, .n_threads = n_threads});
      Monitor monitor;
      transport.solve(data.batches_x.data(), data.batches_y.data(), monitor);
      EXPECT_LE(transport.status(), Status::converged);
      const std::size_t count = transport.table().count_entries(transport.coupling().data());
      Indices rows(count), cols(count);
      masses.emplace_back(count);
      transport.table().aggregate(transport.coupling().data(),
                                  {rows.data(), cols.data(), masses.back().data()}, monitor);
      costs.push_back(transport.table().costs());
      EXPECT_EQ(costs.back(), costs.front());
      EXPECT_EQ(masses.back(), masses.front());
    }
  }
}

TEST(EntropicMap, IsBitIdenticalForAnyThreadsAndFillsWhatWasNotDrawn) {
  const Data<double> data;
  MapOptions options{
      .transport = {.metric = {}, .inner = sinkhorn(0.1, 0.5, 0.5)}, .iterations = 2, .seed = 1};
  std::vector<Numbers> maps;
  for (const int n_threads : {1, 3}) {
    options.transport.n_threads = n_threads;
    Numbers mass(Data<double>::kPoints);
    maps.emplace_back(Data<double>::kPoints * Data<double>::kDims);
    Monitor monitor;
    const MapResult result = barycentric_map(data.side_x(), data.side_y(), options,
                                             maps.back().data(), mass.data(), monitor);
    EXPECT_EQ(result.status(), Status::converged);
    EXPECT_GT(result.filled, 0U);
    EXPECT_EQ(mass[3], 0.0);
    maps.back()[3 * Data<double>::kDims] = 0.0;  // NaN, as point 3 has no weight
    for (std::size_t c = 1; c < Data<double>::kDims; ++c) {
      EXPECT_TRUE(std::isnan(maps.back()[3 * Data<double>::kDims + c]));
      maps.back()[3 * Data<double>::kDims + c] = 0.0;
    }
    EXPECT_EQ(maps.back(), maps.front());
  }
}

// Points too far away for their mass to move: drawn, but without an image.
TEST(EntropicMap, LeavesMassThatIsNotWorthMoving) {
  Data<double> data;
  for (double& coordinate : data.y) coordinate += 1e4;
  Numbers map(data.x.size());
  Numbers mass(Data<double>::kPoints);
  Monitor monitor;
  const MapResult result = barycentric_map(
      data.side_x(), data.side_y(),
      {.transport = {.metric = {}, .inner = sinkhorn(0.1, 0.1, 0.1)}, .iterations = 20, .seed = 1},
      map.data(), mass.data(), monitor);
  EXPECT_EQ(result.filled, 0U);
  for (const double x : mass) EXPECT_EQ(x, 0.0);
  for (const double x : map) EXPECT_TRUE(std::isnan(x));
}

}  // namespace
}  // namespace otcore::minibatch
