#include "minibatch/sliced_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/sizes.h"
#include "base/thread_pool.h"
#include "minibatch/sliced_pullback.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::minibatch {
namespace {

using sliced::kGroup;

// Batches of both sides whose pairs are a task, and numbers of each that are summed at a time,
// which keeps them in the caches (bench_minibatch, sliced_table).
constexpr std::size_t kTileRows = sliced::kPairRows;
constexpr std::size_t kTileCols = 32;
constexpr std::size_t kPairsPerTask = 64;  // of the diagonal
constexpr std::size_t kNumbersAtOnce = 2048;

}  // namespace

template <class T>
SlicedTable<T>::SlicedTable(const Side<T>& x, const Side<T>& y, const Options& options)
    : options_(options), batches_(x, y, options.directions) {
  if (options.diagonal && x.k != y.k) {
    throw InvalidArgument("k", std::to_string(x.k) + " and " + std::to_string(y.k) + " batches",
                          "the same number on both sides for diagonal pairs");
  }
  costs_.resize(options.diagonal ? x.k : checked_mul(x.k, y.k, "k"));
}

template <class T>
bool SlicedTable<T>::fit_columns() const {
  const Side<T>& x = batches_.x();
  const Side<T>& y = batches_.y();
  return x.m == y.m && x.weights == nullptr && y.weights == nullptr &&
         (options_.p == 1.0 || options_.p == 2.0) &&
         x.m <= sliced::project_kernels<T>().columns_up_to;
}

template <class T>
void SlicedTable<T>::solve(const std::int64_t* batches_x, const std::int64_t* batches_y,
                           Monitor& monitor) {
  batches_.take(batches_x, batches_y, options_.n_threads, monitor);
  sums_.assign(costs_.size(), {});
  if (fit_columns()) {
    sum_columns(monitor);
  } else {
    sum_rows(monitor);
  }
  const bool stopped = monitor.stopped() != Stop::none;
  status_ = stopped ? stopped_status(monitor.stopped()) : Status::optimal;
  for (std::size_t pair = 0; pair < costs_.size(); ++pair) {
    if (!stopped && !std::isfinite(sums_[pair].value())) throw_overflow();
    const double cost = sums_[pair].value() / static_cast<double>(batches_.slices());
    costs_[pair] = options_.root ? std::pow(cost, 1.0 / options_.p) : cost;
    if (stopped) costs_[pair] = std::numeric_limits<double>::quiet_NaN();
  }
}

template <class T>
void SlicedTable<T>::sum_columns(Monitor& monitor) {
  const bool keep = options_.keep && SlicedColumns<T>::fit(batches_);
  if (!columns_) columns_.emplace(batches_, keep, options_.n_threads);
  columns_->for_each_piece(batches_, monitor, [&](std::size_t /*first*/, std::size_t count) {
    add_columns(*columns_, count * columns_->group_size(), monitor);
  });
  if (!keep || monitor.stopped() != Stop::none) columns_.reset();
}

// Adds the costs of `length` numbers of every batch.
template <class T>
void SlicedTable<T>::add_columns(const SlicedColumns<T>& columns, std::size_t length,
                                 Monitor& monitor) {
  const std::size_t kx = batches_.x().k;
  const std::size_t ky = batches_.y().k;
  const auto m = static_cast<double>(batches_.x().m);
  const auto add_tile = [&](std::size_t i, std::size_t rows, std::size_t j, std::size_t cols,
                            std::size_t pair, std::size_t pair_stride) {
    std::array<double, kTileRows * kTileCols> sums;
    for (std::size_t start = 0; start < length; start += kNumbersAtOnce) {
      sliced::project_kernels<T>().pair_sums(columns.sorted(i) + start, columns.stride(), rows,
                                             columns.sorted(kx + j) + start, columns.stride(), cols,
                                             std::min(kNumbersAtOnce, length - start),
                                             options_.p == 2.0, sums.data());
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < cols; ++c) {
          sums_[pair + r * pair_stride + c].add(sums[r * cols + c] / m);
        }
      }
    }
  };
  if (options_.diagonal) {
    parallel_for((kx + kPairsPerTask - 1) / kPairsPerTask, options_.n_threads,
                 [&](std::size_t task, int) {
                   const std::size_t end = std::min(kx, (task + 1) * kPairsPerTask);
                   for (std::size_t i = task * kPairsPerTask; i < end; ++i)
                     add_tile(i, 1, i, 1, i, 1);
                 },
                 &monitor);
    return;
  }
  const std::size_t tiles = (ky + kTileCols - 1) / kTileCols;
  parallel_for((kx + kTileRows - 1) / kTileRows * tiles, options_.n_threads,
               [&](std::size_t task, int) {
                 if (monitor.stopped() != Stop::none) return;
                 const std::size_t i = task / tiles * kTileRows;
                 const std::size_t j = task % tiles * kTileCols;
                 add_tile(i, std::min(kTileRows, kx - i), j, std::min(kTileCols, ky - j),
                          i * ky + j, ky);
               },
               &monitor);
}

template <class T>
void SlicedTable<T>::sum_rows(Monitor& monitor) {
  const std::size_t pairs = costs_.size();
  SlicedRows<T> rows(batches_, options_.p, false, pairs, options_.n_threads);
  std::vector<double> costs;
  rows.for_each_piece(monitor, [&](std::size_t /*first*/, std::size_t count) {
    costs.resize(count * pairs);
    parallel_for(
        count, options_.n_threads,
        [&](std::size_t l, int slot) {
          if (monitor.stopped() != Stop::none) return;
          SliceAnswers answers;
          answers.costs = costs.data() + l * pairs;
          rows.solve(l, {nullptr, options_.diagonal}, answers, slot);
        },
        &monitor);
    if (monitor.stopped() != Stop::none) return;
    for (std::size_t l = 0; l < count; ++l) {
      for (std::size_t pair = 0; pair < pairs; ++pair) sums_[pair].add(costs[l * pairs + pair]);
    }
  });
}

