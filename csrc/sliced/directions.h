// Directions to slice along: unit vectors whose means are unbiased for those over the sphere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/random.h"

namespace otcore::sliced {

enum class Sampling {
  gaussian,    // independent
  orthogonal,  // independent blocks of d mutually orthogonal ones
  quasi,       // spread evenly: a randomly shifted Kronecker sequence
};

// "gaussian", "orthogonal", "quasi"; InvalidArgument("directions") for another name.
Sampling parse_sampling(std::string_view name);

// out[l * dims + k]: `count` directions of `dims` >= 1 coordinates, from `random` alone.
//
// Blocks are the Q of Gaussian matrices, by Gram and Schmidt twice, which keeps each vector uniform
// (M. Rowland et al., Orthogonal estimation of Wasserstein distances, AISTATS 2019). `quasi` takes
// multiples of the roots of the primes, modulo 1 and with one uniform shift per coordinate (R.
// Richtmyer, 1951; R. Cranley and T. Patterson, 1976), through Box and Muller's map to normals;
// for dims = 2 the directions have equal angles.
void sample_directions(Sampling sampling, std::size_t dims, std::size_t count, Random random,
                       double* out);

// Pairs of orthonormal vectors, each pair's plane uniform: out[(2 l + j) * dims + k]. dims >= 2.
void sample_planes(std::size_t dims, std::size_t count, std::uint64_t seed, double* out);

}  // namespace otcore::sliced
