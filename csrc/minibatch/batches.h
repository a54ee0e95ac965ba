// The mini-batches of both sides, packed for the ground-cost kernels: every point is converted once
// per table, not once per pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "base/monitor.h"
#include "base/views.h"
#include "cost/cost.h"
#include "cost/tiles.h"

namespace otcore::minibatch {

// One side: k batches of m of the points.
template <class T>
struct Side {
  MatrixView<const T> points;
  const double* weights = nullptr;  // per point, >= 0; null: all the same
  std::size_t k = 0;
  std::size_t m = 0;
};

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

  [[nodiscard]] const Side<T>& x() const { return x_.side; }
  [[nodiscard]] const Side<T>& y() const { return y_.side; }

  // The weights of a batch's points, of sum 1; null where the side has none.
  [[nodiscard]] const double* weights_x(std::size_t i) const { return x_.batch_weights(i); }
  [[nodiscard]] const double* weights_y(std::size_t j) const { return y_.batch_weights(j); }

  // Per batch: the sum of its points' weights; their number where the side has none.
  [[nodiscard]] const std::vector<double>& masses_x() const { return x_.masses; }
  [[nodiscard]] const std::vector<double>& masses_y() const { return y_.masses; }

  // Ground costs between x batch i and y batch j, as cost::tile lays them out. InvalidArgument for
  // "X, Y" when one is not finite (overflow).
  void costs(std::size_t i, std::size_t j, double* out, std::size_t stride) const;

 private:
  struct PackedSide {
    Side<T> side;
    const char* points_name;
    const char* weights_name;
    std::size_t stride;  // of a batch in packed
    AlignedArray<double> packed;
    std::vector<double> weights;  // k * m, normalised; empty where the side has none
    std::vector<double> masses;   // k

    [[nodiscard]] const double* batch_weights(std::size_t i) const {
      return weights.empty() ? nullptr : weights.data() + i * side.m;
    }
    void check_points(const std::int64_t* batch) const;
    void normalise_weights(std::size_t i, const std::int64_t* batch);
  };

  static PackedSide make_side(const Side<T>& side, std::size_t packed_size, const char* points_name,
                              const char* weights_name);
  void pack_batch(PackedSide& to, std::size_t i, const std::int64_t* batch);

  cost::Metric metric_;
  PackedSide x_;
  PackedSide y_;
  std::vector<double> centre_;
};

}  // namespace otcore::minibatch
