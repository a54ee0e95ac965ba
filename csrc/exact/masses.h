// The masses of an exact problem, such that no pivot is degenerate.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/masses.h"

namespace otcore::exact {

// Integer masses, and the same perturbed as in Orden, "The transhipment problem", Management
// Science 2 (1956): with K = (positive rows) + 1, every positive row's supply is K * supply + 1 and
// every positive column's demand is K * demand, the last one's plus K - 1. A set of rows and
// columns that is neither empty nor everything, and that is one side of a spanning tree's arc, then
// never balances, so every basic flow is positive: each pivot of the network simplex moves mass and
// no tie occurs in its ratio test. A basis that is optimal for these masses is optimal for the
// masses themselves.
class Masses : public IntegerMasses {
 public:
  // Perturbed masses add up to at most 2^62 too.
  Masses(std::size_t n, std::size_t m) : IntegerMasses(n, m, static_cast<double>(n + 1)) {}

  [[nodiscard]] std::int64_t perturbed_supply(std::size_t i) const {
    return supply()[i] * factor() + 1;
  }
  [[nodiscard]] std::int64_t perturbed_demand(std::size_t j) const {
    const auto last = static_cast<std::size_t>(cols().back());
    return demand()[j] * factor() + (j == last ? factor() - 1 : 0);
  }

 private:
  [[nodiscard]] std::int64_t factor() const { return static_cast<std::int64_t>(rows().size()) + 1; }
};

}  // namespace otcore::exact
