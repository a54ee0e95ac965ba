// The exact room's tuning constants. Chosen with bench/bench_exact.cpp.
#pragma once

#include <cstddef>

namespace otcore::exact {

// Assignment: the most steps of augmenting row reduction per row, before the Dijkstra searches.
constexpr std::size_t kRowReductionSteps = 2;

// Uniform square problems up to this size are solved as assignments on a padded copy of the costs;
// larger ones by the network simplex, which reads the matrix in place.
constexpr std::size_t kMaxAssignment = 512;

// Other problems up to this many arcs are copied to a padded float64 buffer first.
constexpr std::size_t kMaxPackedArcs = std::size_t{1} << 18;

// Network simplex: pricing looks at this many rows at a time and takes their best arc, if any.
constexpr std::size_t kPricingRows = 12;

// Batches: a chunk of work is about this many arcs (at least one problem).
constexpr std::size_t kArcsPerChunk = 4096;

// Network simplex: pivots between two looks at the clock.
constexpr std::size_t kPivotsPerPoll = 64;

}  // namespace otcore::exact
