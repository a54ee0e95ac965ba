#include "exact/cloud.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/sizes.h"
#include "base/thread_pool.h"
#include "cost/tiles.h"
#include "exact/cloud_scan.h"
#include "exact/lowest_places.h"
#include "exact/ties.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t groups_of(const CloudPair& pair) {
  const std::size_t in_group = CloudScan::blocks_per_group(pair);
  return (pair.x.blocks() + in_group - 1) / in_group;
}

// body(scan, block, group) for every block of rows; blocks of a group come in order.
template <class Body>
void for_each_block(const CloudPair& pair, const double* v, const Body& body) {
  const std::size_t blocks = pair.x.blocks();
  const std::size_t in_group = CloudScan::blocks_per_group(pair);
  const std::size_t groups = groups_of(pair);
  std::vector<std::optional<CloudScan>> scans(
      static_cast<std::size_t>(slots_for(groups, pair.n_threads)));
  parallel_for(
      groups, pair.n_threads,
      [&](std::size_t group, int slot) {
        if (pair.monitor.stopped() != Stop::none) return;
        auto& scan = scans[static_cast<std::size_t>(slot)];
        if (!scan) scan.emplace(pair, v);
        scan->start_group(group);
        const std::size_t first = group * in_group;
        for (std::size_t b = first; b < std::min(blocks, first + in_group); ++b) {
          body(*scan, b, group);
        }
      },
      &pair.monitor);
}

// The `count` lowest arcs of each row, below `below` where that is given; u, where it is given,
// becomes the row transform of v.
ArcParts lowest_arcs(const CloudPair& pair, const double* v, std::size_t count, const double* below,
                     double* u) {
  ArcParts parts(groups_of(pair));
  for_each_block(pair, v, [&](CloudScan& scan, std::size_t block, std::size_t group) {
    const std::size_t rows = pair.x.block_size(block);
    const std::size_t first = block * kBlockPoints;
    LowestPlaces lowest(rows, count);
    double limits[kBlockPoints];
    double best[kBlockPoints];
    std::int32_t first_ties[kBlockPoints];
    for (std::size_t r = 0; r < rows; ++r) {
      best[r] = kInfinity;
      limits[r] = below == nullptr ? kInfinity : below[first + r];
      first_ties[r] = first_of_ties(first + r, pair.y.size());
    }
    scan.scan(block, limits, [&](std::size_t r, std::size_t col, double cost, double reduced) {
      const auto place = static_cast<std::int32_t>(col);
      best[r] = std::min(best[r], reduced);
      lowest.offer(r, reduced, cost, place, turn(place, first_ties[r], pair.y.size()));
      limits[r] = std::min(limits[r], lowest.limit(r));
    });
    for (std::size_t r = 0; r < rows; ++r) {
      if (u != nullptr) u[first + r] = best[r];
      for (const Place& place : lowest.of(r)) {
        parts[group].push_back({static_cast<std::int32_t>(first + r), place.index, place.cost});
      }
    }
  });
  return parts;
}

}  // namespace

double CloudPair::cost(std::size_t i, std::size_t j) const {
  alignas(kCacheLine) double panel[cost::kColumnPadding<double>];
  const std::size_t lane = j % cost::kColumnPadding<double>;
  const double* cols = y.block_cols(j / kBlockPoints) +
                       j % kBlockPoints / cost::kColumnPadding<double> * y.panel_size();
  cost::tile(metric, x.row(i), 1, cols, lane + 1, x.dims(), panel, cost::kColumnPadding<double>);
  return panel[lane];
}

void CloudPair::fill_row(std::size_t i, double* out) const {
  cost::tile(metric, x.row(i), 1, y.block_cols(0), y.size(), x.dims(), out,
             round_up(y.size(), cost::kColumnPadding<double>));
}

