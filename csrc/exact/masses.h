// Weights as integers. Flows are then exact: zeros are zeros, and no pivot is degenerate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace otcore::exact {

// The masses of one problem, perturbed as in Orden, "The transhipment problem", Management Science
// 2 (1956): with K = (positive rows) + 1, every positive row's supply is K * supply + 1 and every
// positive column's demand is K * demand, the last one's plus K - 1. A set of rows and columns that
// is neither empty nor everything, and that is one side of a spanning tree's arc, then never
// balances, so every basic flow is positive: each pivot of the network simplex moves mass and no
// tie occurs in its ratio test. A basis that is optimal for these masses is optimal for the masses
// themselves.
class Masses {
 public:
  Masses(std::size_t n, std::size_t m);

  // Takes a (n numbers) and b (m); null means uniform with total 1. The integers' sums agree
  // exactly, and mass(integer) is within 2^-52 relative and three units, total() * 2^-61 * (n + 1)
  // each, of its weight. InvalidArgument naming a or b: negative or not finite (with the index),
  // sum not positive and finite, or sums that differ by more than `tolerance` relative; a smaller
  // difference is normalised to the sum of a.
  void set(const double* a, const double* b, double tolerance);

  // All rows have the same mass and all columns have the same mass, none zero.
  [[nodiscard]] bool uniform() const { return uniform_; }

  // The sum of a, and what a number of (unperturbed) units stands for.
  [[nodiscard]] double total() const { return total_; }
  [[nodiscard]] double mass(std::int64_t units) const {
    return static_cast<double>(units) / units_ * total_;
  }

  // Unperturbed and perturbed integers; zero where the weight is zero.
  [[nodiscard]] const std::vector<std::int64_t>& supply() const { return supply_; }
  [[nodiscard]] const std::vector<std::int64_t>& demand() const { return demand_; }
  [[nodiscard]] std::int64_t perturbed_supply(std::size_t i) const {
    return supply_[i] * factor_ + 1;
  }
  [[nodiscard]] std::int64_t perturbed_demand(std::size_t j) const {
    return demand_[j] * factor_ + (j == last_col_ ? factor_ - 1 : 0);
  }

  // Rows with positive mass, in order; columns likewise.
  [[nodiscard]] const std::vector<std::int32_t>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<std::int32_t>& cols() const { return cols_; }

 private:
  std::vector<std::int64_t> supply_;
  std::vector<std::int64_t> demand_;
  std::vector<std::int32_t> rows_;
  std::vector<std::int32_t> cols_;
  std::size_t last_col_ = 0;
  std::int64_t factor_ = 1;
  double total_ = 1.0;
  double units_ = 1.0;  // what total() is in integers
  bool uniform_ = true;
};

// What Masses::set checks, without its memory.
void check_weights(const double* a, std::size_t n, const double* b, std::size_t m,
                   double tolerance);

}  // namespace otcore::exact
