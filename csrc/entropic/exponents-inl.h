// Exponents z_ij of a block of pairs and their powers of two, a register tile at a time.
#pragma once

#include "entropic/kernels.h"
#include "entropic/tuning.h"
#include "simd/exp2-inl.h"

namespace otcore::entropic::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;
using simd::Vec;

template <class T>
constexpr std::size_t kLanes = static_cast<std::size_t>(simd::kLanes<T>);
template <class T>
constexpr std::size_t kPanelVectors = kWidth<T> / kLanes<T>;

#if defined(__AVX512F__)
constexpr RegisterBlock kBlock = kBlockAvx512;
#elif defined(__AVX2__)
constexpr RegisterBlock kBlock = kBlockAvx2;
#elif defined(__x86_64__)
constexpr RegisterBlock kBlock = kBlockSse2;
#else
constexpr RegisterBlock kBlock = kBlockNeon;
#endif

// z of R rows and P panels from points.
struct FromPoints {
  template <std::size_t R, std::size_t P, class T>
  [[gnu::always_inline]] static void fill(const Block<T>& block, std::size_t row, std::size_t col,
                                          Vec<T> (&z)[R][P * kPanelVectors<T>]) {
    constexpr std::size_t kVectors = P * kPanelVectors<T>;
    const T* x = block.x + row * block.dims;
    const T* y = block.y + col * block.dims;
    const std::size_t panel = block.dims * kWidth<T>;
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Vec<T> v_j = simd::load(block.v + col + v * kLanes<T>);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) z[i][v] = simd::splat(block.u[row + i]) + v_j;
    }
    for (std::size_t k = 0; k < block.dims; ++k, y += kWidth<T>) {
      Vec<T> y_k[kVectors];
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        y_k[v] = simd::load(y + v / kPanelVectors<T> * panel + v % kPanelVectors<T> * kLanes<T>);
      }
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) {
        const Vec<T> x_k = simd::splat(x[i * block.dims + k]);
#pragma GCC unroll 16
        for (std::size_t v = 0; v < kVectors; ++v) {
          z[i][v] = simd::mul_add<T>(x_k, y_k[v], z[i][v]);
        }
      }
    }
  }
};

// z of R rows and P panels from costs.
struct FromCosts {
  template <std::size_t R, std::size_t P, class T>
  [[gnu::always_inline]] static void fill(const Block<T>& block, std::size_t row, std::size_t col,
                                          Vec<T> (&z)[R][P * kPanelVectors<T>]) {
    constexpr std::size_t kAhead = kPrefetchBytes / sizeof(T);
    const T* costs = block.costs + row * block.stride + col;
    const Vec<T> scale = simd::splat(block.scale);
    const Vec<T> shift = simd::splat(block.shift);
    const Vec<T> factor = simd::splat(-block.factor);
#pragma GCC unroll 16
    for (std::size_t v = 0; v < P * kPanelVectors<T>; ++v) {
      const Vec<T> v_j = simd::load(block.v + col + v * kLanes<T>);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) {
        const T* from = costs + i * block.stride + v * kLanes<T>;
        if (v % kPanelVectors<T> == 0) __builtin_prefetch(from + kAhead);
        const Vec<T> cost = simd::load(from);
        z[i][v] = simd::mul_add<T>(factor, simd::mul_add<T>(cost, scale, shift),
                                   simd::splat(block.u[row + i])) +
                  v_j;
      }
    }
  }
};

// tile<R, P>(row, col) for rows row .. rows: R at a time, then fewer.
template <std::size_t R, std::size_t P, class Tile>
inline void walk_rows(const Tile& tile, std::size_t row, std::size_t rows, std::size_t col) {
  for (; row + R <= rows; row += R) tile.template operator()<R, P>(row, col);
  if constexpr (R > 1) walk_rows<(R + 1) / 2, P>(tile, row, rows, col);
}

// tile<R, P>(row, col) until the columns from col to `end` are covered: P panels at a time, then
// fewer.
template <class T, std::size_t P, class Tile>
inline void walk(const Tile& tile, std::size_t rows, std::size_t col, std::size_t end) {
  for (; col + P * kWidth<T> <= end; col += P * kWidth<T>) {
    walk_rows<kBlock.rows, P>(tile, 0, rows, col);
  }
  if constexpr (P > 1) walk<T, (P + 1) / 2>(tile, rows, col, end);
}

template <class T, class Source>
struct ExponentTile {
  const Block<T> block;  // a copy: what is stored cannot alias it
  T* out;
  std::size_t out_stride;

