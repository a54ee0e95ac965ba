// The auction's rounds with smaller and smaller epsilon.
#pragma once

#include <functional>
#include <vector>

#include "base/masses.h"
#include "base/monitor.h"
#include "exact/arcs.h"
#include "exact/auction.h"

namespace otcore::exact {

// How far the arcs' reduced costs reach: the mean over the rows of highest less lowest, at the
// column potentials v.
double spread(const Arcs& arcs, const Masses& masses, const std::vector<double>& v);

// Adds arcs that are cheap at the potentials v, for a round that could not end; false where there
// are no more.
using Refill = std::function<bool(const std::vector<double>& v)>;

// So many rounds; each epsilon is kEpsilonStep below the one before.
struct Schedule {
  double first_epsilon;
  int rounds;
};

// The last `rounds` of kAuctionRounds, the first of which has the spread of the arcs for its
// epsilon; the better v is, the fewer it takes.
Schedule schedule_from(const Arcs& arcs, const Masses& masses, const std::vector<double>& v,
                       int rounds);

// Holds the rounds from the column potentials v (-infinity without mass) and leaves there those of
// the last one. A round that cannot end has too few arcs: `refill` adds some, at the prices where
// it came to, and it is held again. The auction keeps the last round's plan.
void hold_auction(const Arcs& arcs, const Masses& masses, Schedule schedule, const Refill& refill,
                  Monitor& monitor, std::vector<double>& v, Auction& auction);

}  // namespace otcore::exact
