// The kernel of a small problem, kept from pass to pass: stabilised scaling (B. Schmitzer,
// Stabilized sparse scaling algorithms for entropy regularized transport problems, 2019, section 3;
// Chizat et al. 2018, section 4.3).
//
// A pass in the log domain forms E_ij = 2^(u_i + v_j - k K_ij), u and v being the exponents of its
// potentials. While potentials stay near those, "absorbed" in E, a full iteration at the same eps
// takes two products with E and no exponential of a pair:
//   w_j = b_j 2^(exponent of g_j - v_j),  S_i = sum_j E_ij w_j,  x_i = a_i / S_i,
//   c_j = sum_i E_ij x_i,
// from which f_i has the exponent u_i - log2 S_i and column j of the plan the mass w_j c_j.
// Sinkhorn's next step is w_j = b_j / c_j. Where a number leaves its range, potentials are absorbed
// again.
//
// Nothing that matters is lost while S_i is in 2^-32 .. 2^32, c_j in Safe's range for columns, and
// w_j within 2^-32 .. 2^32 of its value in the pass that formed E (float32; 2^200 in float64):
// - E_ij w_j <= S_i <= 2^32 in that pass, where no w_j but zeros was below 2^-40 (problems with
//   lighter weights keep no kernel), so that E_ij <= 2^72 was not cut off at 2^127;
// - E_ij below 2^-126 is 0 or has few digits: with m <= 2^20 and w_j <= 2^33 that is at most
//   2^(20 - 126 + 33), or 2^-41 of any S_i, and of c_j what a pass in the log domain may lose, as
//   x_i is the same;
// - w_j >= 2^-72 does not underflow, and E_ij w_j loses at most 2^(20 - 126 + 32) of S_i.
// The same with 2^-1022 and 2^200 in float64. So S and c are as exact as in the log domain: each
// term has the error of its exponential, of w_j and x_i (3 u, u and u), and that of the exponent.
#pragma once

#include <cstddef>
#include <vector>

#include "base/aligned.h"
#include "entropic/side.h"
#include "entropic/tuning.h"

namespace otcore::entropic {

template <class T>
struct Kept {
  // Whether a kernel of that shape is worth keeping: in the cache, its rows summed at one go.
  static bool fits(std::size_t rows, std::size_t stride, std::size_t padded_cols) {
    return padded_cols <= kSumColumns &&
           round_up(rows, kWidth<T>) <= kKeptBytes / sizeof(T) / stride;
  }

  void resize(std::size_t rows, std::size_t stride, std::size_t padded_cols);

  // Whether there is a kernel for this temperature and these weights of the columns.
  [[nodiscard]] bool serves(const Temperature& t, const double* weights_of_cols) const {
    return valid && t.factor == factor && std::equal(b.begin(), b.end(), weights_of_cols);
  }

  // Takes the kernel that a pass has left for the columns' exponents, all of whose sums were
  // `safe`.
  void absorb(const Temperature& t, const Side<T>& columns, const double* weights_of_cols,
              std::size_t rows, std::size_t cols, std::size_t stride, bool safe);

  bool wanted = false;  // whether this problem's kernel is to be kept
  bool valid = false;
  double factor = 0.0;
  double lift = 0.0;           // of the columns' weights
  AlignedArray<T> kernel;      // E, whole panels of rows; rows beyond the last are 0
  AlignedArray<T> transposed;  // E^T as well, where both fit into the first-level cache; or null
  AlignedArray<T> u;           // [rows, whole panels]
  AlignedArray<T> v;           // [padded_cols]
  AlignedArray<T> row_sums;    // S
  AlignedArray<T> row_masses;  // a 2^-lift, then zeros
  AlignedArray<T> scalings;    // x
  AlignedArray<T> weights;     // w
  std::vector<double> b;       // [cols]
  std::vector<double> corrections;  // [padded_cols] log2(w / b)
  std::vector<double> totals;       // [padded_cols] c 2^-lift
  std::vector<double> last_totals;  // of the pass before
};

}  // namespace otcore::entropic
