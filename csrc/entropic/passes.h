// What Sweep's passes share: the problem, the cut into chunks, scratch memory, and the steps that
// passes are made of.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "base/aligned.h"
#include "base/monitor.h"
#include "base/sizes.h"
#include "base/thread_pool.h"
#include "entropic/kept.h"
#include "entropic/side.h"
#include "entropic/source.h"
#include "entropic/sweep.h"
#include "entropic/tuning.h"

namespace otcore::entropic {

// Some rows or columns.
struct Range {
  std::size_t begin;
  std::size_t end;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};

template <class T>
struct Sweep<T>::Impl {
  Impl(Source<T> costs, int n_threads, Monitor* stop_monitor);

  // A thread's memory. The arrays belong to the rows of a block.
  struct Slot {
    typename Source<T>::Scratch source;
    AlignedArray<T> held;  // exponentials: of whole rows, or of a strip
    AlignedArray<T> sums;  // [padded_cols] of columns, not yet in float64
    std::vector<double> products;
    std::array<T, kMaxBlockRows> u;
    std::array<T, kMaxBlockRows> weights;
    std::size_t unfolded = 0;  // rows in `held` that are not in `sums` yet
    std::array<double, kMaxBlockRows> row_sums;
    std::array<double, kMaxBlockRows> moments;
    std::array<T, kMaxBlockRows> maxima;
    std::array<double, kMaxBlockRows> logs;
  };

  // Runs body(chunk, slot) for all chunks, until the monitor says stop.
  template <class Body>
  void parallel(std::size_t chunks, const Body& body);
  // body(range, chunk, slot) for chunks of rows, a multiple of `step` each.
  template <class Body>
  void for_rows(std::size_t step, const Body& body);
  [[nodiscard]] std::size_t row_chunk_size(std::size_t step) const;
  [[nodiscard]] std::size_t row_chunks(std::size_t step) const {
    const std::size_t size = row_chunk_size(step);
    return (rows + size - 1) / size;
  }
  // body(range, slot) for strips of columns, whole panels, at most kStripColumns.
  template <class Body>
  void for_strips(const Body& body);
  // body(range) for blocks of `range`, `step` at a time.
  template <class Body>
  static void for_blocks(Range range, std::size_t step, const Body& body) {
    for (std::size_t first = range.begin; first < range.end; first += step) {
      body(Range{first, std::min(first + step, range.end)});
    }
  }

  [[nodiscard]] Temperature temperature(double eps) const;
  // The exponent of potential p is factor * p - base.
  [[nodiscard]] double row_base(const Temperature& t, std::size_t i) const;
  [[nodiscard]] double col_base(const Temperature& t, std::size_t j) const;
  void set_rows(const Temperature& t, const double* f, const double* a, bool lifted = true);
  void set_cols(const Temperature& t, const double* g, const double* b, bool lifted = true);

  // make(block, col) for the blocks of rows x columns; u belongs to the first row, v to the first
  // column.
  template <class Make>
  void blocks(const Temperature& t, const T* u, const T* v, Range block, Range strip,
              const Slot& slot, const Make& make) const {
    source.blocks(static_cast<T>(t.cost_factor), u, v, block.begin, block.size(), strip.begin,
                  strip.end, slot.source, make);
  }
  // The same for all columns, by strips; v belongs to column 0.
  template <class Make>
  void strips(const Temperature& t, const T* u, const T* v, Range block, const Slot& slot,
              const Make& make) const {
    for (std::size_t col = 0; col < padded_cols; col += kStripColumns) {
      blocks(t, u, v + col, block, {col, std::min(col + kStripColumns, padded_cols)}, slot, make);
    }
  }

  // rows.cpp. Blocks of rows, whose exponents are slot.u and for whose exponentials run() sets
  // slot.row_sums. Where a sum leaves the safe range the row's exponent is replaced by minus its
  // largest z, and the block is run again.
  template <class Run>
  void settle(const Temperature& t, Range block, Slot& slot, const Run& run);
  void guess_rows(const Temperature& t, Range block, const double* f, Slot& slot) const;
  // `held`: where the rows' exponentials go, held_stride apart; null: nowhere. What is unfolded in
  // slot.held, no fewer rows, is folded on the way.
  void sum_rows(const Temperature& t, Range block, T* held, Slot& slot) const;
  // Folds the rows of slot.held from `first` on.
  void fold_held(std::size_t first, Slot& slot) const;
  // f from slot.row_sums; slot.logs = the exponents of the new f, less slot.u.
  void update_block(const Temperature& t, Range block, double damping, double* f, Slot& slot) const;
  void follow_rows(const Temperature& t, Range block, T* held, Slot& slot) const;
  void update_rows(const Temperature& t, double damping, double* f);
  void iterate_fused(const Temperature& t, const double* a, double damping, double* f);
  // The iteration in the log domain.
  void iterate_afresh(const Temperature& t, const double* a, const double* b, double damping,
                      const double* g, double* f, double* log_ratio);

