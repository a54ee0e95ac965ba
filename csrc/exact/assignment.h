// The assignment problem by shortest augmenting paths: this owns the scratch, the algorithm is in
// assignment-inl.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace otcore::exact {

// n rows to n columns, one to one. Costs are scaled and padded: rows of round_up(n, kColumnPadding)
// numbers, +infinity in the padding.
class AssignmentSolver {
 public:
  explicit AssignmentSolver(std::size_t n);

  // Returns how many augmenting paths were searched.
  std::size_t solve(const double* costs);

  // The answer: each row's column, and optimal column potentials (padded with zeros).
  [[nodiscard]] const std::vector<std::int64_t>& col_of_row() const { return col_of_row_; }
  [[nodiscard]] std::vector<double>& v() { return v_; }

 private:
  std::size_t n_;
  std::size_t stride_;
  std::vector<double> v_, dist_, open_v_, closed_dist_;
  std::vector<std::int64_t> row_of_col_, col_of_row_, free_rows_, pred_, closed_;
};

}  // namespace otcore::exact
