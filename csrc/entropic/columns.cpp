// Sums over columns, and the update of g.
#include <cmath>

#include "entropic/passes.h"

namespace otcore::entropic {

template <class T>
std::size_t Sweep<T>::Impl::start_columns(std::size_t step) {
  const std::size_t chunks = row_chunks(step);
  if (column_totals.size() < chunks * padded_cols) column_totals.resize(chunks * padded_cols);
  return chunks;
}

template <class T>
void Sweep<T>::Impl::sum_block(const Temperature& t, Range block, Range strip, Slot& slot,
                               double* totals) {
  blocks(t, row_side.exponents() + block.begin, col_side.exponents() + strip.begin, block, strip,
         slot, [&](const Block<T>& piece, std::size_t col) {
           kernels.powers(piece, slot.held.get(), strip_step);
           kernels.fold(slot.held.get(), strip_step, piece.rows, piece.cols,
                        row_side.weights() + block.begin, slot.sums.get());
           kernels.flush(slot.sums.get(), piece.cols, totals + (col - strip.begin));
         });
}

template <class T>
void Sweep<T>::Impl::sum_columns(const Temperature& t) {
  std::size_t chunks = 1;
  if (fused) {
    chunks = start_columns(kMaxBlockRows);
    for_rows(kMaxBlockRows, [&](Range chunk, std::size_t number, Slot& slot) {
      double* totals = column_totals.data() + number * padded_cols;
      std::fill_n(totals, padded_cols, 0.0);
      std::fill_n(slot.sums.get(), padded_cols, T(0));
      for_blocks(chunk, kMaxBlockRows, [&](Range block) {
        for_blocks({0, padded_cols}, kStripColumns,
                   [&](Range strip) { sum_block(t, block, strip, slot, totals + strip.begin); });
      });
    });
  } else {
    if (column_totals.size() < padded_cols) column_totals.resize(padded_cols);
    for_strips([&](Range strip, Slot& slot) {
      double* totals = column_totals.data() + strip.begin;
      std::fill_n(totals, strip.size(), 0.0);
      std::fill_n(slot.sums.get(), strip.size(), T(0));
      for_blocks({0, rows}, kMaxBlockRows,
                 [&](Range block) { sum_block(t, block, strip, slot, totals); });
    });
  }
  if (!reduce_columns(chunks, 0.0)) redo_columns(t);
}

template <class T>
bool Sweep<T>::Impl::reduce_columns(std::size_t chunks, double lift) {
  double* sums = column_totals.data();
  for (std::size_t c = 1; c < chunks; ++c) {
    const double* more = sums + c * padded_cols;
    for (std::size_t j = 0; j < cols; ++j) sums[j] += more[j];
  }
  functions.log2(sums, cols, column_logs.data());
  bad_groups.clear();
  for (std::size_t j = 0; j < cols; ++j) {
    column_logs[j] += lift;
    const bool bad = !(sums[j] >= Safe<T>::kColumnLow && sums[j] <= Safe<T>::kColumnHigh);
    const std::size_t group = j / kGroupColumns;
    if (bad && (bad_groups.empty() || bad_groups.back() != group)) bad_groups.push_back(group);
  }
  return bad_groups.empty();
}

template <class T>
void Sweep<T>::Impl::redo_columns(const Temperature& t) {
  parallel(bad_groups.size(), [&](std::size_t k, Slot& slot) {
    const std::size_t first = bad_groups[k] * kGroupColumns;
    redo_group(t, {first, std::min(first + kGroupColumns, padded_cols)}, slot);
  });
}

template <class T>
void Sweep<T>::Impl::redo_group(const Temperature& t, Range group, Slot& slot) {
  alignas(kCacheLine) std::array<T, kGroupColumns> zeros{};
  alignas(kCacheLine) std::array<T, kGroupColumns> maxima;
  alignas(kCacheLine) std::array<T, kGroupColumns> sums{};
  std::array<double, kGroupColumns> totals{};
  maxima.fill(static_cast<T>(2 * kNoMass));
  const auto each_block = [&](const T* u, const auto& body) {
    for_blocks({0, rows}, kMaxBlockRows, [&](Range block) {
      blocks(t, u + block.begin, zeros.data(), block, group, slot,
             [&](const Block<T>& piece, std::size_t col) {
               kernels.exponents(piece, slot.held.get() + (col - group.begin), strip_step);
             });
      body(block);
    });
  };
  each_block(row_side.masked(), [&](Range block) {
    kernels.col_maxima(slot.held.get(), strip_step, block.size(), group.size(), maxima.data());
  });
  each_block(row_side.exponents(), [&](Range block) {
    kernels.shifted_powers(slot.held.get(), strip_step, block.size(), group.size(), maxima.data());
    kernels.fold(slot.held.get(), strip_step, block.size(), group.size(),
                 row_side.weights() + block.begin, sums.data());
    kernels.flush(sums.data(), group.size(), totals.data());
  });
  for (std::size_t j = group.begin; j < std::min(group.end, cols); ++j) {
    column_logs[j] = std::log2(totals[j - group.begin]) +
                     static_cast<double>(maxima[j - group.begin]) +
                     static_cast<double>(col_side.exponents()[j]);
  }
}

template <class T>
void Sweep<T>::update_cols(double eps, const double* a, const double* f, double* g) {
  Impl& p = *impl_;
  const Temperature t = p.temperature(eps);
  p.set_rows(t, f, a);
  p.set_cols(t, g, nullptr);
  p.sum_columns(t);
  for (std::size_t j = 0; j < p.cols; ++j) {
    const auto exponent = static_cast<double>(p.col_side.exponents()[j]);
    g[j] = (exponent + p.col_base(t, j) - p.column_logs[j]) / t.factor;
  }
}

template std::size_t Sweep<float>::Impl::start_columns(std::size_t);
template std::size_t Sweep<double>::Impl::start_columns(std::size_t);
template bool Sweep<float>::Impl::reduce_columns(std::size_t, double);
template bool Sweep<double>::Impl::reduce_columns(std::size_t, double);
template void Sweep<float>::Impl::redo_columns(const Temperature&);
template void Sweep<double>::Impl::redo_columns(const Temperature&);
template void Sweep<float>::Impl::sum_columns(const Temperature&);
template void Sweep<double>::Impl::sum_columns(const Temperature&);
template void Sweep<float>::update_cols(double, const double*, const double*, double*);
template void Sweep<double>::update_cols(double, const double*, const double*, double*);

}  // namespace otcore::entropic
