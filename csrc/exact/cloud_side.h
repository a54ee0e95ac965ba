// One side of a transport problem between points: in an order in which neighbours are close, in
// blocks that costs are computed by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/aligned.h"
#include "cost/cost.h"
#include "cost/tiles.h"
#include "exact/cloud_shadow.h"
#include "exact/kernels.h"

namespace otcore::exact {

// What the sides of a problem, and of those between its clusters, have in common.
struct CloudFrame {
  std::vector<double> centre;            // as cost::pack_rows
  double local_scale;                    // a power of two that brings differences of points near 1
  std::shared_ptr<const Shadow> shadow;  // or null
};

// Points packed for the cost kernels as rows and as columns, so that the two sides of a problem can
// change places.
class CloudSide {
 public:
  // The points of `set` (set.index lists them), which are finite.
  template <class T>
  CloudSide(const cost::Metric& metric, cost::PointSet<T> set,
            std::shared_ptr<const CloudFrame> frame);

  [[nodiscard]] std::size_t size() const { return order_.size(); }
  [[nodiscard]] std::size_t dims() const { return dims_; }
  [[nodiscard]] std::size_t blocks() const { return (size() + kBlockPoints - 1) / kBlockPoints; }
  [[nodiscard]] std::size_t block_size(std::size_t block) const {
    return block + 1 < blocks() ? kBlockPoints : size() - block * kBlockPoints;
  }

  [[nodiscard]] const std::shared_ptr<const CloudFrame>& frame() const { return frame_; }

  // The row of the caller's points that is at each place.
  [[nodiscard]] const std::vector<std::int64_t>& order() const { return order_; }

  // The means of clusters of kPointsPerCluster points that follow each other; one of the points
  // where the cost is no power of a distance, and a mean might have no cost.
  [[nodiscard]] MatrixView<const double> clusters() const {
    return {clusters_.data(), clusters_.size() / dims_, dims_, dims_};
  }

  // Packed points from a place on: any for rows, the first of a block for columns, whose panels of
  // cost::kColumnPadding<double> are panel_size() apart.
  [[nodiscard]] const double* row(std::size_t place) const {
    return rows_.get() + place * row_size_;
  }
  [[nodiscard]] const double* block_cols(std::size_t block) const {
    return cols_.get() + block * block_size_;
  }
  [[nodiscard]] std::size_t panel_size() const {
    return block_size_ / (kBlockPoints / cost::kColumnPadding<double>);
  }

  // Where bounds are to be had (the cost is a distance, or the square of the Euclidean one): the
  // mean of each block, packed likewise.
  [[nodiscard]] bool has_balls() const { return ball_rows_ != nullptr; }
  [[nodiscard]] const double* ball_row(std::size_t block) const {
    return ball_rows_.get() + block * row_size_;
  }
  [[nodiscard]] const double* ball_cols() const { return ball_cols_.get(); }

  // For squared Euclidean costs: how far a block's points are from its mean at most, and local
  // coordinates: the points less the mean of their block, or the shadow of that, times local_scale,
  // in float32; point after point, and by block and coordinate. Their products are those of the
  // points, or no less.
  [[nodiscard]] bool has_locals() const { return !radius_.empty(); }
  [[nodiscard]] double radius(std::size_t block) const { return radius_[block]; }
  [[nodiscard]] bool has_shadow() const { return frame_->shadow != nullptr; }
  [[nodiscard]] std::size_t local_dims() const {
    return frame_->shadow ? frame_->shadow->dims() : dims_;
  }
  [[nodiscard]] const float* local_row(std::size_t place) const {
    return local_rows_.data() + place * local_dims();
  }
  [[nodiscard]] const float* local_cols(std::size_t block) const {
    return local_cols_.get() + block * kBlockPoints * local_dims();
  }
  // The share of the squares of local coordinates that the shadow leaves out.
  [[nodiscard]] double left_out() const { return left_out_; }

 private:
  template <class T>
  void make_clusters(const cost::Metric& metric, const cost::PointSet<T>& set);
  template <class T>
  std::vector<double> make_balls(const cost::Metric& metric, const cost::PointSet<T>& set);
  template <class T>
  void make_locals(const cost::Metric& metric, const cost::PointSet<T>& set,
                   const std::vector<double>& means);
  void make_shadows(const cost::Metric& metric);
  void set_local(std::size_t place, std::size_t coordinate, double value);

  std::size_t dims_;
  std::shared_ptr<const CloudFrame> frame_;
  std::size_t row_size_;    // of a packed row
  std::size_t block_size_;  // of a packed block of columns
  std::vector<std::int64_t> order_;
  AlignedArray<double> rows_;
  AlignedArray<double> cols_;
  AlignedArray<double> ball_rows_;
  AlignedArray<double> ball_cols_;
  std::vector<double> radius_;
  std::vector<float> local_rows_;
  AlignedArray<float> local_cols_;
  double left_out_ = 0.0;
  std::vector<double> clusters_;
};

}  // namespace otcore::exact
