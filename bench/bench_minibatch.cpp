// Mini-batch transport: drawing batches, the table of inner problems, couplings, plans and maps.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "minibatch/entropic_coupling.h"
#include "minibatch/map.h"
#include "minibatch/sampling.h"
#include "minibatch/sliced_table.h"
#include "minibatch/transport.h"

namespace {

using namespace otcore;
using namespace otcore::minibatch;

constexpr std::size_t kPoints = 3000;

std::vector<double> uniform_numbers(std::size_t count, std::uint64_t stream) {
  Random random(1, stream);
  std::vector<double> numbers(count);
  for (double& x : numbers) x = static_cast<double>(random.next() >> 11) * 0x1p-53;
  return numbers;
}

std::vector<std::int64_t> draw(std::size_t k, std::size_t m, std::uint64_t stream) {
  std::vector<std::int64_t> batches(k * m);
  Sampler::Scratch scratch;
  Random random(1, stream);
  Sampler(kPoints, k, m, Sampling::independent, nullptr, "x").draw(random, scratch, batches.data());
  return batches;
}

// The arguments (k, m, d).
struct Data {
  explicit Data(const benchmark::State& state)
      : k(static_cast<std::size_t>(state.range(0))),
        m(static_cast<std::size_t>(state.range(1))),
        d(static_cast<std::size_t>(state.range(2))),
        x(uniform_numbers(kPoints * d, 2)),
        y(uniform_numbers(kPoints * d, 3)),
        batches_x(draw(k, m, 4)),
        batches_y(draw(k, m, 5)) {}

  [[nodiscard]] Side<double> side(const std::vector<double>& points) const {
    return {{points.data(), kPoints, d, d}, nullptr, k, m};
  }

