// Sliced optimal transport: points are projected on directions, and every direction is a problem of
// the oned room, or of the circle where directions come in pairs that span planes.
// (J. Rabin et al., Wasserstein barycenter and its application to texture mixing, SSVM 2011; N.
// Bonneel et al., Sliced and Radon Wasserstein barycenters of measures, JMIV 51, 2015.)
#pragma once

#include <cstddef>

#include "base/monitor.h"
#include "base/views.h"
#include "base/weights.h"

namespace otcore::sliced {

// B problems: points x (n x d) and y (m x d), float or double, and their weights; the problems
// share all directions. n, m < 2^31.
template <class T>
struct Clouds {
  BatchView<const T> x;
  BatchView<const T> y;
  Weights a;
  Weights b;
};

enum class Slices {
  lines,    // direction l is row l: x is projected to <x, theta>
  circles,  // rows 2 l and 2 l + 1, u and v: x goes to the angle of (<x, u>, <x, v>), in turns
};

struct Options {
  Slices slices = Slices::lines;
  double p = 2.0;  // finite, >= 1
  int n_threads = 0;
  double mass_tolerance = 1e-6;
};

// Where the answers go: arrays of the caller, L the number of slices. cost is not null; null
// pointers are left out.
struct Solutions {
  double* cost = nullptr;                 // [B, L]  W_p^p of every slice
  double* gradient_x = nullptr;           // [B, n, d]  of the mean of cost over the slices
  double* gradient_y = nullptr;           // [B, m, d]
  double* gradient_directions = nullptr;  // [B, rows of directions, d]  of each slice's own cost
  double* potential_a = nullptr;          // [B, n]  means over the slices, lines only; both or none
  double* potential_b = nullptr;          // [B, m]
};

// Solves all problems. Projections are made in the type of the points, less the mean of x for
// lines, and for gradients of short, uniform clouds slopes and their sums over up to 16 directions;
// all else is float64. The results are the same for any number of threads. Memory beside
// input and output: a few times n + m numbers for each thread; for gradients a block of slices
// besides. Incomplete where `monitor` says stop. InvalidArgument for "X", "Y", "projections" (not
// finite), "X, Y, projections" (projections or their costs overflow), "a", "b", "a, b" as
// oned::solve.
template <class T>
void solve(const Clouds<T>& clouds, MatrixView<const T> directions, const Options& options,
           const Solutions& out, Monitor& monitor);

}  // namespace otcore::sliced
