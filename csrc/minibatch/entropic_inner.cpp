#include "minibatch/entropic_inner.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "base/error.h"
#include "base/sizes.h"
#include "cost/tiles.h"

namespace otcore::minibatch {
namespace {

// Entries of a plan below this part of what their rows or columns hold are left out: together they
// are less than the rounding of the sums.
constexpr double kDropped = 0x1p-50;

entropic::Options serial(entropic::Options options, int n_threads) {
  options.n_threads = n_threads;
  options.start = nullptr;
  return options;
}

}  // namespace

template <class T, class Real>
EntropicInner<T, Real>::EntropicInner(const InnerOptions& options, std::size_t mx, std::size_t my,
                                      int n_threads)
    : options_(serial(*options.entropic, n_threads)),
      linear_(options.linear),
      mx_(mx),
      my_(my),
      stride_(round_up(my, cost::kColumnPadding<double>)),
      f_(mx),
      g_(my) {}

// The costs of the pair, for the next solve or pass.
template <class T, class Real>
void EntropicInner<T, Real>::read_costs(const Batches<T>& batches, std::size_t i, std::size_t j) {
  if (costs_ == nullptr) costs_ = aligned_array<double>(checked_mul(mx_, stride_, "m"), "m");
  batches.costs(i, j, costs_.get(), stride_);
  MatrixView<const Real> view;
  if constexpr (std::is_same_v<Real, double>) {
    view = {costs_.get(), mx_, my_, stride_};
  } else {
    narrow_.resize(mx_ * my_);
    for (std::size_t r = 0; r < mx_; ++r) {
      std::transform(costs_.get() + r * stride_, costs_.get() + r * stride_ + my_,
                     narrow_.begin() + static_cast<std::ptrdiff_t>(r * my_),
                     [](double cost) { return static_cast<Real>(cost); });
    }
    if (std::any_of(narrow_.begin(), narrow_.end(), [](Real cost) { return std::isinf(cost); })) {
      throw InvalidArgument("X, Y", "ground costs overflow float32",
                            "smaller coordinates, or float64");
    }
    view = {narrow_.data(), mx_, my_, my_};
  }
  if (problem_) {
    problem_->sweep().reset(view);
  } else {
    problem_.emplace(entropic::Sweep<Real>(view, options_.n_threads), options_);
  }
}

template <class T, class Real>
InnerResult EntropicInner<T, Real>::solve(const Batches<T>& batches, std::size_t i, std::size_t j,
                                          Monitor& monitor) {
  if (monitor.stopped() != Stop::none) return unsolved(monitor);
  read_costs(batches, i, j);
  entropic::Solution solution;
  solution.potential_a = f_.data();
  solution.potential_b = g_.data();
  problem_->solve(batches.weights_x(i), batches.weights_y(j), monitor, solution);
  if (monitor.stopped() != Stop::none) return unsolved(monitor);
  eps_ = solution.eps;
  gather(batches, i, j);
  return {linear_ ? solution.value_linear : solution.value, solution.gap, solution.marginal_error,
          entries_.mass.size(), status_of(solution.status)};
}

template <class T, class Real>
void EntropicInner<T, Real>::Relaxed::set(const double* weights, const std::vector<double>& of,
                                          double rho, double eps) {
  const std::size_t m = of.size();
  mass.resize(m);
  potential.resize(m);
  for (std::size_t r = 0; r < m; ++r) {
    mass[r] = weights == nullptr ? 1.0 / static_cast<double>(m) : weights[r];
    potential[r] = of[r];
    if (std::isinf(rho) || mass[r] == 0.0) continue;
    mass[r] *= std::exp(-of[r] / rho);
    potential[r] *= 1.0 + eps / rho;
  }
}

// entries_ and rows_ <- the plan of the potentials.
template <class T, class Real>
void EntropicInner<T, Real>::gather(const Batches<T>& batches, std::size_t i, std::size_t j) {
  row_side_.set(batches.weights_x(i), f_, options_.rho_a, eps_);
  col_side_.set(batches.weights_y(j), g_, options_.rho_b, eps_);
  const auto positive = [](double mass) { return mass > 0.0; };
  if (std::none_of(row_side_.mass.begin(), row_side_.mass.end(), positive) ||
      std::none_of(col_side_.mass.begin(), col_side_.mass.end(), positive)) {
    entries_.cols.clear();  // all mass stays where it is
    entries_.mass.clear();
    rows_.clear();
    return;
  }
  problem_->sweep().extract({eps_, row_side_.mass.data(), col_side_.mass.data(),
                             row_side_.potential.data(), col_side_.potential.data()},
                            kDropped, mx_ * my_, entries_);
  rows_.resize(entries_.mass.size());
  for (std::size_t r = 0; r < mx_; ++r) {
    std::fill(rows_.begin() + entries_.starts[r], rows_.begin() + entries_.starts[r + 1],
              static_cast<std::int32_t>(r));
  }
}

template <class T, class Real>
InnerPlan EntropicInner<T, Real>::plan() const {
  return {rows_.data(), entries_.cols.data(), entries_.mass.data()};
}

template <class T, class Real>
std::size_t EntropicInner<T, Real>::record_size() const {
  return (mx_ + my_ + 1) * sizeof(double);
}

template <class T, class Real>
void EntropicInner<T, Real>::keep(std::byte* record) const {
  auto* numbers = reinterpret_cast<double*>(record);
  std::copy(f_.begin(), f_.end(), numbers);
  std::copy(g_.begin(), g_.end(), numbers + mx_);
  numbers[mx_ + my_] = eps_;
}

template <class T, class Real>
InnerPlan EntropicInner<T, Real>::recall(const Batches<T>& batches, std::size_t i, std::size_t j,
                                         const std::byte* record) {
  read_record(record);
  read_costs(batches, i, j);
  gather(batches, i, j);
  return plan();
}

template <class T, class Real>
void EntropicInner<T, Real>::read_record(const std::byte* record) {
  const auto* numbers = reinterpret_cast<const double*>(record);
  std::copy_n(numbers, mx_, f_.begin());
  std::copy_n(numbers + mx_, my_, g_.begin());
  eps_ = numbers[mx_ + my_];
}

template <class T, class Real>
void EntropicInner<T, Real>::weight_slopes(const Batches<T>& batches, std::size_t i, std::size_t j,
                                           const std::byte* record, double* slopes_x,
                                           double* slopes_y, Monitor& monitor) {
  if (linear_) {
    std::fill_n(slopes_x, mx_, 0.0);
    std::fill_n(slopes_y, my_, 0.0);
    return;
  }
  if (record == nullptr) {
    solve(batches, i, j, monitor);
  } else {
    read_record(record);
  }
  slopes(f_, options_.rho_a, slopes_x);
  slopes(g_, options_.rho_b, slopes_y);
}

// d/da_i of rho KL(P 1 | a) + eps KL(P | a x b) at a plan with P 1 = a exp(-f / rho):
// (rho + eps) (1 - exp(-f_i / rho)), and f_i in balanced problems.
template <class T, class Real>
void EntropicInner<T, Real>::slopes(const std::vector<double>& potential, double rho,
                                    double* out) const {
  std::transform(potential.begin(), potential.end(), out, [&](double f) {
    return std::isinf(rho) ? f : -(rho + eps_) * std::expm1(-f / rho);
  });
}

template class EntropicInner<float, float>;
template class EntropicInner<float, double>;
template class EntropicInner<double, double>;

}  // namespace otcore::minibatch
