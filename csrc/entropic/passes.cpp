#include "entropic/passes.h"

#include <utility>

namespace otcore::entropic {
template <class T>
Sweep<T>::Impl::Impl(Source<T> costs, int n_threads, Monitor* stop_monitor)
    : source(std::move(costs)), threads(n_threads), monitor(stop_monitor) {
  const std::size_t bytes =
      kHeldBytes * std::clamp<std::size_t>(source.dims() / kHeldDims, 1, kMaxHeldShare);
  const std::size_t fitting = bytes / (held_stride * sizeof(T));
  fused = kMinHeldRows * held_stride * sizeof(T) <= kMostHeldBytes;
  held_rows = std::clamp(fitting / kMinHeldRows * kMinHeldRows, kMinHeldRows, kMaxBlockRows);
  row_side.resize(rows);
  col_side.resize(cols);
  column_logs.resize(padded_cols);
  row_values.resize(rows);
  kept.wanted = fused && Kept<T>::fits(rows, held_stride, padded_cols);
  if (kept.wanted) kept.resize(rows, held_stride, padded_cols);
}

template <class T>
typename Sweep<T>::Impl::Slot Sweep<T>::Impl::make_slot() const {
  Slot slot;
  slot.source = source.scratch();
  const std::size_t whole = kept.wanted ? 0 : std::min(held_rows, rows) * held_stride;
  const std::size_t strip = std::min(kMaxBlockRows, rows) * strip_step;
  slot.held = aligned_array<T>(std::max(whole, strip), "X");
  slot.sums = aligned_array<T>(padded_cols, "X");
  return slot;
}

// Small problems are one chunk, which never leaves the calling thread. Where no chunk has column
// sums of its own there may be more of them, so that a stop is heard soon.
template <class T>
std::size_t Sweep<T>::Impl::row_chunk_size(std::size_t step) const {
  const std::size_t most = fused
                               ? std::clamp<std::size_t>(kColumnTotals / padded_cols, 8, kMaxChunks)
                               : std::max(kMaxChunks, rows * cols / kMaxChunkPairs);
  const std::size_t chunks = std::clamp<std::size_t>(rows * cols / kChunkPairs, 1, most);
  return round_up((rows + chunks - 1) / chunks, step);
}

template <class T>
Temperature Sweep<T>::Impl::temperature(double eps) const {
  return {kLog2E / eps, std::min(kLog2E / eps * source.unit(), kMaxExponent)};
}

template <class T>
double Sweep<T>::Impl::row_base(const Temperature& t, std::size_t i) const {
  const double* norms = source.row_norms();
  return t.factor * source.offset() + (norms == nullptr ? 0.0 : t.cost_factor * norms[i]);
}

template <class T>
double Sweep<T>::Impl::col_base(const Temperature& t, std::size_t j) const {
  const double* norms = source.col_norms();
  return norms == nullptr ? 0.0 : t.cost_factor * norms[j];
}

template <class T>
void Sweep<T>::Impl::set_rows(const Temperature& t, const double* f, const double* a, bool lifted) {
  row_side.set(t, source.offset(), f, source.row_norms(), a, lifted);
}

template <class T>
void Sweep<T>::Impl::set_cols(const Temperature& t, const double* g, const double* b, bool lifted) {
  col_side.set(t, 0.0, g, source.col_norms(), b, lifted);
}

template struct Sweep<float>::Impl;
template struct Sweep<double>::Impl;

}  // namespace otcore::entropic
