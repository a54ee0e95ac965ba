// The range of a cost matrix, and the check that all its entries are finite.
#pragma once

#include "base/monitor.h"
#include "base/views.h"
#include "exact/kernels.h"

namespace otcore::exact {

// InvalidArgument for "M", naming the first entry that is not finite; there must be one.
template <class T>
[[noreturn]] void throw_not_finite(MatrixView<const T> costs);

// Throws it where there is one.
template <class T>
CostRange range_of(MatrixView<const T> costs, int n_threads, Monitor& monitor);

// The largest modulus of a cost.
double magnitude(const CostRange& range);

// The power of two that brings the largest cost near 1, for costs that are so large or small that
// differences and products with masses could leave the range of a double; 1 otherwise.
double scale_for(double magnitude);

}  // namespace otcore::exact
