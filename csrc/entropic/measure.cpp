// What a plan weighs and costs, and how far it may be from the cheapest: one pass, an exponential a
// pair.
#include <cmath>
#include <limits>

#include "base/sum.h"
#include "entropic/settle.h"

namespace otcore::entropic {

// Sums over the rows of a block, whose exponents are slot.u, strip by strip; use(col, cols) sees
// the exponentials of a strip.
template <class T>
template <class Use>
void Sweep<T>::Impl::measure_rows(const Temperature& t, Range block, Slot& slot, const Use& use) {
  slot.row_sums.fill(0.0);
  slot.moments.fill(0.0);
  slot.maxima.fill(-std::numeric_limits<T>::infinity());
  strips(t, slot.u.data(), col_side.exponents(), block, slot,
         [&](const Block<T>& piece, std::size_t col) {
           kernels.exponents(piece, slot.held.get(), strip_step);
           kernels.moments(slot.held.get(), strip_step, piece.rows, piece.cols,
                           col_side.weights() + col, col_shifts.get() + col, slot.row_sums.data(),
                           slot.moments.data(), slot.maxima.data());
           use(col, piece.cols);
         });
}

template <class T>
double Sweep<T>::measure(const Scaling& plan, double* row_mass, double* col_mass,
                         double* transform) {
  Impl& p = *impl_;
  const Temperature t = p.set_plan(plan, false);
  if (!p.col_shifts) p.col_shifts = aligned_array<T>(p.padded_cols, "X");
  for (std::size_t j = 0; j < p.padded_cols; ++j) {
    const bool used = j < p.cols && plan.b[j] > 0.0;
    p.col_shifts[j] = static_cast<T>(used ? p.col_side.corrections()[j] : 2 * kNoMass);
  }
  std::vector<double>& entropy = p.row_values;
  const std::size_t chunks = p.fused ? p.start_columns(kMeasuredRows) : 0;
  p.for_rows(kMeasuredRows, [&](Range chunk, std::size_t number, auto& slot) {
    double* totals = p.fused ? p.column_totals.data() + number * p.padded_cols : nullptr;
    if (p.fused) {
      std::fill_n(totals, p.padded_cols, 0.0);
      std::fill_n(slot.sums.get(), p.padded_cols, T(0));
    }
    std::size_t unflushed = 0;
    p.for_blocks(chunk, kMeasuredRows, [&](Range block) {
      std::copy_n(p.row_side.exponents() + block.begin, block.size(), slot.u.begin());
      bool folding = p.fused;  // with these exponents only
      if (folding && unflushed + block.size() > kSumRows) {
        p.kernels.flush(slot.sums.get(), p.padded_cols, totals);
        unflushed = 0;
      }
      unflushed += block.size();
      p.settle(t, block, slot, [&] {
        p.measure_rows(t, block, slot, [&](std::size_t col, std::size_t cols) {
          if (!folding) return;
          p.kernels.fold(slot.held.get(), p.strip_step, block.size(), cols,
                         p.row_side.weights() + block.begin, slot.sums.get() + col);
        });
        folding = false;
      });
      for (std::size_t i = 0; i < block.size(); ++i) {
        const std::size_t row = block.begin + i;
        const double factor = p.row_factor(plan.a, block, i, slot);
        const double lacking = p.row_side.exponent(row) - static_cast<double>(slot.u[i]);
        row_mass[row] = factor * slot.row_sums[i];
        entropy[row] = factor * (slot.moments[i] + slot.row_sums[i] * lacking);
        if (transform != nullptr) {
          transform[row] = plan.f[row] - (static_cast<double>(slot.maxima[i]) + lacking) / t.factor;
        }
      }
    });
    if (p.fused) p.kernels.flush(slot.sums.get(), p.padded_cols, totals);
  });
  if (!p.fused) {
    p.sum_columns(t);
  } else if (!p.reduce_columns(chunks, 0.0)) {
    p.redo_columns(t);
  }
  CompensatedSum exponents;
  CompensatedSum value;
  for (std::size_t i = 0; i < p.rows; ++i) {
    exponents.add(entropy[i]);
    value.add(row_mass[i] * plan.f[i]);
  }
  for (std::size_t j = 0; j < p.cols; ++j) {
    const double correction = p.col_side.corrections()[j];
    col_mass[j] = plan.b[j] == 0.0 ? 0.0 : plan.b[j] * std::exp2(p.column_logs[j] + correction);
    exponents.add(col_mass[j] * correction);
    value.add(col_mass[j] * plan.g[j]);
  }
  value.add(-exponents.value() / t.factor);
  return value.value();
}

template double Sweep<float>::measure(const Scaling&, double*, double*, double*);
template double Sweep<double>::measure(const Scaling&, double*, double*, double*);

}  // namespace otcore::entropic
