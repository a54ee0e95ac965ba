// A pass over all points: batches that share out the mass of both sides, each pair of them solved,
// and the plan between all points that they make up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/monitor.h"
#include "base/views.h"
#include "cost/cost.h"
#include "minibatch/inner.h"
#include "minibatch/status.h"
#include "minibatch/table.h"

namespace otcore::minibatch {

// One side: batch b is the entries offsets[b] .. offsets[b + 1] of index (numbers of points) and of
// mass, at least one. A point may be in several batches.
template <class T>
struct PassSide {
  MatrixView<const T> points;
  const std::int64_t* offsets = nullptr;
  const std::int64_t* index = nullptr;
  const double* mass = nullptr;  // null: all entries have the same
};

struct PassOptions {
  cost::Metric metric;
  InnerOptions inner = {};
  int n_threads = 0;
};

// Of every batch; arrays of the caller.
struct PassAnswers {
  double* cost = nullptr;  // between its two sides' normalised masses
  double* gap = nullptr;   // see InnerResult
};

// Solves the `batches` pairs of a pass. In memory: the plan, and what one batch needs for each
// thread; points are read and converted when their batch is solved.
template <class T>
class Pass {
 public:
  // `weights`: for each of the `batches` which part of all mass it carries. The arrays must live as
  // long as this. InvalidArgument as check_inner().
  Pass(const PassSide<T>& x, const PassSide<T>& y, const double* weights, std::size_t batches,
       const PassOptions& options);

  // Solves all batches; progress counts them. The results are the same for any number of threads.
  // After a stop the batches left over cost NaN and have no plan. Errors: Batches::pack, with
  // numbers of points, and Batches::costs.
  void solve(const PassAnswers& out, Monitor& monitor);

  [[nodiscard]] double marginal_error() const { return marginal_error_; }  // the largest
  [[nodiscard]] Status status() const { return status_; }                  // the worst

  // How many entries the plan has, and the plan, batch by batch, whose masses add up to the
  // batches' weights. It is gone then.
  [[nodiscard]] std::size_t count() const;
  void take_plan(const Entries& out);

 private:
  struct Entry {
    std::int32_t row;
    std::int32_t col;
    double mass;
  };
  struct Worker;

  void solve_batch(std::size_t b, Worker& worker, const PassAnswers& out, Monitor& monitor);

  PassSide<T> x_;
  PassSide<T> y_;
  PassOptions options_;
  std::vector<std::vector<Entry>> plans_;  // of the batches' normalised masses
  const double* weights_;
  std::vector<double> errors_;
  std::vector<Status> statuses_;
  double marginal_error_ = 0.0;
  Status status_ = Status::optimal;
};

}  // namespace otcore::minibatch
