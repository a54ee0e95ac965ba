// Ground costs: tiles and packing for the shapes of mini-batches, dense matrices. The counter is
// 2 n m d per second: for squared distances through inner products, the floating-point operations.
// OTCORE_ISA picks the level.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/aligned.h"
#include "base/sizes.h"
#include "cost/cost.h"
#include "cost/tiles.h"

namespace {

namespace cost = otcore::cost;
using cost::Kind;
using cost::Metric;

// `clusters` tight groups far from each other: pairs within one are computed twice.
template <class T>
std::vector<T> random_points(std::size_t count, std::size_t dims, std::uint32_t seed,
                             std::size_t clusters = 0) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<T> uniform;
  std::vector<T> points(count * dims);
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i] = uniform(generator);
    if (clusters > 0 && i % dims == i / dims % clusters) points[i] += T(1000);
  }
  return points;
}

// Two packed sides and room for their tile.
template <class T>
struct Job {
  Job(const Metric& job_metric, std::size_t rows, std::size_t cols, std::size_t job_dims,
      std::size_t clusters = 0)
      : metric(job_metric),
        n(rows),
        m(cols),
        dims(job_dims),
        stride(otcore::round_up(m, cost::kColumnPadding<T>)),
        x(random_points<T>(n, dims, 1, clusters)),
        y(random_points<T>(m, dims, 2, clusters)),
        centre(dims),
        packed_x(otcore::aligned_array<T>(cost::packed_rows_size<T>(metric, n, dims), "X")),
        packed_y(otcore::aligned_array<T>(cost::packed_cols_size<T>(metric, m, dims), "Y")),
        out(otcore::aligned_array<T>(n * stride, "out")) {
    pack();
  }

  void pack() {
    const cost::PointSet<T> set_x{{x.data(), n, dims, dims}, nullptr, n};
    const cost::PointSet<T> set_y{{y.data(), m, dims, dims}, nullptr, m};
    cost::mean(set_y, centre.data());
    cost::pack_rows(metric, set_x, centre.data(), packed_x.get());
    cost::pack_cols(metric, set_y, centre.data(), packed_y.get());
  }

  void tile() {
    cost::tile(metric, packed_x.get(), n, packed_y.get(), m, dims, out.get(), stride);
    benchmark::DoNotOptimize(out.get());
    benchmark::ClobberMemory();
  }

  Metric metric;
  std::size_t n, m, dims, stride;
  std::vector<T> x, y, centre;
  otcore::AlignedArray<T> packed_x, packed_y, out;
};

void count_flops(benchmark::State& state, std::size_t n, std::size_t m, std::size_t dims) {
  state.counters["flop/s"] = benchmark::Counter(2.0 * static_cast<double>(n * m * dims),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

template <class T>
Job<T> job_of(const benchmark::State& state, const Metric& metric = {}, std::size_t clusters = 0) {
  return {metric, static_cast<std::size_t>(state.range(0)),
          static_cast<std::size_t>(state.range(1)), static_cast<std::size_t>(state.range(2)),
          clusters};
}

void mini_batch_shapes(benchmark::internal::Benchmark* run) {
  run->ArgNames({"n", "m", "d"});
  for (const auto& [n, d] :
       {std::pair{10, 3}, {20, 3}, {10, 16}, {50, 16}, {50, 128}, {100, 784}}) {
    run->Args({n, n, d});
  }
}

template <class T>
void tile(benchmark::State& state) {
  auto job = job_of<T>(state);
  for (auto _ : state) job.tile();
  count_flops(state, job.n, job.m, job.dims);
}
BENCHMARK_TEMPLATE(tile, double)->Apply(mini_batch_shapes);
BENCHMARK_TEMPLATE(tile, float)->Apply(mini_batch_shapes);

// Where inner products begin to pay: kGramDims.
BENCHMARK_TEMPLATE(tile, double)->ArgsProduct({{50}, {50}, {8, 12, 16, 17, 20, 24, 32}});

// Both sides, their centre included.
template <class T>
void pack(benchmark::State& state) {
  auto job = job_of<T>(state);
  for (auto _ : state) {
    job.pack();
    benchmark::ClobberMemory();
  }
}
BENCHMARK_TEMPLATE(pack, double)->Apply(mini_batch_shapes);
BENCHMARK_TEMPLATE(pack, float)->Apply(mini_batch_shapes);

// Half or a tenth of the pairs are computed twice.
void tile_clusters(benchmark::State& state) {
  Job<double> job({}, 50, 50, 128, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) job.tile();
  count_flops(state, 50, 50, 128);
}
BENCHMARK(tile_clusters)->ArgName("clusters")->Arg(2)->Arg(10);

void tile_metric(benchmark::State& state, Metric metric) {
  auto job = job_of<double>(state, metric);
  for (auto _ : state) job.tile();
  count_flops(state, job.n, job.m, job.dims);
}
BENCHMARK_CAPTURE(tile_metric, euclidean, Metric{Kind::euclidean, 2.0})->Args({50, 50, 128});
BENCHMARK_CAPTURE(tile_metric, cosine, Metric{Kind::cosine, 2.0})->Args({50, 50, 128});
BENCHMARK_CAPTURE(tile_metric, cityblock, Metric{Kind::cityblock, 1.0})->Args({50, 50, 128});
BENCHMARK_CAPTURE(tile_metric, minkowski_3, Metric{Kind::minkowski, 3.0})->Args({50, 50, 128});
BENCHMARK_CAPTURE(tile_metric, minkowski_8_5, Metric{Kind::minkowski, 8.5})->Args({50, 50, 128});
BENCHMARK_CAPTURE(tile_metric, minkowski_1_7, Metric{Kind::minkowski, 1.7})->Args({50, 50, 128});

// n = m = 2000.
template <class T>
void fill(benchmark::State& state) {
  constexpr std::size_t kCount = 2000;
  const auto dims = static_cast<std::size_t>(state.range(0));
  const auto x = random_points<T>(kCount, dims, 1);
  const auto y = random_points<T>(kCount, dims, 2);
  std::vector<T> out(kCount * kCount);
  for (auto _ : state) {
    cost::fill<T, T>({}, {x.data(), kCount, dims, dims}, {y.data(), kCount, dims, dims},
                     {out.data(), kCount, kCount, kCount}, static_cast<int>(state.range(1)));
    benchmark::ClobberMemory();
  }
  count_flops(state, kCount, kCount, dims);
}
BENCHMARK_TEMPLATE(fill, double)
    ->ArgNames({"d", "threads"})
    ->ArgsProduct({{3, 16, 128, 784}, {1, 2}})
    ->UseRealTime();
BENCHMARK_TEMPLATE(fill, float)->ArgNames({"d", "threads"})->Args({128, 1})->UseRealTime();

}  // namespace
