// Passes over a kernel that is kept.
#include "entropic/kept.h"

#include <cmath>

#include "entropic/passes.h"

namespace otcore::entropic {
namespace {

// Rows at a time: the second product finds in the first-level cache what the first one read.
template <class T>
std::size_t block_rows(std::size_t stride) {
  static_assert(kSumRows >= 3 * kWidth<float>);
  const std::size_t fitting = kKeptBlockBytes / sizeof(T) / stride / kWidth<T> * kWidth<T>;
  return std::clamp<std::size_t>(fitting, kWidth<T>, 3 * kWidth<T>);
}

}  // namespace

template <class T>
void Kept<T>::resize(std::size_t rows, std::size_t stride, std::size_t padded_cols) {
  const std::size_t padded_rows = round_up(rows, kWidth<T>);
  kernel = aligned_array<T>(padded_rows * stride, "X");
  std::fill(kernel.get() + rows * stride, kernel.get() + padded_rows * stride, T(0));
  if (padded_cols <= kSumRows && 2 * padded_rows * padded_cols * sizeof(T) <= kTransposedBytes) {
    transposed = aligned_array<T>(padded_rows * padded_cols, "X");
  }
  for (auto* of_rows : {&u, &row_sums, &row_masses, &scalings}) {
    *of_rows = aligned_array<T>(padded_rows, "X");
    std::fill_n(of_rows->get(), padded_rows, T(0));
  }
  for (auto* of_cols : {&v, &weights}) *of_cols = aligned_array<T>(padded_cols, "X");
  for (auto* of_cols : {&corrections, &totals, &last_totals}) of_cols->resize(padded_cols);
}

template <class T>
void Kept<T>::absorb(const Temperature& t, const Side<T>& columns, const double* weights_of_cols,
                     std::size_t rows, std::size_t cols, std::size_t stride, bool safe) {
  valid = safe && !columns.has_light();
  factor = t.factor;
  lift = columns.lift();
  if (valid && transposed) {
    const std::size_t padded_rows = round_up(rows, kWidth<T>);
    kernels_of<T>(kernel_table())
        .transpose(kernel.get(), stride, padded_rows, totals.size(), transposed.get(), padded_rows);
  }
  std::copy_n(columns.exponents(), totals.size(), v.get());
  b.assign(weights_of_cols, weights_of_cols + cols);
}

// Rows' sums, scalings and columns' totals for the weights that are there.
template <class T>
bool Sweep<T>::Impl::multiply_kept(const Temperature& t, double damping) {
  static const T low = static_cast<T>(std::exp2(-Safe<T>::kRowSum));
  static const T high = static_cast<T>(std::exp2(Safe<T>::kRowSum));
  const std::size_t padded_rows = round_up(rows, kWidth<T>);
  if (kept.transposed) {
    std::fill_n(kept.row_sums.get(), padded_rows, T(0));
    kernels.fold(kept.transposed.get(), padded_rows, cols, padded_rows, kept.weights.get(),
                 kept.row_sums.get());
  }
  const std::size_t step = kept.transposed ? kSumRows : block_rows<T>(held_stride);
  T* sums = slots.front().sums.get();
  std::fill_n(sums, padded_cols, T(0));
  std::fill(kept.totals.begin(), kept.totals.end(), 0.0);
  std::size_t unflushed = 0;
  bool safe = true;
  for_blocks({0, rows}, step, [&](Range block) {
    const T* e = kept.kernel.get() + block.begin * held_stride;
    T* row_sums = kept.row_sums.get() + block.begin;
    T* scalings = kept.scalings.get() + block.begin;
    if (!kept.transposed) {
      kernels.row_products(e, held_stride, block.size(), padded_cols, kept.weights.get(), row_sums);
    }
    safe &= kernels.quotients(kept.row_masses.get() + block.begin, row_sums, block.size(), low,
                              high, scalings);
    if (damping != 1.0) safe &= damp_kept(t, block, damping);
    if (unflushed + block.size() > kSumRows) {
      kernels.flush(sums, padded_cols, kept.totals.data());
      unflushed = 0;
    }
    kernels.fold(e, held_stride, block.size(), padded_cols, scalings, sums);
    unflushed += block.size();
  });
  kernels.flush(sums, padded_cols, kept.totals.data());
  return safe;
}

// The scalings of rows whose potentials are damped.
template <class T>
bool Sweep<T>::Impl::damp_kept(const Temperature& t, Range block, double damping) {
  std::array<double, kSumRows> logs{};
  std::copy_n(kept.row_sums.get() + block.begin, block.size(), logs.begin());
  functions.log2(logs.data(), block.size(), logs.data());
  bool safe = true;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const double free = row_base(t, block.begin + i) + static_cast<double>(kept.u[block.begin + i]);
    logs[i] = damping * (free - logs[i]) - free;
    safe &= std::abs(logs[i]) <= Safe<T>::kRowSum;
  }
  functions.exp2(logs.data(), block.size(), logs.data());
  for (std::size_t i = 0; i < block.size(); ++i) {
    kept.scalings[block.begin + i] =
        static_cast<T>(static_cast<double>(kept.row_masses[block.begin + i]) * logs[i]);
  }
  return safe;
}

