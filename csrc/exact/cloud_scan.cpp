#include "exact/cloud_scan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/sizes.h"
#include "cost/tiles.h"
#include "exact/ties.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

constexpr std::size_t kPad = cost::kColumnPadding<double>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

CloudScan::CloudScan(const CloudPair& pair, const double* v)
    : pair_(pair), v_(v), in_group_(blocks_per_group(pair)) {
  if (!pair.x.has_balls()) return;
  const std::size_t blocks = pair.y.blocks();
  if (!pair.x.has_locals()) {
    bound_distances();
    return;
  }
  mean_v_.resize(blocks);
  for (std::size_t j = 0; j < blocks; ++j) {
    const double* first = v + j * kBlockPoints;
    const std::size_t size = pair.y.block_size(j);
    mean_v_[j] = std::accumulate(first, first + size, 0.0) / static_cast<double>(size);
  }
  to_cols_.resize(in_group_ * blocks * kBlockPoints);
  of_cols_.resize(in_group_ * blocks);
  distances_.resize(in_group_ * round_up(blocks, kPad));
}

void CloudScan::bound_distances() {
  const CloudSide& y = pair_.y;
  of_cols_.assign(y.blocks(), kInfinity);
  for (std::size_t j = 0; j < y.blocks(); ++j) {
    const std::size_t size = y.block_size(j);
    cost::tile(pair_.metric, y.ball_row(j), 1, y.block_cols(j), size, y.dims(), costs_,
               kBlockPoints);
    for (std::size_t c = 0; c < size; ++c) {
      of_cols_[j] = std::min(of_cols_[j], -costs_[c] - v_[j * kBlockPoints + c]);
    }
  }
}

void CloudScan::start_group(std::size_t group) {
  first_block_ = group * in_group_;
  if (!pair_.x.has_locals()) return;
  const CloudSide& x = pair_.x;
  const CloudSide& y = pair_.y;
  const std::size_t blocks = y.blocks();
  const std::size_t count = std::min(in_group_, x.blocks() - first_block_);
  cost::tile(pair_.metric, x.ball_row(first_block_), count, y.ball_cols(), blocks, x.dims(),
             distances_.data(), round_up(blocks, kPad));
  for (std::size_t j = 0; j < blocks; ++j) {
    const std::size_t size = y.block_size(j);
    const double* v = v_ + j * kBlockPoints;
    cost::tile(pair_.metric, x.ball_row(first_block_), count, y.block_cols(j), size, x.dims(),
               costs_, kBlockPoints);
    for (std::size_t g = 0; g < count; ++g) {
      double* to_cols = to_cols_.data() + (g * blocks + j) * kBlockPoints;
      double least = kInfinity;
      for (std::size_t c = 0; c < size; ++c) {
        to_cols[c] = costs_[g * kBlockPoints + c] - v[c];
        least = std::min(least, to_cols[c]);
      }
      of_cols_[g * blocks + j] = least;
    }
  }
}

double CloudScan::distance(std::size_t block, std::size_t j) const {
  return distances_[(block - first_block_) * round_up(pair_.y.blocks(), kPad) + j];
}

std::size_t CloudScan::find_below(std::size_t block, std::size_t j, const double* limits) {
  const std::size_t rows = pair_.x.block_size(block);
  const std::size_t size = pair_.y.block_size(j);
  cost::tile(pair_.metric, pair_.x.row(block * kBlockPoints), rows, pair_.y.block_cols(j), size,
             pair_.x.dims(), costs_, kBlockPoints);
  return kernels().tile_below(costs_, rows, size, v_ + j * kBlockPoints, limits, hits_);
}

