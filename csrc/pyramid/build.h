// Grows a pyramid over two clouds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/monitor.h"
#include "base/views.h"
#include "pyramid/tree.h"

namespace otcore::pyramid {

enum class Mode {
  joint,         // centres of x and y together
  interleaving,  // centres of x on even levels (the root's is 0), of y on odd ones
};

struct BuildOptions {
  Mode mode = Mode::joint;
  std::size_t branching = 8;   // children of a node, at most
  std::size_t depth = 64;      // levels below the root, at most, and at most kDeepest
  std::size_t leaf_size = 64;  // a node with no more points, of both sides together, is a leaf
  std::size_t n_samples = 0;   // grow the tree over at most so many points of each side; 0: all
  std::size_t n_iter = 10;     // of k-means at a node, at most
  std::uint64_t seed = 0;
  int n_threads = 0;
};

template <class T>
struct Clouds {
  MatrixView<const T> x;
  MatrixView<const T> y;

  [[nodiscard]] const MatrixView<const T>& side(int s) const { return s == 0 ? x : y; }
};

// The tree of the points members[0] of x and members[1] of y (ascending, neither empty). The result
// depends on the points, the options and the level of the kernels, not on threads. With n_samples
// the leaf size is that of all points, estimated. InvalidArgument for "branching" (below 2),
// "leaf_size" (0) and "X", "Y" (not finite, with the index). After a stop the tree is of no use.
template <class T>
Tree build(const Clouds<T>& clouds, std::vector<std::int32_t> (&members)[2],
           const BuildOptions& options, Monitor& monitor);

// Sends the points of one side down the tree once more: the same nodes and centres, new places.
// Points may have moved, not their number. InvalidArgument for "X" or "Y" as build().
template <class T>
void reassign(Tree& tree, int side, MatrixView<const T> points, int n_threads, Monitor& monitor);

}  // namespace otcore::pyramid
