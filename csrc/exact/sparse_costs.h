// Costs of some pairs: the only ones that may carry mass.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace otcore::exact {

// A matrix of the caller in compressed rows, times a power of two: row i's entries are at starts[i]
// .. starts[i + 1], their columns ascending. A stored zero is a cost of 0. Has the functions that
// certify wants: a minimum over no entries is +infinity.
template <class T>
struct SparseCosts {
  std::size_t n;
  std::size_t m;
  const std::int64_t* starts;
  const std::int32_t* entry_cols;
  const T* entries;
  double scale = 1.0;

  [[nodiscard]] std::size_t rows() const { return n; }
  [[nodiscard]] std::size_t cols() const { return m; }
  [[nodiscard]] std::size_t begin(std::size_t i) const {
    return static_cast<std::size_t>(starts[i]);
  }
  [[nodiscard]] std::size_t end(std::size_t i) const { return begin(i + 1); }
  [[nodiscard]] std::size_t col(std::size_t k) const {
    return static_cast<std::size_t>(entry_cols[k]);
  }
  [[nodiscard]] double entry(std::size_t k) const {
    return static_cast<double>(entries[k]) * scale;
  }

  // The place of a pair among the entries, or -1.
  [[nodiscard]] std::ptrdiff_t find(std::size_t i, std::size_t j) const {
    const std::int32_t* last = entry_cols + end(i);
    const std::int32_t* at =
        std::lower_bound(entry_cols + begin(i), last, static_cast<std::int32_t>(j));
    return at != last && static_cast<std::size_t>(*at) == j ? at - entry_cols : -1;
  }
  [[nodiscard]] bool has(std::size_t i, std::size_t j) const { return find(i, j) >= 0; }

  // Of a pair that is there.
  [[nodiscard]] double cost(std::size_t i, std::size_t j) const {
    return entry(static_cast<std::size_t>(find(i, j)));
  }

  [[nodiscard]] double row_minimum(std::size_t i, const double* v) const {
    double minimum = std::numeric_limits<double>::infinity();
    for (std::size_t k = begin(i); k < end(i); ++k) {
      minimum = std::min(minimum, entry(k) - v[entry_cols[k]]);
    }
    return minimum;
  }
  void fold_minima(std::size_t i, double u, double* minima) const {
    if (std::isinf(u)) return;
    for (std::size_t k = begin(i); k < end(i); ++k) {
      double& minimum = minima[entry_cols[k]];
      minimum = std::min(minimum, entry(k) - u);
    }
  }
};

// InvalidArgument for "M" where rows are not in order, columns not ascending or out of range, or an
// entry is not finite. Returns the largest modulus of an entry.
template <class T>
double check_entries(const SparseCosts<T>& costs);

}  // namespace otcore::exact