  template <std::size_t R, std::size_t P>
  void operator()(std::size_t row, std::size_t col) const {
    Vec<T> z[R][P * kPanelVectors<T>];
    Source::template fill<R, P, T>(block, row, col, z);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < R; ++i) {
#pragma GCC unroll 16
      for (std::size_t v = 0; v < P * kPanelVectors<T>; ++v) {
        simd::store(out + (row + i) * out_stride + col + v * kLanes<T>, z[i][v]);
      }
    }
  }
};

// `partial` holds a vector of sums per row.
template <class T, class Source, bool kSummed>
struct PowerTile {
  const Block<T> block;  // a copy: what is stored cannot alias it
  const T* weights;
  T* out;
  std::size_t out_stride;
  T* partial;

  template <std::size_t R, std::size_t P>
  void operator()(std::size_t row, std::size_t col) const {
    Vec<T> z[R][P * kPanelVectors<T>];
    Source::template fill<R, P, T>(block, row, col, z);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < R; ++i) {
      Vec<T> sum{};
      if constexpr (kSummed) sum = simd::load(partial + (row + i) * kLanes<T>);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < P * kPanelVectors<T>; ++v) {
        const std::size_t j = col + v * kLanes<T>;
        const Vec<T> power = simd::exp2<T>(z[i][v]);
        simd::store(out + (row + i) * out_stride + j, power);
        if constexpr (kSummed) sum = simd::mul_add<T>(power, simd::load(weights + j), sum);
      }
      if constexpr (kSummed) simd::store(partial + (row + i) * kLanes<T>, sum);
    }
  }
};

template <class T>
inline double sum_in_float64(const T* lanes) {
  Vec<double> sum{};
  for (std::size_t l = 0; l < kLanes<T>; l += kLanes<double>) {
    if constexpr (sizeof(T) == sizeof(double)) {
      sum += simd::load(lanes + l);
    } else {
      sum += simd::load_widened(lanes + l);
    }
  }
  return simd::reduce_add<double>(sum);
}

template <class T>
void exponents(const Block<T>& block, T* out, std::size_t out_stride) {
  if (block.x != nullptr) {
    walk<T, kBlock.panels>(ExponentTile<T, FromPoints>{block, out, out_stride}, block.rows, 0,
                           block.cols);
  } else {
    walk<T, kBlock.panels>(ExponentTile<T, FromCosts>{block, out, out_stride}, block.rows, 0,
                           block.cols);
  }
}

// Sums over strips of columns, which all rows see before the next one comes: what is packed of a
// strip stays in the first-level cache.
template <class T, class Source>
void summed_powers(const Block<T>& block, const T* weights, T* out, std::size_t out_stride,
                   double* sums) {
  alignas(64) T partial[kMaxBlockRows * kLanes<T>];
  for (std::size_t col = 0; col < block.cols; col += kSumColumns) {
    const std::size_t end = block.cols - col < kSumColumns ? block.cols : col + kSumColumns;
    for (std::size_t i = 0; i < block.rows * kLanes<T>; ++i) partial[i] = T(0);
    walk<T, kBlock.panels>(PowerTile<T, Source, true>{block, weights, out, out_stride, partial},
                           block.rows, col, end);
    for (std::size_t i = 0; i < block.rows; ++i) {
      sums[i] += sum_in_float64(partial + i * kLanes<T>);
    }
  }
}

// Costs are read a few rows at a time from end to end, as the memory likes it.
template <class T>
void summed_powers_of_costs(const Block<T>& block, const T* weights, T* out, std::size_t out_stride,
                            double* sums) {
  for (std::size_t row = 0; row < block.rows; row += kBlock.rows) {
    Block<T> part = block;
    part.rows = block.rows - row < kBlock.rows ? block.rows - row : kBlock.rows;
    part.u += row;
    part.costs += row * block.stride;
    summed_powers<T, FromCosts>(part, weights, out + row * out_stride, out_stride, sums + row);
  }
}

template <class T>
void exponentials(const Block<T>& block, const T* weights, T* out, std::size_t out_stride,
                  double* sums) {
  if (block.x != nullptr) {
    summed_powers<T, FromPoints>(block, weights, out, out_stride, sums);
  } else {
    summed_powers_of_costs(block, weights, out, out_stride, sums);
  }
}

template <class T>
void powers(const Block<T>& block, T* out, std::size_t out_stride) {
  if (block.x != nullptr) {
    walk<T, kBlock.panels>(
        PowerTile<T, FromPoints, false>{block, nullptr, out, out_stride, nullptr}, block.rows, 0,
        block.cols);
  } else {
    walk<T, kBlock.panels>(PowerTile<T, FromCosts, false>{block, nullptr, out, out_stride, nullptr},
                           block.rows, 0, block.cols);
  }
}

}  // namespace
}  // namespace otcore::entropic::OTCORE_LEVEL
