#include "exact/cloud_side.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "exact/tuning.h"

namespace otcore::exact {
namespace {

// Orders points by halving, again and again, across the coordinate along which they vary most:
// into whole blocks, and these into whole clusters.
template <class T>
class Halving {
 public:
  Halving(const cost::PointSet<T>& set, std::vector<std::int64_t>& order)
      : points_(set.points), order_(order), mean_(points_.cols), spread_(points_.cols) {}

  void split(std::size_t first, std::size_t last) {
    const std::size_t size = last - first;
    if (size <= kPointsPerCluster) return;
    const std::size_t unit = size > kBlockPoints ? kBlockPoints : kPointsPerCluster;
    const std::size_t units = (size + unit - 1) / unit;
    const std::size_t middle = first + units / 2 * unit;
    const std::size_t widest = widest_coordinate(first, last);
    const auto place = [this](std::size_t k) {
      return order_.begin() + static_cast<std::ptrdiff_t>(k);
    };
    std::nth_element(place(first), place(middle), place(last),
                     [this, widest](std::int64_t x, std::int64_t y) {
                       return std::pair(at(x)[widest], x) < std::pair(at(y)[widest], y);
                     });
    split(first, middle);
    split(middle, last);
  }

 private:
  const T* at(std::int64_t point) const { return points_.row(static_cast<std::size_t>(point)); }

  std::size_t widest_coordinate(std::size_t first, std::size_t last) {
    const std::size_t dims = points_.cols;
    std::fill(mean_.begin(), mean_.end(), 0.0);
    std::fill(spread_.begin(), spread_.end(), 0.0);
    const double weight = 1.0 / static_cast<double>(last - first);
    for (std::size_t k = first; k < last; ++k) {
      const T* point = at(order_[k]);
      for (std::size_t c = 0; c < dims; ++c) mean_[c] += static_cast<double>(point[c]) * weight;
    }
    for (std::size_t k = first; k < last; ++k) {
      const T* point = at(order_[k]);
      for (std::size_t c = 0; c < dims; ++c) {
        const double x = static_cast<double>(point[c]) - mean_[c];
        spread_[c] += x * x;
      }
    }
    return static_cast<std::size_t>(std::max_element(spread_.begin(), spread_.end()) -
                                    spread_.begin());
  }

  MatrixView<const T> points_;
  std::vector<std::int64_t>& order_;
  std::vector<double> mean_;
  std::vector<double> spread_;
};

std::size_t packed_row_size(const cost::Metric& metric, std::size_t dims) {
  constexpr std::size_t kWhole = cost::kColumnPadding<double>;  // so many rows have no padding
  return cost::packed_rows_size<double>(metric, kWhole, dims) / kWhole;
}

}  // namespace

template <class T>
CloudSide::CloudSide(const cost::Metric& metric, cost::PointSet<T> set, std::vector<double> centre)
    : dims_(set.points.cols),
      centre_(std::move(centre)),
      row_size_(packed_row_size(metric, dims_)),
      block_size_(cost::packed_cols_size<double>(metric, kBlockPoints, dims_)),
      order_(set.index, set.index + set.count),
      rows_(aligned_array<double>(cost::packed_rows_size<double>(metric, set.count, dims_), "X")),
      cols_(aligned_array<double>(cost::packed_cols_size<double>(metric, set.count, dims_), "X")) {
  Halving<T>(set, order_).split(0, order_.size());
  set.index = order_.data();
  cost::pack_rows(metric, set, centre_.data(), rows_.get());
  cost::pack_cols(metric, set, centre_.data(), cols_.get());
  make_clusters(metric, set);
  if (metric.kind == cost::Kind::sqeuclidean) make_balls(metric, set);
}

template <class T>
void CloudSide::make_clusters(const cost::Metric& metric, const cost::PointSet<T>& set) {
  const std::size_t count = (size() + kPointsPerCluster - 1) / kPointsPerCluster;
  clusters_.resize(count * dims_);
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t first = k * kPointsPerCluster;
    const std::size_t members =
        metric.power() == 0.0 ? 1 : std::min(kPointsPerCluster, size() - first);
    cost::mean(cost::PointSet<T>{set.points, set.index + first, members},
               clusters_.data() + k * dims_);
  }
}

template <class T>
void CloudSide::make_balls(const cost::Metric& metric, const cost::PointSet<T>& set) {
  std::vector<double> means(blocks() * dims_);
  for (std::size_t block = 0; block < blocks(); ++block) {
    const cost::PointSet<T> members{set.points, set.index + block * kBlockPoints,
                                    block_size(block)};
    cost::mean(members, means.data() + block * dims_);
  }
  const cost::PointSet<double> balls{{means.data(), blocks(), dims_, dims_}, nullptr, blocks()};
  ball_rows_ = aligned_array<double>(cost::packed_rows_size<double>(metric, blocks(), dims_), "X");
  ball_cols_ = aligned_array<double>(cost::packed_cols_size<double>(metric, blocks(), dims_), "X");
  cost::pack_rows(metric, balls, centre_.data(), ball_rows_.get());
  cost::pack_cols(metric, balls, centre_.data(), ball_cols_.get());
  radius_.resize(blocks());
  double squares[kBlockPoints];
  for (std::size_t block = 0; block < blocks(); ++block) {
    cost::tile(metric, ball_row(block), 1, block_cols(block), block_size(block), dims_, squares,
               kBlockPoints);
    radius_[block] = std::sqrt(*std::max_element(squares, squares + block_size(block)));
  }
}

template CloudSide::CloudSide(const cost::Metric&, cost::PointSet<float>, std::vector<double>);
template CloudSide::CloudSide(const cost::Metric&, cost::PointSet<double>, std::vector<double>);

}  // namespace otcore::exact
