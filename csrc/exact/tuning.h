// The exact room's tuning constants. Chosen with bench/bench_exact.cpp.
#pragma once

#include <cstddef>

namespace otcore::exact {

// Assignment: the most steps of augmenting row reduction per row, before the Dijkstra searches.
constexpr std::size_t kRowReductionSteps = 2;

// Uniform square problems up to this size are solved as assignments on a padded copy of the costs;
// larger ones by the network simplex, which reads the matrix in place.
constexpr std::size_t kMaxAssignment = 512;

// Other problems up to this many arcs are copied to a padded float64 buffer first.
constexpr std::size_t kMaxPackedArcs = std::size_t{1} << 18;

// Network simplex: pricing looks at this many rows at a time and takes their best arc, if any.
constexpr std::size_t kPricingRows = 12;

// The same on a sparse set: pricing looks at this many arcs at a time.
constexpr std::size_t kPricingArcs = 512;

// Large problems: candidates are some of the nearest of each row and column, kNearestPerOctave for
// each doubling of their number beyond kNearestFrom; at most half of kMinimumGroups. Fewer leave
// auctions without an end in the plane, more cost time to choose.
constexpr double kNearestPerOctave = 4.0;
constexpr double kNearestFrom = 16.0;
constexpr double kMinNearest = 16.0;
constexpr double kMaxNearest = 36.0;

// At most so many of a row's violated arcs join at once, where there are as many rows as columns.
constexpr std::size_t kJoiningArcs = 5;

// A coarse problem gives potentials to start from: one cluster for so many rows or columns, at most
// so many clusters, by so many landmarks; its dual value is compared on about so many rows.
constexpr std::size_t kRowsPerCluster = 8;
constexpr std::size_t kMaxClusters = 2048;
constexpr std::size_t kLandmarks = 16;
constexpr std::size_t kSampledRows = 512;

// Points: a coarse problem has one point for so many, down to problems of so many pairs, which are
// solved on their cost matrix; a scan of a block of rows without limits begins with so many blocks
// of columns; candidates of a row or column are at most so many (choosing them takes longer than
// from a matrix).
constexpr std::size_t kPointsPerCluster = 8;
constexpr std::size_t kPairsOfCoarsest = std::size_t{1} << 20;
constexpr std::size_t kLikelyBlocks = 16;
constexpr std::size_t kMostOfCloud = 24;

// A plan to start from is looked at on so many rows. It is near the optimum where the excess of its
// arcs is at most this share of the spread of candidates, of which there are at most so many for a
// row. The excess, or that share of the spread where it is less, measures how far candidates reach,
// and epsilon in the auction's one round. Up to a larger share, and where masses are not all equal,
// the plan itself is better.
constexpr std::size_t kPlanRows = 32;
constexpr std::size_t kNearestWithPlan = 12;
constexpr double kMostExcess = 0.5;
constexpr double kLeastExcess = 0.002;
constexpr double kExcessForAuction = 0.01;
constexpr double kExcessesOfCandidates = 20.0;
constexpr double kEpsilonOfExcess = 0.1;

// What a problem between points takes, in bytes: for a point, for a coordinate of it, and for each
// of the candidates that are chosen for it; and the fewest candidates that are worth starting with.
constexpr std::size_t kBytesPerPoint = 256;
constexpr std::size_t kBytesPerCoordinate = 40;
constexpr std::size_t kBytesPerCandidate = 48;
constexpr std::size_t kLeastNearest = 4;

// Shadows of points: the least coordinates that are worth one, its directions, how they are found
// (points of each side, iterations), and the share of squares that it may leave out.
constexpr std::size_t kLeastShadowedDims = 256;
constexpr std::size_t kShadowDims = 127;
constexpr std::size_t kShadowSample = 256;
constexpr int kShadowIterations = 2;
constexpr double kMostLeftOut = 0.25;

// The auction: rounds, those from the potentials of clusters of points and of a warm start, the
// factor between their epsilons (the first is the spread of candidates), the share of the mass a
// round may leave, how often its bids may look at each arc, and how often candidates may join
// because a round does not end.
constexpr int kAuctionRounds = 3;
constexpr int kClusterRounds = 2;
constexpr int kWarmRounds = 1;
constexpr double kEpsilonStep = 10.0;
constexpr double kLeftBetween = 0.01;
constexpr double kLeftAtEnd = 0.002;
constexpr std::size_t kScansPerArc = 30;
constexpr int kMaxRefills = 2;

// There is no auction where one side has so many times as many points as the other.
constexpr std::size_t kOblongSides = 32;

// Such problems are solved as large ones where the longer side has at least so many.
constexpr std::size_t kLongSide = 1024;

// There the plan comes from shortest paths where the shorter side has at most so many: they take 24
// bytes for each pair.
constexpr std::size_t kFewPlaces = 64;

// Bids between two looks at the clock, and the length at which its queue is cut.
constexpr std::size_t kBidsPerPoll = 1024;
constexpr std::size_t kQueueToKeep = std::size_t{1} << 20;

// Sweeps over the matrix: a chunk is about so many arcs. Where each chunk of rows has something for
// all columns, there are at most so many chunks.
constexpr std::size_t kArcsPerSweep = std::size_t{1} << 17;
constexpr std::size_t kMaxRowParts = 64;

// The nearest of columns: chunks are strips of columns, so many of them at least where they are not
// narrower than kLeastColsPerStrip then; bounds come from one in so many rows and at least so many.
// A strip of a row is fetched so many rows before it is looked at.
constexpr std::size_t kStrips = 8;
constexpr std::size_t kColsPerStrip = 256;
constexpr std::size_t kLeastColsPerStrip = 16;
constexpr std::size_t kRowsPerSampledForLimits = 10;
constexpr std::size_t kMinSampledForLimits = 256;
constexpr std::size_t kRowsAhead = 4;
constexpr std::size_t kCacheLine = 64;  // bytes

// Batches: a chunk of work is about this many arcs (at least one problem).
constexpr std::size_t kArcsPerChunk = 4096;

// Network simplex: pivots between two looks at the clock.
constexpr std::size_t kPivotsPerPoll = 64;

}  // namespace otcore::exact
