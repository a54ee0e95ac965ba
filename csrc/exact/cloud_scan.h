// Where a block of rows has arcs of low reduced cost: tiles of pairs, and bounds that spare most.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "exact/cloud.h"
#include "exact/kernels.h"

namespace otcore::exact {

// Looks at blocks of rows, one group after another, for arcs with C_ij - v_j
// below a limit of each row. Scratch of one thread.
//
// For squared Euclidean costs, with x = c_I + x', y = c_J + y' in blocks I and J around their
// means,
//   |x - y|^2 = |x - c_J|^2 + |y - c_I|^2 - |c_I - c_J|^2 - 2 <x', y'>,
// so C_ij - v_j - limit_i is at least the minima of the first two terms less potentials over the
// blocks, less the third, less twice the product of the radii: at potentials that are nearly
// optimal the error is of second order in the size of the blocks. Tiles that this leaves go through
// the products <x', y'> in float32, whose rounding is of that order too; costs are computed, in
// float64, for the pairs that may be low.
//
// For distances, C_ij >= |x - c_J| - |y - c_J|.
class CloudScan {
 public:
  // Blocks of a group: all columns are read for each group, which counts where they are long.
  static std::size_t blocks_per_group(const CloudPair& pair) { return pair.x.has_shadow() ? 8 : 4; }

  // A tile's costs take as long as those of about so many single pairs.
  static constexpr std::size_t kManyHits = 128;

  // v: as many as columns; must outlive the scan.
  CloudScan(const CloudPair& pair, const double* v);

  // Prepares for the blocks of rows of a group.
  void start_group(std::size_t group);

  // The rows of a block of the group: visit(row in block, column, cost, reduced) for all arcs with
  // reduced = C_ij - v_j below limits[row in block]. The visitor may lower limits.
  template <class Visit>
  void scan(std::size_t block, double* limits, const Visit& visit) {
    const std::size_t blocks = pair_.y.blocks();
    if (!pair_.x.has_balls()) {
      for (std::size_t j = 0; j < blocks; ++j) look(block, j, limits, visit);
      return;
    }
    const std::size_t rows = pair_.x.block_size(block);
    done_.assign(blocks, false);
    // Not for distances: in the plane many tie, and the nearest blocks have too few columns for
    // all.
    const bool unlimited =
        *std::max_element(limits, limits + rows) == std::numeric_limits<double>::infinity();
    if (unlimited && pair_.x.has_locals()) {
      for (const std::size_t j : likely_blocks(block)) {
        look(block, j, limits, visit);
        done_[j] = true;
      }
    }
    for (std::size_t first = 0; first < blocks; first += kBlockPoints) {
      const std::size_t last = std::min(blocks, first + kBlockPoints);
      measure_rows(block, first, last);
      for (std::size_t j = first; j < last; ++j) {
        const double* to_ball = to_balls_ + (j - first) * kBlockPoints;
        if (done_[j] || !is_open(block, j, to_ball, limits)) continue;
        if (pair_.x.has_locals()) {
          sift(block, j, to_ball, limits, visit);
        } else {
          look(block, j, limits, visit);
        }
      }
    }
  }

 private:
  // All pairs of a tile, in float64.
  template <class Visit>
  void look(std::size_t block, std::size_t j, double* limits, const Visit& visit) {
    const std::size_t hits = find_below(block, j, limits);
    for (std::size_t h = 0; h < hits; ++h) {
      const auto at = static_cast<std::size_t>(hits_[h]);
      tell(at, j, costs_[at], limits, visit);
    }
  }

  // Those that may be low.
  template <class Visit>
  void sift(std::size_t block, std::size_t j, const double* to_ball, double* limits,
            const Visit& visit) {
    const std::size_t hits = find_products(block, j, to_ball, limits);
    if (hits > kManyHits)
      return look(block, j, limits, visit);  // ties, which float64 may tell apart
    for (std::size_t h = 0; h < hits; ++h) {
      const auto at = static_cast<std::size_t>(hits_[h]);
      const std::size_t row = at / kBlockPoints;
      const std::size_t i = block * kBlockPoints + row;
      const std::size_t col = j * kBlockPoints + at % kBlockPoints;
      if (pair_.x.has_shadow() &&
          pair_.cost_but_rounding(i, col) - v_[col] > limits[row] + pair_.rounding) {
        continue;
      }
      tell(at, j, pair_.cost(i, col), limits, visit);
    }
  }

  template <class Visit>
  void tell(std::size_t at, std::size_t j, double cost, double* limits, const Visit& visit) {
    const std::size_t row = at / kBlockPoints;
    const std::size_t col = j * kBlockPoints + at % kBlockPoints;
    const double reduced = cost - v_[col];
    if (reduced < limits[row]) visit(row, col, cost, reduced);
  }

  std::size_t find_below(std::size_t block, std::size_t j, const double* limits);
  std::size_t find_products(std::size_t block, std::size_t j, const double* to_ball,
                            const double* limits);
  const std::vector<std::size_t>& likely_blocks(std::size_t block);
  void bound_distances();
  void measure_rows(std::size_t block, std::size_t first, std::size_t last);
  [[nodiscard]] bool is_open(std::size_t block, std::size_t j, const double* to_ball,
                             const double* limits) const;
  [[nodiscard]] double distance(std::size_t block, std::size_t j) const;

  const CloudPair& pair_;
  const double* v_;
  std::size_t in_group_;
  std::size_t first_block_ = 0;
  std::vector<double> mean_v_;     // of each block of columns
  std::vector<double> to_cols_;    // [group][padded columns]: |y - c_I|^2 - v_j
  std::vector<double> of_cols_;    // [group][blocks]: the minima of these; for distances [blocks]:
                                   // of -|y - c_J| - v_j
  std::vector<double> distances_;  // [group][padded blocks]: |c_I - c_J|^2
  std::vector<std::size_t> likely_;
  std::vector<char> done_;
  alignas(64) double costs_[kBlockPoints * kBlockPoints] = {};
  alignas(64) double to_balls_[kBlockPoints * kBlockPoints] = {};  // |x - c_J|^2, by J
  alignas(64) float starts_[kBlockPoints] = {};
  alignas(64) float above_[kBlockPoints] = {};
  std::int32_t hits_[kBlockPoints * kBlockPoints] = {};
};

}  // namespace otcore::exact
