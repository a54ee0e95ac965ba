// One problem on the line at a time: what batches are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/masses.h"
#include "oned/oned.h"
#include "oned/potentials.h"
#include "oned/sort.h"
#include "oned/staircase.h"

namespace otcore::oned {

// Solves one problem of a batch after another: one RowSolver per thread. Memory is allocated where
// it is first needed, and kept.
template <class T>
class RowSolver {
 public:
  // The arrays behind the views must live until the last solve, unchanged: a row that problems
  // share is sorted once.
  RowSolver(const Lines<T>& lines, const Options& options, const Solutions& out);

  // From now on, problems of the same lengths and with answers of the same kinds, whose arrays may
  // be those of before with other points (weights that changed must be elsewhere).
  void rebind(const Lines<T>& lines, const Solutions& out);

  // Solves problem b. InvalidArgument as oned::solve, with the index in the row.
  void solve(std::size_t b);

 private:
  // One side's points, and the order that sorts them where that was asked for.
  struct Side {
    explicit Side(std::size_t size);
    std::ptrdiff_t sort(const T* points, bool ordered);
    void find_support(const std::vector<std::int64_t>& units);
    // Where in the row the k-th point with mass is.
    [[nodiscard]] std::size_t index(std::int32_t k) const;

    Sorter<T> sorter;
    bool with_order = false;
    const T* row = nullptr;  // what is sorted now
    SortedSide sorted;
    std::vector<std::int32_t> order;
  };

  void sort(std::size_t b, bool order_x, bool order_y);
  void set_masses(std::size_t b);
  [[nodiscard]] bool is_assignment() const;
  [[nodiscard]] double assignment_value() const;
  [[nodiscard]] double assignment_mass() const;  // of each pair
  [[nodiscard]] double coupling_value() const;
  void list_steps();
  void write_plan(std::size_t b);
  void write_potentials(std::size_t b, double value);
  void write_gradients(std::size_t b) const;
  void write_assignment_gradients(std::size_t b) const;

  Lines<T> lines_;
  const Options options_;
  Solutions out_;
  const bool with_steps_;  // plans or potentials are asked for
  Side x_;
  Side y_;
  std::optional<Masses> masses_;  // none: uniform, and not needed as integers
  const double* a_ = nullptr;     // what masses_ has now
  const double* b_ = nullptr;
  bool has_masses_ = false;
  std::vector<Step> steps_;
  Potentials potentials_;
  std::vector<std::size_t> next_;   // of each row, the place of its next entry in the plan
  std::vector<std::size_t> first_;  // of each column, its first step
};

}  // namespace otcore::oned
