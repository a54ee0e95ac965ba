// The mini-batches of both sides, packed for the ground-cost kernels: every point is converted once
// per table, not once per pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "base/monitor.h"
#include "cost/cost.h"
#include "cost/tiles.h"
#include "minibatch/drawn.h"

namespace otcore::minibatch {

template <class T>
class Batches {
 public:
  // Room for the batches. The arrays behind x and y are read by pack() alone.
  Batches(const Side<T>& x, const Side<T>& y, const cost::Metric& metric);

  // Takes kx * mx and ky * my point numbers, each below its side's number of points.
  // InvalidArgument for "X", "Y" (a drawn point is not finite, or a zero vector under cosine) and
  // "a", "b" (a drawn weight is negative or not finite, a batch has no mass).
  void pack(const std::int64_t* batches_x, const std::int64_t* batches_y, int n_threads,
            Monitor& monitor);

  [[nodiscard]] const Side<T>& x() const { return x_.drawn.side(); }
  [[nodiscard]] const Side<T>& y() const { return y_.drawn.side(); }

  // The weights of a batch's points, of sum 1; null where the side has none.
  [[nodiscard]] const double* weights_x(std::size_t i) const { return x_.drawn.weights(i); }
  [[nodiscard]] const double* weights_y(std::size_t j) const { return y_.drawn.weights(j); }

  // Per batch: the sum of its points' weights; their number where the side has none.
  [[nodiscard]] const std::vector<double>& masses_x() const { return x_.drawn.masses(); }
  [[nodiscard]] const std::vector<double>& masses_y() const { return y_.drawn.masses(); }

  // As DrawnSide::add_weight_gradient.
  void add_weight_gradient_x(std::size_t i, double factor, const double* slopes,
                             double* out) const {
    x_.drawn.add_weight_gradient(i, factor, slopes, out);
  }
  void add_weight_gradient_y(std::size_t j, double factor, const double* slopes,
                             double* out) const {
    y_.drawn.add_weight_gradient(j, factor, slopes, out);
  }

  // Ground costs between x batch i and y batch j, as cost::tile lays them out. InvalidArgument for
  // "X, Y" when one is not finite (overflow).
  void costs(std::size_t i, std::size_t j, double* out, std::size_t stride) const;

 private:
  struct PackedSide {
    DrawnSide<T> drawn;
    std::size_t stride;  // of a batch in packed
    AlignedArray<double> packed;
  };

  static PackedSide make_side(const DrawnSide<T>& drawn, std::size_t packed_size);
  void pack_batch(PackedSide& to, std::size_t i, const std::int64_t* batch);

  cost::Metric metric_;
  PackedSide x_;
  PackedSide y_;
  std::vector<double> centre_;
};

}  // namespace otcore::minibatch
