// Where a block of rows has arcs of low reduced cost: tiles of pairs, and bounds that spare most.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "exact/cloud.h"
#include "exact/kernels.h"

namespace otcore::exact {

// Looks at blocks of rows, one group of kBlocksPerGroup after another, for arcs with C_ij - v_j
// below a limit of each row. Scratch of one thread.
//
// For squared Euclidean costs, with x = c_I + x', y = c_J + y' in blocks I and J around their
// means,
//   |x - y|^2 = |x - c_J|^2 + |y - c_I|^2 - |c_I - c_J|^2 - 2 <x', y'>,
// so C_ij - v_j - limit_i is at least the minima of the first two terms less potentials over the
// blocks, less the third, less twice the product of the radii. At potentials that are nearly
// optimal the error is of second order in the size of the blocks.
class CloudScan {
 public:
  static constexpr std::size_t kBlocksPerGroup = 4;

  // v: as many as columns; must outlive the scan.
  CloudScan(const CloudPair& pair, const double* v);

  // Prepares for the blocks of rows of a group.
  void start_group(std::size_t group);

  // The rows of a block of the group: visit(row in block, column, cost, reduced) for all arcs with
  // reduced = C_ij - v_j below limits[row in block], and for few others' tiles. The visitor may
  // lower limits. Tiles come in an order in which low ones are early.
  template <class Visit>
  void scan(std::size_t block, double* limits, const Visit& visit) {
    done_.assign(pair_.y.blocks(), false);
    if (!pair_.x.has_balls()) {
      for (std::size_t j = 0; j < pair_.y.blocks(); ++j) look(block, j, limits, visit);
      return;
    }
    const std::size_t rows = pair_.x.block_size(block);
    if (*std::max_element(limits, limits + rows) == std::numeric_limits<double>::infinity()) {
      for (const std::size_t j : likely_blocks(block)) look(block, j, limits, visit);
    }
    find_open_tiles(block, limits);
    std::copy(limits, limits + rows, first_limits_);
    for (const auto& [bound, j] : open_) {
      double lowered = std::numeric_limits<double>::infinity();
      for (std::size_t r = 0; r < rows; ++r) {
        lowered = std::min(lowered, first_limits_[r] - limits[r]);
      }
      if (bound + lowered > pair_.rounding) break;
      if (!done_[j]) look(block, j, limits, visit);
    }
  }

 private:
  template <class Visit>
  void look(std::size_t block, std::size_t j, double* limits, const Visit& visit) {
    done_[j] = true;
    const std::size_t rows = pair_.x.block_size(block);
    const std::size_t first_col = j * kBlockPoints;
    const std::size_t hits = find_below(block, j, rows, limits);
    for (std::size_t h = 0; h < hits; ++h) {
      const auto at = static_cast<std::size_t>(hits_[h]);
      const std::size_t row = at / kBlockPoints;
      const std::size_t col = first_col + at % kBlockPoints;
      const double reduced = costs_[at] - v_[col];
      if (reduced < limits[row]) visit(row, col, costs_[at], reduced);
    }
  }

  std::size_t find_below(std::size_t block, std::size_t j, std::size_t rows, const double* limits);
  const std::vector<std::size_t>& likely_blocks(std::size_t block);
  void find_open_tiles(std::size_t block, const double* limits);

  const CloudPair& pair_;
  const double* v_;
  std::size_t first_block_ = 0;
  std::vector<double> mean_v_;     // of each block of columns
  std::vector<double> of_cols_;    // [group][blocks]: the minimum of |y - c_I|^2 - v_j
  std::vector<double> distances_;  // [group][padded blocks]: |c_I - c_J|^2
  std::vector<double> of_rows_;    // [blocks]: the minimum of |x - c_J|^2 - limit_i
  std::vector<std::pair<double, std::size_t>> open_;  // bounds and blocks, ascending
  std::vector<std::size_t> likely_;
  std::vector<char> done_;
  double first_limits_[kBlockPoints] = {};
  alignas(64) double costs_[kBlockPoints * kBlockPoints] = {};
  std::int32_t hits_[kBlockPoints * kBlockPoints] = {};
};

}  // namespace otcore::exact