// With p_i = (|x - c_J|^2 - limit_i) / 2 - s and q_j = (|y - c_I|^2 - |c_I - c_J|^2 - v_j) / 2 + s,
// a pair is low where <x', y'> - q_j > p_i; s makes the least p_i zero. All times the square of the
// local scale, a sum of d products and q in float32 is within (d + 1) u (|x'| |y'| + |q_j|) of the
// exact one, the roundings of x', y', p and q are u each (Higham, Accuracy and Stability of
// Numerical Algorithms, 2nd ed., section 3.1); the factor 1.1 is for terms in u^2, and what falls
// below the smallest normal number is far below `rounding`.
std::size_t CloudScan::find_products(std::size_t block, std::size_t j, const double* to_ball,
                                     const double* limits) {
  constexpr double kUnit = 1.1 * 0x1p-24;
  const CloudSide& x = pair_.x;
  const CloudSide& y = pair_.y;
  const double scale = x.frame()->local_scale;
  const double square = scale * scale;
  const std::size_t rows = x.block_size(block);
  const std::size_t cols = y.block_size(j);
  double p[kBlockPoints];
  double shift = kInfinity;
  bool limited = true;
  for (std::size_t r = 0; r < rows; ++r) {
    p[r] = 0.5 * square * (to_ball[r] - limits[r]);
    if (p[r] > -kInfinity) {
      shift = std::min(shift, p[r]);
    } else {
      limited = false;
    }
  }
  if (std::isinf(shift)) shift = 0.0;
  const double* to_cols =
      to_cols_.data() + ((block - first_block_) * y.blocks() + j) * kBlockPoints;
  const double rounding = square * pair_.rounding;
  const double reach = square * x.radius(block) * y.radius(j);
  double largest_q = 0.0;
  for (std::size_t c = 0; c < kBlockPoints; ++c) {
    const double of_col =
        c < cols ? 0.5 * square * (to_cols[c] - distance(block, j)) + shift : kInfinity;
    // No product reaches so far, where rows have limits.
    const bool high = c >= cols || (limited && of_col > 2.0 * reach + rounding);
    if (!high) largest_q = std::max(largest_q, std::abs(of_col));
    starts_[c] = high ? -std::numeric_limits<float>::infinity() : static_cast<float>(-of_col);
  }
  const double error =
      kUnit * static_cast<double>(x.local_dims() + 4) * (reach + largest_q) + rounding;
  for (std::size_t r = 0; r < rows; ++r) {
    const double least = p[r] - shift;
    above_[r] = static_cast<float>(least - error - kUnit * std::abs(least));
  }
  return kernels().products_above(x.local_row(block * kBlockPoints), rows, y.local_cols(j),
                                  x.local_dims(), starts_, above_, hits_);
}

// The blocks of columns that the potentials' and blocks' means take for the cheapest.
const std::vector<std::size_t>& CloudScan::likely_blocks(std::size_t block) {
  const std::size_t blocks = pair_.y.blocks();
  likely_.resize(blocks);
  std::iota(likely_.begin(), likely_.end(), std::size_t{0});
  const std::size_t count = std::min(kLikelyBlocks, blocks);
  const std::int32_t first = first_of_ties(block, blocks);
  std::partial_sort(likely_.begin(), likely_.begin() + static_cast<std::ptrdiff_t>(count),
                    likely_.end(), [&](std::size_t k, std::size_t l) {
                      const auto of = [&](std::size_t j) {
                        return std::pair(distance(block, j) - mean_v_[j],
                                         turn(static_cast<std::int32_t>(j), first, blocks));
                      };
                      return of(k) < of(l);
                    });
  likely_.resize(count);
  return likely_;
}

void CloudScan::measure_rows(std::size_t block, std::size_t first, std::size_t last) {
  cost::tile(pair_.metric, pair_.y.ball_row(first), last - first, pair_.x.block_cols(block),
             pair_.x.block_size(block), pair_.x.dims(), to_balls_, kBlockPoints);
}

bool CloudScan::is_open(std::size_t block, std::size_t j, const double* to_ball,
                        const double* limits) const {
  const double of_rows =
      cost_kernels<double>().row_minimum_value(to_ball, 1.0, limits, pair_.x.block_size(block));
  if (!pair_.x.has_locals()) return !(of_rows + of_cols_[j] > pair_.rounding);
  const double of_cols = of_cols_[(block - first_block_) * pair_.y.blocks() + j];
  const double reach = pair_.x.radius(block) * pair_.y.radius(j);
  return !(of_rows + of_cols - distance(block, j) - 2.0 * reach > pair_.rounding);
}

}  // namespace otcore::exact
