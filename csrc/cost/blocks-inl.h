// The walk over a tile in blocks that fit the registers, and the loop over the coordinates that all
// costs share.
#pragma once

#include <cstddef>

#include "cost/layout-inl.h"
#include "cost/tuning.h"

namespace otcore::cost::OTCORE_LEVEL {
namespace {

#if defined(__AVX512F__)
constexpr RegisterBlock kBlock = kBlockAvx512;
#elif defined(__AVX2__)
constexpr RegisterBlock kBlock = kBlockAvx2;
#elif defined(__x86_64__)
constexpr RegisterBlock kBlock = kBlockSse2;
#else
constexpr RegisterBlock kBlock = kBlockNeon;
#endif

// The arguments of tile().
template <class T>
struct Tile {
  const T* packed_rows;
  std::size_t rows;
  const T* packed_cols;
  std::size_t cols;
  std::size_t dims;
  T* out;
  std::size_t out_stride;
  Finish finish;
};

// Sums term(sum, x_k, y_k) over k = 0, 1, ... for R rows and P panels: one accumulator per pair, so
// that a pair's sum is the same in every block of every size. `x` and `y` are the first row's and
// panel's points; the next ones follow x_step and y_step later.
template <class T, std::size_t R, std::size_t P, class Term>
[[gnu::always_inline]] inline void accumulate(const Term& term, const T* x, std::size_t x_step,
                                              const T* y, std::size_t y_step, std::size_t dims,
                                              Vec<T> (&sums)[R][P * kPanelVectors<T>]) {
  constexpr std::size_t kVectors = P * kPanelVectors<T>;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < R; ++i) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) sums[i][v] = Vec<T>{};
  }
  for (std::size_t k = 0; k < dims; ++k, y += kWidth<T>) {
    Vec<T> y_k[kVectors];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      y_k[v] = simd::load(y + v / kPanelVectors<T> * y_step + v % kPanelVectors<T> * kLanes<T>);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < R; ++i) {
      const Vec<T> x_k = simd::splat(x[i * x_step + k]);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) sums[i][v] = term(sums[i][v], x_k, y_k[v]);
    }
  }
}

template <class T, std::size_t R, std::size_t P>
[[gnu::always_inline]] inline void store_block(const Vec<T> (&block)[R][P * kPanelVectors<T>],
                                               T* out, std::size_t out_stride) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < R; ++i) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < P * kPanelVectors<T>; ++v) {
      simd::store(out + i * out_stride + v * kLanes<T>, block[i][v]);
    }
  }
}

// What form.finish asks of the sums of some rows.
template <class T>
inline void finish_rows(const Tile<T>& tile, std::size_t first, std::size_t rows) {
  if (tile.finish == Finish::none) return;
  for (std::size_t i = first; i < first + rows; ++i) {
    T* row = tile.out + i * tile.out_stride;
    for (std::size_t j = 0; j < tile.cols; j += kLanes<T>) {
      const Vec<T> sum = simd::load(row + j);
      simd::store(row + j,
                  tile.finish == Finish::root ? simd::sqrt<T>(sum) : simd::splat(T(0.5)) * sum);
    }
  }
}

template <std::size_t R, std::size_t P, class Block>
inline void panels_of_strip(const Block& block, std::size_t row, std::size_t panel,
                            std::size_t count) {
  if (count == P) {
    block.template operator()<R, P>(row, panel);
  } else if constexpr (P > 1) {
    panels_of_strip<R, P - 1>(block, row, panel, count);
  }
}

// One strip of R rows. The panels are shared out so that blocks differ by at most one panel.
template <std::size_t R, class T, class Block>
inline void strip(const Block& block, const Tile<T>& tile, std::size_t row, std::size_t rows) {
  if (rows == R) {
    const std::size_t panels = (tile.cols + kWidth<T> - 1) / kWidth<T>;
    for (std::size_t panel = 0; panel < panels;) {
      const std::size_t blocks = (panels - panel + Block::kPanels - 1) / Block::kPanels;
      const std::size_t count = (panels - panel + blocks - 1) / blocks;
      panels_of_strip<R, Block::kPanels>(block, row, panel, count);
      panel += count;
    }
  } else if constexpr (R > 1) {
    strip<R - 1>(block, tile, row, rows);
  }
}

// Calls block<R, P>(row, panel) for the R rows and P panels that start there, until the tile is
// covered; R <= Block::kRows, P <= Block::kPanels.
template <class T, class Block>
inline void for_each_block(const Tile<T>& tile, const Block& block) {
  for (std::size_t row = 0; row < tile.rows; row += Block::kRows) {
    const std::size_t left = tile.rows - row;
    const std::size_t rows = left < Block::kRows ? left : Block::kRows;
    strip<Block::kRows>(block, tile, row, rows);
    finish_rows(tile, row, rows);
  }
}

}  // namespace
}  // namespace otcore::cost::OTCORE_LEVEL
