// From places in batches to the points that are there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "minibatch/drawn.h"

namespace otcore::minibatch {

// out[p * dims + c] = the sum of by_place[q * dims + c] over the places q of the side's batches
// that hold point p; for all points.
template <class T>
void add_up_places(const Side<T>& side, const std::int64_t* batches, const double* by_place,
                   int n_threads, T* out);

}  // namespace otcore::minibatch
