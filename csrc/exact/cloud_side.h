// One side of a transport problem between points: in an order in which neighbours are close, in
// blocks that costs are computed by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "cost/cost.h"
#include "cost/tiles.h"
#include "exact/kernels.h"

namespace otcore::exact {

// Points packed for the cost kernels as rows and as columns, so that the two sides of a problem can
// change places.
class CloudSide {
 public:
  // The points of `set` (set.index lists them), which are finite; centre: as cost::pack_rows.
  template <class T>
  CloudSide(const cost::Metric& metric, cost::PointSet<T> set, std::vector<double> centre);

  [[nodiscard]] std::size_t size() const { return order_.size(); }
  [[nodiscard]] std::size_t dims() const { return dims_; }
  [[nodiscard]] std::size_t blocks() const { return (size() + kBlockPoints - 1) / kBlockPoints; }
  [[nodiscard]] std::size_t block_size(std::size_t block) const {
    return block + 1 < blocks() ? kBlockPoints : size() - block * kBlockPoints;
  }

  // What all points of both sides were shifted by before they were packed.
  [[nodiscard]] const std::vector<double>& centre() const { return centre_; }

  // The row of the caller's points that is at each place.
  [[nodiscard]] const std::vector<std::int64_t>& order() const { return order_; }

  // The means of clusters of kPointsPerCluster points that follow each other; one of the points
  // where the cost is no power of a distance, and a mean might have no cost.
  [[nodiscard]] MatrixView<const double> clusters() const {
    return {clusters_.data(), clusters_.size() / dims_, dims_, dims_};
  }

  // Packed points from a place on: any for rows, the first of a block for columns.
  [[nodiscard]] const double* row(std::size_t place) const {
    return rows_.get() + place * row_size_;
  }
  [[nodiscard]] const double* block_cols(std::size_t block) const {
    return cols_.get() + block * block_size_;
  }

  // Where bounds are to be had (squared Euclidean costs), the mean of each block, packed likewise,
  // and how far its points are from it at most.
  [[nodiscard]] bool has_balls() const { return !radius_.empty(); }
  [[nodiscard]] const double* ball_row(std::size_t block) const {
    return ball_rows_.get() + block * row_size_;
  }
  [[nodiscard]] const double* ball_cols() const { return ball_cols_.get(); }
  // From one panel of cost::kColumnPadding<double> packed columns to the next.
  [[nodiscard]] std::size_t panel_size() const {
    return block_size_ / (kBlockPoints / cost::kColumnPadding<double>);
  }
  [[nodiscard]] double radius(std::size_t block) const { return radius_[block]; }

 private:
  template <class T>
  void make_clusters(const cost::Metric& metric, const cost::PointSet<T>& set);
  template <class T>
  void make_balls(const cost::Metric& metric, const cost::PointSet<T>& set);

  std::size_t dims_;
  std::vector<double> centre_;
  std::size_t row_size_;    // of a packed row
  std::size_t block_size_;  // of a packed block of columns
  std::vector<std::int64_t> order_;
  AlignedArray<double> rows_;
  AlignedArray<double> cols_;
  AlignedArray<double> ball_rows_;
  AlignedArray<double> ball_cols_;
  std::vector<double> radius_;
  std::vector<double> clusters_;
};

}  // namespace otcore::exact
