// Entropic sweeps: pairs per second, and how much of what the processor could do: `limit` is the
// time of a pair's fused multiply-adds (its coordinates, the row's sum, the column's sum) at the
// measured peak rate and of its exponential at the measured rate of 2^x (x and the power in the
// first-level cache), over the time taken. For a matrix `bandwidth` is the bytes of costs read per
// second; `read` measures what the memory gives. Every level the machine has runs in turn, unless
// OTCORE_ISA names one.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "base/isa.h"
#include "base/thread_pool.h"
#include "entropic/kernels.h"
#include "entropic/sweep.h"

namespace {

using otcore::Isa;
using otcore::entropic::Sweep;

// Of this thread: others' load does not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The least seconds of a few runs.
template <class Run>
double best_seconds(const Run& run) {
  double best = 1e30;
  for (int turn = 0; turn < 7; ++turn) {
    const double start = cpu_seconds();
    run();
    best = std::min(best, cpu_seconds() - start);
  }
  return best;
}

constexpr std::size_t kChains = 10;
constexpr std::size_t kRounds = 2000000;

// kChains independent chains of multiply-adds of one register each.
template <class Vector>
[[gnu::always_inline]] inline void multiply_add(Vector factor, Vector term) {
  Vector sums[kChains];
  for (std::size_t k = 0; k < kChains; ++k) sums[k] = factor * static_cast<float>(k);
  for (std::size_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 10
    for (auto& sum : sums) sum = sum * factor + term;
  }
  for (auto& sum : sums) benchmark::DoNotOptimize(sum);
}

template <class T, int kBytes>
struct Register {
  typedef T Type __attribute__((vector_size(kBytes)));
};

#if defined(__x86_64__)
template <class T>
[[gnu::target("avx512f"), gnu::noinline]] void multiply_add_avx512(T factor, T term) {
  using Vector = typename Register<T, 64>::Type;
  multiply_add(factor - Vector{}, term - Vector{});
}
template <class T>
[[gnu::target("avx2,fma"), gnu::noinline]] void multiply_add_avx2(T factor, T term) {
  using Vector = typename Register<T, 32>::Type;
  multiply_add(factor - Vector{}, term - Vector{});
}
#endif
template <class T>
[[gnu::noinline]] void multiply_add_baseline(T factor, T term) {
  using Vector = typename Register<T, 16>::Type;
  multiply_add(factor - Vector{}, term - Vector{});
}

// Multiply-adds of one number per second, on one thread.
template <class T>
double multiply_adds() {
  std::size_t bytes = 16;
  auto* run = multiply_add_baseline<T>;
#if defined(__x86_64__)
  if (otcore::active_isa() == Isa::avx2) {
    bytes = 32;
    run = multiply_add_avx2<T>;
  }
  if (otcore::active_isa() == Isa::avx512) {
    bytes = 64;
    run = multiply_add_avx512<T>;
  }
#endif
  const double seconds = best_seconds([&] { run(T(0.5), T(1.5)); });
  return static_cast<double>(kChains * kRounds * (bytes / sizeof(T))) / seconds;
}

// Powers of two per second, on one thread.
template <class T>
double powers() {
  constexpr std::size_t kCount = 1024;
  constexpr std::size_t kTurns = 2000;
  std::vector<T> x(kCount, T(0.3));
  const std::vector<T> shift(kCount, T(1));
  const auto& kernels = otcore::entropic::kernels_of<T>(otcore::entropic::kernel_table());
  const double seconds = best_seconds([&] {
    for (std::size_t turn = 0; turn < kTurns; ++turn) {
      kernels.shifted_powers(x.data(), kCount, 1, kCount, shift.data());
      benchmark::ClobberMemory();
    }
  });
  return static_cast<double>(kCount * kTurns) / seconds;
}

// Seconds per pair on one thread if nothing but arithmetic took time.
template <class T>
double least_seconds(std::size_t dims) {
  static const double multiply_add = 1.0 / multiply_adds<T>();
  static const double power = 1.0 / powers<T>();
  return static_cast<double>(dims + 2) * multiply_add + power;
}

template <class T>
void report_rates(benchmark::State& state) {
  double rates[2] = {};
  for (auto _ : state) {
    rates[0] = multiply_adds<T>();
    rates[1] = powers<T>();
  }
  state.counters["fma/s"] = rates[0];
  state.counters["exp2/s"] = rates[1];
}
BENCHMARK_TEMPLATE(report_rates, float)->Name("rates<float>")->Iterations(1);
BENCHMARK_TEMPLATE(report_rates, double)->Name("rates<double>")->Iterations(1);

template <class T>
std::vector<T> random_numbers(std::size_t count, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<T> uniform;
  std::vector<T> numbers(count);
  for (T& x : numbers) x = uniform(generator);
  return numbers;
}

// Potentials of a problem under way.
template <class T>
struct Job {
  Job(Sweep<T> job_sweep, double relative_eps)
      : sweep(std::move(job_sweep)),
        eps(relative_eps * sweep.range()),
        a(sweep.rows(), 1.0 / static_cast<double>(sweep.rows())),
        b(sweep.cols(), 1.0 / static_cast<double>(sweep.cols())),
        f(sweep.rows()),
        g(sweep.cols()),
        log_ratio(sweep.cols()) {
    for (int turn = 0; turn < 5; ++turn) iterate();
  }

