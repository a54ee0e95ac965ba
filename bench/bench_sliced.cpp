// The sliced room: values and gradients. Clouds are normal.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/monitor.h"
#include "sliced/directions.h"
#include "sliced/sliced.h"

namespace {

using namespace otcore;

// Arguments: n, d, directions, threads. Items are projected points of both sides.
template <class T>
struct Work {
  explicit Work(const benchmark::State& state)
      : n(static_cast<std::size_t>(state.range(0))),
        d(static_cast<std::size_t>(state.range(1))),
        count(static_cast<std::size_t>(state.range(2))),
        x(n * d),
        y(n * d),
        directions(count * d),
        cost(count) {
    std::mt19937 generator(1);
    std::normal_distribution<double> normal;
    for (T& number : x) number = static_cast<T>(normal(generator));
    for (T& number : y) number = static_cast<T>(normal(generator) + 0.5);
    std::vector<double> sampled(count * d);
    sliced::sample_directions(sliced::Sampling::gaussian, d, count, Random(1), sampled.data());
    for (std::size_t k = 0; k < sampled.size(); ++k) directions[k] = static_cast<T>(sampled[k]);
    options.n_threads = static_cast<int>(state.range(3));
    out.cost = cost.data();
  }

  void run(benchmark::State& state) {
    const sliced::Clouds<T> clouds{{x.data(), 1, n, d, n * d}, {y.data(), 1, n, d, n * d}, {}, {}};
    const MatrixView<const T> rows{directions.data(), count, d, d};
    for (auto _ : state) {
      Monitor monitor;
      sliced::solve(clouds, rows, options, out, monitor);
      benchmark::DoNotOptimize(cost.data());
    }
    state.SetItemsProcessed(2 * state.range(0) * state.range(2) * state.iterations());
  }

  std::size_t n, d, count;
  std::vector<T> x, y, directions;
  std::vector<double> cost;
  sliced::Options options;
  sliced::Solutions out;
};

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"n", "d", "L", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const int threads : {1, 2}) {
    benchmark->Args({100, 10, 1000, threads})
        ->Args({1000, 10, 1000, threads})
        ->Args({10000, 50, 200, threads})
        ->Args({100000, 10, 100, threads});
  }
}

template <class T>
void values(benchmark::State& state) {
  Work<T>(state).run(state);
}
BENCHMARK(values<float>)->Apply(sizes);
BENCHMARK(values<double>)->Apply(sizes);

template <class T>
void gradients(benchmark::State& state) {
  Work<T> work(state);
  std::vector<double> gradient(work.n * work.d);
  work.out.gradient_x = gradient.data();
  work.run(state);
}
BENCHMARK(gradients<float>)->Apply(sizes);
BENCHMARK(gradients<double>)->Apply(sizes);

void circles(benchmark::State& state) {
  Work<double> work(state);
  work.options.slices = sliced::Slices::circles;
  work.run(state);
}
BENCHMARK(circles)->Apply(sizes);

}  // namespace
