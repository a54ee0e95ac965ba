#include "entropic/source.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"

namespace otcore::entropic {
namespace {

using cost::Kind;
using cost::Metric;

bool is_products(const Metric& metric) {
  return metric.kind == Kind::sqeuclidean || metric.kind == Kind::cosine ||
         (metric.kind == Kind::minkowski && metric.p == 2.0);
}

// c(x, y) = |x - y|^power in the p-norm.
double norm_power(const Metric& metric) {
  if (metric.kind == Kind::cityblock) return 1.0;
  return metric.kind == Kind::minkowski ? metric.p : 2.0;
}
double cost_power(const Metric& metric) {
  return metric.kind == Kind::cosine ? 2.0 : metric.power();
}

// The exponent e with |x| < 2^e, or 0 for 0.
int exponent_of(double x) {
  int exponent = 0;
  (void)std::frexp(x, &exponent);
  return exponent;
}

// Two factors whose product is 2^exponent, normal numbers even where the product is not.
std::pair<double, double> power_of_two(int exponent) {
  const int half = exponent / 2;
  return {std::ldexp(1.0, half), std::ldexp(1.0, exponent - half)};
}

// One side's points as numbers of float64: as they are, or brought to length 1.
template <class T>
class Cloud {
 public:
  Cloud(MatrixView<const T> points, bool normalise, const char* name) : points_(points) {
    if (!normalise) return;
    scales_.resize(points.rows);
    for (std::size_t i = 0; i < points.rows; ++i) {
      const T* x = points.row(i);
      double largest = 0.0;
      for (std::size_t k = 0; k < points.cols; ++k) {
        largest = std::max(largest, std::abs(static_cast<double>(x[k])));
      }
      if (largest == 0.0) {
        throw InvalidArgument(name, "row " + std::to_string(i) + " is a zero vector",
                              "vectors that have a direction (metric 'cosine')");
      }
      double squares = 0.0;
      for (std::size_t k = 0; k < points.cols; ++k) {
        const double part = static_cast<double>(x[k]) / largest;
        squares += part * part;
      }
      scales_[i] = {largest, std::sqrt(squares)};
    }
  }

  [[nodiscard]] std::size_t count() const { return points_.rows; }
  [[nodiscard]] double at(std::size_t i, std::size_t k) const {
    const auto x = static_cast<double>(points_.row(i)[k]);
    return scales_.empty() ? x : x / scales_[i].largest / scales_[i].length;
  }

  // mean += weight times the mean of the points as seen from the origin.
  void add_mean(double weight, const std::vector<double>& origin, std::vector<double>& mean) const {
    weight /= static_cast<double>(count());
    for (std::size_t i = 0; i < count(); ++i) {
      for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += (at(i, k) - origin[k]) * weight;
    }
  }

  // The largest coordinate of the points as seen from the centre, and their largest p-norm in
  // units of 2^exponent.
  [[nodiscard]] double extent(const std::vector<double>& centre) const {
    double largest = 0.0;
    for (std::size_t i = 0; i < count(); ++i) {
      for (std::size_t k = 0; k < centre.size(); ++k) {
        largest = std::max(largest, std::abs(at(i, k) - centre[k]));
      }
    }
    return largest;
  }
  [[nodiscard]] double reach(const std::vector<double>& centre, double p, int exponent) const {
    const auto scale = power_of_two(-exponent);
    double largest = 0.0;
    for (std::size_t i = 0; i < count(); ++i) {
      double sum = 0.0;
      for (std::size_t k = 0; k < centre.size(); ++k) {
        const double x = std::abs((at(i, k) - centre[k]) * scale.first * scale.second);
        sum += p == 1.0 ? x : p == 2.0 ? x * x : std::pow(x, p);
      }
      largest = std::max(largest, sum);
    }
    return std::pow(largest, 1.0 / p);
  }

