// The 1-D room: sorting rows, and transport between them. Rows are normal numbers; enough of them
// that the processor cannot learn their order.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/monitor.h"
#include "oned/oned.h"
#include "oned/sort.h"

namespace {

using namespace otcore;

template <class T>
std::vector<T> normal_numbers(std::size_t count, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<T> numbers(count);
  for (T& x : numbers) x = static_cast<T>(normal(generator));
  return numbers;
}

// sort(row, out) on one row after another; the argument is n. Items are numbers.
template <class T, class SortRow>
void sort_rows(benchmark::State& state, const SortRow& sort) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const std::size_t count = std::max<std::size_t>(4, (std::size_t{1} << 20) / n);
  const std::vector<T> rows = normal_numbers<T>(count * n, 1);
  std::vector<double> sorted(n);
  std::size_t row = 0;
  for (auto _ : state) {
    sort(rows.data() + row * n, sorted.data());
    benchmark::DoNotOptimize(sorted.data());
    row = row + 1 == count ? 0 : row + 1;
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}

template <class T>
void sort_values(benchmark::State& state) {
  oned::Sorter<T> sorter(static_cast<std::size_t>(state.range(0)));
  sort_rows<T>(state, [&](const T* row, double* sorted) { sorter.values(row, sorted); });
}

template <class T>
void sort_order(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  oned::Sorter<T> sorter(n);
  std::vector<std::int32_t> order(n);
  sort_rows<T>(state,
               [&](const T* row, double* sorted) { sorter.order(row, sorted, order.data()); });
}

// What they are measured against.
template <class T>
void std_sort(benchmark::State& state) {
  std::vector<T> copy(static_cast<std::size_t>(state.range(0)));
  sort_rows<T>(state, [&](const T* row, double* sorted) {
    std::copy_n(row, copy.size(), copy.begin());
    std::sort(copy.begin(), copy.end());
    std::copy(copy.begin(), copy.end(), sorted);
  });
}

void lengths(benchmark::internal::Benchmark* benchmark) {
  for (const int n : {16, 32, 48, 64, 128, 500, 1000, 2000, 4000, 10000, 100000, 1000000}) {
    benchmark->Arg(n);
  }
}
BENCHMARK(sort_values<double>)->Apply(lengths);
BENCHMARK(sort_values<float>)->Apply(lengths);
BENCHMARK(sort_order<double>)->Apply(lengths);
BENCHMARK(sort_order<float>)->Apply(lengths);
BENCHMARK(std_sort<double>)->Apply(lengths);

// A batch; arguments: problems, n, threads. Items are points of both sides.
struct Batch {
  Batch(const benchmark::State& state, bool weighted)
      : count(static_cast<std::size_t>(state.range(0))),
        n(static_cast<std::size_t>(state.range(1))),
        x(normal_numbers<double>(count * n, 1)),
        y(normal_numbers<double>(count * n, 2)),
        a(weighted ? count * n : 0),
        value(count) {
    options.n_threads = static_cast<int>(state.range(2));
    std::mt19937 generator(3);
    std::uniform_int_distribution<int> units(1, 1 << 20);
    for (double& weight : a) weight = units(generator);
    for (std::size_t row = 0; row < a.size(); row += n) {
      double sum = 0.0;
      for (std::size_t i = 0; i < n; ++i) sum += a[row + i];
      for (std::size_t i = 0; i < n; ++i) a[row + i] /= sum;
    }
    out.value = value.data();
  }

  void run(benchmark::State& state) {
    const oned::Lines<double> lines{
        count, {x.data(), n, n}, {y.data(), n, n}, {a.empty() ? nullptr : a.data(), n, n}, {}};
    for (auto _ : state) {
      Monitor monitor;
      oned::solve(lines, options, out, monitor);
      benchmark::DoNotOptimize(value.data());
    }
    state.SetItemsProcessed(2 * state.range(0) * state.range(1) * state.iterations());
  }

  std::size_t count, n;
  std::vector<double> x, y, a, value;
  oned::Options options;
  oned::Solutions out;
};

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"problems", "n", "threads"})->UseRealTime();
  for (const int threads : {1, 2}) {
    for (const auto& [problems, n] :
         {std::pair{100000, 10}, {10000, 100}, {1000, 1000}, {1, 1000}, {1, 16384}, {1, 1000000}}) {
      benchmark->Args({problems, n, threads});
    }
  }
}

void values(benchmark::State& state) { Batch(state, false).run(state); }
BENCHMARK(values)->Apply(sizes);

void values_with_weights(benchmark::State& state) { Batch(state, true).run(state); }
BENCHMARK(values_with_weights)->Apply(sizes);

void values_and_gradients(benchmark::State& state) {
  Batch batch(state, false);
  std::vector<double> in_x(batch.x.size()), in_y(batch.y.size());
  batch.out.gradient_x = in_x.data();
  batch.out.gradient_y = in_y.data();
  batch.run(state);
}
BENCHMARK(values_and_gradients)->Apply(sizes);

void potentials(benchmark::State& state) {
  Batch batch(state, true);
  std::vector<double> f(batch.x.size()), g(batch.y.size());
  batch.out.potential_a = f.data();
  batch.out.potential_b = g.data();
  batch.run(state);
}
BENCHMARK(potentials)->Apply(sizes);

}  // namespace
