// Slices of equal, uniform clouds as columns of vectors: a lane for each direction. Projecting
// needs no turning round, and a sorting network sorts all lanes at once, without a branch on data.
//
// The network is Batcher's bitonic one with all comparators ascending (K. E. Batcher, Sorting
// networks and their applications, AFIPS 1968): runs are merged by comparing i with its mirror
// image and then by half-cleaners, depth first, so that what is small enough stays in the cache.
// Comparators with rows beyond the end do nothing, as if those rows were infinite, so any number of
// rows that is a multiple of kBlockRows will do.
#pragma once

#include <cstddef>

#include "simd/vec-inl.h"
#include "sliced/kernels.h"
#include "sliced/project-inl.h"
#include "sliced/tuning.h"

namespace otcore::sliced::OTCORE_LEVEL {
namespace {

namespace simd = otcore::simd::OTCORE_LEVEL;

constexpr std::size_t kSumBlock = 64;

template <class T>
constexpr T kMaxOf = sizeof(T) == sizeof(float) ? T(__FLT_MAX__) : T(__DBL_MAX__);

// Rows that are sorted, or merged to the end, in registers.
constexpr int kBlockRows = static_cast<int>(kColumnPadding);

template <class T>
inline void exchange(simd::Vec<T>& low, simd::Vec<T>& high) {
  const simd::Vec<T> smaller = simd::min<T>(low, high);
  high = simd::max<T>(low, high);
  low = smaller;
}

// Half-cleaners of kStep, kStep / 2, ... 1 rows.
template <class T, int kStep>
[[gnu::always_inline]] inline void clean_registers(simd::Vec<T> (&rows)[kBlockRows]) {
  if constexpr (kStep > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < kBlockRows; ++i) {
      if ((i & kStep) == 0) exchange<T>(rows[i], rows[i + kStep]);
    }
    clean_registers<T, kStep / 2>(rows);
  }
}

// Merges runs of kRun rows, then of 2 kRun, ...
template <class T, int kRun>
[[gnu::always_inline]] inline void sort_registers(simd::Vec<T> (&rows)[kBlockRows]) {
  if constexpr (kRun < kBlockRows) {
#pragma GCC unroll 16
    for (int i = 0; i < kBlockRows; ++i) {
      if ((i & kRun) == 0) exchange<T>(rows[i], rows[i ^ (2 * kRun - 1)]);
    }
    clean_registers<T, kRun / 2>(rows);
    sort_registers<T, 2 * kRun>(rows);
  }
}

// The columns of rows * kLanes<T> numbers.
template <class T>
class ColumnSort {
 public:
  ColumnSort(T* data, std::size_t rows) : data_(data), rows_(rows) {}

  void run() {
    std::size_t span = kBlockRows;
    while (span < rows_) span *= 2;
    sort(0, span);
  }

 private:
  using Lane = simd::Vec<T>;
  static constexpr std::size_t kWidth = simd::kLanes<T>;

  [[nodiscard]] Lane row(std::size_t i) const { return simd::load(data_ + i * kWidth); }
  void set_row(std::size_t i, Lane v) { simd::store(data_ + i * kWidth, v); }

  template <bool kWhole>
  void in_registers(std::size_t first) {
    Lane rows[kBlockRows];
#pragma GCC unroll 16
    for (int i = 0; i < kBlockRows; ++i) rows[i] = row(first + static_cast<std::size_t>(i));
    if constexpr (kWhole) {
      sort_registers<T, 1>(rows);
    } else {
      clean_registers<T, kBlockRows / 2>(rows);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kBlockRows; ++i) set_row(first + static_cast<std::size_t>(i), rows[i]);
  }

  void exchange_rows(std::size_t i, std::size_t j) {
    Lane low = row(i);
    Lane high = row(j);
    exchange<T>(low, high);
    set_row(i, low);
    set_row(j, high);
  }

  void sort(std::size_t first, std::size_t span) {
    if (first >= rows_) return;
    if (span == static_cast<std::size_t>(kBlockRows)) return in_registers<true>(first);
    const std::size_t half = span / 2;
    sort(first, half);
    if (first + half >= rows_) return;
    sort(first + half, half);
    const std::size_t last = first + span - 1;
    for (std::size_t j = last < rows_ ? last : rows_ - 1; j >= first + half; --j) {
      exchange_rows(first + last - j, j);
    }
    clean(first, half);
    clean(first + half, half);
  }

  void clean(std::size_t first, std::size_t span) {
    if (first >= rows_) return;
    if (span == static_cast<std::size_t>(kBlockRows)) return in_registers<false>(first);
    const std::size_t half = span / 2;
    const std::size_t quarter = span / 4;
    if (first + span > rows_ || quarter < static_cast<std::size_t>(kBlockRows)) {
      for (std::size_t j = first + half; j < first + span && j < rows_; ++j) {
        exchange_rows(j - half, j);
      }
      clean(first, half);
      clean(first + half, half);
      return;
    }
    // Two steps at once: half the loads and stores.
    for (std::size_t i = first; i < first + quarter; ++i) {
      Lane a = row(i);
      Lane b = row(i + quarter);
      Lane c = row(i + half);
      Lane d = row(i + half + quarter);
      exchange<T>(a, c);
      exchange<T>(b, d);
      exchange<T>(a, b);
      exchange<T>(c, d);
      set_row(i, a);
      set_row(i + quarter, b);
      set_row(i + half, c);
      set_row(i + half + quarter, d);
    }
    for (std::size_t k = 0; k < 4; ++k) clean(first + k * quarter, quarter);
  }

