// Centres to start k-means from.
#pragma once

#include <cstddef>
#include <vector>

#include "base/random.h"
#include "pyramid/points.h"

namespace otcore::pyramid {

// Greedy k-means++: each seed is the best of 2 + log(centres) points drawn in proportion to the
// squared distance from the seeds before it. Among all points, or max(kSeedPoints, kPointsPerSeed *
// centres) drawn from them. Returns rows in the coordinates of the frame's origin: `centres` of
// them, fewer where there are no more distinct points. `kept`: all panels of the points, or null.
template <class T>
std::vector<T> find_seeds(const Blocks<T>& points, const T* kept, std::size_t centres,
                          Random& random);

}  // namespace otcore::pyramid
