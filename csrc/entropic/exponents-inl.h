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

// z of R rows and P panels from points of kDims coordinates; 0: of block.dims.
template <std::size_t kDims>
struct FromPoints {
  template <std::size_t R, std::size_t P, class T>
  [[gnu::always_inline]] static void fill(const Block<T>& block, std::size_t row, std::size_t col,
                                          Vec<T> (&z)[R][P * kPanelVectors<T>]) {
    constexpr std::size_t kVectors = P * kPanelVectors<T>;
    const std::size_t dims = kDims == 0 ? block.dims : kDims;
    const T* x = block.x + row * dims;
    const T* y = block.y + col * dims;
    const std::size_t panel = dims * kWidth<T>;
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Vec<T> v_j = simd::load(block.v + col + v * kLanes<T>);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) z[i][v] = simd::splat(block.u[row + i]) + v_j;
    }
    for (std::size_t k = 0; k < dims; ++k, y += kWidth<T>) {
      Vec<T> y_k[kVectors];
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        y_k[v] = simd::load(y + v / kPanelVectors<T> * panel + v % kPanelVectors<T> * kLanes<T>);
      }
#pragma GCC unroll 8
      for (std::size_t i = 0; i < R; ++i) {
        const Vec<T> x_k = simd::splat(x[i * dims + k]);
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

// Tiles come by value: what they store cannot alias what they read of themselves.

// tile<R, P>(row, col) for rows row .. rows: R at a time, then fewer.
template <std::size_t R, std::size_t P, class Tile>
inline void walk_rows(const Tile tile, std::size_t row, std::size_t rows, std::size_t col) {
  for (; row + R <= rows; row += R) tile.template operator()<R, P>(row, col);
  if constexpr (R > 1) walk_rows<(R + 1) / 2, P>(tile, row, rows, col);
}

// tile<R, P>(row, col) until the columns from col to `end` are covered: P panels at a time, then
// fewer, all rows of a panel before the next one.
template <class T, std::size_t P, class Tile>
inline void walk(const Tile tile, std::size_t rows, std::size_t col, std::size_t end) {
  for (; col + P * kWidth<T> <= end; col += P * kWidth<T>) {
    walk_rows<kBlock.rows, P>(tile, 0, rows, col);
  }
  if constexpr (P > 1) walk<T, (P + 1) / 2>(tile, rows, col, end);
}

// tile<R, P>(row, col) for the columns from col to `end`.
template <class T, std::size_t R, std::size_t P, class Tile>
inline void walk_cols(const Tile tile, std::size_t row, std::size_t col, std::size_t end) {
  for (; col + P * kWidth<T> <= end; col += P * kWidth<T>) {
    tile.template operator()<R, P>(row, col);
  }
  if constexpr (P > 1) walk_cols<T, R, (P + 1) / 2>(tile, row, col, end);
}

// The same as walk, but all panels of a few rows before the next ones.
template <class T, std::size_t R, std::size_t P, class Tile>
inline void walk_along(const Tile tile, std::size_t row, std::size_t rows, std::size_t col,
                       std::size_t end) {
  for (; row + R <= rows; row += R) walk_cols<T, R, P>(tile, row, col, end);
  if constexpr (R > 1) walk_along<T, (R + 1) / 2, P>(tile, row, rows, col, end);
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

// What is done with a tile's powers beside storing them.
enum class Use {
  none,
  sum,  // the rows' sums
  fold  // the rows' sums; what is overwritten goes to the columns'
};

template <class T>
struct PowerTask {
  const Block<T> block;  // a copy: what is stored cannot alias it
  const T* weights;      // of the columns
  T* out;
  std::size_t out_stride;
  T* partial;             // a vector of sums per row
  const T* fold_weights;  // of the rows that are overwritten
  T* column_sums;
};

template <class T, class Source, Use kUse>
struct PowerTile {
  const PowerTask<T> shared;

  template <std::size_t R, std::size_t P>
  [[gnu::always_inline]] void operator()(std::size_t row, std::size_t col) const {
    constexpr std::size_t kVectors = P * kPanelVectors<T>;
    const PowerTask<T> task = shared;
    Vec<T> z[R][kVectors];
    Source::template fill<R, P, T>(task.block, row, col, z);
    Vec<T> folded[kVectors];
    if constexpr (kUse == Use::fold) {
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        folded[v] = simd::load(task.column_sums + col + v * kLanes<T>);
      }
    }
    T* out = task.out + row * task.out_stride + col;
    T* partial = task.partial + row * kLanes<T>;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < R; ++i) {
      Vec<T> sum{};
      if constexpr (kUse != Use::none) sum = simd::load(partial + i * kLanes<T>);
      Vec<T> fold_weight{};
      if constexpr (kUse == Use::fold) fold_weight = simd::splat(task.fold_weights[row + i]);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        const Vec<T> power = simd::exp2<T>(z[i][v]);
        if constexpr (kUse == Use::fold) {
          folded[v] = simd::mul_add<T>(fold_weight, simd::load(out + v * kLanes<T>), folded[v]);
        }
        simd::store(out + v * kLanes<T>, power);
        if constexpr (kUse != Use::none) {
          const Vec<T> weight = simd::load(task.weights + col + v * kLanes<T>);
          sum = simd::mul_add<T>(power, weight, sum);
        }
      }
      if constexpr (kUse != Use::none) simd::store(partial + i * kLanes<T>, sum);
      out += task.out_stride;
    }
    if constexpr (kUse == Use::fold) {
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        simd::store(task.column_sums + col + v * kLanes<T>, folded[v]);
      }
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
    walk<T, kBlock.panels>(ExponentTile<T, FromPoints<0>>{block, out, out_stride}, block.rows, 0,
                           block.cols);
  } else {
    walk<T, kBlock.panels>(ExponentTile<T, FromCosts>{block, out, out_stride}, block.rows, 0,
                           block.cols);
  }
}

