// Constants of the entropic room.
#pragma once

#include <cstddef>

namespace otcore::entropic {

// Annealing starts at range / kFirstEps and divides by kEpsFactor; levels before the last are left
// at an error of kLevelError of the mass. A factor of 3 at 0.05 needs the fewest passes over
// n = 1000, d in {1, 2, 5, 16, 64}, reg from 1e-2 to 1e-6 of the range; 2 or 4 at 0.1 and 2 at 0.3
// fail earlier as reg falls.
constexpr double kFirstEps = 4.0;
constexpr double kEpsFactor = 3.0;
constexpr double kLevelError = 0.05;

// Sinkhorn steps at the start of a level, whose rate then predicts how many more it would take;
// where that is more than kPatience, Newton steps take over.
constexpr std::size_t kFirstSteps = 2;
constexpr double kPatience = 6.0;

// Sinkhorn steps of a small problem between two looks at the clock and at its progress.
constexpr std::size_t kStepsAtOnce = 25;

// Newton: entries of the plan below this part of their weights are left out of the Hessian, kept
// are at most so many for each row and column, or kSmallPlan in all; past that the products with
// the plan are passes over all pairs.
constexpr double kDropped = 1e-8;
constexpr std::size_t kKeptPerPoint = 64;
constexpr std::size_t kSmallPlan = std::size_t{1} << 20;
constexpr std::size_t kLargestPlan = std::size_t{1} << 24;
// The kept entries are gathered anew when their columns' masses are off by this part of the error.
constexpr double kStale = 0.1;
constexpr std::size_t kEntriesPerChunk = std::size_t{1} << 15;

// Conjugate gradients: how many, and to which part of the first residual, far from and near the
// optimum.
constexpr std::size_t kSparseIterations = 400;
constexpr std::size_t kDenseIterations = 30;
constexpr double kFarResidual = 0.1;
constexpr double kNearResidual = 0.01;
constexpr double kNear = 1e-3;

// Levenberg-Marquardt damping, in parts of the columns' masses.
constexpr double kFirstDamping = 1e-4;
constexpr double kMaxDamping = 1.0;
constexpr double kMinDamping = 1e-14;

// Line search: shorter by kShorter, at most kTrials times, until the dual rises by kArmijo of what
// its slope promises.
constexpr int kTrials = 5;
constexpr double kShorter = 0.4;
constexpr double kArmijo = 1e-4;

// So many passes in a row that neither lower the best error to this part of it nor raise the dual
// beyond rounding are a stall; of IPOT's steps so many, where rounding may be the reason.
constexpr double kLower = 0.99;
constexpr std::size_t kStalledPasses = 60;
constexpr std::size_t kStalledSteps = 200;

// IPOT's default step, in parts of the range of the costs, and its tolerance. n = 1000 uniform
// points in 16 dimensions come to 1e-4 of the exact value, and to marginal errors of 1e-4 and less,
// in 150 steps; a step of 0.1 takes 500 for that, one of 0.01 half of it with marginals ten times
// worse.
constexpr double kStepOfRange = 0.03;
constexpr double kProximalTolerance = 1e-4;
// IPOT looks at its value every so many steps.
constexpr std::size_t kValueEvery = 10;

// Pairs of small problems that a thread solves before it takes the next chunk.
constexpr std::size_t kPairsPerChunk = std::size_t{1} << 14;
// Problems of more pairs than this are solved one by one, each on all threads, where there are
// fewer problems than threads.
constexpr std::size_t kLargeProblem = std::size_t{1} << 15;

}  // namespace otcore::entropic
