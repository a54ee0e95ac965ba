// Passes that update f.
#include <cmath>

#include "entropic/settle.h"

namespace otcore::entropic {

template <class T>
void Sweep<T>::Impl::guess_rows(const Temperature& t, Range block, const double* f,
                                Slot& slot) const {
  for (std::size_t i = 0; i < block.size(); ++i) {
    const std::size_t row = block.begin + i;
    slot.u[i] = static_cast<T>(
        std::clamp(t.factor * f[row] - row_base(t, row), -kMaxExponent, kMaxExponent));
  }
}

template <class T>
void Sweep<T>::Impl::sum_rows(const Temperature& t, Range block, T* held, Slot& slot) const {
  std::fill_n(slot.row_sums.begin(), block.size(), 0.0);
  const bool hold = held != nullptr;
  const bool replace = slot.unfolded > 0;
  const auto sum = [&](const Block<T>& piece, std::size_t col) {
    const T* weights = col_side.weights() + col;
    T* out = hold ? held + col : slot.held.get();
    const std::size_t stride = hold ? held_stride : strip_step;
    if (replace) {
      kernels.replace(piece, weights, out, stride, slot.row_sums.data(), slot.weights.data(),
                      slot.sums.get() + col);
    } else {
      kernels.exponentials(piece, weights, out, stride, slot.row_sums.data());
    }
  };
  if (replace) fold_held(block.size(), slot);
  if (hold) {
    blocks(t, slot.u.data(), col_side.exponents(), block, {0, padded_cols}, slot, sum);
  } else {
    strips(t, slot.u.data(), col_side.exponents(), block, slot, sum);
  }
  slot.unfolded = 0;
}

template <class T>
void Sweep<T>::Impl::fold_held(std::size_t first, Slot& slot) const {
  kernels.fold(slot.held.get() + first * held_stride, held_stride, slot.unfolded - first,
               padded_cols, slot.weights.data() + first, slot.sums.get());
  slot.unfolded = first;
}

template <class T>
void Sweep<T>::Impl::update_block(const Temperature& t, Range block, double damping, double* f,
                                  Slot& slot) const {
  functions.log2(slot.row_sums.data(), block.size(), slot.logs.data());
  for (std::size_t i = 0; i < block.size(); ++i) {
    const std::size_t row = block.begin + i;
    const double base = row_base(t, row);
    const auto u = static_cast<double>(slot.u[i]);
    f[row] = damping * (u + base - slot.logs[i]) / t.factor;
    slot.logs[i] = damping == 1.0 ? -slot.logs[i] : t.factor * f[row] - base - u;
  }
}

template <class T>
void Sweep<T>::Impl::update_rows(const Temperature& t, double damping, double* f) {
  for_rows(kMaxBlockRows, [&](Range chunk, std::size_t, Slot& slot) {
    for_blocks(chunk, kMaxBlockRows, [&](Range block) {
      guess_rows(t, block, f, slot);
      settle(t, block, slot, [&] { sum_rows(t, block, nullptr, slot); });
      update_block(t, block, damping, f, slot);
    });
  });
}

// Held exponentials whose rows moved far are made again for where the rows are.
template <class T>
void Sweep<T>::Impl::follow_rows(const Temperature& t, Range block, T* held, Slot& slot) const {
  bool followed = true;
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (std::abs(slot.logs[i]) <= Safe<T>::kRowSum) continue;
    const double exponent =
        std::clamp(static_cast<double>(slot.u[i]) + slot.logs[i], -kMaxExponent, kMaxExponent);
    slot.u[i] = static_cast<T>(exponent);
    slot.logs[i] = std::clamp(exponent - static_cast<double>(slot.u[i]), -1.0, 1.0);
    followed = false;
  }
  if (!followed) sum_rows(t, block, held, slot);
}