// Powers of points of few coordinates.
template <class T, Use kUse, std::size_t kDims>
void few_powers(const PowerTask<T>& task, std::size_t col, std::size_t end) {
  walk_along<T, kBlock.rows, kBlock.few_panels>(PowerTile<T, FromPoints<kDims>, kUse>{task}, 0,
                                                task.block.rows, col, end);
}

// Powers of the columns from col to `end`, by the register tiles that suit their source.
template <class T, Use kUse>
void walk_powers(const PowerTask<T>& task, std::size_t col, std::size_t end) {
  const Block<T>& block = task.block;
  if (block.x == nullptr) {
    walk<T, kBlock.panels>(PowerTile<T, FromCosts, kUse>{task}, block.rows, col, end);
  } else if (block.dims >= kManyDims) {
    walk<T, kBlock.panels>(PowerTile<T, FromPoints<0>, kUse>{task}, block.rows, col, end);
  } else if (block.dims == 2) {
    few_powers<T, kUse, 2>(task, col, end);
  } else if (block.dims == 3) {
    few_powers<T, kUse, 3>(task, col, end);
  } else {
    few_powers<T, kUse, 0>(task, col, end);
  }
}

// Sums over strips of columns, which all rows see before the next one comes: what is packed of a
// strip stays in the first-level cache.
template <class T, Use kUse>
void summed_powers(PowerTask<T> task, double* sums) {
  alignas(64) T partial[kMaxBlockRows * kLanes<T>];
  task.partial = partial;
  const Block<T>& block = task.block;
  for (std::size_t col = 0; col < block.cols; col += kSumColumns) {
    const std::size_t end = block.cols - col < kSumColumns ? block.cols : col + kSumColumns;
    for (std::size_t i = 0; i < block.rows * kLanes<T>; ++i) partial[i] = T(0);
    walk_powers<T, kUse>(task, col, end);
    for (std::size_t i = 0; i < block.rows; ++i) {
      sums[i] += sum_in_float64(partial + i * kLanes<T>);
    }
  }
}

// Costs are read a few rows at a time from end to end, as the memory likes it.
template <class T, Use kUse>
void summed_powers_by_rows(const PowerTask<T>& task, double* sums) {
  const std::size_t rows = task.block.rows;
  for (std::size_t row = 0; row < rows; row += kBlock.rows) {
    Block<T> part = task.block;
    part.rows = rows - row < kBlock.rows ? rows - row : kBlock.rows;
    part.u += row;
    part.costs += row * part.stride;
    const T* fold_weights = kUse == Use::fold ? task.fold_weights + row : nullptr;
    summed_powers<T, kUse>({part, task.weights, task.out + row * task.out_stride, task.out_stride,
                            nullptr, fold_weights, task.column_sums},
                           sums + row);
  }
}

template <class T, Use kUse>
void summed(const PowerTask<T>& task, double* sums) {
  if (task.block.x != nullptr) {
    summed_powers<T, kUse>(task, sums);
  } else {
    summed_powers_by_rows<T, kUse>(task, sums);
  }
}

template <class T>
void exponentials(const Block<T>& block, const T* weights, T* out, std::size_t out_stride,
                  double* sums) {
  summed<T, Use::sum>({block, weights, out, out_stride, nullptr, nullptr, nullptr}, sums);
}

template <class T>
void replace(const Block<T>& block, const T* weights, T* out, std::size_t out_stride, double* sums,
             const T* fold_weights, T* column_sums) {
  summed<T, Use::fold>({block, weights, out, out_stride, nullptr, fold_weights, column_sums}, sums);
}

template <class T>
void powers(const Block<T>& block, T* out, std::size_t out_stride) {
  walk_powers<T, Use::none>({block, nullptr, out, out_stride, nullptr, nullptr, nullptr}, 0,
                            block.cols);
}

}  // namespace
}  // namespace otcore::entropic::OTCORE_LEVEL
