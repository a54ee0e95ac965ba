#include "exact/certificate.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "exact/kernels.h"

namespace otcore::exact {
namespace {

// Neumaier's compensated sum: the gap is a difference of two sums of nearly equal size.
class Sum {
 public:
  void add(double x) {
    const double sum = sum_ + x;
    lost_ += (sum_ >= 0 ? sum_ : -sum_) >= (x >= 0 ? x : -x) ? (sum_ - sum) + x : (x - sum) + sum_;
    sum_ = sum;
  }
  [[nodiscard]] double value() const { return sum_ + lost_; }

 private:
  double sum_ = 0.0;
  double lost_ = 0.0;
};

// v_j = min_i C_ij - u_i for the columns without mass, over the rows with mass.
template <class T>
void complete_columns(MatrixView<const T> costs, std::size_t m, double scale, const Masses& masses,
                      const double* u, double* v) {
  std::vector<double> minima(m, std::numeric_limits<double>::infinity());
  for (const std::int32_t i : masses.rows()) {
    const auto row = static_cast<std::size_t>(i);
    cost_kernels<T>().fold_minima(costs.row(row), scale, u[row], m, minima.data());
  }
  for (std::size_t j = 0; j < m; ++j) {
    if (masses.demand()[j] == 0) v[j] = minima[j];
  }
}

}  // namespace

double centre(const Masses& masses, std::size_t m, double* v) {
  Sum weighted;
  for (const std::int32_t j : masses.cols()) {
    const auto col = static_cast<std::size_t>(j);
    weighted.add(masses.mass(masses.demand()[col]) * v[col]);
  }
  const double shift = weighted.value() / masses.total();
  for (std::size_t j = 0; j < m; ++j) v[j] -= shift;
  return shift;
}

template <class T>
void certify(MatrixView<const T> costs, std::size_t m, double scale, const Masses& masses,
             const IntegerPlan& plan, bool transformed, double* u, double* v, Solution& out) {
  const auto transform = [&](std::size_t row) {
    u[row] = cost_kernels<T>().row_minimum_value(costs.row(row), scale, v, costs.cols);
  };
  if (masses.cols().size() < m) {
    if (!transformed) {
      // Massless columns are at -infinity here, so they are not in the rows' minima.
      for (const std::int32_t i : masses.rows()) transform(static_cast<std::size_t>(i));
    }
    complete_columns(costs, m, scale, masses, u, v);
  }
  if (!transformed) centre(masses, m, v);
  for (std::size_t i = 0; i < costs.rows; ++i) {
    if (!transformed || masses.supply()[i] == 0) transform(i);
  }
  Sum dual;
  for (std::size_t i = 0; i < costs.rows; ++i) {
    dual.add(masses.mass(masses.supply()[i]) * u[i]);
  }
  for (const std::int32_t j : masses.cols()) {
    const auto col = static_cast<std::size_t>(j);
    dual.add(masses.mass(masses.demand()[col]) * v[col]);
  }
  Sum value;
  for (std::size_t k = 0; k < plan.count; ++k) {
    const double cost =
        static_cast<double>(costs.row(static_cast<std::size_t>(plan.rows[k]))[plan.cols[k]]);
    value.add(masses.mass(plan.units[k]) * (cost * scale));
  }
  out.value = value.value() / scale;
  out.gap = (value.value() - dual.value()) / scale;
  if (out.potential_a != nullptr) {
    for (std::size_t i = 0; i < costs.rows; ++i) out.potential_a[i] = u[i] / scale;
  }
  if (out.potential_b != nullptr) {
    for (std::size_t j = 0; j < m; ++j) out.potential_b[j] = v[j] / scale;
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

template void certify(MatrixView<const float>, std::size_t, double, const Masses&,
                      const IntegerPlan&, bool, double*, double*, Solution&);
template void certify(MatrixView<const double>, std::size_t, double, const Masses&,
                      const IntegerPlan&, bool, double*, double*, Solution&);

}  // namespace otcore::exact
