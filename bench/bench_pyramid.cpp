// The pyramid room: k-means, whole trees, moved points, passes. Points are a mixture of normals.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "base/masses.h"
#include "base/monitor.h"
#include "pyramid/build.h"
#include "pyramid/extraction.h"
#include "pyramid/kmeans.h"

namespace {

using namespace otcore;

template <class T>
std::vector<T> mixture(std::size_t n, std::size_t d, unsigned seed) {
  std::mt19937 generator(1);  // centres are the same for all
  std::normal_distribution<double> normal;
  std::vector<double> centres(100 * d);
  for (double& x : centres) x = 3.0 * normal(generator);
  generator.seed(seed);
  std::vector<T> points(n * d);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t centre = generator() % 100;
    for (std::size_t k = 0; k < d; ++k) {
      points[i * d + k] = static_cast<T>(centres[centre * d + k] + normal(generator));
    }
  }
  return points;
}

std::vector<std::int32_t> all(std::size_t count) {
  std::vector<std::int32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// Arguments: n, d, threads.
template <class T>
struct Work {
  explicit Work(const benchmark::State& state)
      : n(static_cast<std::size_t>(state.range(0))),
        d(static_cast<std::size_t>(state.range(1))),
        x(mixture<T>(n, d, 2)),
        y(mixture<T>(n, d, 3)),
        members{all(n), all(n)} {
    options.n_threads = static_cast<int>(state.range(2));
  }
  [[nodiscard]] pyramid::Tree build() {
    Monitor monitor;
    return pyramid::build<T>({{x.data(), n, d, d}, {y.data(), n, d, d}}, members, options, monitor);
  }

  std::size_t n, d;
  std::vector<T> x, y;
  std::vector<std::int32_t> members[2];
  pyramid::BuildOptions options;
};

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"n", "d", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const int threads : {1, 2}) {
    benchmark->Args({100000, 64, threads})->Args({500000, 3, threads})->Args({10000, 500, threads});
  }
}

// Items are points of both sides.
template <class T>
void build(benchmark::State& state) {
  Work<T> work(state);
  for (auto _ : state) benchmark::DoNotOptimize(work.build());
  state.SetItemsProcessed(2 * state.range(0) * state.iterations());
}
BENCHMARK(build<float>)->Apply(sizes);
BENCHMARK(build<double>)->Apply(sizes);

// Ten iterations with eight centres. Items are scores: points times centres times iterations.
template <class T>
void kmeans(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto d = static_cast<std::size_t>(state.range(1));
  const std::vector<T> points = mixture<T>(n, d, 2);
  const std::vector<T> origin(d, T{0});
  const std::vector<std::int32_t> index = all(n);
  const pyramid::Members<T> members{{points.data(), n, d, d}, index.data(), n};
  const pyramid::Blocks<T> blocks(members, {members.points, nullptr, 0}, {T{1}, origin.data()});
  std::vector<pyramid::Workspace<T>> workspaces(static_cast<std::size_t>(state.range(2)));
  const pyramid::Crew<T> crew{workspaces.data(), static_cast<int>(state.range(2)), nullptr};
  pyramid::KMeans<T> solver(8, 10);
  std::vector<std::int32_t> labels(n);
  for (auto _ : state) {
    Random random(1);
    solver.run(blocks, random, crew, labels.data());
    benchmark::DoNotOptimize(labels.data());
  }
  state.SetItemsProcessed(state.range(0) * 8 * 11 * state.iterations());
}
void kmeans_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"n", "d", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const int n : {400, 3000, 25000, 200000}) {
    for (const int d : {2, 64, 500}) {
      if (n * d <= 25000 * 500) benchmark->Args({n, d, 1});
    }
  }
  benchmark->Args({200000, 64, 2});
}
BENCHMARK(kmeans<float>)->Apply(kmeans_sizes);

template <class T>
void reassign(benchmark::State& state) {
  Work<T> work(state);
  pyramid::Tree tree = work.build();
  for (auto _ : state) {
    Monitor monitor;
    pyramid::reassign<T>(tree, 0, {work.x.data(), work.n, work.d, work.d}, work.options.n_threads,
                         monitor);
    benchmark::DoNotOptimize(tree.order[0].data());
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(reassign<float>)->Apply(sizes);

// Batches of 100; with masses where the last argument says so. Items are pairs.
void extract(benchmark::State& state) {
  Work<float> work(state);
  const pyramid::Tree tree = work.build();
  const bool weighted = state.range(3) != 0;
  Masses masses(work.n, work.n);
  std::vector<double> weights(work.n);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 1.0 + static_cast<double>(i % 7);
  masses.set(weights.data(), weights.data(), 1e-6);
  std::uint64_t seed = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(pyramid::extract(tree, weighted ? &masses : nullptr, 100, ++seed));
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(extract)
    ->ArgNames({"n", "d", "threads", "weighted"})
    ->Unit(benchmark::kMillisecond)
    ->Args({100000, 64, 1, 0})
    ->Args({100000, 64, 1, 1})
    ->Args({500000, 3, 1, 0});

}  // namespace
