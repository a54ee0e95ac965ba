// Sizes are 64-bit and products of sizes are checked: n * m passes 2^31 in daily use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "base/error.h"

namespace otcore {

// lhs * rhs; InvalidArgument naming `argument` when the product does not fit.
inline std::size_t checked_mul(std::size_t lhs, std::size_t rhs, const char* argument) {
  if (rhs != 0 && lhs > std::numeric_limits<std::size_t>::max() / rhs) {
    throw InvalidArgument(
        argument, "size " + std::to_string(lhs) + " * " + std::to_string(rhs) + " overflows",
        "a product below 2^64");
  }
  return lhs * rhs;
}

// The smallest multiple of `step` that is >= size. step > 0.
constexpr std::size_t round_up(std::size_t size, std::size_t step) {
  return (size + step - 1) / step * step;
}

}  // namespace otcore
