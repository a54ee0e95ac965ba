// Squared distances through inner products: |x|^2 + |y|^2 - 2 <x, y> for centred points.
//
// Rounding leaves an absolute error of at most 2 (d + 4) u (|x|^2 + |y|^2) (Higham, Accuracy and
// Stability of Numerical Algorithms, 2nd ed., section 3.1, for the norms and the product), u =
// 2^-53 or 2^-24. Where c > theta (|x|^2 + |y|^2) that is a relative error of 2 (d + 4) u / theta;
// all other pairs are computed again as a sum of squared differences of the points as they were
// before centring. The test is written so that NaN fails it: whatever overflows is recomputed too.
#pragma once

#include "cost/blocks-inl.h"

namespace otcore::cost::OTCORE_LEVEL {
namespace {

// A power of two, so that products with it are exact. Smaller means fewer pairs computed twice and
// larger errors.
template <class T>
constexpr T kTheta = T(1) / 16;

template <class T>
struct Products {
  Vec<T> operator()(Vec<T> sum, Vec<T> x, Vec<T> y) const { return simd::mul_add<T>(x, y, sum); }
};

// Both arrays are padded with equal numbers to whole vectors.
template <class T>
inline T squared_distance(const T* x, const T* y, std::size_t padded_dims) {
  constexpr std::size_t kSums = 4;  // more than one hides the latency of additions
  Vec<T> sums[kSums] = {};
  const auto add = [&](std::size_t s, std::size_t k) {
    const Vec<T> difference = simd::load(x + k) - simd::load(y + k);
    sums[s] = simd::mul_add<T>(difference, difference, sums[s]);
  };
  std::size_t k = 0;
  for (; k + kSums * kLanes<T> <= padded_dims; k += kSums * kLanes<T>) {
#pragma GCC unroll 4
    for (std::size_t s = 0; s < kSums; ++s) add(s, k + s * kLanes<T>);
  }
  for (; k < padded_dims; k += kLanes<T>) add(0, k);
  return simd::reduce_add<T>((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// squared_distance() of tiles.h.
template <class T>
T rows_apart(const T* row, const T* other, std::size_t dims) {
  const Layout layout = row_layout<T>(Terms::products, dims);
  return squared_distance(row + layout.originals, other + layout.originals, layout.original_stride);
}

template <class T>
struct GramBlock {
  static constexpr std::size_t kRows = kBlock.rows;
  static constexpr std::size_t kPanels = kBlock.panels;
  Tile<T> tile;
  Layout rows;
  Layout panels;

  template <std::size_t R, std::size_t P>
  void operator()(std::size_t row, std::size_t panel) const {
    constexpr std::size_t kVectors = P * kPanelVectors<T>;
    const T* x = tile.packed_rows + row * rows.size;
    const T* y = tile.packed_cols + panel * panels.size;
    T* out = tile.out + row * tile.out_stride + panel * kWidth<T>;
    Vec<T> costs[R][kVectors];
    accumulate<T, R, P>(Products<T>{}, x + rows.points, rows.size, y + panels.points, panels.size,
                        tile.dims, costs);
    simd::Mask<T> doubtful{};
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Vec<T> y_norms =
          simd::load(y + v / kPanelVectors<T> * panels.size + v % kPanelVectors<T> * kLanes<T>);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) {
        const Vec<T> norms = simd::splat(x[i * rows.size]) + y_norms;
        costs[i][v] = simd::mul_add<T>(simd::splat(T(-2)), costs[i][v], norms);
        doubtful |= ~(costs[i][v] > bound(norms));
      }
    }
    store_block<T, R, P>(costs, out, tile.out_stride);
    if (simd::any<T>(doubtful)) {
      for (std::size_t i = 0; i < R; ++i) {
        for (std::size_t p = 0; p < P; ++p) recompute(row + i, panel + p);
      }
    }
  }

 private:
  // Unused columns have infinite norms and costs, and inf > kMax passes.
  static Vec<T> bound(Vec<T> norms) {
    return simd::min<T>(simd::splat(kTheta<T>) * norms, simd::splat(kMax<T>));
  }

  [[gnu::noinline]] void recompute(std::size_t row, std::size_t panel) const {
    const T* x = tile.packed_rows + row * rows.size;
    const T* y = tile.packed_cols + panel * panels.size;
    T* out = tile.out + row * tile.out_stride + panel * kWidth<T>;
    const std::size_t left = tile.cols - panel * kWidth<T>;
    for (std::size_t j = 0; j < kWidth<T>; ++j) {
      if (j >= left) {
        out[j] = kInfinity<T>;
        continue;
      }
      const T limit = kTheta<T> * (x[0] + y[j]);
      if (!(out[j] > (limit < kMax<T> ? limit : kMax<T>))) {
        out[j] =
            squared_distance(x + rows.originals, y + panels.originals + j * panels.original_stride,
                             rows.original_stride);
      }
    }
  }
};

template <class T>
void gram_tile(const Tile<T>& tile) {
  const GramBlock<T> block{tile, row_layout<T>(Terms::products, tile.dims),
                           panel_layout<T>(Terms::products, tile.dims)};
  for_each_block(tile, block);
}

}  // namespace
}  // namespace otcore::cost::OTCORE_LEVEL
