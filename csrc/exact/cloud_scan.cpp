#include "exact/cloud_scan.h"

#include <numeric>

#include "base/sizes.h"
#include "cost/tiles.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

constexpr std::size_t kPad = cost::kColumnPadding<double>;

}  // namespace

CloudScan::CloudScan(const CloudPair& pair, const double* v) : pair_(pair), v_(v) {
  if (!pair.x.has_balls()) return;
  const std::size_t blocks = pair.y.blocks();
  mean_v_.resize(blocks);
  for (std::size_t j = 0; j < blocks; ++j) {
    const double* first = v + j * kBlockPoints;
    const std::size_t size = pair.y.block_size(j);
    mean_v_[j] = std::accumulate(first, first + size, 0.0) / static_cast<double>(size);
  }
  of_cols_.resize(kBlocksPerGroup * blocks);
  distances_.resize(kBlocksPerGroup * round_up(blocks, kPad));
  of_rows_.resize(round_up(blocks, kPad));
  open_.reserve(blocks);
}

void CloudScan::start_group(std::size_t group) {
  first_block_ = group * kBlocksPerGroup;
  if (!pair_.x.has_balls()) return;
  const CloudSide& x = pair_.x;
  const CloudSide& y = pair_.y;
  const std::size_t blocks = y.blocks();
  const std::size_t count = std::min(kBlocksPerGroup, x.blocks() - first_block_);
  for (std::size_t j = 0; j < blocks; ++j) {
    const std::size_t size = y.block_size(j);
    cost::tile(pair_.metric, x.ball_row(first_block_), count, y.block_cols(j), size, x.dims(),
               costs_, kBlockPoints);
    for (std::size_t g = 0; g < count; ++g) {
      of_cols_[g * blocks + j] = cost_kernels<double>().row_minimum_value(
          costs_ + g * kBlockPoints, 1.0, v_ + j * kBlockPoints, size);
    }
  }
  cost::tile(pair_.metric, x.ball_row(first_block_), count, y.ball_cols(), blocks, x.dims(),
             distances_.data(), round_up(blocks, kPad));
}

std::size_t CloudScan::find_below(std::size_t block, std::size_t j, std::size_t rows,
                                  const double* limits) {
  const std::size_t size = pair_.y.block_size(j);
  cost::tile(pair_.metric, pair_.x.row(block * kBlockPoints), rows, pair_.y.block_cols(j), size,
             pair_.x.dims(), costs_, kBlockPoints);
  return kernels().tile_below(costs_, rows, size, v_ + j * kBlockPoints, limits, hits_);
}

// The blocks of columns that the potentials' and blocks' means take for the cheapest.
const std::vector<std::size_t>& CloudScan::likely_blocks(std::size_t block) {
  const std::size_t blocks = pair_.y.blocks();
  const double* distances = distances_.data() + (block - first_block_) * round_up(blocks, kPad);
  likely_.resize(blocks);
  std::iota(likely_.begin(), likely_.end(), std::size_t{0});
  const std::size_t count = std::min(kLikelyBlocks, blocks);
  std::partial_sort(likely_.begin(), likely_.begin() + static_cast<std::ptrdiff_t>(count),
                    likely_.end(), [&](std::size_t k, std::size_t l) {
                      return distances[k] - mean_v_[k] < distances[l] - mean_v_[l];
                    });
  likely_.resize(count);
  return likely_;
}

void CloudScan::find_open_tiles(std::size_t block, const double* limits) {
  const std::size_t blocks = pair_.y.blocks();
  const std::size_t rows = pair_.x.block_size(block);
  std::fill(of_rows_.begin(), of_rows_.end(), std::numeric_limits<double>::infinity());
  for (std::size_t first = 0; first < blocks; first += kBlockPoints) {
    const std::size_t size = std::min(kBlockPoints, blocks - first);
    const double* balls = pair_.y.ball_cols() + first / kPad * pair_.y.panel_size();
    cost::tile(pair_.metric, pair_.x.row(block * kBlockPoints), rows, balls, size, pair_.x.dims(),
               costs_, kBlockPoints);
    for (std::size_t r = 0; r < rows; ++r) {
      cost_kernels<double>().fold_minima(costs_ + r * kBlockPoints, 1.0, limits[r], size,
                                         of_rows_.data() + first);
    }
  }
  const std::size_t g = block - first_block_;
  const double* of_cols = of_cols_.data() + g * blocks;
  const double* distances = distances_.data() + g * round_up(blocks, kPad);
  const double radius = 2.0 * pair_.x.radius(block);
  open_.clear();
  for (std::size_t j = 0; j < blocks; ++j) {
    const double bound = of_rows_[j] + of_cols[j] - distances[j] - radius * pair_.y.radius(j);
    if (!(bound > pair_.rounding)) open_.emplace_back(bound, j);
  }
  std::sort(open_.begin(), open_.end());
}

}  // namespace otcore::exact
