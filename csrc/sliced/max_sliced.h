// The direction along which two clouds differ most.
// (I. Deshpande et al., Max-sliced Wasserstein distance and its use for GANs, CVPR 2019.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/monitor.h"
#include "base/views.h"
#include "sliced/sliced.h"

namespace otcore::sliced {

struct Ascent {
  std::size_t max_iter = 200;
  double tolerance = 1e-9;  // relative gain of a step below which a direction is done
};

struct Maximum {
  double cost = 0.0;
  std::size_t n_iter = 0;  // evaluations of all directions that were still on their way
  bool converged = false;
};

// Maximises W_p^p of the projections on <x, theta> over unit vectors: a local maximum, the best of
// those that the kAscents best of the given directions lead to. direction[0..d) is where it is
// attained.
//
// With its plan held fixed the cost is convex and homogeneous in theta, so a step to the normalised
// gradient raises that (for p = 2 it is a step of the power method); steps that do not raise the
// cost itself, whose plan changes, are halved. One problem; lines only.
template <class T>
Maximum maximise(const Clouds<T>& clouds, MatrixView<const T> directions, const Options& options,
                 const Ascent& ascent, double* direction, Monitor& monitor);

}  // namespace otcore::sliced
