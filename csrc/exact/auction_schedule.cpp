#include "exact/auction_schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "exact/tuning.h"

namespace otcore::exact {
namespace {

// The largest cost, of either sign; 1 where all are 0.
double largest(const Arcs& arcs) {
  double magnitude = 0.0;
  for (std::size_t k = 0; k < arcs.size(); ++k) {
    magnitude = std::max(magnitude, std::abs(arcs.costs()[k]));
  }
  return magnitude > 0.0 ? magnitude : 1.0;
}

}  // namespace

double spread(const Arcs& arcs, const Masses& masses, const std::vector<double>& v) {
  double sum = 0.0;
  for (const std::int32_t i : masses.rows()) {
    const auto row = static_cast<std::size_t>(i);
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (std::size_t k = arcs.begin(row); k < arcs.end(row); ++k) {
      const double price = arcs.costs()[k] - v[static_cast<std::size_t>(arcs.cols()[k])];
      low = std::min(low, price);
      high = std::max(high, price);
    }
    if (high > low) sum += high - low;
  }
  return sum / static_cast<double>(masses.rows().size());
}

Schedule schedule_from(const Arcs& arcs, const Masses& masses, const std::vector<double>& v,
                       int rounds) {
  double epsilon = spread(arcs, masses, v);
  if (epsilon == 0.0) epsilon = largest(arcs);  // arcs that cost the same
  for (int coarse = kAuctionRounds; coarse > rounds; --coarse) epsilon /= kEpsilonStep;
  return {epsilon, rounds};
}

void hold_auction(const Arcs& arcs, const Masses& masses, Schedule schedule, const Refill& refill,
                  Monitor& monitor, std::vector<double>& v, Auction& auction) {
  std::vector<double>& prices = auction.prices();
  for (const std::int32_t j : masses.cols()) {
    prices[static_cast<std::size_t>(j)] = -v[static_cast<std::size_t>(j)];
  }
  double epsilon = schedule.first_epsilon;
  int left = schedule.rounds;
  for (int refills = kMaxRefills; left > 0;) {
    const bool placed = auction.round(arcs, epsilon, left == 1 ? kLeftAtEnd : kLeftBetween,
                                      kScansPerArc * arcs.size(), monitor);
    for (std::size_t j = 0; j < v.size(); ++j) v[j] = -prices[j];
    if (monitor.stopped() != Stop::none) return;
    if (placed || auction.unplaced_share() <= kLeftBetween) {
      epsilon /= kEpsilonStep;
      --left;
    } else if (refills-- == 0 || !refill(v)) {
      return;
    }
  }
}

}  // namespace otcore::exact
