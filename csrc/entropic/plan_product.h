// The plan as a matrix to multiply with, for Newton's method: its larger entries where they are few
// enough, all of it by passes over all pairs where not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "entropic/semidual.h"

namespace otcore::entropic {

template <class T>
class PlanProduct {
 public:
  PlanProduct(SemiDual<T>& dual, int n_threads) : dual_(&dual), n_threads_(n_threads) {}

  // The plan at `at`. Entries kept from an earlier call are scaled to it, and gathered anew (one
  // pass) where too much has come up among the others.
  void set(double eps, const Point& at);

  // out = P^T diag(1 / P 1) P x. Without kept entries it takes passes.
  void normal(const std::vector<double>& x, std::vector<double>& out);

  // P^T 1 of the entries that normal() uses, and the diagonal of its matrix (0 where unknown: all
  // entries are in use).
  [[nodiscard]] const std::vector<double>& col_mass() const { return col_mass_; }
  [[nodiscard]] const std::vector<double>& diagonal() const { return diagonal_; }
  [[nodiscard]] bool sparse() const { return sparse_; }

 private:
  // One side's view of the kept entries: for each of its points, the other sides' points.
  struct Compressed {
    std::vector<std::int64_t> starts;
    std::vector<std::int32_t> others;
    std::vector<double> costs;
    std::vector<double> shares;  // P_ij / sqrt((P 1)_i)
  };

  bool gather(const Point& at);
  void scale(const Point& at);
  void fill_shares(Compressed& side, const Point& at, bool by_rows);
  void multiply(const Compressed& side, const std::vector<double>& x, std::vector<double>& out);
  template <class Body>
  void for_each_point(const Compressed& side, const Body& body);

  SemiDual<T>* dual_;
  int n_threads_;
  double eps_ = 0.0;
  Scaling plan_;
  bool sparse_ = false;
  SparsePlan gathered_;
  Compressed rows_;
  Compressed cols_;
  std::vector<double> root_mass_;  // [n] sqrt((P 1)_i), of the kept entries
  std::vector<double> col_mass_;
  std::vector<double> diagonal_;
  std::vector<double> middle_;  // [n]
};

}  // namespace otcore::entropic
