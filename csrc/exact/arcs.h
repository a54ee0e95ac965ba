// A sparse set of a transport problem's arcs, by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace otcore::exact {

struct Arc {
  std::int32_t row;
  std::int32_t col;
  double cost;
};

// Arcs as the pieces of a sweep found them.
using ArcParts = std::vector<std::vector<Arc>>;

// Row i's arcs are at begin(i) .. end(i), in the order in which they came.
class Arcs {
 public:
  Arcs(std::size_t rows, std::size_t cols) : start_(rows + 1), last_row_(cols, -1) {}

  // Arcs that are by row already: row i's are at start[i] .. start[i + 1], start[0] = 0.
  Arcs(std::size_t cols, std::vector<std::size_t> start, std::vector<std::int32_t> arc_cols,
       std::vector<double> costs)
      : start_(std::move(start)),
        cols_(std::move(arc_cols)),
        costs_(std::move(costs)),
        last_row_(cols, -1) {}

  // Adds arcs, in any order; pairs that are there already, and repetitions, are left out.
  void add(const ArcParts& parts);

  // Row i's arc of lowest cost less v_j, among columns with v_j > -infinity; column -1 where it has
  // none.
  [[nodiscard]] Arc cheapest(std::size_t i, const double* v) const;

  // u_i = the lowest cost less v_j of row i's arcs, +infinity where it has none.
  void transform(const double* v, double* u) const;

  [[nodiscard]] std::size_t rows() const { return start_.size() - 1; }
  [[nodiscard]] std::size_t col_count() const { return last_row_.size(); }
  [[nodiscard]] std::size_t size() const { return cols_.size(); }
  [[nodiscard]] std::size_t begin(std::size_t i) const { return start_[i]; }
  [[nodiscard]] std::size_t end(std::size_t i) const { return start_[i + 1]; }
  [[nodiscard]] const std::size_t* start() const { return start_.data(); }
  [[nodiscard]] const std::int32_t* cols() const { return cols_.data(); }
  [[nodiscard]] const double* costs() const { return costs_.data(); }

 private:
  std::vector<std::size_t> start_;
  std::vector<std::int32_t> cols_;
  std::vector<double> costs_;
  std::vector<std::int32_t> last_row_;  // scratch: the last row that took each column
};

}  // namespace otcore::exact
