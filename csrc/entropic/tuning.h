// The entropic room's tuning constants. Chosen with bench/bench_entropic.cpp on Zen 4.
#pragma once

#include <cstddef>

namespace otcore::entropic {

// The block of exponents that one kernel keeps in registers: rows x panels of 64 bytes, with room
// for the points of a panel and the polynomial's constants. Points of few coordinates, fewer than
// kManyDims, leave more room for the latter. Benchmark `iterate`.
struct RegisterBlock {
  std::size_t rows;
  std::size_t panels;
  std::size_t few_panels;
};
constexpr RegisterBlock kBlockAvx512{6, 4, 2};
constexpr RegisterBlock kBlockAvx2{6, 1, 1};
constexpr RegisterBlock kBlockSse2{3, 1, 1};
constexpr RegisterBlock kBlockNeon{6, 1, 1};
constexpr std::size_t kManyDims = 8;

// Rows whose exponentials are held at a time while their columns are summed: at most so many, and
// as many as fit into kHeldBytes, a share of the second-level cache. A multiple of every level's
// register rows. Points of many coordinates are better read seldom than held close: they get
// kHeldBytes for every kHeldDims coordinates, at most kMaxHeldShare times. Benchmark `iterate`.
constexpr std::size_t kMaxBlockRows = 54;
constexpr std::size_t kHeldBytes = std::size_t{640} << 10;
constexpr std::size_t kHeldDims = 16;
constexpr std::size_t kMaxHeldShare = 4;

// Problems whose kernel takes no more than this, a share of the second-level cache, keep it
// (kept.h); its rows are used so many bytes at a time. Benchmark `small_problems`.
constexpr std::size_t kKeptBytes = std::size_t{640} << 10;
constexpr std::size_t kKeptBlockBytes = std::size_t{16} << 10;
// Kernel and transpose together: most of the first-level cache.
constexpr std::size_t kTransposedBytes = std::size_t{33} << 10;

// A matrix up to this size is copied into whole panels, where it has none.
constexpr std::size_t kCopiedBytes = kKeptBytes;

// At least so many are held, in the third-level cache if need be. Where they take more than
// kMostHeldBytes, rows and columns are summed in two passes: there the cache is not ours alone.
// Benchmark `iterate_wide`.
constexpr std::size_t kMinHeldRows = 6;
constexpr std::size_t kMostHeldBytes = std::size_t{4} << 20;

// float32 sums run over so many columns or rows before they are added in float64.
constexpr std::size_t kSumColumns = 512;
constexpr std::size_t kSumRows = 64;

// Columns of exponents (or costs) that are computed at a time where they are not held.
constexpr std::size_t kStripColumns = 512;

// Rows that are measured at a time, so that a strip of them stays in the first-level cache.
// Benchmark `measure`.
constexpr std::size_t kMeasuredRows = 12;

// Columns whose sums are formed again together when one of them needs it.
constexpr std::size_t kGroupColumns = 64;

// A pass is cut into chunks of rows (or strips of columns) of about kChunkPairs pairs at least, at
// most kMaxChunks; or, where chunks have column sums of their own, as many as keep these to
// kColumnTotals numbers; or, where they have none, as many as it takes for chunks of at most
// kMaxChunkPairs pairs.
constexpr std::size_t kChunkPairs = std::size_t{1} << 15;
constexpr std::size_t kMaxChunks = 64;
constexpr std::size_t kColumnTotals = std::size_t{1} << 21;
constexpr std::size_t kMaxChunkPairs = std::size_t{1} << 28;

// How far ahead, in bytes, a matrix is fetched. Benchmark `iterate_matrix`.
constexpr std::size_t kPrefetchBytes = 1024;

}  // namespace otcore::entropic
