// What is asked of the plan of given potentials.
#include <atomic>
#include <cmath>
#include <cstdint>
#include <utility>

#include "base/sum.h"
#include "entropic/settle.h"

namespace otcore::entropic {

namespace {

// A power of two that brings v[0], v[step], ... to at most 1.
double scale_of(const double* v, std::size_t count, std::size_t step) {
  double largest = 0.0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(v[i * step]));
  int exponent = 0;
  (void)std::frexp(largest, &exponent);
  return std::ldexp(1.0, -std::clamp(exponent, -1000, 1000));
}

}  // namespace

template <class T>
Temperature Sweep<T>::Impl::set_plan(const Scaling& plan, bool lifted) {
  const Temperature t = temperature(plan.eps);
  set_rows(t, plan.f, plan.a, lifted);
  set_cols(t, plan.g, plan.b, lifted);
  return t;
}

// a_i 2^(exponent that slot.u lacks): what sums over row i of the block are to be multiplied by.
template <class T>
double Sweep<T>::Impl::row_factor(const double* a, Range block, std::size_t i,
                                  const Slot& slot) const {
  const std::size_t row = block.begin + i;
  return a[row] == 0.0
             ? 0.0
             : a[row] * std::exp2(row_side.exponent(row) - static_cast<double>(slot.u[i]));
}

template <class T>
void Sweep<T>::apply(const Scaling& plan, const double* v, std::size_t k, double* out) {
  Impl& p = *impl_;
  const Temperature t = p.set_plan(plan);
  // b_j V_jc, one c after the other, each scaled into T's range.
  std::vector<double> scales(k);
  p.packed_values.resize(checked_mul(k, p.padded_cols, "V"));
  for (std::size_t c = 0; c < k; ++c) {
    scales[c] = scale_of(v + c, p.cols, k);
    T* packed = p.packed_values.data() + c * p.padded_cols;
    for (std::size_t j = 0; j < p.padded_cols; ++j) {
      packed[j] = j < p.cols ? static_cast<T>(static_cast<double>(p.col_side.weights()[j]) *
                                              (v[j * k + c] * scales[c]))
                             : T(0);
    }
  }
  p.for_rows(kMaxBlockRows, [&](Range chunk, std::size_t, auto& slot) {
    slot.products.resize(kMaxBlockRows * k);
    p.for_blocks(chunk, kMaxBlockRows, [&](Range block) {
      std::copy_n(p.row_side.exponents() + block.begin, block.size(), slot.u.begin());
      p.settle(t, block, slot, [&] {
        slot.row_sums.fill(0.0);
        std::fill(slot.products.begin(), slot.products.end(), 0.0);
        p.strips(t, slot.u.data(), p.col_side.exponents(), block, slot,
                 [&](const Block<T>& piece, std::size_t col) {
                   p.kernels.exponentials(piece, p.col_side.weights() + col, slot.held.get(),
                                          p.strip_step, slot.row_sums.data());
                   p.kernels.dots(slot.held.get(), p.strip_step, piece.rows, piece.cols,
                                  p.packed_values.data() + col, p.padded_cols, k,
                                  slot.products.data());
                 });
      });
      for (std::size_t i = 0; i < block.size(); ++i) {
        const double factor = p.row_factor(plan.a, block, i, slot);
        for (std::size_t c = 0; c < k; ++c) {
          out[(block.begin + i) * k + c] = factor * (slot.products[i * k + c] / scales[c]);
        }
      }
    });
  });
}

template <class T>
void Sweep<T>::apply_t(const Scaling& plan, const double* v, std::size_t k, double* out) {
  Impl& p = *impl_;
  const Temperature t = p.set_plan(plan);
  p.sum_columns(t);
  // Exponents that make the column sums 1, and what they lack.
  std::vector<double> factors(p.cols);
  std::vector<T> exponents(p.padded_cols, static_cast<T>(kNoMass));
  for (std::size_t j = 0; j < p.cols; ++j) {
    exponents[j] =
        static_cast<T>(static_cast<double>(p.col_side.exponents()[j]) - p.column_logs[j]);
    factors[j] =
        plan.b[j] == 0.0
            ? 0.0
            : plan.b[j] * std::exp2(p.col_side.exponent(j) - static_cast<double>(exponents[j]));
  }
  std::vector<double> scales(k);
  for (std::size_t c = 0; c < k; ++c) scales[c] = scale_of(v + c, p.rows, k);
  p.for_strips([&](Range strip, auto& slot) {
    const std::size_t width = strip.size();
    std::vector<T> sums(k * width, T(0));
    slot.products.assign(k * width, 0.0);
    p.for_blocks({0, p.rows}, kMaxBlockRows, [&](Range block) {
      p.blocks(t, p.row_side.exponents() + block.begin, exponents.data() + strip.begin, block,
               strip, slot, [&](const Block<T>& piece, std::size_t col) {
                 p.kernels.powers(piece, slot.held.get(), p.strip_step);
                 for (std::size_t c = 0; c < k; ++c) {
                   for (std::size_t i = 0; i < block.size(); ++i) {
                     const std::size_t row = block.begin + i;
                     slot.weights[i] =
                         static_cast<T>(static_cast<double>(p.row_side.weights()[row]) *
                                        (v[row * k + c] * scales[c]));
                   }
                   p.kernels.fold(slot.held.get(), p.strip_step, piece.rows, piece.cols,
                                  slot.weights.data(), sums.data() + c * width + col - strip.begin);
                 }
               });
      p.kernels.flush(sums.data(), k * width, slot.products.data());
    });
    for (std::size_t j = strip.begin; j < std::min(strip.end, p.cols); ++j) {
      for (std::size_t c = 0; c < k; ++c) {
        out[j * k + c] = factors[j] * (slot.products[c * width + j - strip.begin] / scales[c]);
      }
    }
  });
}

