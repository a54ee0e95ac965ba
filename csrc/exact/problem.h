// One exact problem and its solver: what batches, tables of mini-batches and the k x k outer
// problem are all made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/monitor.h"
#include "exact/batch.h"

namespace otcore::exact {

// Columns of padded costs are a multiple of this: 64 bytes of float64, at every ISA level.
constexpr std::size_t kColumnPadding = 8;

// Where one problem's answer goes; null pointers are left out. See Solutions.
struct Solution {
  double value = 0.0;
  double gap = 0.0;
  std::int64_t n_iter = 0;
  Status status = Status::optimal;
  std::size_t count = 0;
  double* potential_a = nullptr;  // [n]
  double* potential_b = nullptr;  // [m]
  std::int32_t* rows = nullptr;   // [n + m - 1]
  std::int32_t* cols = nullptr;
  double* mass = nullptr;
};

// Problem b's part of the arrays of a batch of n x m, and the way back of what is no array.
Solution part_of(const Solutions& all, std::size_t b, std::size_t n, std::size_t m);
void store(const Solution& one, std::size_t b, const Solutions& all);

// Solves one problem after another without allocating: one Solver per thread. Uniform square
// problems are assignments (shortest augmenting paths); all others, large ones, and those
// where Options::max_iter is below n, go through the network simplex: small ones without potentials
// to start from on all arcs, others on candidate arcs.
class Solver {
 public:
  // Room for n x m problems. Throws std::bad_alloc.
  Solver(std::size_t n, std::size_t m, const Options& options);
  ~Solver();
  Solver(Solver&&) noexcept;
  Solver& operator=(Solver&&) noexcept;
  Solver(const Solver&) = delete;
  Solver& operator=(const Solver&) = delete;

  // A buffer of n rows with cost_stride() doubles each, for the caller to fill with a small
  // problem's costs: columns m..cost_stride() are +infinity. Allocated at the first use.
  double* cost_buffer();
  [[nodiscard]] std::size_t cost_stride() const;

  // Solves min <P, C>, for costs laid out as cost_buffer() (any memory, same stride). a and b as
  // Weights (null: uniform). Costs must be finite. InvalidArgument for weights as solve_batch.
  void solve_padded(const double* costs, const double* a, const double* b, Monitor& monitor,
                    Solution& out);

  // The same for a matrix of the caller, read in place.
  template <class T>
  void solve(MatrixView<const T> costs, const double* a, const double* b, Monitor& monitor,
             Solution& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otcore::exact
