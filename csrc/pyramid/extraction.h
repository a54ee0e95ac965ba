// Batches out of a pyramid (Pyramid Mini-Batch Optimal Transport, algorithm 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/masses.h"
#include "pyramid/tree.h"

namespace otcore::pyramid {

// One side of a full pass: batch b is the entries offsets[b] .. offsets[b + 1].
struct Batches {
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> index;
  std::vector<double> mass;  // empty where every point has the same and none is split
};

struct Pass {
  Batches x;
  Batches y;
};

// Takes all points out of the tree, batch by batch: depth-first from the root, a random child that
// still has pairs before the next, then what the children left over, pairs drawn at random.
//
// Without masses (null; both sides have as many points) a batch is m pairs, the last one what
// remains. With masses, pairs of points are matched for as much mass as both still have, and a
// batch is full when a side has m points and the last of them is used up: it carries as much mass
// of x as of y, at most m points of each, and a point may go on in other batches. The masses of a
// point add up to its own exactly, in the integers of Masses.
//
// In O(points + nodes + batches * depth) where leftovers are few; each level that leftovers climb
// costs their number. The result depends on the tree, the masses, m and the seed. InvalidArgument
// for "m" (0).
Pass extract(const Tree& tree, const Masses* masses, std::size_t m, std::uint64_t seed);

// How much of the mass (or which part of the pairs) is taken at nodes of each level; the entries
// add up to 1. The same for every pass.
std::vector<double> taken_per_level(const Tree& tree, const Masses* masses);

}  // namespace otcore::pyramid
