#include "minibatch/exact_inner.h"

#include <algorithm>
#include <cassert>

namespace otcore::minibatch {

template <class T>
ExactInner<T>::Worker::Worker(std::size_t mx, std::size_t my)
    : solver(mx, my, {}),
      rows(exact::max_plan_entries(mx, my)),
      cols(rows.size()),
      mass(rows.size()) {
  solution.rows = rows.data();
  solution.cols = cols.data();
  solution.mass = mass.data();
}

template <class T>
ExactInner<T>::ExactInner(const Side<T>& x, const Side<T>& y)
    : mx_(x.m),
      my_(y.m),
      // The plan of equal batches is a permutation.
      most_(x.m == y.m && x.weights == nullptr && y.weights == nullptr
                ? x.m
                : exact::max_plan_entries(x.m, y.m)) {}

template <class T>
InnerResult ExactInner<T>::solve(const Batches<T>& batches, std::size_t i, std::size_t j,
                                 Monitor& monitor) {
  if (monitor.stopped() != Stop::none) return unsolved(monitor);
  if (!worker_) worker_.emplace(mx_, my_);
  auto& [solver, solution, rows, cols, mass] = *worker_;
  double* costs = solver.cost_buffer();
  batches.costs(i, j, costs, solver.cost_stride());
  solver.solve_padded(costs, batches.weights_x(i), batches.weights_y(j), monitor, solution);
  if (solution.status != exact::Status::optimal) return unsolved(monitor);
  return {solution.value, solution.gap, 0.0, solution.count, Status::optimal};
}

template <class T>
InnerPlan ExactInner<T>::plan() const {
  return {worker_->rows.data(), worker_->cols.data(), worker_->mass.data()};
}

template <class T>
std::size_t ExactInner<T>::record_size() const {
  return most_ * (sizeof(double) + 2 * sizeof(std::int32_t));
}

template <class T>
void ExactInner<T>::keep(std::byte* record) const {
  const std::size_t count = worker_->solution.count;
  assert(count <= most_);
  auto* mass = reinterpret_cast<double*>(record);
  auto* rows = reinterpret_cast<std::int32_t*>(mass + most_);
  std::copy_n(worker_->mass.data(), count, mass);
  std::copy_n(worker_->rows.data(), count, rows);
  std::copy_n(worker_->cols.data(), count, rows + most_);
}

template <class T>
InnerPlan ExactInner<T>::recall(const Batches<T>& /*batches*/, std::size_t /*i*/, std::size_t /*j*/,
                                const std::byte* record) {
  const auto* mass = reinterpret_cast<const double*>(record);
  const auto* rows = reinterpret_cast<const std::int32_t*>(mass + most_);
  return {rows, rows + most_, mass};
}

template <class T>
void ExactInner<T>::weight_slopes(const Batches<T>& batches, std::size_t i, std::size_t j,
                                  const std::byte* /*record*/, double* slopes_x, double* slopes_y,
                                  Monitor& monitor) {
  if (!worker_) worker_.emplace(mx_, my_);
  worker_->solution.potential_a = slopes_x;
  worker_->solution.potential_b = slopes_y;
  solve(batches, i, j, monitor);
  worker_->solution.potential_a = worker_->solution.potential_b = nullptr;
}

template class ExactInner<float>;
template class ExactInner<double>;

}  // namespace otcore::minibatch