template <class T>
std::size_t Sweep<T>::Impl::iterate_kept(const Temperature& t, const double* a, const double* b,
                                         double damping, std::size_t most, double goal,
                                         const double* g, double* f, double* log_ratio,
                                         double* moved_g) {
  if (!kept.serves(t, b)) return 0;
  const double farthest =
      kernels.reweigh({cols, g, t.factor, 0.0, source.col_norms(), t.cost_factor, b, 0.0, nullptr},
                      kept.v.get(), -kept.lift, kept.weights.get(), kept.corrections.data());
  if (!(farthest <= Safe<T>::kRowSum)) return 0;
  const double lift = Side<T>::lift_of(a, rows);
  const double scale = std::exp2(lift);
  const double unit = 1.0 / scale;
  for (std::size_t i = 0; i < rows; ++i) kept.row_masses[i] = static_cast<T>(a[i] * unit);
  // Columns' sums are in range, and so are the weights that follow from them.
  const double change = kept.lift - lift;
  const double low = std::max(Safe<T>::kColumnLow, std::exp2(change - Safe<T>::kRowSum));
  const double high = std::min(Safe<T>::kColumnHigh, std::exp2(change + Safe<T>::kRowSum));

  std::size_t passes = 0;
  bool moved = false;
  for (double error = HUGE_VAL; passes < most && !(error <= goal); ++passes) {
    moved = passes > 0;
    if (moved) std::swap(kept.totals, kept.last_totals);
    kept.valid = multiply_kept(t, damping) && kernels.shares(kept.totals.data(), b, cols, scale,
                                                             low, high, kept.weights.get(), &error);
    if (!kept.valid) break;
  }

  std::copy_n(kept.row_sums.get(), rows, row_values.begin());
  // Bounds for what is but a guess.
  static const double least = std::exp2(-2.0 * Safe<T>::kRowSum);
  for (double& sum : row_values) sum = std::clamp(sum, least, 1.0 / least);
  functions.log2(row_values.data(), rows, row_values.data());
  for (std::size_t i = 0; i < rows; ++i) {
    f[i] = damping * (static_cast<double>(kept.u[i]) + row_base(t, i) - row_values[i]) / t.factor;
  }
  if (moved) {
    functions.log2(kept.last_totals.data(), cols, kept.corrections.data());
    for (std::size_t j = 0; j < cols; ++j) {
      kept.corrections[j] = -(kept.corrections[j] + lift);
      moved_g[j] =
          (static_cast<double>(kept.v[j]) + kept.corrections[j] + col_base(t, j)) / t.factor;
    }
  }
  if (!kept.valid) return passes;
  functions.log2(kept.totals.data(), cols, column_logs.data());
  for (std::size_t j = 0; j < cols; ++j) {
    log_ratio[j] = kLn2 * (column_logs[j] + lift + kept.corrections[j]);
  }
  return passes;
}

template struct Kept<float>;
template struct Kept<double>;
template std::size_t Sweep<float>::Impl::iterate_kept(const Temperature&, const double*,
                                                      const double*, double, std::size_t, double,
                                                      const double*, double*, double*, double*);
template std::size_t Sweep<double>::Impl::iterate_kept(const Temperature&, const double*,
                                                       const double*, double, std::size_t, double,
                                                       const double*, double*, double*, double*);

}  // namespace otcore::entropic
