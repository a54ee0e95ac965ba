// The library's threads. One pool per process, started at the first parallel call, never joined at
// exit; a forked child builds its own.
#pragma once

#include <cstddef>
#include <functional>

#include "base/monitor.h"
#include "base/thread_count.h"

namespace otcore {

// Runs body(chunk, slot) once for every chunk in [0, chunks), on at most `threads` threads (0 means
// num_threads()), the caller's among them, and returns when all are done. `slot` in
// [0, threads) is unique among the bodies that run at one moment: index per-thread scratch with it.
//
// Which thread runs a chunk is not fixed: results are the same for any thread count exactly if each
// chunk's result depends on the chunk alone. May be called from several threads at once, and from
// within a body (the nested call then runs on the calling thread). An exception thrown by a body
// drops the chunks not yet started; that of the lowest chunk, the same for any thread count, is
// rethrown here after the others have ended. Bodies see the caller's floating-point rounding and
// denormal modes.
//
// When `monitor` is given, the caller's thread polls it between chunks and while it waits; a poll
// that says stop changes nothing here: bodies ask monitor->stopped() and give up by themselves, so
// that every chunk still gets its (cheap) turn to leave a well-formed result.
void parallel_for(std::size_t chunks, int threads,
                  const std::function<void(std::size_t chunk, int slot)>& body,
                  Monitor* monitor = nullptr);

// The number of slots parallel_for(chunks, threads, ...) may use: the size of a scratch array.
int slots_for(std::size_t chunks, int threads);

}  // namespace otcore
