// The cost room's tuning constants. Chosen with bench/bench_cost.cpp on Zen 4 (AVX-512 as 2 x 256
// bits, 32 KiB L1, 1 MiB L2); the lower levels were measured on the same processor.
#pragma once

#include <cstddef>

namespace otcore::cost {

// Squared distances of points with at least this many coordinates go through inner products. Tiles
// alone gain from about 12 on, but packing for products takes twice as long (benchmarks `tile` over
// d, `pack`).
constexpr std::size_t kGramDims = 17;

// Minkowski powers whose whole part is at most this are multiplied out, larger ones are left to pow
// (benchmark `tile_metric`; the error grows with the number of products).
constexpr int kMaxMultipliedPower = 8;

// The block of a tile that one kernel keeps in registers: rows x panels of 64 bytes. The inner
// products of a block are `rows * panels` independent chains of multiply-adds of one panel each,
// and leave registers for the loads: 24 + 4 of 32 with AVX-512 and NEON (whose panel is 4 vectors),
// 12 + 3 of 16 with AVX2 (2 vectors) and SSE2 (4 vectors). Benchmark `tile`.
struct RegisterBlock {
  std::size_t rows;
  std::size_t panels;
};
constexpr RegisterBlock kBlockAvx512{8, 3};
constexpr RegisterBlock kBlockAvx2{6, 1};
constexpr RegisterBlock kBlockSse2{3, 1};
constexpr RegisterBlock kBlockNeon{6, 1};

// fill() packs at most this many bytes of each side at a time, hands out tiles of kFillRows rows (a
// multiple of every level's register block) and of so many columns that their packed points take
// about kFillColumnBytes: a share of the second-level cache. Benchmark `fill`.
constexpr std::size_t kFillPackedBytes = std::size_t{16} << 20;
constexpr std::size_t kFillRows = 192;
constexpr std::size_t kFillColumnBytes = std::size_t{256} << 10;

}  // namespace otcore::cost
