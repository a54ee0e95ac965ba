// Sums over rows of exponentials that stay in range.
#pragma once

#include <cmath>

#include "entropic/passes.h"

namespace otcore::entropic {

template <class T>
template <class Run>
void Sweep<T>::Impl::settle(const Temperature& t, Range block, Slot& slot, const Run& run) {
  static const double high = std::exp2(Safe<T>::kRowSum);
  run();
  bool settled = true;
  std::array<bool, kMaxBlockRows> bad{};
  for (std::size_t i = 0; i < block.size(); ++i) {
    bad[i] = !(slot.row_sums[i] >= 1.0 / high && slot.row_sums[i] <= high);
    settled &= !bad[i];
  }
  if (settled) return;
  std::array<T, kMaxBlockRows> maxima;
  std::array<T, kMaxBlockRows> zeros{};
  maxima.fill(static_cast<T>(2 * kNoMass));
  strips(t, zeros.data(), col_side.masked(), block, slot, [&](const Block<T>& piece, std::size_t) {
    kernels.exponents(piece, slot.held.get(), strip_step);
    kernels.row_maxima(slot.held.get(), strip_step, piece.rows, piece.cols, maxima.data());
  });
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (bad[i]) slot.u[i] = -maxima[i];
  }
  run();
}

}  // namespace otcore::entropic
