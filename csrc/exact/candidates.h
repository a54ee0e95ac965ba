// Which arcs of a dense problem the simplex works on: the lowest reduced costs of each row and
// column, and those that a look at the whole matrix finds violated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/masses.h"
#include "base/monitor.h"
#include "base/views.h"
#include "exact/arcs.h"
#include "exact/kernels.h"
#include "exact/tuning.h"

namespace otcore::exact {

// How many of each row's and column's nearest to start with: in the plane, mass moves past about
// log(n) neighbours; in higher dimensions past fewer.
std::size_t nearest_count(std::size_t nodes);

// A cost matrix of the caller with the masses of its rows and columns, and the threads to read it
// with. Potentials of columns without mass are -infinity: they are in no minimum. Each function
// below reads the matrix once or twice, in pieces that depend on the problem alone; after the
// monitor was stopped it returns early, with less.
template <class T>
struct DenseProblem {
  static constexpr bool kHasPlans = false;
  static constexpr int kRoundsFromStart = kAuctionRounds;  // of start_potentials

  MatrixView<const T> costs;
  double scale;  // a power of two, for all costs
  const Masses& masses;
  int n_threads;
  Monitor& monitor;

  [[nodiscard]] std::size_t rows() const { return costs.rows; }
  [[nodiscard]] std::size_t cols() const { return costs.cols; }
  [[nodiscard]] std::size_t nearest_count() const {
    return exact::nearest_count(costs.rows + costs.cols);
  }
  [[nodiscard]] double cost(std::size_t i, std::size_t j) const {
    return static_cast<double>(costs.row(i)[j]) * scale;
  }
  // A row's arc of lowest C_ij - v_j.
  [[nodiscard]] Arc cheapest(std::size_t row, const double* v) const {
    const std::size_t col = cost_kernels<T>().row_minimum(costs.row(row), scale, v, costs.cols).col;
    return {static_cast<std::int32_t>(row), static_cast<std::int32_t>(col), cost(row, col)};
  }
};

// v_j = min over `rows` of C_ij - u_i for columns with mass; u is indexed as `rows` is, null:
// zeros.
template <class T>
void column_transform(const DenseProblem<T>& problem, const std::vector<std::int32_t>& rows,
                      const double* u, double* v);

// u_i = min_j C_ij - v_j for each of `rows`.
template <class T>
void row_transform(const DenseProblem<T>& problem, const std::vector<std::int32_t>& rows,
                   const double* v, double* u);

// The `count` arcs of lowest C_ij - v_j of each row; u becomes the row transform of v. Ties go
// round from a column that is another for each row, so that equal costs do not all lead to the same
// columns.
template <class T>
ArcParts nearest_of_rows(const DenseProblem<T>& problem, const double* v, std::size_t count,
                         double* u);

// About the `count` arcs of lowest C_ij - u_i of each column, ties likewise.
template <class T>
ArcParts nearest_of_cols(const DenseProblem<T>& problem, const double* u, std::size_t count);

// The `count` lowest arcs of each row among those with C_ij - u_i - v_j < -tolerance. Then u
// becomes the row transform of v.
template <class T>
ArcParts violated_arcs(const DenseProblem<T>& problem, const double* v, double tolerance,
                       std::size_t count, double* u);

}  // namespace otcore::exact
