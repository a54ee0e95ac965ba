#include "minibatch/drawn.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"

namespace otcore::minibatch {

template <class T>
bool all_finite(const T* numbers, std::size_t count) {
  int bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    bad |= static_cast<int>(!(std::abs(numbers[i]) <= std::numeric_limits<T>::max()));
  }
  return bad == 0;
}

template <class T>
DrawnSide<T>::DrawnSide(const Side<T>& side, const char* points_name, const char* weights_name)
    : side_(side), points_name_(points_name), weights_name_(weights_name) {
  if (side.weights != nullptr) weights_.resize(side.k * side.m);
  masses_.assign(side.k, static_cast<double>(side.m));
}

template <class T>
void DrawnSide<T>::take(std::size_t i, const std::int64_t* batch) {
  check_points(batch);
  normalise_weights(i, batch);
}

template <class T>
void DrawnSide<T>::check_points(const std::int64_t* batch) const {
  const std::size_t dims = side_.points.cols;
  for (std::size_t r = 0; r < side_.m; ++r) {
    const T* point = side_.points.row(static_cast<std::size_t>(batch[r]));
    if (all_finite(point, dims)) continue;
    std::size_t c = 0;
    while (std::isfinite(point[c])) ++c;
    throw InvalidArgument::entry(points_name_, {static_cast<std::size_t>(batch[r]), c},
                                 static_cast<double>(point[c]), "finite numbers");
  }
}

template <class T>
void DrawnSide<T>::normalise_weights(std::size_t i, const std::int64_t* batch) {
  if (weights_.empty()) return;
  double* out = weights_.data() + i * side_.m;
  double sum = 0.0;
  for (std::size_t r = 0; r < side_.m; ++r) {
    out[r] = side_.weights[side_.by_place ? i * side_.m + r : static_cast<std::size_t>(batch[r])];
    if (!(out[r] >= 0.0) || std::isinf(out[r])) {
      throw InvalidArgument::entry(weights_name_, {static_cast<std::size_t>(batch[r])}, out[r],
                                   "finite weights, not negative");
    }
    sum += out[r];
  }
  if (!(sum > 0.0) || std::isinf(sum)) {
    throw InvalidArgument(weights_name_,
                          "the weights of batch " + std::to_string(i) + " sum to " + shown(sum),
                          "a positive, finite sum in every batch");
  }
  for (std::size_t r = 0; r < side_.m; ++r) out[r] /= sum;
  masses_[i] = sum;
}

template <class T>
void DrawnSide<T>::add_weight_gradient(std::size_t i, double factor, const double* slopes,
                                       double* out) const {
  const double* own = weights(i);
  double mean = 0.0;
  for (std::size_t r = 0; r < side_.m; ++r) {
    mean += slopes[r] * (own == nullptr ? 1.0 / static_cast<double>(side_.m) : own[r]);
  }
  for (std::size_t r = 0; r < side_.m; ++r) out[r] += factor * (slopes[r] - mean) / masses_[i];
}

template class DrawnSide<float>;
template class DrawnSide<double>;
template bool all_finite(const float*, std::size_t);
template bool all_finite(const double*, std::size_t);

}  // namespace otcore::minibatch
