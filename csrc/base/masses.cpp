#include "base/masses.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.h"

namespace otcore {
namespace {

// Masses, and what they are multiplied with, add up to at most this.
constexpr double kLargestTotal = 0x1p62;

struct Side {
  double sum = 0.0;
  bool uniform = true;
};

// Sums in a compensated way, so that the sum of n weights is good to a few units in the last place.
Side look_at(const double* weights, std::size_t size, const char* name) {
  Side side;
  double lost = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    const double w = weights[i];
    if (!(w >= 0.0) || !std::isfinite(w)) {
      throw InvalidArgument::entry(name, {i}, w, "finite weights >= 0");
    }
    side.uniform = side.uniform && w == weights[0];
    const double sum = side.sum + w;
    lost += (side.sum - sum) + w;
    side.sum = sum;
  }
  side.sum += lost;
  if (!(side.sum > 0.0) || !std::isfinite(side.sum)) {
    throw InvalidArgument(name, "weights sum to " + shown(side.sum), "a positive finite sum");
  }
  return side;
}

std::pair<Side, Side> look_at_both(const double* a, std::size_t n, const double* b, std::size_t m,
                                   double tolerance) {
  const Side side_a = a == nullptr ? Side{1.0, true} : look_at(a, n, "a");
  const Side side_b = b == nullptr ? Side{1.0, true} : look_at(b, m, "b");
  if (std::abs(side_a.sum - side_b.sum) > tolerance * std::fmax(side_a.sum, side_b.sum)) {
    throw InvalidArgument(
        "a, b", "sum(a) = " + shown(side_a.sum) + " and sum(b) = " + shown(side_b.sum) + " differ",
        "equal masses (up to " + shown(tolerance) + " relative)");
  }
  return {side_a, side_b};
}

// masses[i] = weights[i] / sum * units, rounded (null weights: 1 / size each); zeros stay zero and
// positive weights stay positive. Lists the positive ones; returns the sum of masses.
std::int64_t to_integers(const double* weights, double sum, double units,
                         std::vector<std::int64_t>& masses, std::vector<std::int32_t>& positive) {
  const double each = sum / static_cast<double>(masses.size());
  std::int64_t total = 0;
  for (std::size_t i = 0; i < masses.size(); ++i) {
    const double w = weights == nullptr ? each : weights[i];
    masses[i] = static_cast<std::int64_t>(w / sum * units + 0.5);
    if (w > 0.0) {
      if (masses[i] == 0) masses[i] = 1;
      positive.push_back(static_cast<std::int32_t>(i));
    }
    total += masses[i];
  }
  return total;
}

// Adds `missing` units (of either sign), to equal parts, to the entries that are at least half the
// mean: far more than what is missing.
void spread(std::int64_t missing, std::int64_t total, std::vector<std::int64_t>& masses) {
  const std::int64_t large = total / static_cast<std::int64_t>(masses.size()) / 2;
  const auto count = static_cast<std::int64_t>(
      std::count_if(masses.begin(), masses.end(), [large](std::int64_t x) { return x >= large; }));
  const std::int64_t each = missing / count;
  std::int64_t rest = missing % count;
  for (std::int64_t& mass : masses) {
    if (mass < large) continue;
    const std::int64_t one = (rest > 0) - (rest < 0);
    mass += each + one;
    rest -= one;
  }
}

}  // namespace

Masses::Masses(std::size_t n, std::size_t m) : supply_(n), demand_(m) {
  rows_.reserve(n);
  cols_.reserve(m);
}

Masses::Masses(const Masses& whole, std::vector<std::int64_t> supply,
               std::vector<std::int64_t> demand)
    : supply_(std::move(supply)),
      demand_(std::move(demand)),
      rows_(supply_.size()),
      cols_(demand_.size()),
      total_(whole.total_),
      units_(whole.units_) {
  const auto all_equal = [](const std::vector<std::int64_t>& masses) {
    return std::all_of(masses.begin(), masses.end(),
                       [&masses](std::int64_t mass) { return mass == masses.front(); });
  };
  uniform_ = all_equal(supply_) && all_equal(demand_);
  std::iota(rows_.begin(), rows_.end(), 0);
  std::iota(cols_.begin(), cols_.end(), 0);
}

void Masses::set(const double* a, const double* b, double tolerance) {
  const std::size_t n = supply_.size();
  const std::size_t m = demand_.size();
  const auto [side_a, side_b] = look_at_both(a, n, b, m, tolerance);
  total_ = side_a.sum;
  uniform_ = side_a.uniform && side_b.uniform;
  rows_.clear();
  cols_.clear();
  const std::size_t common = std::gcd(n, m);
  const double exact_units = static_cast<double>(n) * static_cast<double>(m / common);
  units_ = uniform_ && exact_units <= kLargestTotal ? exact_units : kLargestTotal;
  const std::int64_t total_a = to_integers(a, side_a.sum, units_, supply_, rows_);
  const std::int64_t total_b = to_integers(b, side_b.sum, units_, demand_, cols_);
  spread(total_a - total_b, total_b, demand_);
}

void check_weights(const double* a, std::size_t n, const double* b, std::size_t m,
                   double tolerance) {
  look_at_both(a, n, b, m, tolerance);
}

}  // namespace otcore
