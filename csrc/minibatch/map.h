// The barycentric map of mini-batch transport: Algorithm 3 of "On Transportation of Mini-batches: A
// Hierarchical Approach" (Nguyen et al., ICML 2022), used there for colour transfer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/monitor.h"
#include "minibatch/sampling.h"
#include "minibatch/transport.h"

namespace otcore::minibatch {

struct MapOptions {
  TransportOptions transport;
  Sampling sampling = Sampling::independent;
  std::size_t iterations = 1;
  std::uint64_t seed = 0;
};

struct MapResult {
  std::size_t iterations = 0;             // done: fewer than asked for after a stop
  std::size_t filled = 0;                 // points that the further pass had to draw
  double value = 0.0;                     // mean over the iterations
  double inner_gap = 0.0;                 // largest of any pair of any iteration
  double inner_error = 0.0;               // the same, of the marginals
  double outer_gap = 0.0;                 // largest of any iteration
  double marginal_error = 0.0;            // largest of any iteration
  Status inner_status = Status::optimal;  // worst of any pair of any iteration
  Status outer_status = Status::optimal;  // worst of any iteration

  [[nodiscard]] Status status() const { return std::max(inner_status, outer_status); }
};

// In each iteration t draws batches (streams 2t and 2t + 1 of the seed: X and Y), solves, and adds
// the coupled plans' images of the points and their masses up; at the end divides:
//   map[i] = sum_t sum_j P^t_ij y_j / mass[i],  mass[i] = sum_t sum_j P^t_ij.
// Points that no iteration has drawn are then filled by a further pass: iterations whose x batches
// contain all of them, completed by others, and count like the rest. Points whose weight is 0, or
// whose mass unbalanced plans leave where it is, have no mass and the image NaN.
//
// map is n x d, mass has n entries. Iterations run in parallel and are added up in order, block by
// block: the result is the same for any number of threads, in memory independent of `iterations`.
// Progress counts iterations. A stop leaves the map of the iterations done, NaN for points not
// drawn. Errors: Transport's and Sampler's.
template <class T>
MapResult barycentric_map(const Side<T>& x, const Side<T>& y, const MapOptions& options,
                          double* map, double* mass, Monitor& monitor);

}  // namespace otcore::minibatch
