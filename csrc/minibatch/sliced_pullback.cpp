#include "minibatch/sliced_pullback.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/sizes.h"
#include "base/thread_pool.h"
#include "minibatch/drawn.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::minibatch {
namespace {

using sliced::kGroup;

// Groups of a batch whose slopes are a task, and points whose gradients are.
constexpr std::size_t kGroupsPerTask = 8;
constexpr std::size_t kPointsPerTask = 128;

}  // namespace

template <class T>
SlicedPullback<T>::SlicedPullback(const SlicedBatches<T>& batches, const PairWeights& weights,
                                  bool squares, int n_threads, double* grad_x, double* grad_y)
    : batches_(batches),
      weights_(weights),
      squares_(squares),
      n_threads_(n_threads),
      padded_(round_up(batches.directions().cols, sliced::kSumPadding)) {
  const std::size_t kx = batches.x().k;
  const std::size_t ky = batches.y().k;
  const std::size_t m = batches.x().m;
  const MatrixView<const T> directions = batches.directions();
  for (std::size_t p = 0; p < (weights.diagonal ? kx : kx * ky); ++p) {
    largest_ = std::max(largest_, std::abs(weights.data[p]));
    found_ = found_ && std::isfinite(weights.data[p]);
  }
  for (std::size_t b = 0; b < batches.batches(); ++b) {
    double* side = b < kx ? grad_x : grad_y;
    if (side == nullptr) continue;
    double* own = side + batches.number(b) * m * directions.cols;
    for (std::size_t start = 0; start < m; start += kPointsPerTask) {
      parts_.push_back({wanted_.size(), start, std::min(m, start + kPointsPerTask), own});
    }
    wanted_.push_back(b);
  }
  if (padded_ == directions.cols && padded_ == directions.stride) return;
  directions_.resize(checked_mul(directions.rows, padded_, "inner_projections"));
  for (std::size_t l = 0; l < directions.rows; ++l) {
    std::copy_n(directions.row(l), directions.cols, directions_.data() + l * padded_);
  }
}

// The batches that have pairs with batch b, their numbers from `at` on, and weights of 1 at most.
template <class T>
void SlicedPullback<T>::find_partners(const SlicedColumns<T>& columns, std::size_t b,
                                      std::size_t at, Worker& worker) const {
  const std::size_t kx = batches_.x().k;
  const std::size_t ky = batches_.y().k;
  worker.others.clear();
  worker.weights.clear();
  const auto add = [&](std::size_t i, std::size_t j, std::size_t other) {
    const double weight = weights_.data[weights_.pair(i, j, ky)];
    if (weight == 0.0) return;
    worker.others.push_back(columns.sorted(other) + at);
    worker.weights.push_back(weight / largest_);
  };
  if (b < kx) {
    for (std::size_t j = weights_.begin(b); j < weights_.end(b, ky); ++j) add(b, j, kx + j);
  } else {
    const std::size_t j = b - kx;
    for (std::size_t i = weights_.begin(j); i < weights_.end(j, kx); ++i) add(i, j, i);
  }
}

// The slopes of batch b in some groups of a piece, as its points stand; false where their order is
// not found.
template <class T>
bool SlicedPullback<T>::find_slopes(const SlicedColumns<T>& columns, std::size_t b,
                                    std::size_t start, std::size_t end, Worker& worker,
                                    T* out) const {
  const std::size_t m = batches_.x().m;
  const std::size_t size = columns.group_size();
  const sliced::ProjectKernels<T>& kernels = sliced::project_kernels<T>();
  find_partners(columns, b, start * size, worker);
  kernels.pair_slopes(columns.sorted(b) + start * size, worker.others.data(), worker.weights.data(),
                      worker.others.size(), (end - start) * size, squares_, worker.slopes.get());
  for (std::size_t g = start; g < end; ++g) {
    const std::size_t from = (g - start) * size;
    if (kernels.unsort_columns(columns.projections(b) + g * size, worker.slopes.get() + from, m,
                               worker.memory.get(), out + from) != sliced::Order::found) {
      return false;
    }
  }
  return true;
}

template <class T>
void SlicedPullback<T>::add(const SlicedColumns<T>& columns, std::size_t first, std::size_t groups,
                            Monitor& monitor) {
  if (!found_ || largest_ == 0.0) return;
  const std::size_t size = columns.group_size();
  const std::size_t blocks = (groups + kGroupsPerTask - 1) / kGroupsPerTask;
  const std::size_t tasks = wanted_.size() * blocks;
  if (slopes_ == nullptr) {  // no piece is larger than the first
    stride_ = groups * size;
    slopes_ = aligned_array<T>(checked_mul(wanted_.size(), stride_, "k"), "k");
    workers_.resize(static_cast<std::size_t>(slots_for(tasks, n_threads_)));
    for (Worker& worker : workers_) {
      const std::size_t padded = round_up(batches_.x().m, sliced::kColumnPadding);
      worker.memory = aligned_array<T>(kGroup * padded, "m");
      worker.slopes = aligned_array<T>(kGroupsPerTask * size, "m");
    }
  }
  std::atomic<bool> found{true};
  parallel_for(
      tasks, n_threads_,
      [&](std::size_t task, int slot) {
        if (monitor.stopped() != Stop::none || !found.load(std::memory_order_relaxed)) return;
        const std::size_t number = task / blocks;
        const std::size_t start = task % blocks * kGroupsPerTask;
        T* out = slopes_.get() + number * stride_ + start * size;
        if (!find_slopes(columns, wanted_[number], start, std::min(groups, start + kGroupsPerTask),
                         workers_[static_cast<std::size_t>(slot)], out)) {
          found.store(false, std::memory_order_relaxed);
        }
      },
      &monitor);
  found_ = found.load();
  if (!found_) return;
  parallel_for(
      parts_.size(), n_threads_,
      [&](std::size_t part, int) {
        if (monitor.stopped() == Stop::none) add_part(parts_[part], first, groups);
      },
      &monitor);
}

// The slopes of some points, times the directions of a piece.
template <class T>
void SlicedPullback<T>::add_part(const Part& part, std::size_t first, std::size_t groups) const {
  const MatrixView<const T> directions = batches_.directions();
  const std::size_t lanes = sliced::project_kernels<T>().lanes;
  const T* rows = directions_.empty() ? directions.data : directions_.data();
  const T* slopes = slopes_.get() + part.number * stride_ + part.start * lanes;
  sliced::sum_kernels<T>().add_slopes(
      {slopes, lanes, 1, lanes, batches_.x().m * lanes}, part.stop - part.start,
      rows + first * kGroup * padded_, std::min(groups * kGroup, directions.rows - first * kGroup),
      directions.cols, part.gradient + part.start * directions.cols);
}

template <class T>
bool SlicedPullback<T>::finish() {
  if (!found_) return false;
  const std::size_t dims = batches_.directions().cols;
  const auto points = static_cast<double>(batches_.x().m);
  const double factor =
      (squares_ ? 2.0 : 1.0) * largest_ / (points * static_cast<double>(batches_.slices()));
  std::atomic<bool> finite{true};
  parallel_for(parts_.size(), n_threads_, [&](std::size_t p, int) {
    const std::size_t count = (parts_[p].stop - parts_[p].start) * dims;
    double* gradient = parts_[p].gradient + parts_[p].start * dims;
    for (std::size_t k = 0; k < count; ++k) gradient[k] *= factor;
    if (!all_finite(gradient, count)) finite.store(false, std::memory_order_relaxed);
  });
  return finite.load();
}

template class SlicedPullback<float>;
template class SlicedPullback<double>;

}  // namespace otcore::minibatch
