#include "oned/oned.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/masses.h"
#include "base/thread_pool.h"
#include "oned/row.h"
#include "oned/tuning.h"

namespace otcore::oned {
namespace {

// Whether one of the arguments that an error names has a row for each problem.
template <class T>
bool is_batched(const Lines<T>& lines, const std::string& arguments) {
  const auto named = [&arguments](char name) { return arguments.find(name) != std::string::npos; };
  return (named('x') && lines.x.stride != 0) || (named('y') && lines.y.stride != 0) ||
         (named('a') && lines.a.stride != 0) || (named('b') && lines.b.stride != 0);
}

}  // namespace

template <class T>
void solve(const Lines<T>& lines, const Options& options, const Solutions& out, Monitor& monitor) {
  const std::size_t n = lines.x.length;
  const std::size_t m = lines.y.length;
  const std::size_t per_chunk = std::max<std::size_t>(1, kPointsPerChunk / (n + m));
  const std::size_t chunks = (lines.count + per_chunk - 1) / per_chunk;
  std::vector<std::optional<RowSolver<T>>> solvers(
      static_cast<std::size_t>(slots_for(chunks, options.n_threads)));
  const auto body = [&](std::size_t chunk, int slot) {
    auto& solver = solvers[static_cast<std::size_t>(slot)];
    if (!solver) solver.emplace(lines, options, out);
    const std::size_t end = std::min(lines.count, (chunk + 1) * per_chunk);
    for (std::size_t b = chunk * per_chunk; b < end; ++b) {
      if (monitor.stopped() != Stop::none) return;
      try {
        solver->solve(b);
      } catch (const InvalidArgument& error) {
        if (!is_batched(lines, error.argument())) throw;
        throw error.in_batch(b);
      }
    }
  };
  if (chunks == 1) {
    body(0, 0);  // not within parallel_for: a single long problem has a use for two threads itself
  } else {
    parallel_for(chunks, options.n_threads, body, &monitor);
  }
  monitor.finish();
}

template void solve(const Lines<float>&, const Options&, const Solutions&, Monitor&);
template void solve(const Lines<double>&, const Options&, const Solutions&, Monitor&);

}  // namespace otcore::oned
