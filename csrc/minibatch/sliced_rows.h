// Problems on the line between the sorted projections of mini-batches: some slices at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/monitor.h"
#include "minibatch/sliced_batches.h"
#include "oned/row.h"

namespace otcore::minibatch {

// A weight for each pair of batches; null: 1 each.
struct PairWeights {
  const double* data = nullptr;
  bool diagonal = false;  // of the pairs (i, i) alone

  // The y batches that x batch i may meet are begin(i) .. end(i).
  [[nodiscard]] std::size_t begin(std::size_t i) const { return diagonal ? i : 0; }
  [[nodiscard]] std::size_t end(std::size_t i, std::size_t ky) const {
    return diagonal ? i + 1 : ky;
  }
  [[nodiscard]] std::size_t pair(std::size_t i, std::size_t j, std::size_t ky) const {
    return diagonal ? i : i * ky + j;
  }
};

// What is added up for a slice; null: not asked for. By place in the batches, as
// SlicedBatches::place.
struct SliceAnswers {
  double* costs = nullptr;       // of each pair, unweighted
  double* slopes = nullptr;      // sum of weights * d cost / d projection
  double* potentials = nullptr;  // sum of weights * potential
};

template <class T>
class SlicedRows {
 public:
  // `answers` numbers are kept of each slice; with_order: slopes or potentials are asked for.
  SlicedRows(const SlicedBatches<T>& batches, double p, bool with_order, std::size_t answers,
             int n_threads);

  // visit(first, count) for all slices, in pieces whose projections and answers take no more than
  // some bytes; rows are sorted then.
  template <class Visit>
  void for_each_piece(Monitor& monitor, const Visit& visit) {
    const std::size_t slices = batches_.slices();
    for (std::size_t first = 0; first < slices && monitor.stopped() == Stop::none;
         first += at_once_) {
      const std::size_t count = first + at_once_ < slices ? at_once_ : slices - first;
      sort(first, count, monitor);
      if (monitor.stopped() == Stop::none) visit(first, count);
    }
  }

  // The pairs of the l-th slice of the piece, whose weights are not 0. For every slice on its own:
  // one thread each. InvalidArgument as throw_overflow().
  void solve(std::size_t l, const PairWeights& weights, const SliceAnswers& out, int slot);

 private:
  struct Worker {
    typename SlicedBatches<T>::Scratch scratch;
    std::optional<oned::RowSolver<T>> solver;
    std::vector<double> values, slopes_x, slopes_y, potentials_x, potentials_y;
    std::vector<double> slopes, potentials;  // of the slice, sorted
  };

  void sort(std::size_t first, std::size_t count, Monitor& monitor);
  [[nodiscard]] oned::Lines<T> lines(std::size_t l, std::size_t i) const;
  void scatter(std::size_t l, const std::vector<double>& sorted, double* out) const;

  const SlicedBatches<T>& batches_;
  const double p_;
  const bool with_order_;
  const bool weighted_;
  const int n_threads_;
  std::size_t at_once_;
  std::vector<T> rows_;              // [slice][place]
  std::vector<std::int32_t> order_;  // [slice][place]
  std::vector<double> weights_;      // [slice][place], sorted as the rows
  std::vector<Worker> workers_;
};

}  // namespace otcore::minibatch