  void iterate() {
    sweep.iterate(eps, a.data(), b.data(), g.data(), 1.0, f.data(), log_ratio.data());
    for (std::size_t j = 0; j < g.size(); ++j) g[j] -= eps * log_ratio[j];
  }

  [[nodiscard]] double pairs() const {
    return static_cast<double>(sweep.rows()) * static_cast<double>(sweep.cols());
  }

  Sweep<T> sweep;
  double eps;
  std::vector<double> a, b, f, g, log_ratio;
};

constexpr double kEps = 0.02;

template <class T>
void run(benchmark::State& state, Job<T>& job, std::size_t dims, int threads) {
  double seconds = 1e30;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    job.iterate();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    seconds = std::min(seconds, threads == 1 ? cpu_seconds() - cpu : wall.count());
  }
  state.counters["pairs/s"] = job.pairs() / seconds;
  state.counters["ns/pair"] = 1e9 * seconds / job.pairs();
  state.counters["limit%"] =
      100 * least_seconds<T>(dims) * job.pairs() / (seconds * static_cast<double>(threads));
}

// Points: n = m.
template <class T>
void iterate(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto dims = static_cast<std::size_t>(state.range(1));
  const auto threads = static_cast<int>(state.range(2));
  const auto x = random_numbers<T>(n * dims, 1);
  const auto y = random_numbers<T>(n * dims, 2);
  Job<T> job({{x.data(), n, dims, dims}, {y.data(), n, dims, dims}, {}, threads}, kEps);
  run(state, job, dims, threads);
}
BENCHMARK_TEMPLATE(iterate, float)
    ->ArgNames({"n", "d", "threads"})
    ->ArgsProduct({{1000, 10000}, {3, 16, 64}, {1, 2}})
    ->UseRealTime();
BENCHMARK_TEMPLATE(iterate, double)
    ->ArgNames({"n", "d", "threads"})
    ->ArgsProduct({{1000, 10000}, {3, 16, 64}, {1}})
    ->UseRealTime();

// Few rows and so many columns that a block of rows leaves the second-level cache.
void iterate_wide(benchmark::State& state) {
  constexpr std::size_t kRows = 1000;
  constexpr std::size_t kDims = 3;
  const auto m = static_cast<std::size_t>(state.range(0));
  const auto threads = static_cast<int>(state.range(1));
  const auto x = random_numbers<float>(kRows * kDims, 1);
  const auto y = random_numbers<float>(m * kDims, 2);
  Job<float> job({{x.data(), kRows, kDims, kDims}, {y.data(), m, kDims, kDims}, {}, threads}, kEps);
  run(state, job, kDims, threads);
}
BENCHMARK(iterate_wide)
    ->ArgNames({"m", "threads"})
    ->ArgsProduct({{20000, 100000, 400000}, {1, 2}})
    ->UseRealTime();

// What the answer says of a plan; its coordinates and four more multiply-adds.
void measure(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto dims = static_cast<std::size_t>(state.range(1));
  const auto x = random_numbers<float>(n * dims, 1);
  const auto y = random_numbers<float>(n * dims, 2);
  Job<float> job({{x.data(), n, dims, dims}, {y.data(), n, dims, dims}, {}, 1}, kEps);
  std::vector<double> rows(n), cols(n), transform(n);
  double seconds = 1e30;
  for (auto _ : state) {
    const double cpu = cpu_seconds();
    job.sweep.measure({job.eps, job.a.data(), job.b.data(), job.f.data(), job.g.data()},
                      rows.data(), cols.data(), transform.data());
    seconds = std::min(seconds, cpu_seconds() - cpu);
  }
  state.counters["ns/pair"] = 1e9 * seconds / job.pairs();
}
BENCHMARK(measure)->ArgNames({"n", "d"})->ArgsProduct({{5000}, {3, 64}})->UseRealTime();

