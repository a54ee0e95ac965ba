// What is looked at before a sliced problem is solved.
#pragma once

#include "base/views.h"
#include "sliced/sliced.h"

namespace otcore::sliced {

// InvalidArgument for "X", "Y", "projections" (not finite, with the index), "a", "b", "a, b".
template <class T>
void check_inputs(const Clouds<T>& clouds, MatrixView<const T> directions, const Options& options);

// centre[0..d) = about the mean of the points: the mean of some of them.
template <class T>
void find_centre(MatrixView<const T> points, T* centre);

}  // namespace otcore::sliced
