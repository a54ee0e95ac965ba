// Many problems of one shape on all threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/monitor.h"
#include "base/thread_pool.h"

namespace otcore {

struct ProblemRun {
  std::size_t count = 0;      // problems
  std::size_t per_chunk = 1;  // so many one after another on a thread
  bool one_by_one = false;    // few large problems: each on all threads
  int n_threads = 0;
};

// solve(worker, b) for every problem b. Each thread makes itself a worker = make_worker() at its
// first problem. An InvalidArgument of the lowest bad problem is rethrown as seen from the batch,
// whichever thread came first. Counts problems on the monitor and finishes it; after a stop solve()
// is still called, to leave a well-formed result.
template <class MakeWorker, class Solve>
void run_problems(const ProblemRun& run, Monitor& monitor, const MakeWorker& make_worker,
                  const Solve& solve) {
  using Worker = decltype(make_worker());
  const std::size_t chunks = (run.count + run.per_chunk - 1) / run.per_chunk;
  std::vector<std::optional<Worker>> workers(
      static_cast<std::size_t>(slots_for(chunks, run.n_threads)));
  std::atomic<std::size_t> bad{std::numeric_limits<std::size_t>::max()};
  monitor.set_total(run.count);

  const auto solve_chunk = [&](std::size_t chunk, int slot) {
    auto& worker = workers[static_cast<std::size_t>(slot)];
    if (!worker) worker.emplace(make_worker());
    const std::size_t end = std::min(run.count, (chunk + 1) * run.per_chunk);
    for (std::size_t b = chunk * run.per_chunk; b < end; ++b) {
      if (b > bad.load(std::memory_order_relaxed)) return;
      try {
        solve(*worker, b);
      } catch (const InvalidArgument&) {
        std::size_t lowest = bad.load();
        while (b < lowest && !bad.compare_exchange_weak(lowest, b)) {
        }
        return;
      }
      monitor.add_done(1);
    }
  };
  if (run.one_by_one) {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) solve_chunk(chunk, 0);
  } else {
    parallel_for(chunks, run.n_threads, solve_chunk, &monitor);
  }
  if (bad != std::numeric_limits<std::size_t>::max()) {
    Worker worker = make_worker();
    try {
      solve(worker, bad);
    } catch (const InvalidArgument& error) {
      if (run.count == 1) throw;
      throw error.in_batch(bad);
    }
  }
  monitor.finish();
}

}  // namespace otcore
