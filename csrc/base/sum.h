// Sums of doubles whose rounding does not grow with their length.
#pragma once

#include <cmath>

namespace otcore {

// Neumaier's compensated sum: an error of about one rounding of the result, plus terms * 2^-106 of
// the sum of the moduli. (A. Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation
// endlicher Summen, ZAMM 54, 1974.)
class CompensatedSum {
 public:
  void add(double x) {
    const double sum = sum_ + x;
    lost_ += std::abs(sum_) >= std::abs(x) ? (sum_ - sum) + x : (x - sum) + sum_;
    sum_ = sum;
  }
  [[nodiscard]] double value() const { return sum_ + lost_; }

 private:
  double sum_ = 0.0;
  double lost_ = 0.0;
};

}  // namespace otcore
