#include "minibatch/sliced_rows.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/sizes.h"
#include "base/thread_pool.h"
#include "sliced/tuning.h"

namespace otcore::minibatch {
namespace {

using sliced::kGroup;

// What a piece takes, if there are two slices or more in it.
constexpr std::size_t kPieceBytes = std::size_t{64} << 20;

// Slices for which a batch is gathered once.
constexpr std::size_t kSlicesPerTask = 4 * kGroup;

}  // namespace

template <class T>
SlicedRows<T>::SlicedRows(const SlicedBatches<T>& batches, double p, bool with_order,
                          std::size_t answers, int n_threads)
    : batches_(batches),
      p_(p),
      with_order_(with_order),
      weighted_(batches.x().weights != nullptr || batches.y().weights != nullptr),
      n_threads_(n_threads) {
  const std::size_t places = batches.places();
  const std::size_t number = sizeof(T) + (with_order_ ? sizeof(std::int32_t) : 0) +
                             (weighted_ ? sizeof(std::int32_t) + sizeof(double) : 0);
  const std::size_t bytes = places * number + answers * sizeof(double);
  at_once_ = std::clamp<std::size_t>(kPieceBytes / bytes, 1, batches.slices());
  // Pieces begin where groups of directions do, or lie within one.
  at_once_ = at_once_ >= kGroup ? at_once_ / kGroup * kGroup : std::bit_floor(at_once_);
  rows_.resize(checked_mul(at_once_, places, "k"));
  if (with_order_ || weighted_) order_.resize(rows_.size());
  if (weighted_) weights_.resize(rows_.size());
  workers_.resize(static_cast<std::size_t>(slots_for(batches.batches() * at_once_, n_threads)));
}

template <class T>
void SlicedRows<T>::sort(std::size_t first, std::size_t count, Monitor& monitor) {
  for (Worker& worker : workers_) worker.solver.reset();  // it knows weights by where they are
  const std::size_t places = batches_.places();
  const std::size_t blocks = (count + kSlicesPerTask - 1) / kSlicesPerTask;
  parallel_for(
      batches_.batches() * blocks, n_threads_,
      [&](std::size_t task, int slot) {
        if (monitor.stopped() != Stop::none) return;
        const std::size_t b = task / blocks;
        const std::size_t start = task % blocks * kSlicesPerTask;
        const std::size_t end = std::min(count, start + kSlicesPerTask);
        const std::size_t place = start * places + batches_.place(b);
        batches_.sort_rows(b, first + start, end - start,
                           workers_[static_cast<std::size_t>(slot)].scratch, rows_.data() + place,
                           places, order_.empty() ? nullptr : order_.data() + place);
        const double* own = batches_.drawn(b).weights(batches_.number(b));
        if (own == nullptr) return;
        for (std::size_t l = start; l < end; ++l) {
          const std::size_t row = l * places + batches_.place(b);
          for (std::size_t k = row; k < row + batches_.size(b); ++k) {
            weights_[k] = own[static_cast<std::size_t>(order_[k])];
          }
        }
      },
      &monitor);
}

// x batch i and every y batch.
template <class T>
oned::Lines<T> SlicedRows<T>::lines(std::size_t l, std::size_t i) const {
  const Side<T>& x = batches_.x();
  const Side<T>& y = batches_.y();
  const std::size_t row = l * batches_.places();
  const std::size_t at_x = row + batches_.place(i);
  const std::size_t at_y = row + batches_.place(x.k);
  oned::Lines<T> problems{
      y.k, {rows_.data() + at_x, x.m, 0}, {rows_.data() + at_y, y.m, y.m}, {}, {}};
  if (x.weights != nullptr) problems.a = {weights_.data() + at_x, x.m, 0};
  if (y.weights != nullptr) problems.b = {weights_.data() + at_y, y.m, y.m};
  return problems;
}

template <class T>
void SlicedRows<T>::solve(std::size_t l, const PairWeights& weights, const SliceAnswers& out,
                          int slot) {
  const std::size_t ky = batches_.y().k;
  const std::size_t mx = batches_.x().m;
  const std::size_t my = batches_.y().m;
  Worker& worker = workers_[static_cast<std::size_t>(slot)];
  worker.values.resize(ky);
  oned::Solutions answers;
  answers.value = worker.values.data();
  if (out.slopes != nullptr) {
    worker.slopes_x.resize(ky * mx);
    worker.slopes_y.resize(ky * my);
    worker.slopes.assign(batches_.places(), 0.0);
    answers.gradient_x = worker.slopes_x.data();
    answers.gradient_y = worker.slopes_y.data();
  }
  if (out.potentials != nullptr) {
    worker.potentials_x.resize(ky * mx);
    worker.potentials_y.resize(ky * my);
    worker.potentials.assign(batches_.places(), 0.0);
    answers.potential_a = worker.potentials_x.data();
    answers.potential_b = worker.potentials_y.data();
  }
  const auto add = [&](double weight, const std::vector<double>& from, std::size_t j, std::size_t b,
                       std::vector<double>& to) {
    const std::size_t m = batches_.size(b);
    double* sums = to.data() + batches_.place(b);
    for (std::size_t k = 0; k < m; ++k) sums[k] += weight * from[j * m + k];
  };
  for (std::size_t i = 0; i < batches_.x().k; ++i) {
    if (worker.solver) {
      worker.solver->rebind(lines(l, i), answers);
    } else {
      worker.solver.emplace(lines(l, i), oned::Options{.p = p_, .n_threads = 1}, answers);
    }
    for (std::size_t j = weights.begin(i); j < weights.end(i, ky); ++j) {
      const std::size_t pair = weights.pair(i, j, ky);
      const double weight = weights.data == nullptr ? 1.0 : weights.data[pair];
      if (weight == 0.0) continue;
      try {
        worker.solver->solve(j);
      } catch (const InvalidArgument& error) {
        throw_overflow();  // the weights were looked at before
      }
      if (out.costs != nullptr) out.costs[pair] = worker.values[j];
      if (out.slopes != nullptr) {
        add(weight, worker.slopes_x, j, i, worker.slopes);
        add(weight, worker.slopes_y, j, batches_.x().k + j, worker.slopes);
      }
      if (out.potentials != nullptr) {
        add(weight, worker.potentials_x, j, i, worker.potentials);
        add(weight, worker.potentials_y, j, batches_.x().k + j, worker.potentials);
      }
    }
  }
  if (out.slopes != nullptr) scatter(l, worker.slopes, out.slopes);
  if (out.potentials != nullptr) scatter(l, worker.potentials, out.potentials);
}

// From the order of the slice to that of the batches.
template <class T>
void SlicedRows<T>::scatter(std::size_t l, const std::vector<double>& sorted, double* out) const {
  const std::int32_t* order = order_.data() + l * batches_.places();
  for (std::size_t b = 0; b < batches_.batches(); ++b) {
    const std::size_t start = batches_.place(b);
    for (std::size_t k = start; k < start + batches_.size(b); ++k) {
      out[start + static_cast<std::size_t>(order[k])] = sorted[k];
    }
  }
}

template class SlicedRows<float>;
template class SlicedRows<double>;

}  // namespace otcore::minibatch
