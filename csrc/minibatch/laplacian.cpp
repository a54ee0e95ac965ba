#include "minibatch/laplacian.h"

#include <limits>

namespace otcore::minibatch {

void solve_laplacian(double* w, std::size_t n, double* rhs, double* x) {
  for (std::size_t j = 0; j < n; ++j) {
    const double* row = w + j * n;
    double degree = 0.0;
    for (std::size_t l = j + 1; l < n; ++l) degree += row[l];
    if (degree < std::numeric_limits<double>::min()) degree = 0.0;
    x[j] = degree;  // kept for the substitution
    if (degree == 0.0) continue;
    for (std::size_t k = j + 1; k < n; ++k) {
      const double share = row[k] / degree;
      if (share == 0.0) continue;
      rhs[k] += share * rhs[j];
      double* to = w + k * n;
      for (std::size_t l = k + 1; l < n; ++l) to[l] += share * row[l];
    }
  }
  for (std::size_t j = n; j-- > 0;) {
    const double degree = x[j];
    if (degree == 0.0) continue;
    const double* row = w + j * n;
    double sum = rhs[j];
    for (std::size_t l = j + 1; l < n; ++l) sum += row[l] * x[l];
    x[j] = sum / degree;
  }
}

}  // namespace otcore::minibatch
