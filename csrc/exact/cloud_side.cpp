#include "exact/cloud_side.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/sum.h"
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
CloudSide::CloudSide(const cost::Metric& metric, cost::PointSet<T> set,
                     std::shared_ptr<const CloudFrame> frame)
    : dims_(set.points.cols),
      frame_(std::move(frame)),
      row_size_(packed_row_size(metric, dims_)),
      block_size_(cost::packed_cols_size<double>(metric, kBlockPoints, dims_)),
      order_(set.index, set.index + set.count),
      rows_(aligned_array<double>(cost::packed_rows_size<double>(metric, set.count, dims_), "X")),
      cols_(aligned_array<double>(cost::packed_cols_size<double>(metric, set.count, dims_), "X")) {
  Halving<T>(set, order_).split(0, order_.size());
  set.index = order_.data();
  cost::pack_rows(metric, set, frame_->centre.data(), rows_.get());
  cost::pack_cols(metric, set, frame_->centre.data(), cols_.get());
  make_clusters(metric, set);
  const bool squared = metric.kind == cost::Kind::sqeuclidean;
  if (!squared && metric.power() != 1.0) return;
  const std::vector<double> means = make_balls(metric, set);
  if (squared) make_locals(metric, set, means);
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
std::vector<double> CloudSide::make_balls(const cost::Metric& metric,
                                          const cost::PointSet<T>& set) {
  std::vector<double> means(blocks() * dims_);
  for (std::size_t block = 0; block < blocks(); ++block) {
    const cost::PointSet<T> members{set.points, set.index + block * kBlockPoints,
                                    block_size(block)};
    cost::mean(members, means.data() + block * dims_);
  }
  const cost::PointSet<double> balls{{means.data(), blocks(), dims_, dims_}, nullptr, blocks()};
  ball_rows_ = aligned_array<double>(cost::packed_rows_size<double>(metric, blocks(), dims_), "X");
  ball_cols_ = aligned_array<double>(cost::packed_cols_size<double>(metric, blocks(), dims_), "X");
  cost::pack_rows(metric, balls, frame_->centre.data(), ball_rows_.get());
  cost::pack_cols(metric, balls, frame_->centre.data(), ball_cols_.get());
  return means;
}

template <class T>
void CloudSide::make_locals(const cost::Metric& metric, const cost::PointSet<T>& set,
                            const std::vector<double>& means) {
  radius_.resize(blocks());
  double squares[kBlockPoints];
  for (std::size_t block = 0; block < blocks(); ++block) {
    cost::tile(metric, ball_row(block), 1, block_cols(block), block_size(block), dims_, squares,
               kBlockPoints);
    radius_[block] = std::sqrt(*std::max_element(squares, squares + block_size(block)));
  }
  local_rows_.resize(size() * local_dims());
  const std::size_t local_size = blocks() * kBlockPoints * local_dims();
  local_cols_ = aligned_array<float>(local_size, "X");
  std::fill(local_cols_.get(), local_cols_.get() + local_size, 0.0F);
  if (frame_->shadow) return make_shadows(metric);
  for (std::size_t place = 0; place < size(); ++place) {
    const T* point = set.row(place);
    const double* mean = means.data() + place / kBlockPoints * dims_;
    for (std::size_t c = 0; c < dims_; ++c) {
      set_local(place, c, static_cast<double>(point[c]) - mean[c]);
    }
  }
}

void CloudSide::set_local(std::size_t place, std::size_t coordinate, double value) {
  const auto scaled = static_cast<float>(value * frame_->local_scale);
  const std::size_t block = place / kBlockPoints;
  local_rows_[place * local_dims() + coordinate] = scaled;
  local_cols_[(block * local_dims() + coordinate) * kBlockPoints + place % kBlockPoints] = scaled;
}

void CloudSide::make_shadows(const cost::Metric& metric) {
  const Shadow& shadow = *frame_->shadow;
  const std::size_t stride = shadow.stride();
  const std::size_t directions = shadow.dims() - 1;
  const AlignedArray<double> seen = aligned_array<double>((kBlockPoints + 1) * stride, "X");
  const double* of_mean = seen.get() + kBlockPoints * stride;
  double squares[kBlockPoints];
  CompensatedSum all;
  CompensatedSum left_out;
  for (std::size_t block = 0; block < blocks(); ++block) {
    const std::size_t members = block_size(block);
    shadow.project(row(block * kBlockPoints), members, seen.get(), stride);
    shadow.project(ball_row(block), 1, seen.get() + kBlockPoints * stride, stride);
    cost::tile(metric, ball_row(block), 1, block_cols(block), members, dims_, squares,
               kBlockPoints);
    for (std::size_t k = 0; k < members; ++k) {
      const double* point = seen.get() + k * stride;
      double rest = squares[k];
      for (std::size_t l = 0; l < directions; ++l) {
        const double local = point[l] - of_mean[l];
        rest -= local * local;
        set_local(block * kBlockPoints + k, l, local);
      }
      // Directions are orthonormal, and coordinates right, to far less than this.
      rest = std::max(rest, 0.0) + 0x1p-30 * squares[k];
      set_local(block * kBlockPoints + k, directions, std::sqrt(rest));
      all.add(squares[k]);
      left_out.add(rest);
    }
  }
  left_out_ = all.value() > 0.0 ? left_out.value() / all.value() : 0.0;
}

template CloudSide::CloudSide(const cost::Metric&, cost::PointSet<float>,
                              std::shared_ptr<const CloudFrame>);
template CloudSide::CloudSide(const cost::Metric&, cost::PointSet<double>,
                              std::shared_ptr<const CloudFrame>);

}  // namespace otcore::exact
