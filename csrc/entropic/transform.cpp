// c-transforms: the limits of the updates for eps -> 0.
#include "entropic/passes.h"

namespace otcore::entropic {

// Exponents in the unit of the kernels' costs: min C_ij - g_j = -max z_ij.
template <class T>
Temperature Sweep<T>::Impl::cold() const {
  return {1.0 / source.unit(), 1.0};
}

template <class T>
void Sweep<T>::transform_rows(const double* b, const double* g, double* f) {
  Impl& p = *impl_;
  const Temperature t = p.cold();
  p.set_cols(t, g, nullptr);
  p.col_side.mask(b);
  p.for_rows(kMaxBlockRows, [&](Range chunk, std::size_t, auto& slot) {
    p.for_blocks(chunk, kMaxBlockRows, [&](Range block) {
      slot.u.fill(T(0));
      slot.weights.fill(static_cast<T>(2 * kNoMass));
      p.strips(t, slot.u.data(), p.col_side.masked(), block, slot,
               [&](const Block<T>& piece, std::size_t) {
                 p.kernels.exponents(piece, slot.held.get(), p.strip_step);
                 p.kernels.row_maxima(slot.held.get(), p.strip_step, piece.rows, piece.cols,
                                      slot.weights.data());
               });
      for (std::size_t i = 0; i < block.size(); ++i) {
        const std::size_t row = block.begin + i;
        f[row] = (p.row_base(t, row) - static_cast<double>(slot.weights[i])) / t.factor;
      }
    });
  });
}

template <class T>
void Sweep<T>::transform_cols(const double* a, const double* f, double* g) {
  Impl& p = *impl_;
  const Temperature t = p.cold();
  p.set_rows(t, f, nullptr);
  p.row_side.mask(a);
  constexpr std::array<T, kStripColumns> zeros{};
  p.for_strips([&](Range strip, auto& slot) {
    T* maxima = slot.sums.get();
    std::fill_n(maxima, strip.size(), static_cast<T>(2 * kNoMass));
    p.for_blocks({0, p.rows}, kMaxBlockRows, [&](Range block) {
      p.blocks(t, p.row_side.masked() + block.begin, zeros.data(), block, strip, slot,
               [&](const Block<T>& piece, std::size_t col) {
                 p.kernels.exponents(piece, slot.held.get(), p.strip_step);
                 p.kernels.col_maxima(slot.held.get(), p.strip_step, piece.rows, piece.cols,
                                      maxima + (col - strip.begin));
               });
    });
    for (std::size_t j = strip.begin; j < std::min(strip.end, p.cols); ++j) {
      g[j] = (p.col_base(t, j) - static_cast<double>(maxima[j - strip.begin])) / t.factor;
    }
  });
}

template void Sweep<float>::transform_rows(const double*, const double*, double*);
template void Sweep<double>::transform_rows(const double*, const double*, double*);
template void Sweep<float>::transform_cols(const double*, const double*, double*);
template void Sweep<double>::transform_cols(const double*, const double*, double*);

}  // namespace otcore::entropic
