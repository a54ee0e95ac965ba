// Exact inner problems. A record is the plan.
#pragma once

#include <optional>
#include <vector>

#include "exact/problem.h"
#include "minibatch/inner.h"

namespace otcore::minibatch {

template <class T>
class ExactInner final : public InnerSolver<T> {
 public:
  ExactInner(const Side<T>& x, const Side<T>& y);

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
  struct Worker {
    Worker(std::size_t mx, std::size_t my);

    exact::Solver solver;
    exact::Solution solution;
    std::vector<std::int32_t> rows;
    std::vector<std::int32_t> cols;
    std::vector<double> mass;
  };

  std::size_t mx_;
  std::size_t my_;
  std::size_t most_;  // entries of a plan
  std::optional<Worker> worker_;
};

}  // namespace otcore::minibatch