Arc CloudProblem::cheapest(std::size_t row, const double* v) const {
  alignas(kCacheLine) double costs[kBlockPoints];
  Arc best{static_cast<std::int32_t>(row), -1, 0.0};
  double lowest = kInfinity;
  for (std::size_t j = 0; j < y.blocks(); ++j) {
    const std::size_t size = y.block_size(j);
    cost::tile(metric, x.row(row), 1, y.block_cols(j), size, x.dims(), costs, kBlockPoints);
    const RowMinimum minimum =
        cost_kernels<double>().row_minimum(costs, 1.0, v + j * kBlockPoints, size);
    if (minimum.value >= lowest) continue;
    lowest = minimum.value;
    best.col = static_cast<std::int32_t>(j * kBlockPoints + minimum.col);
    best.cost = costs[minimum.col];
  }
  return best;
}

void transform(const CloudPair& pair, const double* v, double* u) {
  for_each_block(pair, v, [&](CloudScan& scan, std::size_t block, std::size_t) {
    double limits[kBlockPoints];
    std::fill(limits, limits + kBlockPoints, kInfinity);
    scan.scan(block, limits,
              [&](std::size_t r, std::size_t, double, double reduced) { limits[r] = reduced; });
    std::copy(limits, limits + pair.x.block_size(block), u + block * kBlockPoints);
  });
}

ArcParts nearest_of_rows(const CloudProblem& problem, const double* v, std::size_t count,
                         double* u) {
  return lowest_arcs(problem, v, count, nullptr, u);
}

ArcParts nearest_of_cols(const CloudProblem& problem, const double* u, std::size_t count) {
  ArcParts parts = lowest_arcs(problem.swapped(), u, count, nullptr, nullptr);
  for (auto& part : parts) {
    for (Arc& arc : part) std::swap(arc.row, arc.col);
  }
  return parts;
}

ArcParts nearest_below(const CloudProblem& problem, const double* v, std::size_t count,
                       const double* below) {
  return lowest_arcs(problem, v, count, below, nullptr);
}

// An arc is looked at where it is violated or lower than all before it in its row.
ArcParts violated_arcs(const CloudProblem& problem, const double* v, double tolerance,
                       std::size_t count, double* u) {
  ArcParts parts(groups_of(problem));
  for_each_block(problem, v, [&](CloudScan& scan, std::size_t block, std::size_t group) {
    const std::size_t rows = problem.x.block_size(block);
    const std::size_t first = block * kBlockPoints;
    LowestPlaces lowest(rows, count);
    double limits[kBlockPoints];
    double violated[kBlockPoints];
    double best[kBlockPoints];
    std::int32_t first_ties[kBlockPoints];
    for (std::size_t r = 0; r < rows; ++r) {
      violated[r] = u[first + r] - tolerance;
      limits[r] = u[first + r] + problem.rounding;
      best[r] = kInfinity;
      first_ties[r] = first_of_ties(first + r, problem.cols());
    }
    const auto visit = [&](std::size_t r, std::size_t col, double cost, double reduced) {
      best[r] = std::min(best[r], reduced);
      limits[r] = std::max(best[r], violated[r]);
      if (reduced >= violated[r]) return;
      const auto place = static_cast<std::int32_t>(col);
      lowest.offer(r, reduced, cost, place, turn(place, first_ties[r], problem.cols()));
    };
    scan.scan(block, limits, visit);
    // Rows whose u was too low by more than roundings: no arc of the plan is where it was expected.
    if (std::find(best, best + rows, kInfinity) != best + rows) {
      for (std::size_t r = 0; r < rows; ++r)
        limits[r] = best[r] == kInfinity ? kInfinity : -kInfinity;
      scan.scan(block, limits, visit);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      u[first + r] = best[r];
      for (const Place& place : lowest.of(r)) {
        parts[group].push_back({static_cast<std::int32_t>(first + r), place.index, place.cost});
      }
    }
  });
  return parts;
}

}  // namespace otcore::exact