// A matrix, whose exponents take two multiply-adds.
template <class T>
void iterate_matrix(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto threads = static_cast<int>(state.range(1));
  const auto costs = random_numbers<T>(n * n, 1);
  Job<T> job({{costs.data(), n, n, n}, threads}, kEps);
  run(state, job, 2, threads);
  state.counters["bandwidth"] = state.counters["pairs/s"] * static_cast<double>(sizeof(T));
}
BENCHMARK_TEMPLATE(iterate_matrix, float)
    ->ArgNames({"n", "threads"})
    ->ArgsProduct({{500, 5000}, {1, 2}})
    ->UseRealTime();
BENCHMARK_TEMPLATE(iterate_matrix, double)
    ->ArgNames({"n", "threads"})
    ->Args({5000, 1})
    ->UseRealTime();

// Reads as many bytes, to compare with `bandwidth`.
void read(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto threads = static_cast<int>(state.range(1));
  const auto costs = random_numbers<float>(n * n, 1);
  double seconds = 1e30;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    otcore::parallel_for(64, threads, [&](std::size_t chunk, int) {
      const std::size_t rows = (n + 63) / 64;
      double low = 0.0;
      double high = 0.0;
      if (chunk * rows >= n) return;
      otcore::entropic::kernel_table().f32.range(costs.data() + chunk * rows * n, n,
                                                 std::min(rows, n - chunk * rows), n, &low, &high);
      benchmark::DoNotOptimize(low + high);
    });
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    seconds = std::min(seconds, wall.count());
  }
  state.counters["bandwidth"] = static_cast<double>(n * n * sizeof(float)) / seconds;
}
BENCHMARK(read)->ArgNames({"n", "threads"})->ArgsProduct({{5000}, {1, 2}})->UseRealTime();

// Other metrics go through tiles of costs.
void iterate_metric(benchmark::State& state, otcore::cost::Metric metric) {
  constexpr std::size_t kCount = 2000;
  const auto dims = static_cast<std::size_t>(state.range(0));
  const auto x = random_numbers<float>(kCount * dims, 1);
  const auto y = random_numbers<float>(kCount * dims, 2);
  Job<float> job({{x.data(), kCount, dims, dims}, {y.data(), kCount, dims, dims}, metric, 1}, kEps);
  run(state, job, dims, 1);
}
BENCHMARK_CAPTURE(iterate_metric, euclidean, {otcore::cost::Kind::euclidean, 2.0})
    ->ArgName("d")
    ->Arg(3)
    ->Arg(64);
BENCHMARK_CAPTURE(iterate_metric, cityblock, {otcore::cost::Kind::cityblock, 1.0})
    ->ArgName("d")
    ->Arg(3);

// Small problems as in batches: another problem, then 100 iterations.
template <class T>
void small_problems(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto dims = static_cast<std::size_t>(state.range(1));
  const bool points = dims > 0;
  const auto x = random_numbers<T>(n * (points ? dims : n), 1);
  const auto y = random_numbers<T>(n * std::max<std::size_t>(dims, 1), 2);
  const otcore::MatrixView<const T> from{x.data(), n, points ? dims : n, points ? dims : n};
  const otcore::MatrixView<const T> to{y.data(), n, dims, dims};
  Job<T> job(points ? Sweep<T>(from, to, {}, 1) : Sweep<T>(from, 1), kEps);
  for (auto _ : state) {
    points ? job.sweep.reset(from, to) : job.sweep.reset(from);
    for (int turn = 0; turn < 100; ++turn) job.iterate();
  }
  state.counters["us/iteration"] = benchmark::Counter(
      100e-6, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK_TEMPLATE(small_problems, float)->ArgNames({"n", "d"})->Args({50, 0})->Args({50, 16});
BENCHMARK_TEMPLATE(small_problems, double)->ArgNames({"n", "d"})->Args({50, 0})->Args({50, 16});

}  // namespace

int main(int argc, char** argv) {
  if (std::getenv("OTCORE_ISA") == nullptr) {
    for (const Isa isa : otcore::supported_isas()) {
      std::string command = "OTCORE_ISA=" + std::string(otcore::isa_name(isa));
      for (int k = 0; k < argc; ++k) command += std::string(" '") + argv[k] + "'";
      if (std::system(command.c_str()) != 0) return 1;
    }
    return 0;
  }
  benchmark::AddCustomContext("instruction set", std::string(isa_name(otcore::active_isa())));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
