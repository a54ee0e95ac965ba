// The check that numbers are finite.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "base/error.h"
#include "base/views.h"

namespace otcore {

// InvalidArgument for `argument`, naming the first entry that is NaN or infinite, if there is one.
template <class T>
void require_finite(const char* argument, MatrixView<const T> values, const char* expected) {
  for (std::size_t i = 0; i < values.rows; ++i) {
    const T* row = values.row(i);
    int bad = 0;
    for (std::size_t j = 0; j < values.cols; ++j) {
      bad |= static_cast<int>(!(std::abs(row[j]) <= std::numeric_limits<T>::max()));
    }
    if (bad == 0) continue;
    for (std::size_t j = 0; j < values.cols; ++j) {
      if (!std::isfinite(row[j])) {
        throw InvalidArgument::entry(argument, {i, j}, static_cast<double>(row[j]), expected);
      }
    }
  }
}

}  // namespace otcore
