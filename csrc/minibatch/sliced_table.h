// The table of sliced inner problems: the mean over directions of the transport cost W_p^p between
// the projections of every x batch and every y batch. They share the batches' sorted projections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/monitor.h"
#include "base/sum.h"
#include "base/views.h"
#include "minibatch/drawn.h"
#include "minibatch/sliced_batches.h"
#include "minibatch/sliced_columns.h"
#include "minibatch/sliced_rows.h"
#include "minibatch/status.h"

namespace otcore::minibatch {

template <class T>
struct SlicedOptions {
  MatrixView<const T> directions;  // a row each
  double p = 2.0;                  // finite, >= 1
  bool diagonal = false;           // as TableOptions
  bool root = false;
  bool keep = false;  // projections, for gradients in the points that follow: quicker, more memory
  int n_threads = 0;
};

// As Table, of what has no plan: instead the costs are differentiated in the points here.
//
// Equal batches of as many points, all of the same weight, are sorted by a network on all
// directions of a vector at once; for p = 1 and 2 the costs are then sums over rows of numbers.
// Their projections may be kept for the gradient, up to a size. Other batches are coupled by the
// solver of the line, direction by direction.
template <class T>
class SlicedTable {
 public:
  using Options = SlicedOptions<T>;

  // The arrays behind x, y and the directions must live until the last use. InvalidArgument for
  // "inner_projections" (not finite) and "k" (a diagonal table with kx != ky).
  SlicedTable(const Side<T>& x, const Side<T>& y, const Options& options);

  // Solves all pairs of the batches, which must live until the last use. Errors:
  // SlicedBatches::take, throw_overflow(). After a stop all costs are NaN.
  void solve(const std::int64_t* batches_x, const std::int64_t* batches_y, Monitor& monitor);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const SlicedBatches<T>& batches() const { return batches_; }
  [[nodiscard]] const std::vector<double>& costs() const { return costs_; }
  [[nodiscard]] Status status() const { return status_; }
  // As Table::cost_slope.
  [[nodiscard]] double cost_slope(std::size_t pair) const;

  // The derivatives of sum_p weights[p] * W_p^p(pair p) in the points, by place: grad_x[kx * mx *
  // d] and grad_y[ky * my * d]; null: not asked for. By the envelope theorem, 0 at the kink of p
  // = 1.
  void points_gradient(const double* weights, double* grad_x, double* grad_y,
                       Monitor& monitor) const;
  // As Table::weight_gradient.
  void weight_gradient(const double* weights, double* grad_x, double* grad_y,
                       Monitor& monitor) const;

 private:
  [[nodiscard]] bool fit_columns() const;
  void sum_columns(Monitor& monitor);
  void add_columns(const SlicedColumns<T>& columns, std::size_t length, Monitor& monitor);
  void sum_rows(Monitor& monitor);
  void clear(double* grad_x, double* grad_y) const;
  bool pull_columns_back(const PairWeights& weights, double* grad_x, double* grad_y,
                         Monitor& monitor) const;
  void pull_rows_back(const PairWeights& weights, double* grad_x, double* grad_y,
                      Monitor& monitor) const;
  double* of_batch(std::size_t b, std::size_t dims, double* of_x, double* of_y) const;

  Options options_;
  SlicedBatches<T> batches_;
  std::optional<SlicedColumns<T>> columns_;  // of the last solve, where they are kept
  std::vector<CompensatedSum> sums_;
  std::vector<double> costs_;
  Status status_ = Status::optimal;
};

}  // namespace otcore::minibatch
