// One side of a problem, rows or columns, as the kernels want it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "base/aligned.h"
#include "base/sizes.h"
#include "entropic/kernels.h"

namespace otcore::entropic {

// eps in the unit of the kernels' costs: exponents are potentials * factor - K * cost_factor, in
// base 2.
struct Temperature {
  double factor;       // log2(e) / eps
  double cost_factor;  // factor * unit
};

// What of T's range the sums of exponentials may use. Beyond it a sum may have lost, to underflow,
// terms that matter, or contain one that was cut off at 2^127 (2^1023). With n, m <= 2^20:
// exponentials below 2^-126 lose at most 2^(20 - 126 + kRowSum) of a column's sum, which is 2^-24
// of kColumnLow.
template <class T>
struct Safe;
template <>
struct Safe<float> {
  static constexpr double kRowSum = 32.0;  // 2^-32 .. 2^32
  static constexpr double kColumnLow = 0x1p-50;
  static constexpr double kColumnHigh = 0x1p27;
  static constexpr int kLight = 40;
};
template <>
struct Safe<double> {
  static constexpr double kRowSum = 200.0;
  static constexpr double kColumnLow = 0x1p-400;
  static constexpr double kColumnHigh = 0x1p400;
  static constexpr int kLight = 300;
};

// Exponents e, weights w and corrections c of one side, such that weight * 2^exponent of float64
// is w 2^e, and its exponent e + c. A lift common to all brings the largest weight near 1; weights
// that are smaller by 2^kLight are lifted more, so that no product of a weight and an exponential
// leaves T's range before its sum does.
template <class T>
class Side {
 public:
  void resize(std::size_t count) {
    if (count == count_) return;
    count_ = count;
    padded_ = round_up(count, kWidth<T>);
    exponents_ = aligned_array<T>(padded_, "X");
    masked_ = aligned_array<T>(padded_, "X");
    weights_ = aligned_array<T>(padded_, "X");
    corrections_ = aligned_array<double>(padded_, "X");
    lifts_.resize(count);
  }

  // `norms` may be null, as may `weights`: ones. Unlifted, weights of no unusual size stay as they
  // are, so that small exponents are not rounded as the lift.
  void set(const Temperature& temperature, double offset, const double* potentials,
           const double* norms, const double* weights, bool lifted = true) {
    double lift = 0.0;
    bool light = false;
    has_zeros_ = false;
    if (weights != nullptr) {
      lift = lift_of(weights, count_);
      if (!lifted && std::abs(lift) < Safe<T>::kLight) lift = 0.0;
      const double limit = std::ldexp(1.0, static_cast<int>(lift) - Safe<T>::kLight);
      double lightest = limit;
      for (std::size_t j = 0; j < count_; ++j) {
        has_zeros_ |= weights[j] == 0.0;
        lightest = std::min(lightest, weights[j] == 0.0 ? limit : weights[j]);
      }
      light = lightest < limit;
      for (std::size_t j = 0; light && j < count_; ++j) {
        lifts_[j] = weights[j] == 0.0 || weights[j] >= limit
                        ? 0.0
                        : std::ilogb(weights[j]) + Safe<T>::kLight - lift;
      }
    }
    kernels_of<T>(kernel_table())
        .side({count_, potentials, temperature.factor, offset, norms, temperature.cost_factor,
               weights, lift, light ? lifts_.data() : nullptr},
              exponents_.get(), weights_.get(), corrections_.get());
    lift_ = lift;
    has_light_ = light;
    if (has_zeros_) mask(weights);
  }

  // What masked() leaves out.
  void mask(const double* weights) {
    has_zeros_ = true;
    for (std::size_t j = 0; j < padded_; ++j) {
      masked_[j] = j < count_ && weights[j] == 0.0 ? static_cast<T>(kNoMass) : exponents_[j];
    }
  }

  // The exponent of the largest weight.
  static double lift_of(const double* weights, std::size_t count) {
    return std::ilogb(*std::max_element(weights, weights + count));
  }

  [[nodiscard]] const T* exponents() const { return exponents_.get(); }
  // The same, out of reach where there is no weight.
  [[nodiscard]] const T* masked() const { return has_zeros_ ? masked_.get() : exponents_.get(); }
  [[nodiscard]] const T* weights() const { return weights_.get(); }
  [[nodiscard]] const double* corrections() const { return corrections_.get(); }
  // What exponents have been raised by; and more, each its own amount, for light weights.
  [[nodiscard]] double lift() const { return lift_; }
  [[nodiscard]] bool has_light() const { return has_light_; }
  // The exponent in float64, without the lift.
  [[nodiscard]] double exponent(std::size_t i) const {
    return static_cast<double>(exponents_[i]) + corrections_[i];
  }

 private:
  std::size_t count_ = 0;
  std::size_t padded_ = 0;
  bool has_zeros_ = false;
  bool has_light_ = false;
  double lift_ = 0.0;
  AlignedArray<T> exponents_;
  AlignedArray<T> masked_;
  AlignedArray<T> weights_;
  AlignedArray<double> corrections_;
  std::vector<double> lifts_;
};

}  // namespace otcore::entropic
