#include "minibatch/sliced_columns.h"

#include "base/sizes.h"
#include "base/thread_pool.h"
#include "sliced/tuning.h"

namespace otcore::minibatch {
namespace {

using sliced::kGroup;

// What a piece takes, if there are two groups or more in it.
constexpr std::size_t kPieceBytes = std::size_t{64} << 20;

// Groups for which a batch is gathered once.
constexpr std::size_t kGroupsPerTask = 8;

template <class T>
std::size_t groups_of(const SlicedBatches<T>& batches) {
  return (batches.slices() + kGroup - 1) / kGroup;
}

template <class T>
std::size_t bytes_of_group(const SlicedBatches<T>& batches) {
  return batches.places() * kGroup * sizeof(T);
}

}  // namespace

template <class T>
bool SlicedColumns<T>::fit(const SlicedBatches<T>& batches) {
  return groups_of(batches) <= kPieceBytes / (2 * bytes_of_group(batches));
}

template <class T>
SlicedColumns<T>::SlicedColumns(const SlicedBatches<T>& batches, bool both, int n_threads)
    : n_threads_(n_threads),
      groups_(groups_of(batches)),
      group_size_(batches.x().m * kGroup),
      at_once_(std::clamp<std::size_t>(kPieceBytes / ((both ? 2 : 1) * bytes_of_group(batches)), 1,
                                       groups_)) {
  const std::size_t numbers = checked_mul(batches.batches(), stride(), "k");
  sorted_ = aligned_array<T>(numbers, "k");
  if (both) projections_ = aligned_array<T>(numbers, "k");
  const std::size_t tasks = (at_once_ + kGroupsPerTask - 1) / kGroupsPerTask * batches.batches();
  scratch_.resize(static_cast<std::size_t>(slots_for(tasks, n_threads)));
}

template <class T>
void SlicedColumns<T>::fill(const SlicedBatches<T>& batches, std::size_t first, std::size_t count,
                            Monitor& monitor) {
  const std::size_t blocks = (count + kGroupsPerTask - 1) / kGroupsPerTask;
  parallel_for(
      blocks * batches.batches(), n_threads_,
      [&](std::size_t task, int slot) {
        if (monitor.stopped() != Stop::none) return;
        const std::size_t b = task / blocks;
        const std::size_t start = task % blocks * kGroupsPerTask;
        const std::size_t at = b * stride() + start * group_size_;
        batches.sort_columns(b, first + start, std::min(kGroupsPerTask, count - start),
                             scratch_[static_cast<std::size_t>(slot)], sorted_.get() + at,
                             projections_ == nullptr ? nullptr : projections_.get() + at);
      },
      &monitor);
}

template class SlicedColumns<float>;
template class SlicedColumns<double>;

}  // namespace otcore::minibatch