  // kept.cpp. Iterations with the kept kernel, each of whose g, from the second on, is Sinkhorn's
  // update of the one before and is left in moved_g: `most`, or until the L1 error of the columns
  // is at most `goal`. Returns how many there were. Where the kernel does not serve, or no longer,
  // kept.valid is false and the iteration after those is to be done afresh, for the g that is left.
  std::size_t iterate_kept(const Temperature& t, const double* a, const double* b, double damping,
                           std::size_t most, double goal, const double* g, double* f,
                           double* log_ratio, double* moved_g);
  bool multiply_kept(const Temperature& t, double damping);
  bool damp_kept(const Temperature& t, Range block, double damping);

  // columns.cpp. column_logs_j = log2 sum_i w_i 2^(z_ij) for the exponents and weights of the
  // sides.
  void sum_columns(const Temperature& t);
  // totals += the sums of a strip over a block of rows.
  void sum_block(const Temperature& t, Range block, Range strip, Slot& slot, double* totals);
  // Room in column_totals for the chunks of for_rows(step); their number.
  std::size_t start_columns(std::size_t step);
  // column_logs from the sums of `chunks` chunks in column_totals, which lack 2^lift. False where
  // sums left the safe range: they have to be formed again, for row_side, by redo_columns.
  bool reduce_columns(std::size_t chunks, double lift);
  void redo_columns(const Temperature& t);
  void redo_group(const Temperature& t, Range group, Slot& slot);

  // measure.cpp
  template <class Use>
  void measure_rows(const Temperature& t, Range block, Slot& slot, const Use& use);

  // plan.cpp
  Temperature set_plan(const Scaling& plan, bool lifted = true);
  double row_factor(const double* a, Range block, std::size_t i, const Slot& slot) const;
  // use(block, col, cols) with P of a block of rows and a strip of columns in slot.held.
  template <class Use>
  void plan_blocks(const Temperature& t, Range block, Slot& slot, const Use& use);

  [[nodiscard]] Slot make_slot() const;

  Source<T> source;
  int threads;
  Monitor* monitor;
  std::size_t rows = source.rows();
  std::size_t cols = source.cols();
  std::size_t padded_cols = source.padded_cols();
  std::size_t held_stride = odd_lines<T>(padded_cols);
  std::size_t held_rows;  // per block
  bool fused;             // whether enough rows can be held

  const Kernels<T>& kernels = kernels_of<T>(kernel_table());
  const Functions& functions = kernel_table().functions;
  std::size_t strip_step = strip_stride<T>(padded_cols);
  Side<T> row_side;
  Side<T> col_side;
  std::vector<double> column_totals;  // [chunks][padded_cols]
  std::vector<double> column_logs;    // [padded_cols]
  std::vector<std::size_t> bad_groups;
  std::vector<double> row_values;  // [rows]
  AlignedArray<T> col_shifts;      // of measure: what exponents of columns lack, by weight
  Kept<T> kept;
  bool from_kept = false;        // whether the last iteration used it
  std::vector<T> packed_values;  // of apply
  std::vector<Slot> slots;
};

template <class T>
template <class Body>
void Sweep<T>::Impl::parallel(std::size_t chunks, const Body& body) {
  const auto wanted =
      chunks == 1 ? std::size_t{1} : static_cast<std::size_t>(slots_for(chunks, threads));
  while (slots.size() < wanted) slots.push_back(make_slot());
  if (chunks == 1) {
    body(0, slots.front());
    if (monitor != nullptr) monitor->poll();
    return;
  }
  parallel_for(
      chunks, threads,
      [&](std::size_t chunk, int slot) {
        if (monitor == nullptr || monitor->stopped() == Stop::none) {
          body(chunk, slots[static_cast<std::size_t>(slot)]);
        }
      },
      monitor);
}

template <class T>
template <class Body>
void Sweep<T>::Impl::for_rows(std::size_t step, const Body& body) {
  const std::size_t size = row_chunk_size(step);
  parallel(row_chunks(step), [&](std::size_t chunk, Slot& slot) {
    body(Range{chunk * size, std::min((chunk + 1) * size, rows)}, chunk, slot);
  });
}

template <class T>
template <class Body>
void Sweep<T>::Impl::for_strips(const Body& body) {
  const std::size_t wanted = std::clamp<std::size_t>(rows * cols / kChunkPairs, 1, kMaxChunks);
  const std::size_t size =
      std::min(kStripColumns, round_up((padded_cols + wanted - 1) / wanted, kGroupColumns));
  parallel((padded_cols + size - 1) / size, [&](std::size_t chunk, Slot& slot) {
    body(Range{chunk * size, std::min((chunk + 1) * size, padded_cols)}, slot);
  });
}

}  // namespace otcore::entropic
