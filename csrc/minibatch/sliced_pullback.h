// Gradients in the points out of batches' projections in columns.
#pragma once

#include <cstddef>
#include <vector>

#include "base/aligned.h"
#include "base/monitor.h"
#include "minibatch/sliced_batches.h"
#include "minibatch/sliced_columns.h"
#include "minibatch/sliced_rows.h"

namespace otcore::minibatch {

// The derivatives of the mean over slices of sum_pairs weight * W_p^p, p = 2 or 1, for batches of
// as many points of the same weight. Slopes, and their sums over up to sliced::kSumSlices
// directions, are of type T, in the scale of the projections.
template <class T>
class SlicedPullback {
 public:
  // They go to grad_x[kx * mx * d] and grad_y[ky * my * d], by place; null: not asked for.
  SlicedPullback(const SlicedBatches<T>& batches, const PairWeights& weights, bool squares,
                 int n_threads, double* grad_x, double* grad_y);

  // Adds those of the groups from `first` on that a piece of `columns` holds, sorted and not.
  void add(const SlicedColumns<T>& columns, std::size_t first, std::size_t groups,
           Monitor& monitor);

  // To the scale of the costs. False where the gradient is to be found in another way: the order of
  // points whose projections are too close, or numbers overflow T.
  bool finish();

 private:
  struct Worker {
    AlignedArray<T> memory;  // of sorting
    AlignedArray<T> slopes;  // of some groups, sorted
    std::vector<const T*> others;
    std::vector<double> weights;
  };
  // Some points of a batch, which is the number-th that is asked for.
  struct Part {
    std::size_t number;
    std::size_t start;
    std::size_t stop;
    double* gradient;
  };

  void find_partners(const SlicedColumns<T>& columns, std::size_t b, std::size_t at,
                     Worker& worker) const;
  bool find_slopes(const SlicedColumns<T>& columns, std::size_t b, std::size_t start,
                   std::size_t end, Worker& worker, T* out) const;
  void add_part(const Part& part, std::size_t first, std::size_t groups) const;

  const SlicedBatches<T>& batches_;
  const PairWeights weights_;
  const bool squares_;
  const int n_threads_;
  const std::size_t padded_;         // coordinates
  double largest_ = 0.0;             // weight
  bool found_ = true;                // all orders
  std::vector<std::size_t> wanted_;  // batches
  std::vector<Part> parts_;
  std::vector<T> directions_;  // rows of a padded length; empty where they have it
  AlignedArray<T> slopes_;     // of the batches, group by group, in columns
  std::size_t stride_ = 0;     // of the batches
  std::vector<Worker> workers_;
};

}  // namespace otcore::minibatch
