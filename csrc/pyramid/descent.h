// Sends points down a finished tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/monitor.h"
#include "base/views.h"
#include "pyramid/tree.h"

namespace otcore::pyramid {

// The largest |coordinate| of the points index[0..count), as T; InvalidArgument for `argument`
// where one is not finite.
template <class T>
T largest_modulus(MatrixView<const T> points, const std::int32_t* index, std::size_t count,
                  const char* argument, int n_threads, Monitor& monitor);

// Orders the points members of a side by the leaf they come to, and gives all nodes their places.
// Reads the points in the order of the members, some megabytes at a time. InvalidArgument for "X"
// or "Y" where one is not finite.
template <class T>
void descend(Tree& tree, int side, MatrixView<const T> points,
             const std::vector<std::int32_t>& members, int n_threads, Monitor& monitor);

}  // namespace otcore::pyramid