template <class T>
template <class Use>
void Sweep<T>::Impl::plan_blocks(const Temperature& t, Range chunk, Slot& slot, const Use& use) {
  for_blocks(chunk, kMaxBlockRows, [&](Range block) {
    strips(t, row_side.exponents() + block.begin, col_side.exponents(), block, slot,
           [&](const Block<T>& piece, std::size_t col) {
             kernels.powers(piece, slot.held.get(), strip_step);
             kernels.weigh(slot.held.get(), strip_step, piece.rows, piece.cols,
                           row_side.weights() + block.begin, col_side.weights() + col);
             use(block, col, piece.cols);
           });
  });
}

template <class T>
void Sweep<T>::fill(const Scaling& plan, T* out) {
  Impl& p = *impl_;
  const Temperature t = p.set_plan(plan);
  p.for_rows(kMaxBlockRows, [&](Range chunk, std::size_t, auto& slot) {
    p.plan_blocks(t, chunk, slot, [&](Range block, std::size_t col, std::size_t cols) {
      const std::size_t used = std::min(cols, p.cols - col);
      for (std::size_t i = 0; i < block.size(); ++i) {
        std::copy_n(slot.held.get() + i * p.strip_step, used,
                    out + (block.begin + i) * p.cols + col);
      }
    });
  });
}

template <class T>
bool Sweep<T>::extract(const Scaling& plan, double threshold, std::size_t most, SparsePlan& out) {
  Impl& p = *impl_;
  const Temperature t = p.set_plan(plan);
  std::vector<T> limits(p.padded_cols, T(0));
  for (std::size_t j = 0; j < p.cols; ++j) limits[j] = static_cast<T>(threshold * plan.b[j]);
  // The entries of a row of a block come strip by strip.
  struct Entries {
    std::vector<std::int32_t> cols;
    std::vector<double> mass;
    void clear() {
      cols.clear();
      mass.clear();
    }
    void append(const Entries& more) {
      cols.insert(cols.end(), more.cols.begin(), more.cols.end());
      mass.insert(mass.end(), more.mass.begin(), more.mass.end());
    }
  };
  std::vector<Entries> found(p.row_chunks(kMaxBlockRows));
  std::atomic<std::size_t> total{0};
  out.starts.assign(p.rows + 1, 0);
  p.for_rows(kMaxBlockRows, [&](Range chunk, std::size_t number, auto& slot) {
    std::array<Entries, kMaxBlockRows> entries;
    std::array<std::int32_t, kStripColumns> positions;
    p.for_blocks(chunk, kMaxBlockRows, [&](Range block) {
      if (total.load(std::memory_order_relaxed) > most) return;
      p.plan_blocks(t, block, slot, [&](Range, std::size_t col, std::size_t cols) {
        for (std::size_t i = 0; i < block.size(); ++i) {
          const T* row = slot.held.get() + i * p.strip_step;
          const std::size_t count =
              p.kernels.select(row, cols, static_cast<T>(threshold * plan.a[block.begin + i]),
                               limits.data() + col, positions.data());
          for (std::size_t k = 0; k < count; ++k) {
            const auto at = static_cast<std::size_t>(positions[k]);
            entries[i].cols.push_back(static_cast<std::int32_t>(col + at));
            entries[i].mass.push_back(static_cast<double>(row[at]));
          }
        }
      });
      for (std::size_t i = 0; i < block.size(); ++i) {
        out.starts[block.begin + i + 1] = static_cast<std::int64_t>(entries[i].cols.size());
        total.fetch_add(entries[i].cols.size(), std::memory_order_relaxed);
        found[number].append(entries[i]);
        entries[i].clear();
      }
    });
  });
  if (total.load() > most) return false;
  for (std::size_t i = 0; i < p.rows; ++i) out.starts[i + 1] += out.starts[i];
  Entries all;
  for (const Entries& entries : found) all.append(entries);
  out.cols = std::move(all.cols);
  out.mass = std::move(all.mass);
  return true;
}

template Temperature Sweep<float>::Impl::set_plan(const Scaling&, bool);
template Temperature Sweep<double>::Impl::set_plan(const Scaling&, bool);
template double Sweep<float>::Impl::row_factor(const double*, Range, std::size_t,
                                               const Slot&) const;
template double Sweep<double>::Impl::row_factor(const double*, Range, std::size_t,
                                                const Slot&) const;
template void Sweep<float>::apply(const Scaling&, const double*, std::size_t, double*);
template void Sweep<double>::apply(const Scaling&, const double*, std::size_t, double*);
template void Sweep<float>::apply_t(const Scaling&, const double*, std::size_t, double*);
template void Sweep<double>::apply_t(const Scaling&, const double*, std::size_t, double*);
template bool Sweep<float>::extract(const Scaling&, double, std::size_t, SparsePlan&);
template bool Sweep<double>::extract(const Scaling&, double, std::size_t, SparsePlan&);
template void Sweep<float>::fill(const Scaling&, float*);
template void Sweep<double>::fill(const Scaling&, double*);

}  // namespace otcore::entropic
