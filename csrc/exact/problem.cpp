#include "exact/problem.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/masses.h"
#include "base/sizes.h"
#include "exact/assignment.h"
#include "exact/certificate.h"
#include "exact/kernels.h"
#include "exact/large.h"
#include "exact/oblong.h"
#include "exact/pricing.h"
#include "exact/range.h"
#include "exact/simplex.h"
#include "exact/start.h"
#include "exact/tuning.h"

namespace otcore::exact {

Solution part_of(const Solutions& all, std::size_t b, std::size_t n, std::size_t m) {
  const std::size_t entries = max_plan_entries(n, m);
  Solution one;
  if (all.potential_a != nullptr) one.potential_a = all.potential_a + b * n;
  if (all.potential_b != nullptr) one.potential_b = all.potential_b + b * m;
  if (all.mass != nullptr) {
    one.rows = all.rows + b * entries;
    one.cols = all.cols + b * entries;
    one.mass = all.mass + b * entries;
  }
  return one;
}

void store(const Solution& one, std::size_t b, const Solutions& all) {
  if (all.value != nullptr) all.value[b] = one.value;
  if (all.gap != nullptr) all.gap[b] = one.gap;
  if (all.n_iter != nullptr) all.n_iter[b] = one.n_iter;
  if (all.status != nullptr) all.status[b] = one.status;
  if (all.count != nullptr) all.count[b] = static_cast<std::int64_t>(one.count);
}

// Scratch for one problem at a time. Each method's own is made at its first problem and kept.
struct Solver::Impl {
  Impl(std::size_t rows, std::size_t cols, const Options& opts)
      : n(rows),
        m(cols),
        stride(round_up(cols, kColumnPadding)),
        options(opts),
        masses(rows, cols),
        u(rows),
        plan_rows(rows + cols),
        plan_cols(rows + cols),
        plan_units(rows + cols),
        counts(std::max(rows, cols) + 1),
        order(rows + cols) {
    constexpr std::size_t kMaxNodes = 0x7fffffff;
    if (n == 0 || m == 0 || n > kMaxNodes - m) {
      throw InvalidArgument("M", "shape (" + std::to_string(n) + ", " + std::to_string(m) + ")",
                            "at least one row and column, and n + m below 2^31");
    }
    checked_mul(checked_mul(n, stride, "M"), sizeof(double), "M");
  }

  double* cost_buffer() {
    if (buffer.empty()) buffer.resize(n * stride);
    return buffer.data();
  }

  void set_masses(const double* a, const double* b) {
    const bool uniform = a == nullptr && b == nullptr;
    if (!(uniform && has_uniform_masses)) masses.set(a, b, options.mass_tolerance);
    has_uniform_masses = uniform;
  }

  // An assignment takes at most n augmenting paths; a smaller max_iter, and a call that was stopped
  // already, want a feasible plan early: the simplex has one.
  [[nodiscard]] bool is_assignment(const Monitor& monitor) const {
    return n == m && n <= kMaxAssignment && masses.uniform() && options.max_iter.value_or(n) >= n &&
           monitor.stopped() == Stop::none;
  }

  // Costs laid out as the buffer, entries ranged.
  void solve_padded(const double* costs, const CostRange& range, Monitor& monitor, Solution& out) {
    const double scale = scale_for(magnitude(range));
    const MatrixView<const double> view{costs, n, stride, stride};
    if (is_assignment(monitor)) {
      solve_assignment(view, scale, out);
    } else if (options.start != nullptr || is_long(masses)) {
      announce_stages(monitor);
      solve_large(MatrixView<const double>{costs, n, m, stride}, magnitude(range) * scale, scale,
                  monitor, out);
    } else {
      solve_simplex(view, magnitude(range) * scale, scale, monitor, out);
    }
  }

  const double* scaled_costs(const double* costs, double scale) {
    if (scale == 1.0) return costs;
    scaled.resize(n * stride);
    std::transform(costs, costs + n * stride, scaled.begin(),
                   [scale](double cost) { return cost * scale; });
    return scaled.data();
  }

  void solve_assignment(MatrixView<const double> costs, double scale, Solution& out) {
    if (!assignment) assignment.emplace(n);
    out.n_iter = static_cast<std::int64_t>(assignment->solve(scaled_costs(costs.data, scale)));
    out.status = Status::optimal;
    for (std::size_t i = 0; i < n; ++i) {
      plan_rows[i] = static_cast<std::int32_t>(i);
      plan_cols[i] = static_cast<std::int32_t>(assignment->col_of_row()[i]);
      plan_units[i] = masses.supply()[i];
    }
    finish(costs, scale, n, false, assignment->v().data(), out);
  }

  void announce_stages(Monitor& monitor) const {
    if (options.tell_stages) monitor.set_total(kLargeStages);
  }

  // The caller's potentials in the solver's scale, or null.
  const double* scaled_start(double largest, double scale) {
    if (options.start == nullptr) return nullptr;
    scale_start(options.start, masses, 2.0 * largest, scale, start);
    return start.data();
  }

