// Linear systems of weighted graphs.
#pragma once

#include <cstddef>

namespace otcore::minibatch {

// Solves (diag(W 1) - W) x = rhs for symmetric W >= 0 (n x n; only entries right of the diagonal
// are read, and they are overwritten, as is rhs). One node of each connected component gets x = 0;
// rhs must sum to 0 over each. Takes n^3 / 3 operations.
//
// Elimination without subtractions (Grassmann, Taksar, Heyman, "Regenerative analysis and steady
// state distributions for Markov chains", Operations Research 33 (1985)): the factors have small
// relative errors entry by entry even where parts of the graph hang together by weights of 1e-100.
void solve_laplacian(double* w, std::size_t n, double* rhs, double* x);

}  // namespace otcore::minibatch
