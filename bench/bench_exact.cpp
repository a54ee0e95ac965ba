// Exact problems: one small problem at a time, batches of them, and large ones. Costs are squared
// distances, of uniform points in 16 dimensions where nothing else is said.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/monitor.h"
#include "cost/cost.h"
#include "exact/batch.h"
#include "exact/problem.h"

namespace {

using namespace otcore;

constexpr std::size_t kDims = 16;

std::vector<double> random_numbers(std::size_t count, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> unit;
  std::vector<double> numbers(count);
  for (double& x : numbers) x = unit(generator);
  return numbers;
}

// `count` problems of n x m, as points, as costs, and with weights.
struct Problems {
  Problems(std::size_t count, std::size_t n_rows, std::size_t n_cols)
      : size(count),
        n(n_rows),
        m(n_cols),
        x(random_numbers(count * n * kDims, 1)),
        y(random_numbers(count * m * kDims, 2)),
        a(random_numbers(count * n, 3)),
        b(random_numbers(count * m, 4)),
        costs(count * n * m) {
    normalise(a, n);
    normalise(b, m);
    for (std::size_t p = 0; p < count; ++p) {
      cost::fill<double, double>({}, {x.data() + p * n * kDims, n, kDims, kDims},
                                 {y.data() + p * m * kDims, m, kDims, kDims},
                                 {costs.data() + p * n * m, n, m, m}, 1);
    }
  }

  void normalise(std::vector<double>& weights, std::size_t length) const {
    for (std::size_t p = 0; p < size; ++p) {
      double sum = 0.0;
      for (std::size_t i = 0; i < length; ++i) sum += weights[p * length + i];
      for (std::size_t i = 0; i < length; ++i) weights[p * length + i] /= sum;
    }
  }

  std::size_t size, n, m;
  std::vector<double> x, y, a, b, costs;
};

// One problem after another on one thread; the argument is n, and m where there are two.
void solve_one_by_one(benchmark::State& state, bool uniform) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const Problems problems(64, n, static_cast<std::size_t>(state.range(1)));
  exact::Solver solver(problems.n, problems.m, {});
  Monitor monitor;
  std::size_t p = 0;
  std::int64_t iterations = 0;
  for (auto _ : state) {
    exact::Solution solution;
    solver.solve(MatrixView<const double>{problems.costs.data() + p * n * problems.m, n, problems.m,
                                          problems.m},
                 uniform ? nullptr : problems.a.data() + p * n,
                 uniform ? nullptr : problems.b.data() + p * problems.m, monitor, solution);
    benchmark::DoNotOptimize(solution.value);
    iterations += solution.n_iter;
    p = p + 1 == problems.size ? 0 : p + 1;
  }
  state.counters["iterations"] =
      benchmark::Counter(static_cast<double>(iterations), benchmark::Counter::kAvgIterations);
}

void BM_assignment(benchmark::State& state) { solve_one_by_one(state, true); }
BENCHMARK(BM_assignment)
    ->ArgNames({"n", "m"})
    ->Args({10, 10})
    ->Args({20, 20})
    ->Args({50, 50})
    ->Args({100, 100})
    ->Args({200, 200})
    ->Args({1000, 1000})
    ->Unit(benchmark::kMicrosecond);

void BM_network_simplex(benchmark::State& state) { solve_one_by_one(state, false); }
BENCHMARK(BM_network_simplex)
    ->ArgNames({"n", "m"})
    ->Args({10, 10})
    ->Args({50, 40})
    ->Args({100, 100})
    ->Args({200, 200})
    ->Args({1000, 1000})
    ->Unit(benchmark::kMicrosecond);

// A batch of uniform problems from points; arguments: problems, n, threads.
void BM_batch_points(benchmark::State& state) {
  const Problems problems(static_cast<std::size_t>(state.range(0)),
                          static_cast<std::size_t>(state.range(1)),
                          static_cast<std::size_t>(state.range(1)));
  exact::Options options;
  options.n_threads = static_cast<int>(state.range(2));
  std::vector<double> values(problems.size);
  exact::Solutions out;
  out.value = values.data();
  for (auto _ : state) {
    Monitor monitor;
    exact::solve_batch_points(BatchView<const double>{problems.x.data(), problems.size, problems.n,
                                                      kDims, problems.n * kDims},
                              BatchView<const double>{problems.y.data(), problems.size, problems.m,
                                                      kDims, problems.m * kDims},
                              {}, {}, {}, options, out, monitor);
    benchmark::DoNotOptimize(values.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(problems.size) * state.iterations());
}
BENCHMARK(BM_batch_points)
    ->ArgNames({"problems", "n", "threads"})
    ->ArgsProduct({{1000}, {10, 50}, {1, 2}})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

// One large problem between normal points, the matrix read in place; arguments: n, dimensions,
// whether masses are random, threads.
void BM_large(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto d = static_cast<std::size_t>(state.range(1));
  std::mt19937 generator(1);
  std::normal_distribution<double> normal;
  std::vector<double> x(n * d), y(n * d), costs(n * n);
  for (auto* points : {&x, &y}) {
    for (double& coordinate : *points) coordinate = normal(generator);
  }
  cost::fill<double, double>({}, {x.data(), n, d, d}, {y.data(), n, d, d}, {costs.data(), n, n, n},
                             0);
  const Problems weights(1, n, n);
  const bool random = state.range(2) != 0;
  exact::Options options;
  options.n_threads = static_cast<int>(state.range(3));
  std::int64_t pivots = 0;
  for (auto _ : state) {
    Monitor monitor;
    exact::Solver solver(n, n, options);
    exact::Solution solution;
    solver.solve(MatrixView<const double>{costs.data(), n, n, n},
                 random ? weights.a.data() : nullptr, random ? weights.b.data() : nullptr, monitor,
                 solution);
    pivots = solution.n_iter;
  }
  state.counters["pivots"] = static_cast<double>(pivots);
}
BENCHMARK(BM_large)
    ->ArgNames({"n", "d", "weights", "threads"})
    ->ArgsProduct({{1000, 4000}, {2, 16}, {0, 1}, {2}})
    ->Args({4000, 2, 0, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
