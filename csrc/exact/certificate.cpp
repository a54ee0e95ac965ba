#include "exact/certificate.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/sum.h"
#include "exact/sparse_costs.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// v_j = min_i C_ij - u_i for the columns without mass, over the rows with mass.
template <class Costs>
void complete_columns(const Costs& costs, const Masses& masses, const double* u, double* v) {
  std::vector<double> minima(costs.cols(), kInfinity);
  for (const std::int32_t i : masses.rows()) {
    const auto row = static_cast<std::size_t>(i);
    costs.fold_minima(row, u[row], minima.data());
  }
  for (std::size_t j = 0; j < minima.size(); ++j) {
    if (masses.demand()[j] == 0) v[j] = minima[j];
  }
}

}  // namespace

double centre(const Masses& masses, std::size_t m, double* v) {
  CompensatedSum weighted;
  for (const std::int32_t j : masses.cols()) {
    const auto col = static_cast<std::size_t>(j);
    weighted.add(masses.mass(masses.demand()[col]) * v[col]);
  }
  const double shift = weighted.value() / masses.total();
  for (std::size_t j = 0; j < m; ++j) v[j] -= shift;
  return shift;
}

template <class Costs>
void certify(const Costs& costs, const Masses& masses, const IntegerPlan& plan, bool transformed,
             double* u, double* v, Solution& out) {
  const std::size_t n = costs.rows();
  const std::size_t m = costs.cols();
  if (masses.cols().size() < m) {
    if (!transformed) {
      // Massless columns are at -infinity here, so they are not in the rows' minima.
      for (const std::int32_t i : masses.rows())
        u[i] = costs.row_minimum(static_cast<std::size_t>(i), v);
    }
    complete_columns(costs, masses, u, v);
  }
  if (!transformed) centre(masses, m, v);
  std::replace(v, v + m, kInfinity, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    if (!transformed || masses.supply()[i] == 0) u[i] = costs.row_minimum(i, v);
  }
  std::replace(u, u + n, kInfinity, 0.0);
  weigh([&](std::size_t i, std::size_t j) { return costs.cost(i, j); }, masses, plan, u, v,
        costs.scale, out);
  if (out.potential_a != nullptr) {
    for (std::size_t i = 0; i < n; ++i) out.potential_a[i] = u[i] / costs.scale;
  }
  if (out.potential_b != nullptr) {
    for (std::size_t j = 0; j < m; ++j) out.potential_b[j] = v[j] / costs.scale;
  }
}

void write_sorted(const IntegerPlan& plan, std::size_t n, std::size_t m, const Masses& masses,
                  std::int32_t* counts, std::int32_t* order, Solution& out) {
  out.count = plan.count;
  if (out.mass == nullptr) return;
  // Counting sort by column, then a stable one by row.
  std::fill(counts, counts + m + 1, 0);
  for (std::size_t k = 0; k < plan.count; ++k) ++counts[plan.cols[k] + 1];
  for (std::size_t j = 0; j < m; ++j) counts[j + 1] += counts[j];
  for (std::size_t k = 0; k < plan.count; ++k) {
    order[counts[plan.cols[k]]++] = static_cast<std::int32_t>(k);
  }
  std::fill(counts, counts + n + 1, 0);
  for (std::size_t k = 0; k < plan.count; ++k) ++counts[plan.rows[k] + 1];
  for (std::size_t i = 0; i < n; ++i) counts[i + 1] += counts[i];
  for (std::size_t k = 0; k < plan.count; ++k) {
    const auto from = static_cast<std::size_t>(order[k]);
    const auto to = static_cast<std::size_t>(counts[plan.rows[from]]++);
    out.rows[to] = plan.rows[from];
    out.cols[to] = plan.cols[from];
    out.mass[to] = masses.mass(plan.units[from]);
  }
}

#define OTCORE_INSTANTIATE(Costs)                                                                \
  template void certify(const Costs&, const Masses&, const IntegerPlan&, bool, double*, double*, \
                        Solution&);
OTCORE_INSTANTIATE(DenseCosts<float>)
OTCORE_INSTANTIATE(DenseCosts<double>)
OTCORE_INSTANTIATE(SparseCosts<float>)
OTCORE_INSTANTIATE(SparseCosts<double>)
#undef OTCORE_INSTANTIATE

}  // namespace otcore::exact
