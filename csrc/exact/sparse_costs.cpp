#include "exact/sparse_costs.h"

#include <string>

#include "base/error.h"

namespace otcore::exact {
namespace {

template <class T>
void check_pattern(const SparseCosts<T>& costs) {
  constexpr std::size_t kMaxNodes = 0x7fffffff;
  if (costs.n == 0 || costs.m == 0 || costs.n > kMaxNodes - costs.m) {
    throw InvalidArgument(
        "M", "shape (" + std::to_string(costs.n) + ", " + std::to_string(costs.m) + ")",
        "at least one row and column, and n + m below 2^31");
  }
  for (std::size_t i = 0; i < costs.n; ++i) {
    if (costs.starts[0] != 0 || costs.starts[i + 1] < costs.starts[i]) {
      throw InvalidArgument("M", "row " + std::to_string(i) + " ends before it starts",
                            "compressed rows");
    }
    std::int32_t last = -1;
    for (std::size_t k = costs.begin(i); k < costs.end(i); ++k) {
      const std::int32_t col = costs.entry_cols[k];
      if (col <= last || static_cast<std::size_t>(col) >= costs.m) {
        throw InvalidArgument("M", "column " + std::to_string(col) + " in row " + std::to_string(i),
                              "ascending columns below " + std::to_string(costs.m));
      }
      last = col;
    }
  }
}

}  // namespace

template <class T>
double check_entries(const SparseCosts<T>& costs) {
  check_pattern(costs);
  double largest = 0.0;
  for (std::size_t i = 0; i < costs.n; ++i) {
    for (std::size_t k = costs.begin(i); k < costs.end(i); ++k) {
      if (!std::isfinite(costs.entry(k))) {
        throw InvalidArgument::entry("M", {i, costs.col(k)}, costs.entry(k), "finite costs");
      }
      largest = std::max(largest, std::abs(costs.entry(k)));
    }
  }
  return largest;
}

template double check_entries(const SparseCosts<float>&);
template double check_entries(const SparseCosts<double>&);

}  // namespace otcore::exact