  std::size_t k, m, d;
  std::vector<double> x, y;
  std::vector<std::int64_t> batches_x, batches_y;
};

void sample(benchmark::State& state) {
  const auto m = static_cast<std::size_t>(state.range(0));
  const Sampler sampler(std::size_t{1} << 30, 1, m, Sampling::independent, nullptr, "x");
  Sampler::Scratch scratch;
  Random random(1);
  std::vector<std::int64_t> batch(m);
  for (auto _ : state) {
    sampler.draw(random, scratch, batch.data());
    benchmark::DoNotOptimize(batch.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(sample)->Arg(10)->Arg(100)->Arg(10000);

// Everything a call does, set-up included. The fourth argument is the coupling.
void transport(benchmark::State& state) {
  const Data data(state);
  const auto coupling = static_cast<Coupling>(state.range(3));
  const double reg = 0.01 * static_cast<double>(data.d);
  Monitor monitor;
  for (auto _ : state) {
    Transport<double> solver(data.side(data.x), data.side(data.y),
                             {.metric = {}, .coupling = coupling, .outer_reg = reg});
    solver.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    benchmark::DoNotOptimize(solver.result().value);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * state.range(0));
}
BENCHMARK(transport)
    ->ArgsProduct({{10}, {10}, {3}, {1, 2, 3}})
    ->Args({20, 20, 3, 2})
    ->Args({32, 50, 128, 2})
    ->Args({8, 100, 784, 2})
    ->UseRealTime();

// Sliced inner problems in float32; the fourth argument is the number of directions.
void sliced_table(benchmark::State& state) {
  const Data data(state);
  const auto slices = static_cast<std::size_t>(state.range(3));
  const std::vector<float> x(data.x.begin(), data.x.end());
  const std::vector<float> y(data.y.begin(), data.y.end());
  const std::vector<double> numbers = uniform_numbers(slices * data.d, 6);
  const std::vector<float> directions(numbers.begin(), numbers.end());
  const auto side = [&](const std::vector<float>& points) {
    return Side<float>{{points.data(), kPoints, data.d, data.d}, nullptr, data.k, data.m};
  };
  Monitor monitor;
  SlicedTable<float> solver(side(x), side(y),
                            {.directions = {directions.data(), slices, data.d, data.d}});
  for (auto _ : state) {
    solver.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    benchmark::DoNotOptimize(solver.costs().data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * state.range(0));
}
BENCHMARK(sliced_table)
    ->Args({32, 100, 3, 100})
    ->Args({32, 100, 784, 100})
    ->Args({100, 20, 3, 100})
    ->UseRealTime();

void table(benchmark::State& state) {
  const Data data(state);
  Monitor monitor;
  Table<double> solver(data.side(data.x), data.side(data.y), {.metric = {}, .n_threads = 1});
  for (auto _ : state) {
    solver.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    benchmark::DoNotOptimize(solver.costs().data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * state.range(0));
}
BENCHMARK(table)->Args({10, 10, 3})->Args({20, 20, 3})->Args({32, 50, 128})->Args({8, 100, 784});

// The same with entropic inner problems (0 Sinkhorn, 1 unbalanced, 2 IPOT), at a hundredth of the
// range of the costs, which is about d / 2; the fourth argument is which.
void entropic_table(benchmark::State& state) {
  const Data data(state);
  entropic::Options options;
  options.reg = state.range(3) == 2 ? 0.0 : 0.005 * static_cast<double>(data.d);
  if (state.range(3) == 1) options.rho_a = options.rho_b = 100.0 * options.reg;
  if (state.range(3) == 2) options.method = entropic::Method::ipot;
  Monitor monitor;
  Table<double> solver(data.side(data.x), data.side(data.y),
                       {.metric = {}, .inner = {.entropic = options}, .n_threads = 1});
  for (auto _ : state) {
    solver.solve(data.batches_x.data(), data.batches_y.data(), monitor);
    benchmark::DoNotOptimize(solver.costs().data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * state.range(0));
}
BENCHMARK(entropic_table)
    ->ArgsProduct({{10}, {10, 100}, {3}, {0, 1, 2}})
    ->Args({8, 100, 784, 0})
    ->Unit(benchmark::kMillisecond);

void aggregate(benchmark::State& state) {
  const Data data(state);
  Monitor monitor;
  Table<double> solver(data.side(data.x), data.side(data.y), {.metric = {}});
  solver.solve(data.batches_x.data(), data.batches_y.data(), monitor);
  const std::vector<double> weights(data.k * data.k, 1.0);
  const std::size_t count = solver.count_entries(weights.data());
  std::vector<std::int64_t> rows(count), cols(count);
  std::vector<double> mass(count);
  for (auto _ : state) {
    solver.aggregate(weights.data(), {rows.data(), cols.data(), mass.data()}, monitor);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(aggregate)->Args({10, 10, 3})->Args({32, 50, 3})->Args({64, 64, 3})->UseRealTime();

// k x k uniform costs; the second argument is -log10(reg).
void outer_entropic(benchmark::State& state) {
  const auto k = static_cast<std::size_t>(state.range(0));
  const std::vector<double> costs = uniform_numbers(k * k, 6);
  const std::vector<double> uniform(k, 1.0 / static_cast<double>(k));
  double reg = 1.0;
  for (std::int64_t i = 0; i < state.range(1); ++i) reg /= 10.0;
  EntropicCoupling solver(k, k, reg);
  Monitor monitor;
  for (auto _ : state) solver.solve(costs.data(), uniform.data(), uniform.data(), monitor);
  state.counters["iterations"] = static_cast<double>(solver.n_iter());
}
BENCHMARK(outer_entropic)->ArgsProduct({{4, 10, 32, 100}, {0, 2, 4, 6}});

// Iterations a second of Algorithm 3, for (k, m, d) and the coupling.
void barycentric_map(benchmark::State& state) {
  const Data data(state);
  MapOptions options;
  options.transport = {.metric = {}, .coupling = static_cast<Coupling>(state.range(3))};
  options.iterations = 1000;
  std::vector<double> map(kPoints * data.d), mass(kPoints);
  Monitor monitor;
  for (auto _ : state) {
    minibatch::barycentric_map(data.side(data.x), data.side(data.y), options, map.data(),
                               mass.data(), monitor);
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(barycentric_map)
    ->Args({10, 10, 3, 1})
    ->Args({10, 10, 3, 2})
    ->Args({20, 20, 3, 2})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
