// Mini-batch optimal transport between given batches: the table of inner problems, then the
// coupling of the batches. m-OT, BoMb-OT and eBoMb-OT of "On Transportation of Mini-batches: A
// Hierarchical Approach" (Nguyen et al., ICML 2022), definitions 1 and 3 and equation 4.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/monitor.h"
#include "minibatch/batches.h"
#include "minibatch/outer.h"
#include "minibatch/table.h"

namespace otcore::minibatch {

struct TransportOptions {
  cost::Metric metric;
  Coupling coupling = Coupling::exact;
  double outer_reg = 0.0;  // entropic coupling only
  bool by_mass = false;    // batches weigh as much as their points; else all the same
  bool root = false;       // see TableOptions
  InnerOptions inner = {};
  int n_threads = 0;
};

struct CouplingOptions {
  Coupling kind = Coupling::exact;
  double outer_reg = 0.0;
  bool by_mass = false;
};

// Solves one set of batches after another. PairTable is what solves the inner problems: a Table, or
// a SlicedTable.
template <class T, class PairTable = Table<T>>
class Transport {
 public:
  // Of `table` it is for the coupling to say what is diagonal. The arrays behind x and y must live
  // until the last solve. InvalidArgument as the table and Outer, and for "batch_weights" where
  // diagonal pairs are weighed by mass, which the two sides' batches differ in.
  Transport(const Side<T>& x, const Side<T>& y, const typename PairTable::Options& table,
            const CouplingOptions& coupling);
  Transport(const Side<T>& x, const Side<T>& y, const TransportOptions& options)
    requires std::same_as<PairTable, Table<T>>
      : Transport(x, y,
                  {.metric = options.metric,
                   .root = options.root,
                   .inner = options.inner,
                   .n_threads = options.n_threads},
                  {options.coupling, options.outer_reg, options.by_mass}) {}

  // The batches must live as long as plans or gradients are asked for. Errors: see Table::solve.
  void solve(const std::int64_t* batches_x, const std::int64_t* batches_y, Monitor& monitor);

  [[nodiscard]] const PairTable& table() const { return table_; }
  [[nodiscard]] const std::vector<double>& coupling() const { return coupling_; }
  [[nodiscard]] const OuterResult& result() const { return result_; }
  // The worse of the inner problems' and the coupling's.
  [[nodiscard]] Status status() const { return std::max(table_.status(), result_.status); }

  // d value / d W_p^p(pair), per pair: sum_p gradient[p] * (plan of pair p) is the gradient of the
  // value in the ground costs.
  [[nodiscard]] std::vector<double> pair_gradient() const;

  // The gradient of the value in the points' weights, normalisation included: grad_a has an entry
  // for every point of X, grad_b for every point of Y.
  void weight_gradient(double* grad_a, double* grad_b, Monitor& monitor) const;

 private:
  // The derivatives of the value in the table's costs and in both sides' batch weights.
  struct OuterGradient {
    std::vector<double> costs;
    std::vector<double> u;
    std::vector<double> v;
  };
  [[nodiscard]] OuterGradient outer_gradient() const;

  CouplingOptions options_;
  PairTable table_;
  Outer outer_;
  const std::int64_t* batches_x_ = nullptr;
  const std::int64_t* batches_y_ = nullptr;
  std::vector<double> u_;
  std::vector<double> v_;
  std::vector<double> coupling_;
  OuterResult result_;
};

}  // namespace otcore::minibatch