template <class T>
void Sweep<T>::Impl::iterate_fused(const Temperature& t, const double* a, double damping,
                                   double* f) {
  const double lift = Side<T>::lift_of(a, rows);
  const double weight_scale = std::ldexp(1.0, -static_cast<int>(lift));
  const std::size_t chunks = start_columns(held_rows);
  for_rows(held_rows, [&](Range chunk, std::size_t number, Slot& slot) {
    double* totals = column_totals.data() + number * padded_cols;
    std::fill_n(slot.sums.get(), padded_cols, T(0));
    std::fill_n(totals, padded_cols, 0.0);
    slot.unfolded = 0;
    std::size_t unflushed = 0;
    const auto make_room = [&](std::size_t more) {
      if (unflushed + more > kSumRows) {
        kernels.flush(slot.sums.get(), padded_cols, totals);
        unflushed = 0;
      }
      unflushed += more;
    };
    for_blocks(chunk, held_rows, [&](Range block) {
      make_room(slot.unfolded);
      T* held = kept.wanted ? kept.kernel.get() + block.begin * held_stride : slot.held.get();
      guess_rows(t, block, f, slot);
      settle(t, block, slot, [&] { sum_rows(t, block, held, slot); });
      update_block(t, block, damping, f, slot);
      follow_rows(t, block, held, slot);
      if (kept.wanted) std::copy_n(slot.u.begin(), block.size(), kept.u.get() + block.begin);
      functions.exp2(slot.logs.data(), block.size(), slot.logs.data());
      for (std::size_t i = 0; i < block.size(); ++i) {
        slot.weights[i] = static_cast<T>(a[block.begin + i] * weight_scale * slot.logs[i]);
      }
      if (kept.wanted) {
        make_room(block.size());
        kernels.fold(held, held_stride, block.size(), padded_cols, slot.weights.data(),
                     slot.sums.get());
      } else {
        slot.unfolded = block.size();
      }
    });
    make_room(slot.unfolded);
    fold_held(0, slot);
    kernels.flush(slot.sums.get(), padded_cols, totals);
  });
  if (reduce_columns(chunks, lift)) return;
  set_rows(t, f, a);
  redo_columns(t);
}

template <class T>
void Sweep<T>::Impl::iterate_afresh(const Temperature& t, const double* a, const double* b,
                                    double damping, const double* g, double* f, double* log_ratio) {
  set_cols(t, g, b);
  if (fused) {
    iterate_fused(t, a, damping, f);
    if (kept.wanted) kept.absorb(t, col_side, b, rows, cols, held_stride, bad_groups.empty());
  } else {
    update_rows(t, damping, f);
    set_rows(t, f, a);
    sum_columns(t);
  }
  for (std::size_t j = 0; j < cols; ++j) {
    log_ratio[j] = kLn2 * (column_logs[j] + col_side.corrections()[j]);
  }
}

template <class T>
void Sweep<T>::iterate(double eps, const double* a, const double* b, const double* g,
                       double damping, double* f, double* log_ratio) {
  Impl& p = *impl_;
  const Temperature t = p.temperature(eps);
  p.from_kept = p.iterate_kept(t, a, b, damping, 1, 0.0, g, f, log_ratio, nullptr) == 1;
  if (!p.from_kept) p.iterate_afresh(t, a, b, damping, g, f, log_ratio);
}

template <class T>
std::size_t Sweep<T>::advance(double eps, const double* a, const double* b, std::size_t most,
                              double goal, double* g, double* f, double* log_ratio) {
  Impl& p = *impl_;
  const Temperature t = p.temperature(eps);
  for (std::size_t j = 0; j < p.cols; ++j) g[j] -= eps * log_ratio[j];
  const std::size_t passes = p.iterate_kept(t, a, b, 1.0, most, goal, g, f, log_ratio, g);
  p.from_kept = passes > 0 && p.kept.valid;
  if (p.from_kept) return passes;
  p.iterate_afresh(t, a, b, 1.0, g, f, log_ratio);
  return passes + 1;
}

template <class T>
void Sweep<T>::update_rows(double eps, const double* b, const double* g, double* f) {
  const Temperature t = impl_->temperature(eps);
  impl_->set_cols(t, g, b);
  impl_->update_rows(t, 1.0, f);
}

template void Sweep<float>::iterate(double, const double*, const double*, const double*, double,
                                    double*, double*);
template void Sweep<double>::iterate(double, const double*, const double*, const double*, double,
                                     double*, double*);
template std::size_t Sweep<float>::advance(double, const double*, const double*, std::size_t,
                                           double, double*, double*, double*);
template std::size_t Sweep<double>::advance(double, const double*, const double*, std::size_t,
                                            double, double*, double*, double*);
template void Sweep<float>::update_rows(double, const double*, const double*, double*);
template void Sweep<double>::update_rows(double, const double*, const double*, double*);

}  // namespace otcore::entropic
