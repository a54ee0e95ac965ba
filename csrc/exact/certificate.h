// The proof that goes with every plan: its cost, potentials that are feasible for every arc, and
// the gap between the two.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/masses.h"
#include "base/sum.h"
#include "base/views.h"
#include "exact/kernels.h"
#include "exact/problem.h"

namespace otcore::exact {

// A plan in integer masses: `count` arcs.
struct IntegerPlan {
  std::size_t count = 0;
  const std::int32_t* rows = nullptr;
  const std::int32_t* cols = nullptr;
  const std::int64_t* units = nullptr;
};

// Shifts the column potentials v so that sum_j b_j v_j = 0; returns what they lost.
double centre(const Masses& masses, std::size_t m, double* v);

// A dense matrix times a power of two, for certify. view.cols is m, or m padded: padding columns
// hold +infinity costs and v = 0.
template <class T>
struct DenseCosts {
  MatrixView<const T> view;
  std::size_t m;
  double scale;

  [[nodiscard]] std::size_t rows() const { return view.rows; }
  [[nodiscard]] std::size_t cols() const { return m; }
  [[nodiscard]] double cost(std::size_t i, std::size_t j) const {
    return static_cast<double>(view.row(i)[j]) * scale;
  }
  [[nodiscard]] double row_minimum(std::size_t i, const double* v) const {
    return cost_kernels<T>().row_minimum_value(view.row(i), scale, v, view.cols);
  }
  void fold_minima(std::size_t i, double u, double* minima) const {
    cost_kernels<T>().fold_minima(view.row(i), scale, u, m, minima);
  }
};

// Fills value and gap of `out` from a plan and potentials, which are there for all rows and columns
// with mass. cost(row, col), u and v are times scale.
template <class Cost>
void weigh(const Cost& cost, const Masses& masses, const IntegerPlan& plan, const double* u,
           const double* v, double scale, Solution& out) {
  CompensatedSum dual;
  for (const std::int32_t i : masses.rows()) {
    dual.add(masses.mass(masses.supply()[static_cast<std::size_t>(i)]) * u[i]);
  }
  for (const std::int32_t j : masses.cols()) {
    dual.add(masses.mass(masses.demand()[static_cast<std::size_t>(j)]) * v[j]);
  }
  CompensatedSum value;
  for (std::size_t k = 0; k < plan.count; ++k) {
    const auto i = static_cast<std::size_t>(plan.rows[k]);
    const auto j = static_cast<std::size_t>(plan.cols[k]);
    value.add(masses.mass(plan.units[k]) * cost(i, j));
  }
  out.value = value.value() / scale;
  out.gap = (value.value() - dual.value()) / scale;
}

// Given column potentials v (scaled; -infinity where a column has no mass): gives massless columns
// the largest feasible potential, centres v, sets u to the c-transform of v, u_i = min_j C_ij -
// v_j, so that u_i + v_j <= C_ij holds for every arc up to one rounding, and fills value, gap and
// potentials of `out` in the costs' own scale. Rows and columns that no arc bounds get 0. u has
// room for all rows; transformed: v is centred and u is its c-transform already, for the rows with
// mass. Costs: DenseCosts, or what has its functions.
template <class Costs>
void certify(const Costs& costs, const Masses& masses, const IntegerPlan& plan, bool transformed,
             double* u, double* v, Solution& out);

// Writes the plan's arcs to out.rows, out.cols and out.mass, by row and then by column. `counts`
// is scratch of max(n, m) + 1 numbers, `order` of plan.count.
void write_sorted(const IntegerPlan& plan, std::size_t n, std::size_t m, const Masses& masses,
                  std::int32_t* counts, std::int32_t* order, Solution& out);

}  // namespace otcore::exact
