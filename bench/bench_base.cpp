// The thread pool: what a parallel call costs, awake and asleep, and how it spreads work.
#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/monitor.h"
#include "base/thread_pool.h"

namespace {

using otcore::Monitor;
using otcore::parallel_for;

double work(std::size_t rounds) {
  double x = 1.0;
  for (std::size_t i = 0; i < rounds; ++i) x = std::sqrt(x + 1.0);
  return x;
}

// Calls in a row: the helpers are still awake.
void parallel_for_empty(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  for (auto _ : state) {
    parallel_for(static_cast<std::size_t>(threads), threads, [](std::size_t, int) {});
  }
}
BENCHMARK(parallel_for_empty)->DenseRange(1, 4)->UseRealTime();

// Calls with pauses: the helpers sleep. Every body waits for all, so this is the time until all are
// awake.
void parallel_for_asleep(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    std::this_thread::sleep_for(std::chrono::microseconds(500));
    state.ResumeTiming();
    std::atomic<int> present{0};
    parallel_for(static_cast<std::size_t>(threads), threads, [&](std::size_t, int) {
      ++present;
      while (present < threads) std::this_thread::yield();
    });
  }
}
BENCHMARK(parallel_for_asleep)->DenseRange(2, 4)->UseRealTime()->Iterations(2000);

// 10^4 chunks of about 1 us: throughput of claiming them, with the monitor asked after each.
void parallel_for_small_chunks(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  constexpr std::size_t kChunks = 10000;
  std::vector<double> out(kChunks);
  for (auto _ : state) {
    Monitor monitor({}, {}, 1e6);
    parallel_for(
        kChunks, threads, [&](std::size_t chunk, int) { out[chunk] = work(100); }, &monitor);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kChunks));
}
BENCHMARK(parallel_for_small_chunks)->DenseRange(1, 4)->UseRealTime();

void monitor_poll(benchmark::State& state) {
  Monitor monitor([] { return false; }, {}, 1e6);
  for (auto _ : state) benchmark::DoNotOptimize(monitor.poll());
}
BENCHMARK(monitor_poll);

}  // namespace