  T* data_;
  std::size_t rows_;
};

inline simd::Vec<double> load_doubles(const float* p) { return simd::load_widened(p); }
inline simd::Vec<double> load_doubles(const double* p) { return simd::load(p); }

// The sums over the rows of (x - y)^2, or of |x - y|, for as many columns as a vector of float64
// has lanes; rows are kLanes<T> numbers. Blocks keep the roundings of a term at kSumBlock and those
// of the blocks' sums.
template <class T>
simd::Vec<double> sum_columns(const T* x, const T* y, std::size_t rows, bool squares) {
  constexpr std::size_t kWidth = simd::kLanes<T>;
  simd::Vec<double> total{};
  for (std::size_t start = 0; start < rows; start += kSumBlock) {
    const std::size_t end = start + kSumBlock < rows ? start + kSumBlock : rows;
    simd::Vec<double> sum{};
    for (std::size_t i = start; i < end; ++i) {
      const simd::Vec<double> d = load_doubles(x + i * kWidth) - load_doubles(y + i * kWidth);
      sum = squares ? simd::mul_add<double>(d, d, sum) : sum + simd::abs<double>(d);
    }
    total += sum;
  }
  return total;
}

// out[i * kLanes + l] = the projections, for the lanes of `group`; then infinite rows up to
// `padded`. Returns whether all are finite.
template <class T>
bool project_columns(const Points<T>& points, const T* group, std::size_t padded, T* out) {
  constexpr std::size_t kWidth = simd::kLanes<T>;
  simd::Mask<T> bad{};
  const auto keep = [&](std::size_t row, simd::Vec<T> v) {
    bad |= ~(simd::abs<T>(v) <= simd::splat<T>(kMaxOf<T>));
    simd::store(out + row * kWidth, v);
  };
  std::size_t i = 0;
  for (; i + kProjectRows <= points.rows; i += kProjectRows) {
    simd::Vec<T> sums[kProjectRows];
    project_rows<T, kProjectRows>(points, i, group, sums);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kProjectRows; ++r) keep(i + r, sums[r]);
  }
  for (; i < points.rows; ++i) {
    simd::Vec<T> sum;
    project_rows<T, 1>(points, i, group, &sum);
    keep(i, sum);
  }
  for (; i < padded; ++i) simd::store(out + i * kWidth, simd::splat<T>(T(__builtin_inf())));
  return !simd::any<T>(bad);
}

template <class T>
bool sort_columns(const Points<T>& points, const T* group, std::size_t count, T* memory, T* sorted,
                  T* projections) {
  constexpr std::size_t kWidth = simd::kLanes<T>;
  const std::size_t padded = (points.rows + kColumnPadding - 1) / kColumnPadding * kColumnPadding;
  const std::size_t block = points.rows * kWidth;
  for (std::size_t first = 0; first < kGroup; first += kWidth) {
    const bool used = first < count;
    const auto copy_to = [&](T* columns) {
      T* to = columns + first * points.rows;
      for (std::size_t k = 0; k < block; k += kWidth) {
        simd::store(to + k, used ? simd::load(memory + k) : simd::Vec<T>{});
      }
    };
    if (used && !project_columns(points, group + first, padded, memory)) return false;
    if (projections != nullptr) copy_to(projections);
    if (used) ColumnSort<T>(memory, padded).run();
    copy_to(sorted);
  }
  return true;
}

template <class T>
bool line_columns(const Points<T>& x, const Points<T>& y, const T* group, std::size_t count,
                  bool squares, T* memory, double* sums) {
  constexpr std::size_t kWidth = simd::kLanes<T>;
  constexpr std::size_t kHalf = simd::kLanes<double>;
  const std::size_t padded = (x.rows + kColumnPadding - 1) / kColumnPadding * kColumnPadding;
  T* const sides[2] = {memory, memory + padded * kWidth};
  for (std::size_t first = 0; first < count; first += kWidth) {
    if (!project_columns(x, group + first, padded, sides[0])) return false;
    if (!project_columns(y, group + first, padded, sides[1])) return false;
    for (T* side : sides) ColumnSort<T>(side, padded).run();
    for (std::size_t lane = 0; lane < kWidth && first + lane < count; lane += kHalf) {
      const simd::Vec<double> sum = sum_columns(sides[0] + lane, sides[1] + lane, x.rows, squares);
      for (std::size_t l = 0; l < kHalf && first + lane + l < count; ++l) {
        sums[first + lane + l] = sum[l];
      }
    }
  }
  return true;
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