template <class T>
double SlicedTable<T>::cost_slope(std::size_t pair) const {
  if (!options_.root) return 1.0;
  const double cost = costs_[pair];
  return cost == 0.0 ? 0.0 : std::pow(cost, 1.0 - options_.p) / options_.p;
}

// Where batch b's rows of `dims` numbers are; null where its side has none.
template <class T>
double* SlicedTable<T>::of_batch(std::size_t b, std::size_t dims, double* of_x,
                                 double* of_y) const {
  double* side = b < batches_.x().k ? of_x : of_y;
  return side == nullptr ? nullptr : side + batches_.number(b) * batches_.size(b) * dims;
}

template <class T>
void SlicedTable<T>::points_gradient(const double* weights, double* grad_x, double* grad_y,
                                     Monitor& monitor) const {
  const PairWeights pairs{weights, options_.diagonal};
  if (fit_columns() && pull_columns_back(pairs, grad_x, grad_y, monitor)) return;
  pull_rows_back(pairs, grad_x, grad_y, monitor);
}

template <class T>
void SlicedTable<T>::clear(double* grad_x, double* grad_y) const {
  const std::size_t dims = batches_.directions().cols;
  for (std::size_t b = 0; b < batches_.batches(); ++b) {
    if (double* own = of_batch(b, dims, grad_x, grad_y)) {
      std::fill_n(own, batches_.size(b) * dims, 0.0);
    }
  }
}

// False where it is to be done by rows.
template <class T>
bool SlicedTable<T>::pull_columns_back(const PairWeights& weights, double* grad_x, double* grad_y,
                                       Monitor& monitor) const {
  clear(grad_x, grad_y);
  SlicedPullback<T> pullback(batches_, weights, options_.p == 2.0, options_.n_threads, grad_x,
                             grad_y);
  if (columns_) {
    pullback.add(*columns_, 0, columns_->groups(), monitor);
  } else {
    SlicedColumns<T> columns(batches_, true, options_.n_threads);
    columns.for_each_piece(batches_, monitor, [&](std::size_t first, std::size_t count) {
      pullback.add(columns, first, count, monitor);
    });
  }
  return monitor.stopped() != Stop::none || pullback.finish();
}

template <class T>
void SlicedTable<T>::pull_rows_back(const PairWeights& weights, double* grad_x, double* grad_y,
                                    Monitor& monitor) const {
  clear(grad_x, grad_y);
  const MatrixView<const T> directions = batches_.directions();
  const std::size_t dims = directions.cols;
  const std::size_t places = batches_.places();
  const std::size_t padded = round_up(dims, sliced::kSumPadding);
  SlicedRows<T> rows(batches_, options_.p, true, places, options_.n_threads);
  std::vector<double> slopes;
  std::vector<double> scaled;  // directions / slices, padded
  rows.for_each_piece(monitor, [&](std::size_t first, std::size_t count) {
    slopes.resize(count * places);
    scaled.assign(count * padded, 0.0);
    parallel_for(
        count, options_.n_threads,
        [&](std::size_t l, int slot) {
          if (monitor.stopped() != Stop::none) return;
          SliceAnswers answers;
          answers.slopes = slopes.data() + l * places;
          rows.solve(l, weights, answers, slot);
          for (std::size_t c = 0; c < dims; ++c) {
            scaled[l * padded + c] = static_cast<double>(directions.row(first + l)[c]) /
                                     static_cast<double>(batches_.slices());
          }
        },
        &monitor);
    parallel_for(
        batches_.batches(), options_.n_threads,
        [&](std::size_t b, int) {
          double* own = of_batch(b, dims, grad_x, grad_y);
          if (own == nullptr || monitor.stopped() != Stop::none) return;
          const sliced::SlopeView<double> view{slopes.data() + batches_.place(b), 1, places, count,
                                               0};
          sliced::sum_kernels<double>().add_slopes(view, batches_.size(b), scaled.data(), count,
                                                   dims, own);
        },
        &monitor);
  });
}

template <class T>
void SlicedTable<T>::weight_gradient(const double* weights, double* grad_x, double* grad_y,
                                     Monitor& monitor) const {
  const std::size_t places = batches_.places();
  SlicedRows<T> rows(batches_, options_.p, true, places, options_.n_threads);
  std::vector<double> potentials;
  std::vector<double> sums(places);
  rows.for_each_piece(monitor, [&](std::size_t /*first*/, std::size_t count) {
    potentials.resize(count * places);
    parallel_for(
        count, options_.n_threads,
        [&](std::size_t l, int slot) {
          if (monitor.stopped() != Stop::none) return;
          SliceAnswers answers;
          answers.potentials = potentials.data() + l * places;
          rows.solve(l, {weights, options_.diagonal}, answers, slot);
        },
        &monitor);
    if (monitor.stopped() != Stop::none) return;
    for (std::size_t l = 0; l < count; ++l) {
      for (std::size_t k = 0; k < places; ++k) sums[k] += potentials[l * places + k];
    }
  });
  const double factor = 1.0 / static_cast<double>(batches_.slices());
  for (std::size_t b = 0; b < batches_.batches(); ++b) {
    double* own = of_batch(b, 1, grad_x, grad_y);
    std::fill_n(own, batches_.size(b), 0.0);
    batches_.drawn(b).add_weight_gradient(batches_.number(b), factor,
                                          sums.data() + batches_.place(b), own);
  }
}

template class SlicedTable<float>;
template class SlicedTable<double>;

}  // namespace otcore::minibatch
