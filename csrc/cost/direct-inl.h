// Costs as sums over the coordinates' differences. Every term is nonnegative, so the sum's relative
// error is at most that of a term plus (dims - 1) * u; c(x, x) is exactly 0.
#pragma once

#include "cost/blocks-inl.h"

namespace otcore::cost::OTCORE_LEVEL {
namespace {

// Differences take registers too: two panels are enough to keep the units busy.
constexpr std::size_t kDirectPanels = kBlock.panels < 2 ? kBlock.panels : 2;

template <class T>
struct Squares {
  static constexpr std::size_t kRows = kBlock.rows;
  static constexpr std::size_t kPanels = kDirectPanels;

  Vec<T> operator()(Vec<T> sum, Vec<T> x, Vec<T> y) const {
    const Vec<T> difference = x - y;
    return simd::mul_add<T>(difference, difference, sum);
  }
};

template <class T>
struct Moduli {
  static constexpr std::size_t kRows = kBlock.rows;
  static constexpr std::size_t kPanels = kDirectPanels;

  Vec<T> operator()(Vec<T> sum, Vec<T> x, Vec<T> y) const { return sum + simd::abs<T>(x - y); }
};

// |x - y|^p for p = whole or whole + 1/2, whole >= 1: at most whole * u from the exact power.
template <class T>
struct MultipliedPowers {
  static constexpr std::size_t kRows = 1;
  static constexpr std::size_t kPanels = 1;
  int whole;
  bool and_half;

  Vec<T> operator()(Vec<T> sum, Vec<T> x, Vec<T> y) const {
    const Vec<T> base = simd::abs<T>(x - y);
    Vec<T> product = simd::splat(T(1));
    for (int i = 1; i < whole; ++i) product *= base;
    if (and_half) return simd::mul_add<T>(product * base, simd::sqrt<T>(base), sum);
    return simd::mul_add<T>(product, base, sum);
  }
};

// Any other power: as accurate as the C library's pow.
template <class T>
struct Powers {
  static constexpr std::size_t kRows = 1;
  static constexpr std::size_t kPanels = 1;
  double p;

  Vec<T> operator()(Vec<T> sum, Vec<T> x, Vec<T> y) const {
    Vec<T> power = simd::abs<T>(x - y);
    for (int i = 0; i < simd::kLanes<T>; ++i) {
      power[i] = static_cast<T>(__builtin_pow(static_cast<double>(power[i]), p));
    }
    return sum + power;
  }
};

template <class T, class Term>
struct DirectBlock {
  static constexpr std::size_t kRows = Term::kRows;
  static constexpr std::size_t kPanels = Term::kPanels;
  Tile<T> tile;
  Layout rows;
  Layout panels;
  Term term;

  template <std::size_t R, std::size_t P>
  void operator()(std::size_t row, std::size_t panel) const {
    Vec<T> sums[R][P * kPanelVectors<T>];
    accumulate<T, R, P>(term, tile.packed_rows + row * rows.size, rows.size,
                        tile.packed_cols + panel * panels.size, panels.size, tile.dims, sums);
    store_block<T, R, P>(sums, tile.out + row * tile.out_stride + panel * kWidth<T>,
                         tile.out_stride);
  }
};

template <class T, class Term>
void direct_tile(const Tile<T>& tile, const Term& term) {
  const DirectBlock<T, Term> block{tile, row_layout<T>(Terms::squares, tile.dims),
                                   panel_layout<T>(Terms::squares, tile.dims), term};
  for_each_block(tile, block);
}

template <class T>
void power_tile(const Tile<T>& tile, double p) {
  if (p < kMaxMultipliedPower + 1) {
    const int whole = static_cast<int>(p);
    const double rest = p - whole;
    if (rest == 0.0 || rest == 0.5) {
      return direct_tile<T, MultipliedPowers<T>>(tile, {whole, rest == 0.5});
    }
  }
  direct_tile<T, Powers<T>>(tile, {p});
}

}  // namespace
}  // namespace otcore::cost::OTCORE_LEVEL
