// Constants of the 1-D room; the named benchmarks of bench_oned chose them.
#pragma once

#include <cstddef>

namespace otcore::oned {

// Below this, comparisons sort faster than digits. Benchmarks `sort_values`, `sort_order`.
constexpr std::size_t kRadixSortFrom = 48;

// Bits of the radix sort's digits. Wide ones need fewer passes, but short rows spend their time on
// the buckets. Benchmark `sort_values`.
constexpr unsigned kNarrowDigit = 8;
constexpr unsigned kWideDigit = 11;
constexpr std::size_t kWideDigitsFrom = 2048;

// How many more than log2(n) leading bits are sorted by digits before insertion repairs the rest:
// about the exponent of an IEEE number, which tells few numbers apart. Benchmark `sort_values`.
template <class T>
constexpr unsigned kExtraBits = sizeof(T) == sizeof(float) ? 8 : 11;

// Insertion may move items by so many places on average; where it needs more, the leading bits tell
// too few items apart, and all digits are sorted.
constexpr std::size_t kMovesPerItem = 4;

// Points of both sides that a chunk of a batch holds, about.
constexpr std::size_t kPointsPerChunk = std::size_t{1} << 14;

// Rows from here on sort their two sides on two threads. Benchmark `values`.
constexpr std::size_t kSplitSortFrom = std::size_t{1} << 15;

}  // namespace otcore::oned
