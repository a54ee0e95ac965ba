#include "exact/assignment.h"

#include "base/sizes.h"
#include "exact/kernels.h"
#include "exact/problem.h"

namespace otcore::exact {

AssignmentSolver::AssignmentSolver(std::size_t n)
    : n_(n),
      stride_(round_up(n, kColumnPadding)),
      v_(stride_),
      dist_(stride_),
      open_v_(stride_),
      closed_dist_(n),
      row_of_col_(stride_),
      col_of_row_(n),
      free_rows_(n),
      pred_(stride_),
      closed_(n) {}

std::size_t AssignmentSolver::solve(const double* costs) {
  return kernels().assign({n_, stride_, costs, v_.data(), row_of_col_.data(), col_of_row_.data(),
                           free_rows_.data(), pred_.data(), dist_.data(), open_v_.data(),
                           closed_.data(), closed_dist_.data()});
}

}  // namespace otcore::exact
