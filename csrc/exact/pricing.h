// Where the network simplex looks for arcs to enter: a whole cost matrix, or a sparse set of arcs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/views.h"
#include "exact/arcs.h"
#include "exact/kernels.h"
#include "exact/tuning.h"

namespace otcore::exact {

// Pricing calls an arc violated below minus this many units in the last place of the largest cost:
// above the rounding of potentials that are sums along tree paths, far below the contract's 1e-9.
constexpr double kPricingTolerance = 32 * 0x1p-53;

// An arc of negative reduced cost C_ij - u_i - v_j.
struct Candidate {
  std::size_t row;
  std::size_t col;
  double cost;
  double reduced;
};

// Every arc of the rows listed, a few rows at a time. costs.cols is the number of columns, or that
// padded with +infinity.
template <class T>
class DensePricing {
 public:
  DensePricing(MatrixView<const T> costs, double scale, const std::vector<std::int32_t>& rows,
               double tolerance)
      : costs_(costs), scale_(scale), rows_(rows), tolerance_(tolerance) {}

  // The best arc of the first rows, from where the last look ended, that have one whose reduced
  // cost is below -tolerance; false where there is none.
  bool find(const double* minus_u, const double* v, Candidate& out) {
    const Entering arc =
        cost_kernels<T>().price(costs_.data, costs_.stride, scale_, rows_.data(), rows_.size(),
                                costs_.cols, minus_u, v, start_, kPricingRows, tolerance_);
    if (arc.position < 0) return false;
    const auto position = static_cast<std::size_t>(arc.position);
    const auto row = static_cast<std::size_t>(rows_[position]);
    start_ = position + 1 == rows_.size() ? 0 : position + 1;
    out = {row, arc.col, static_cast<double>(costs_.row(row)[arc.col]) * scale_, arc.reduced};
    return true;
  }

 private:
  MatrixView<const T> costs_;
  double scale_;
  const std::vector<std::int32_t>& rows_;
  double tolerance_;
  std::size_t start_ = 0;
};

// The arcs of a sparse set, a block of them at a time.
class ArcPricing {
 public:
  ArcPricing(const Arcs& arcs, const std::vector<std::int32_t>& rows, double tolerance)
      : arcs_(arcs), rows_(rows), tolerance_(tolerance) {}

  bool find(const double* minus_u, const double* v, Candidate& out) {
    const EnteringArc found =
        kernels().price_arcs(arcs_.start(), arcs_.cols(), arcs_.costs(), rows_.data(), rows_.size(),
                             minus_u, v, start_, kPricingArcs, tolerance_);
    start_ = found.next;
    if (found.position < 0) return false;
    out = {static_cast<std::size_t>(rows_[static_cast<std::size_t>(found.position)]),
           static_cast<std::size_t>(arcs_.cols()[found.arc]), arcs_.costs()[found.arc],
           found.reduced};
    return true;
  }

 private:
  const Arcs& arcs_;
  const std::vector<std::int32_t>& rows_;
  double tolerance_;
  std::size_t start_ = 0;
};

}  // namespace otcore::exact
