// Constants of the sliced room; the named benchmarks of bench_sliced chose them.
#pragma once

#include <cstddef>

namespace otcore::sliced {

// Directions that a task projects on at once: whole vectors of float at every ISA level.
constexpr std::size_t kGroup = 16;

// What the projections of a task may take, if there are two directions or more in it: a task of
// long clouds has fewer than kGroup.
constexpr std::size_t kGroupBytes = std::size_t{64} << 20;

// With gradients, the tasks that run before what they found is added up fill about so many bytes.
constexpr std::size_t kBlockBytes = std::size_t{16} << 20;

// Long clouds (points of both sides) and few directions: as many tasks as this, if that is
// possible, to keep threads busy. Benchmark `values`.
constexpr std::size_t kLongFrom = std::size_t{1} << 14;
constexpr std::size_t kTasksOfLong = 8;

// Points that a register block projects at once. Benchmark `values`.
constexpr std::size_t kProjectRows = 8;

// Clouds of more points are sorted by digits, one direction after another; of fewer by a network
// whose work is shared by the lanes of a vector. Benchmark `values`.
constexpr std::size_t columns_up_to(std::size_t lanes) {
  return lanes >= 16 ? 1 << 15 : lanes >= 8 ? 1 << 12 : lanes >= 4 ? 1 << 9 : 96;
}

// Insertion may move points of a column by so many places on average before their order is looked
// for by digits.
constexpr std::size_t kMovesPerPoint = 4;

// Points whose gradients are added up in one task.
constexpr std::size_t kPointsPerSum = 1024;

// Rows and vectors of the register block that adds up gradients, and slices after which sums leave
// it. Benchmark `gradients`.
constexpr std::size_t kSumRows = 4;
constexpr std::size_t kSumVectors = 4;
constexpr std::size_t kSumSlices = 64;

// Rows and columns of the register block that sums costs between pairs of slices. Benchmark
// `sliced_table`.
constexpr std::size_t kPairRows = 4;
constexpr std::size_t kPairCols = 2;

// How many of the given directions are followed to a maximum, and the part of the way to the
// gradient below which a step is given up.
constexpr std::size_t kAscents = 8;
constexpr double kSmallestStep = 0x1p-20;

}  // namespace otcore::sliced
