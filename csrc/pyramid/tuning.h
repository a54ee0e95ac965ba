// Constants of the pyramid room; the named benchmarks of bench_pyramid chose them.
#pragma once

#include <cstddef>

namespace otcore::pyramid {

// Packed points are read in blocks: at most so many panels, and so many bytes where that is fewer
// (half a second-level cache), but at least one panel. Benchmark `kmeans`.
constexpr std::size_t kBlockPanels = 64;
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

// Rows are fetched to the cache so many panels before they are packed. Benchmark `kmeans`, 200000
// points.
constexpr std::size_t kPrefetchPanels = 2;

// The blocks of one set of points are handed out in at most so many tasks, whose sums take at most
// so many bytes together.
constexpr std::size_t kTasks = 256;
constexpr std::size_t kTaskBytes = std::size_t{64} << 20;

// A set whose packed points take no more than this is packed once; of a larger one every block is
// packed anew in every iteration, so that nothing is kept. Benchmark `kmeans`.
constexpr std::size_t kKeepBytes = std::size_t{8} << 20;

// Seeds are drawn among so many points, or this number for each of them.
constexpr std::size_t kSeedPoints = 1024;
constexpr std::size_t kPointsPerSeed = 64;

// Nodes with more points than this are split on all threads, one after another; the subtrees below
// smaller ones are grown on one thread each. Benchmark `build`.
constexpr std::size_t kSubtreePoints = 16384;

// No tree is deeper.
constexpr std::size_t kDeepest = 64;

// Points that go down a finished tree together: about so many bytes of them.
constexpr std::size_t kDescentBytes = std::size_t{4} << 20;
constexpr std::size_t kDescentPoints = 1024;  // at least

}  // namespace otcore::pyramid
