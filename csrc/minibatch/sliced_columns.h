// The projections of equal batches in columns, as the kernels of the sliced room have them: some
// groups of directions at a time, or all of them, to be used again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/aligned.h"
#include "base/monitor.h"
#include "minibatch/sliced_batches.h"

namespace otcore::minibatch {

// All batches have as many points.
template <class T>
class SlicedColumns {
 public:
  // Whether the projections of all directions, sorted and not, take no more than some bytes.
  static bool fit(const SlicedBatches<T>& batches);

  // Room for a piece; `both`: sorted and not.
  SlicedColumns(const SlicedBatches<T>& batches, bool both, int n_threads);

  // visit(first group, groups) for all directions, in pieces whose projections take no more than
  // some bytes, which are here then. One piece where they fit(). Errors: SlicedBatches.
  template <class Visit>
  void for_each_piece(const SlicedBatches<T>& batches, Monitor& monitor, const Visit& visit) {
    for (std::size_t first = 0; first < groups_; first += at_once_) {
      const std::size_t count = std::min(at_once_, groups_ - first);
      fill(batches, first, count, monitor);
      if (monitor.stopped() != Stop::none) return;
      visit(first, count);
    }
  }

  [[nodiscard]] std::size_t groups() const { return groups_; }
  // Numbers of a batch in a group.
  [[nodiscard]] std::size_t group_size() const { return group_size_; }
  // Batch b's columns of the piece, group by group, and how far apart those of the batches are.
  [[nodiscard]] const T* sorted(std::size_t b) const { return sorted_.get() + b * stride(); }
  [[nodiscard]] const T* projections(std::size_t b) const {
    return projections_.get() + b * stride();
  }
  [[nodiscard]] std::size_t stride() const { return at_once_ * group_size_; }

 private:
  void fill(const SlicedBatches<T>& batches, std::size_t first, std::size_t count,
            Monitor& monitor);

  int n_threads_;
  std::size_t groups_;
  std::size_t group_size_;
  std::size_t at_once_;  // groups
  AlignedArray<T> sorted_;
  AlignedArray<T> projections_;  // null where they are not wanted
  std::vector<typename SlicedBatches<T>::Scratch> scratch_;
};

}  // namespace otcore::minibatch
