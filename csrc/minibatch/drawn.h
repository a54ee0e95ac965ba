// One side's mini-batches as they were drawn: their points checked, their weights normalised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/views.h"

namespace otcore::minibatch {

// One side: k batches of m of the points.
template <class T>
struct Side {
  MatrixView<const T> points;
  const double* weights = nullptr;  // per point, >= 0; null: all the same
  std::size_t k = 0;
  std::size_t m = 0;
  bool by_place = false;  // weights are those of the places in the batches, k * m, instead
};

template <class T>
class DrawnSide {
 public:
  // The names are those of the user's arguments.
  DrawnSide(const Side<T>& side, const char* points_name, const char* weights_name);

  [[nodiscard]] const Side<T>& side() const { return side_; }
  [[nodiscard]] const char* points_name() const { return points_name_; }

  // Takes batch i: m numbers of points. Batches may be taken in parallel. InvalidArgument for a
  // point that is not finite, a weight that is negative or not finite, a batch without mass.
  void take(std::size_t i, const std::int64_t* batch);
  // Its check of the points alone.
  void check_points(const std::int64_t* batch) const;

  // The weights of a batch's points, of sum 1; null where the side has none.
  [[nodiscard]] const double* weights(std::size_t i) const {
    return weights_.empty() ? nullptr : weights_.data() + i * side_.m;
  }
  // Per batch: the sum of its points' weights; their number where the side has none.
  [[nodiscard]] const std::vector<double>& masses() const { return masses_; }

  // out[r] += factor * d W / d a_r for a W whose derivatives in the normalised weights of batch i
  // are `slopes`, up to a constant, which drops out.
  void add_weight_gradient(std::size_t i, double factor, const double* slopes, double* out) const;

 private:
  void normalise_weights(std::size_t i, const std::int64_t* batch);

  Side<T> side_;
  const char* points_name_;
  const char* weights_name_;
  std::vector<double> weights_;  // k * m; empty where the side has none
  std::vector<double> masses_;   // k
};

// Also where the compiler may not reorder floating-point sums: integer logic vectorises.
template <class T>
bool all_finite(const T* numbers, std::size_t count);

}  // namespace otcore::minibatch
