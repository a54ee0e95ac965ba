// The table of inner problems: transport between every x batch and every y batch, or only between
// batches of the same number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/monitor.h"
#include "cost/cost.h"
#include "minibatch/batches.h"
#include "minibatch/inner.h"

namespace otcore::minibatch {

struct TableOptions {
  cost::Metric metric;
  bool diagonal = false;  // only the pairs (i, i); kx == ky
  bool root = false;      // costs W_p, the root of the transport cost W_p^p
  InnerOptions inner = {};
  int n_threads = 0;  // 0: num_threads()
};

// Where a plan goes: entry e moves mass[e] from place rows[e] to place cols[e]. The place of point
// r of batch i is i * m + r.
struct Entries {
  std::int64_t* rows = nullptr;
  std::int64_t* cols = nullptr;
  double* mass = nullptr;
};

// Solves tables of one shape one after another, keeping its memory. Pairs are numbered i * ky + j,
// or i in a diagonal table. A pair's cost is that of transport between its batches' normalised
// weights. The results are the same for any number of threads.
template <class T>
class Table {
 public:
  using Options = TableOptions;

  // The inner solutions' records are kept up to this size; pairs of a larger table are solved again
  // when their plans or potentials are needed.
  static constexpr std::size_t kRecordBytes = std::size_t{64} << 20;

  // The arrays behind x and y must live until the last solve. InvalidArgument for "root" where the
  // ground cost is no power of a metric or the inner cost no transport cost (a regularised
  // objective, unbalanced transport), for "k" where a diagonal table has kx != ky, and as
  // check_inner().
  Table(const Side<T>& x, const Side<T>& y, const TableOptions& options);
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // Solves all pairs of the batches (see Batches::pack; the same errors, and those of
  // Batches::costs). Pairs that a stop leaves unsolved cost NaN.
  void solve(const std::int64_t* batches_x, const std::int64_t* batches_y, Monitor& monitor);

  [[nodiscard]] const TableOptions& options() const { return options_; }
  [[nodiscard]] const Batches<T>& batches() const { return batches_; }

  // Per pair: the cost, and of its inner problem the gap (in W_p^p, with or without root) and the
  // marginals' error.
  [[nodiscard]] const std::vector<double>& costs() const { return costs_; }
  [[nodiscard]] const std::vector<double>& gaps() const { return gaps_; }
  [[nodiscard]] const std::vector<double>& errors() const { return errors_; }
  // The worst of all pairs.
  [[nodiscard]] Status status() const;

  // d cost / d W_p^p of a pair: 1, or the derivative of the root; 0 where a root is 0.
  [[nodiscard]] double cost_slope(std::size_t pair) const;

  // How many entries aggregate() writes.
  [[nodiscard]] std::size_t count_entries(const double* weights) const;

  // sum_p weights[p] * (plan of pair p), pair by pair; places repeat, pairs of weight 0 are left
  // out.
  void aggregate(const double* weights, const Entries& out, Monitor& monitor) const;

  // The derivative of sum_p weights[p] * W_p^p(pair p) in the points' weights, normalisation
  // included, by place: grad_x[kx * mx], grad_y[ky * my]. By the envelope theorem from the inner
  // potentials.
  void weight_gradient(const double* weights, double* grad_x, double* grad_y,
                       Monitor& monitor) const;

 private:
  using Solvers = std::vector<std::unique_ptr<InnerSolver<T>>>;

  [[nodiscard]] std::size_t row_batch(std::size_t pair) const {
    return options_.diagonal ? pair : pair / batches_.y().k;
  }
  [[nodiscard]] std::size_t col_batch(std::size_t pair) const {
    return options_.diagonal ? pair : pair % batches_.y().k;
  }
  [[nodiscard]] std::byte* record(std::size_t pair) const {
    return records_ == nullptr ? nullptr : records_.get() + pair * record_size_;
  }
  [[nodiscard]] std::size_t chunks(std::size_t pairs) const;
  [[nodiscard]] Solvers make_solvers(std::size_t pairs) const;
  void solve_pair(InnerSolver<T>& solver, std::size_t pair, Monitor& monitor);
  void write_pair(std::size_t pair, double weight, const InnerPlan& plan, const Entries& out) const;

  // body(pairs[i] or i, slot) for all i < count.
  template <class Body>
  void for_each_pair(const std::vector<std::size_t>* pairs, std::size_t count, int n_threads,
                     Monitor& monitor, const Body& body) const;

  TableOptions options_;
  Batches<T> batches_;
  Solvers solvers_;
  std::vector<double> costs_;
  std::vector<double> gaps_;
  std::vector<double> errors_;
  std::vector<Status> statuses_;
  std::vector<std::size_t> counts_;  // entries of each pair's plan
  std::size_t record_size_;
  std::unique_ptr<std::byte[]> records_;  // null where they are not kept
};

}  // namespace otcore::minibatch
