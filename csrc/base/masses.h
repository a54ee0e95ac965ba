// Weights as integers: sums and differences of masses are then exact, and zeros are zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace otcore {

// The masses of one problem: n rows and m columns.
class Masses {
 public:
  Masses(std::size_t n, std::size_t m);

  // The same masses in other rows and columns: integers, all positive, of the same sums.
  Masses(const Masses& whole, std::vector<std::int64_t> supply, std::vector<std::int64_t> demand);

  // Takes a (n numbers) and b (m); null means uniform with total 1. The integers' sums agree
  // exactly, at 2^62 or hardly more, and mass(integer) is within 2^-51 relative and n + m units,
  // total() * 2^-62 each, of its weight. InvalidArgument naming a or b: negative or not finite
  // (with the index), sum not positive and finite, or sums that differ by more than `tolerance`
  // relative; a smaller difference is normalised to the sum of a.
  void set(const double* a, const double* b, double tolerance);

  // All rows have the same mass and all columns have the same mass, none zero.
  [[nodiscard]] bool uniform() const { return uniform_; }

  // The sum of a, and what a number of units stands for.
  [[nodiscard]] double total() const { return total_; }
  [[nodiscard]] double mass(std::int64_t units) const {
    return static_cast<double>(units) / units_ * total_;
  }

  // Zero where the weight is zero.
  [[nodiscard]] const std::vector<std::int64_t>& supply() const { return supply_; }
  [[nodiscard]] const std::vector<std::int64_t>& demand() const { return demand_; }

  // Rows with positive mass, in order; columns likewise.
  [[nodiscard]] const std::vector<std::int32_t>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<std::int32_t>& cols() const { return cols_; }

 private:
  std::vector<std::int64_t> supply_;
  std::vector<std::int64_t> demand_;
  std::vector<std::int32_t> rows_;
  std::vector<std::int32_t> cols_;
  double total_ = 1.0;
  double units_ = 1.0;  // what total() is in integers
  bool uniform_ = true;
};

// What Masses::set checks, without its memory.
void check_weights(const double* a, std::size_t n, const double* b, std::size_t m,
                   double tolerance);

}  // namespace otcore