 private:
  struct Length {
    double largest;
    double length;
  };
  MatrixView<const T> points_;
  std::vector<Length> scales_;
};

}  // namespace

template <class T>
void Source<T>::reset(MatrixView<const T> costs) {
  costs_ = costs;
  rows_ = costs.rows;
  cols_ = costs.cols;
  double low = 0.0;
  double high = 0.0;
  kernels_of<T>(kernel_table()).range(costs.data, costs.stride, rows_, cols_, &low, &high);
  range_ = high - low;
  offset_ = low;
  // K = C * scale + shift: a scale that is a normal number.
  constexpr int kLimit = sizeof(T) == sizeof(float) ? 120 : 1000;
  const int exponent = std::clamp(exponent_of(high / 2 - low / 2) + 1, -kLimit, kLimit);
  scale_ = static_cast<T>(std::ldexp(1.0, -exponent));
  shift_ = static_cast<T>(-low * std::ldexp(1.0, -exponent));
  unit_ = std::ldexp(1.0, exponent);
  whole_cols_ = cols_ / kWidth<T> * kWidth<T>;
  if (whole_cols_ < cols_ && rows_ <= kCopiedBytes / sizeof(T) / padded_cols()) {
    if (!copy_) copy_ = aligned_array<T>(rows_ * padded_cols(), "M");
    whole_cols_ = padded_cols();
    for (std::size_t i = 0; i < rows_; ++i) {
      T* end = std::copy_n(costs.row(i), cols_, copy_.get() + i * whole_cols_);
      std::fill(end, copy_.get() + (i + 1) * whole_cols_, static_cast<T>(low));
    }
    costs_ = {copy_.get(), rows_, whole_cols_, whole_cols_};
  }
}

template <class T>
void Source<T>::reset(MatrixView<const T> x, MatrixView<const T> y) {
  if (x.cols != y.cols) {
    throw InvalidArgument("Y", "has " + std::to_string(y.cols) + " columns",
                          "as many as X: " + std::to_string(x.cols));
  }
  if (x.cols == 0) throw InvalidArgument("X", "has no columns", "at least one");
  rows_ = x.rows;
  cols_ = y.rows;
  dims_ = x.cols;
  products_ = is_products(metric_);
  const bool cosine = metric_.kind == Kind::cosine;
  const Cloud<T> from(x, cosine, "X");
  const Cloud<T> to(y, cosine, "Y");

  // Seen from a point of theirs, points that are all equal have a mean of exactly zero.
  std::vector<double> centre(dims_);
  for (std::size_t k = 0; k < dims_; ++k) centre[k] = from.at(0, k);
  std::vector<double> mean(dims_, 0.0);
  from.add_mean(0.5, centre, mean);
  to.add_mean(0.5, centre, mean);
  for (std::size_t k = 0; k < dims_; ++k) centre[k] += mean[k];
  const int coarse = exponent_of(std::max(from.extent(centre), to.extent(centre)));
  const double p = norm_power(metric_);
  const double reach = from.reach(centre, p, coarse) + to.reach(centre, p, coarse);
  const int exponent = coarse + exponent_of(reach);
  const double power = cost_power(metric_);
  unit_ = std::exp2(exponent * power) * (cosine ? 0.5 : 1.0);
  range_ = std::pow(std::ldexp(reach, -exponent_of(reach)), power) * unit_;

  const auto scale = power_of_two(-exponent);
  const auto placed = [&](const Cloud<T>& cloud, std::size_t i, std::size_t k) {
    return static_cast<T>((cloud.at(i, k) - centre[k]) * scale.first * scale.second);
  };
  if (!x_) x_ = aligned_array<T>(checked_mul(rows_, dims_, "X"), "X");
  row_norms_.assign(products_ ? rows_ : 0, 0.0);
  col_norms_.assign(products_ ? cols_ : 0, 0.0);
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t k = 0; k < dims_; ++k) {
      const T value = placed(from, i, k);
      x_[i * dims_ + k] = value;
      if (products_) row_norms_[i] += static_cast<double>(value) * static_cast<double>(value);
    }
  }
  if (products_) {
    if (!y_) y_ = aligned_array<T>(checked_mul(padded_cols(), dims_, "Y"), "Y");
    std::fill_n(y_.get(), padded_cols() * dims_, T(0));
    for (std::size_t j = 0; j < cols_; ++j) {
      T* panel = y_.get() + j / kWidth<T> * kWidth<T> * dims_ + j % kWidth<T>;
      for (std::size_t k = 0; k < dims_; ++k) {
        const T value = placed(to, j, k);
        panel[k * kWidth<T>] = value;
        col_norms_[j] += static_cast<double>(value) * static_cast<double>(value);
      }
    }
    return;
  }
  strip_stride_ = strip_stride<T>(padded_cols());
  panel_ = cost::packed_cols_size<T>(metric_, kWidth<T>, dims_);
  if (!y_) y_ = aligned_array<T>(cost::packed_cols_size<T>(metric_, cols_, dims_), "Y");
  std::vector<T> moved(kWidth<T> * dims_);
  origin_.assign(dims_, T(0));
  for (std::size_t j = 0; j < cols_; j += kWidth<T>) {
    const std::size_t count = std::min(kWidth<T>, cols_ - j);
    for (std::size_t l = 0; l < count; ++l) {
      for (std::size_t k = 0; k < dims_; ++k) moved[l * dims_ + k] = placed(to, j + l, k);
    }
    cost::pack_cols<T, T>(metric_, {{moved.data(), count, dims_, dims_}, nullptr, count},
                          origin_.data(), y_.get() + j / kWidth<T> * panel_);
  }
}

template <class T>
typename Source<T>::Scratch Source<T>::scratch() const {
  if (!points_) return {nullptr, aligned_array<T>(kMaxBlockRows * kWidth<T>, "M")};
  if (products_) return {aligned_array<T>(checked_mul(kMaxBlockRows, dims_, "X"), "X"), nullptr};
  return {aligned_array<T>(cost::packed_rows_size<T>(metric_, kMaxBlockRows, dims_), "X"),
          aligned_array<T>(kMaxBlockRows * strip_stride_, "X")};
}

template <class T>
void Source<T>::pack_block(std::size_t row, std::size_t rows, T* out) const {
  cost::pack_rows<T, T>(metric_, {{x_.get() + row * dims_, rows, dims_, dims_}, nullptr, rows},
                        origin_.data(), out);
}

template <class T>
void Source<T>::tile_block(const T* packed_rows, std::size_t rows, std::size_t col,
                           std::size_t cols, T* out) const {
  cost::tile<T>(metric_, packed_rows, rows, y_.get() + col / kWidth<T> * panel_,
                std::min(cols, cols_ - col), dims_, out, strip_stride_);
}

template <class T>
void Source<T>::copy_tail(std::size_t row, std::size_t rows, std::size_t col, T* out) const {
  for (std::size_t i = 0; i < rows; ++i) {
    T* end = std::copy(costs_.row(row + i) + col, costs_.row(row + i) + cols_, out + i * kWidth<T>);
    std::fill(end, out + (i + 1) * kWidth<T>, static_cast<T>(offset_));
  }
}

template class Source<float>;
template class Source<double>;

}  // namespace otcore::entropic
