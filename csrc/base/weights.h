// Weights of a batch of problems.
#pragma once

#include <cstddef>

namespace otcore {

// Entry j of problem b at data[b * batch_stride + j]; a null pointer means uniform weights of total
// mass 1, a stride of 0 that all problems share theirs. Non-negative, finite, with a positive sum.
struct Weights {
  const double* data = nullptr;
  std::size_t batch_stride = 0;

  [[nodiscard]] bool shared() const { return data == nullptr || batch_stride == 0; }
  [[nodiscard]] const double* of(std::size_t b) const {
    return data == nullptr ? nullptr : data + b * batch_stride;
  }
};

}  // namespace otcore
