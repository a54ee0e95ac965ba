// One task of a sliced problem: some directions, projected on and solved one after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/aligned.h"
#include "base/views.h"
#include "oned/row.h"
#include "sliced/circle.h"
#include "sliced/sliced.h"

namespace otcore::sliced {

// What a task is asked for, and where it goes. Slopes are d cost / d projection, a row of n (m)
// for each row of the directions; potentials a row for each slice.
template <class T>
struct GroupAnswers {
  double* cost = nullptr;  // one for each slice
  double* slopes_x = nullptr;
  double* slopes_y = nullptr;
  // Where they may go instead, laid out as SlopeColumns; they may share memory with those above.
  T* columns_x = nullptr;
  T* columns_y = nullptr;
  double* potentials_a = nullptr;
  double* potentials_b = nullptr;
  // Plans of lines, a row of n + m - 1 for each: see oned::Solutions.
  std::int64_t* count = nullptr;
  std::int32_t* rows = nullptr;
  std::int32_t* cols = nullptr;
  double* mass = nullptr;
};

// Solves groups of up to kGroup rows of directions: one per thread. Memory is allocated where it is
// first needed, and kept.
template <class T>
class GroupSolver {
 public:
  GroupSolver(const Clouds<T>& clouds, const Options& options)
      : clouds_(clouds), options_(options) {}

  // Problem b on these rows; whether slopes went to columns. InvalidArgument("X, Y,
  // projections") where numbers overflow.
  bool solve(std::size_t b, const T* centre, MatrixView<const T> directions,
             const GroupAnswers<T>& answers);

 private:
  void project(const T* points, std::size_t rows, const T* centre, std::size_t count, T* out);
  [[nodiscard]] bool fit_columns(std::size_t b, const GroupAnswers<T>& answers) const;
  bool solve_columns(std::size_t b, const T* centre, std::size_t count,
                     const GroupAnswers<T>& answers);
  T* numbers(std::size_t count);
  void solve_lines(std::size_t b, std::size_t count, const GroupAnswers<T>& answers);
  void solve_circles(std::size_t b, std::size_t count, const GroupAnswers<T>& answers);

  const Clouds<T> clouds_;
  const Options options_;
  std::vector<T> group_;  // the directions, coordinate by coordinate
  AlignedArray<T> projections_;
  std::size_t capacity_ = 0;
  T* projected_x_ = nullptr;
  T* projected_y_ = nullptr;
  std::optional<oned::RowSolver<T>> lines_;
  std::optional<CircleSolver> circle_;
  const double* circle_a_ = nullptr;  // what circle_ has now
  const double* circle_b_ = nullptr;
  std::vector<double> positions_;
};

}  // namespace otcore::sliced