  // Every arc is priced in turn. `largest` is the largest modulus of a scaled cost.
  void solve_simplex(MatrixView<const double> costs, double largest, double scale, Monitor& monitor,
                     Solution& out) {
    if (!simplex) simplex.emplace(n, m);
    simplex->start_greedy(costs, scale, masses);
    DensePricing<double> pricing(costs, scale, masses.rows(), kPricingTolerance * largest);
    out.status = simplex->run(pricing, options.max_iter, monitor);
    finish_simplex(costs, scale, false, out);
  }

  // Few arcs are priced; the matrix is read in place, and looked at as a whole a few times.
  template <class T>
  void solve_large(MatrixView<const T> costs, double largest, double scale, Monitor& monitor,
                   Solution& out) {
    if (!simplex) simplex.emplace(n, m);
    const DenseProblem<T> problem{costs, scale, masses, options.n_threads, monitor};
    out.status =
        exact::solve_large(problem, kPricingTolerance * largest, scaled_start(largest, scale),
                           options.max_iter, options.tell_stages, *simplex, u.data());
    finish_simplex(costs, scale, out.status == Status::optimal, out);
  }

  template <class T>
  void finish_simplex(MatrixView<const T> costs, double scale, bool transformed, Solution& out) {
    out.n_iter = static_cast<std::int64_t>(simplex->pivots());
    const std::size_t count = simplex->flows(plan_rows.data(), plan_cols.data(), plan_units.data());
    finish(costs, scale, count, transformed, simplex->v(), out);
  }

  template <class T>
  void finish(MatrixView<const T> costs, double scale, std::size_t count, bool transformed,
              double* col_potentials, Solution& out) {
    const IntegerPlan plan{count, plan_rows.data(), plan_cols.data(), plan_units.data()};
    certify(DenseCosts<T>{costs, m, scale}, masses, plan, transformed, u.data(), col_potentials,
            out);
    if (!std::isfinite(out.value)) {
      throw InvalidArgument("M", "the transport cost overflows",
                            "costs whose products with the masses are finite");
    }
    write_sorted(plan, n, m, masses, counts.data(), order.data(), out);
  }

  std::size_t n;
  std::size_t m;
  std::size_t stride;
  Options options;
  Masses masses;
  bool has_uniform_masses = false;
  std::vector<double> buffer;
  std::vector<double> u;
  std::vector<std::int32_t> plan_rows;
  std::vector<std::int32_t> plan_cols;
  std::vector<std::int64_t> plan_units;
  std::vector<std::int32_t> counts;
  std::vector<std::int32_t> order;

  std::vector<double> scaled;
  std::vector<double> start;

  std::optional<AssignmentSolver> assignment;
  std::optional<NetworkSimplex> simplex;
};

Solver::Solver(std::size_t n, std::size_t m, const Options& options)
    : impl_(std::make_unique<Impl>(n, m, options)) {}
Solver::~Solver() = default;
Solver::Solver(Solver&&) noexcept = default;
Solver& Solver::operator=(Solver&&) noexcept = default;

double* Solver::cost_buffer() { return impl_->cost_buffer(); }

std::size_t Solver::cost_stride() const { return impl_->stride; }

void Solver::solve_padded(const double* costs, const double* a, const double* b, Monitor& monitor,
                          Solution& out) {
  if (impl_->n > kMaxPackedArcs / impl_->m) {
    solve(MatrixView<const double>{costs, impl_->n, impl_->m, impl_->stride}, a, b, monitor, out);
    return;
  }
  const MatrixView<const double> view{costs, impl_->n, impl_->m, impl_->stride};
  const CostRange range = cost_kernels<double>().range(costs, view.stride, view.rows, view.cols);
  if (!range.finite) throw_not_finite(view);
  impl_->set_masses(a, b);
  impl_->solve_padded(costs, range, monitor, out);
}

template <class T>
void Solver::solve(MatrixView<const T> costs, const double* a, const double* b, Monitor& monitor,
                   Solution& out) {
  Impl& impl = *impl_;
  const CostKernels<T>& kernel = cost_kernels<T>();
  impl.set_masses(a, b);
  if (impl.is_assignment(monitor) || impl.n <= kMaxPackedArcs / impl.m) {
    double* packed = impl.cost_buffer();
    const CostRange range =
        kernel.pack(costs.data, costs.stride, impl.n, impl.m, packed, impl.stride);
    if (!range.finite) throw_not_finite(costs);
    impl.solve_padded(packed, range, monitor, out);
    return;
  }
  impl.announce_stages(monitor);
  const CostRange range = range_of(costs, impl.options.n_threads, monitor);
  const double scale = scale_for(magnitude(range));
  impl.solve_large(costs, magnitude(range) * scale, scale, monitor, out);
}

template void Solver::solve(MatrixView<const float>, const double*, const double*, Monitor&,
                            Solution&);
template void Solver::solve(MatrixView<const double>, const double*, const double*, Monitor&,
                            Solution&);

}  // namespace otcore::exact
