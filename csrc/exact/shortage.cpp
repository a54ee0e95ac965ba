#include "exact/shortage.h"

#include <cstddef>
#include <set>

namespace otcore::exact {
namespace {

constexpr std::int32_t kNone = -1;

// Rows in sets that share no column.
class RowSets {
 public:
  RowSets(std::size_t rows, std::size_t cols) : parent_(rows, kNone), owner_(cols, kNone) {}

  template <class T>
  void add(const SparseCosts<T>& costs, std::int32_t row) {
    parent_[static_cast<std::size_t>(row)] = row;
    const auto i = static_cast<std::size_t>(row);
    for (std::size_t k = costs.begin(i); k < costs.end(i); ++k) {
      std::int32_t& owner = owner_[costs.col(k)];
      if (owner == kNone) owner = row;
      parent_[static_cast<std::size_t>(find(row))] = find(owner);
    }
  }

  // The set of a row or column that is in one, else kNone.
  [[nodiscard]] std::int32_t of_row(std::size_t i) {
    return parent_[i] == kNone ? kNone : find(static_cast<std::int32_t>(i));
  }
  [[nodiscard]] std::int32_t of_col(std::size_t j) {
    return owner_[j] == kNone ? kNone : find(owner_[j]);
  }

 private:
  std::int32_t find(std::int32_t row) {
    for (;;) {
      std::int32_t& above = parent_[static_cast<std::size_t>(row)];
      if (above == row) return row;
      above = parent_[static_cast<std::size_t>(above)];  // halves the way
      row = above;
    }
  }

  std::vector<std::int32_t> parent_;
  std::vector<std::int32_t> owner_;
};

// Of the sets the one that lacks most room, if that is more than rounding.
struct Worst {
  std::int32_t set = kNone;
  std::int64_t supply = 0;
  std::int64_t lacking = 0;
};

Worst worst_of(RowSets& sets, const Masses& masses, double tolerance) {
  std::vector<Worst> all(masses.supply().size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::int32_t set = sets.of_row(i);
    if (set == kNone) continue;
    all[static_cast<std::size_t>(set)].set = set;
    all[static_cast<std::size_t>(set)].supply += masses.supply()[i];
    all[static_cast<std::size_t>(set)].lacking += masses.supply()[i];
  }
  for (std::size_t j = 0; j < masses.demand().size(); ++j) {
    const std::int32_t set = sets.of_col(j);
    if (set != kNone) all[static_cast<std::size_t>(set)].lacking -= masses.demand()[j];
  }
  Worst worst;
  for (const Worst& one : all) {
    const double rounding = tolerance * static_cast<double>(one.supply);
    if (one.lacking > worst.lacking && static_cast<double>(one.lacking) > rounding) worst = one;
  }
  return worst;
}

template <class T>
RowSets rows_above(const SparseCosts<T>& costs, const Masses& masses, double level,
                   const double* minus_u) {
  RowSets sets(costs.n, costs.m);
  for (const std::int32_t i : masses.rows()) {
    if (-minus_u[i] >= level) sets.add(costs, i);
  }
  return sets;
}

}  // namespace

template <class T>
Shortage find_shortage(const SparseCosts<T>& costs, const Masses& masses, double tolerance,
                       const double* minus_u, Monitor& monitor) {
  std::set<double> levels;
  for (const std::int32_t i : masses.rows()) levels.insert(-minus_u[i]);
  Worst worst;
  double worst_level = 0.0;
  for (const double level : levels) {
    if (monitor.poll() != Stop::none) return {};
    RowSets sets = rows_above(costs, masses, level, minus_u);
    const Worst here = worst_of(sets, masses, tolerance);
    if (here.lacking <= worst.lacking) continue;
    worst = here;
    worst_level = level;
  }
  Shortage shortage;
  if (worst.set == kNone) return shortage;
  RowSets sets = rows_above(costs, masses, worst_level, minus_u);
  for (std::size_t i = 0; i < costs.n; ++i) {
    if (sets.of_row(i) == worst.set) shortage.rows.push_back(static_cast<std::int32_t>(i));
  }
  for (std::size_t j = 0; j < costs.m; ++j) {
    if (sets.of_col(j) == worst.set) shortage.cols.push_back(static_cast<std::int32_t>(j));
  }
  shortage.supply = masses.mass(worst.supply);
  shortage.capacity = masses.mass(worst.supply - worst.lacking);
  return shortage;
}

template Shortage find_shortage(const SparseCosts<float>&, const Masses&, double, const double*,
                                Monitor&);
template Shortage find_shortage(const SparseCosts<double>&, const Masses&, double, const double*,
                                Monitor&);

}  // namespace otcore::exact
