// Entropic inner problems: Sinkhorn, unbalanced or not, and IPOT. A record is the potentials, which
// the plan is made of again in one pass.
#pragma once

#include <optional>
#include <vector>

#include "base/aligned.h"
#include "entropic/problem.h"
#include "minibatch/inner.h"

namespace otcore::minibatch {

// For points in T; the arithmetic on pairs of points is Real's, on costs that were formed in
// float64.
template <class T, class Real>
class EntropicInner final : public InnerSolver<T> {
 public:
  EntropicInner(const InnerOptions& options, std::size_t mx, std::size_t my, int n_threads);

  InnerResult solve(const Batches<T>& batches, std::size_t i, std::size_t j,
                    Monitor& monitor) override;
  [[nodiscard]] InnerPlan plan() const override;
  [[nodiscard]] std::size_t record_size() const override;
  void keep(std::byte* record) const override;
  InnerPlan recall(const Batches<T>& batches, std::size_t i, std::size_t j,
                   const std::byte* record) override;
  void weight_slopes(const Batches<T>& batches, std::size_t i, std::size_t j,
                     const std::byte* record, double* slopes_x, double* slopes_y,
                     Monitor& monitor) override;

 private:
  // One side of the plan of the potentials: P = exp((f' + g' - C) / eps) a' b' with a' = P 1, and
  // b' = P^T 1 but for what is left of the marginals' error.
  struct Relaxed {
    std::vector<double> mass;
    std::vector<double> potential;

    void set(const double* weights, const std::vector<double>& of, double rho, double eps);
  };

  void read_costs(const Batches<T>& batches, std::size_t i, std::size_t j);
  void read_record(const std::byte* record);
  void gather(const Batches<T>& batches, std::size_t i, std::size_t j);
  void slopes(const std::vector<double>& potential, double rho, double* out) const;

  entropic::Options options_;
  bool linear_;
  std::size_t mx_;
  std::size_t my_;
  std::size_t stride_;
  AlignedArray<double> costs_;
  std::vector<Real> narrow_;  // the costs in Real, where that is not double
  std::optional<entropic::Problem<Real>> problem_;

  // Of the last pair solved or recalled.
  std::vector<double> f_;
  std::vector<double> g_;
  double eps_ = 0.0;
  Relaxed row_side_;
  Relaxed col_side_;
  entropic::SparsePlan entries_;
  std::vector<std::int32_t> rows_;
};

}  // namespace otcore::minibatch
