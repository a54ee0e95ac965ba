#include "exact/cloud_shadow.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/sizes.h"
#include "cost/tiles.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

constexpr std::uint64_t kSeed = 1;

double dot(const double* x, const double* y, std::size_t size) {
  double sum = 0.0;
  for (std::size_t k = 0; k < size; ++k) sum += x[k] * y[k];
  return sum;
}

void add(double* to, double factor, const double* x, std::size_t size) {
  for (std::size_t k = 0; k < size; ++k) to[k] += factor * x[k];
}

// Makes the rows orthonormal, twice over (W. Kahan: twice is enough). Rows that depend on those
// before become zero.
void orthonormalise(std::vector<double>& rows, std::size_t dims) {
  for (double* row = rows.data(); row != rows.data() + rows.size(); row += dims) {
    const double before = dot(row, row, dims);
    for (int turn = 0; turn < 2; ++turn) {
      for (const double* other = rows.data(); other != row; other += dims) {
        add(row, -dot(row, other, dims), other, dims);
      }
    }
    const double after = dot(row, row, dims);
    const double factor = after > 0x1p-80 * before ? 1.0 / std::sqrt(after) : 0.0;
    for (std::size_t k = 0; k < dims; ++k) row[k] *= factor;
  }
}

// The directions in which a sample of points less the centre varies most: subspace iteration
// (G. H. Golub, C. F. Van Loan, Matrix Computations, section 8.2), from rows of the sample.
std::vector<double> leading_directions(const std::vector<double>& sample, std::size_t dims) {
  std::vector<double> directions(sample.begin(),
                                 sample.begin() + static_cast<std::ptrdiff_t>(kShadowDims * dims));
  orthonormalise(directions, dims);
  for (int iteration = 0; iteration < kShadowIterations; ++iteration) {
    std::vector<double> next(directions.size());
    for (const double* point = sample.data(); point != sample.data() + sample.size();
         point += dims) {
      for (std::size_t l = 0; l < kShadowDims; ++l) {
        add(next.data() + l * dims, dot(point, directions.data() + l * dims, dims), point, dims);
      }
    }
    directions = std::move(next);
    orthonormalise(directions, dims);
  }
  return directions;
}

}  // namespace

Shadow::Shadow(const cost::Metric& metric, MatrixView<const double> directions,
               const std::vector<double>& centre, double length)
    : metric_(metric), directions_(directions.rows), space_(directions.cols), length_(length) {
  std::vector<double> points(centre);
  for (std::size_t l = 0; l < directions_; ++l) {
    for (std::size_t k = 0; k < space_; ++k) {
      points.push_back(centre[k] + length * directions.row(l)[k]);
    }
  }
  const std::size_t count = directions_ + 1;
  cols_ = aligned_array<double>(cost::packed_cols_size<double>(metric, count, space_), "X");
  cost::pack_cols(metric,
                  cost::PointSet<double>{{points.data(), count, space_, space_}, nullptr, count},
                  centre.data(), cols_.get());
}

std::size_t Shadow::stride() const {
  return round_up(directions_ + 1, cost::kColumnPadding<double>);
}

// <x, p> = (|x|^2 + length^2 - |x - length p|^2) / (2 length).
void Shadow::project(const double* packed_rows, std::size_t rows, double* out,
                     std::size_t stride) const {
  cost::tile(metric_, packed_rows, rows, cols_.get(), directions_ + 1, space_, out, stride);
  for (std::size_t i = 0; i < rows; ++i) {
    double* row = out + i * stride;
    const double level = row[0] + length_ * length_;
    for (std::size_t l = 0; l < directions_; ++l) row[l] = (level - row[l + 1]) / (2.0 * length_);
  }
}

template <class T>
std::shared_ptr<const Shadow> make_shadow(const cost::Metric& metric, MatrixView<const T> x,
                                          MatrixView<const T> y,
                                          const std::vector<double>& centre) {
  const std::size_t dims = x.cols;
  if (metric.kind != cost::Kind::sqeuclidean || dims < kLeastShadowedDims) return nullptr;
  Random random(kSeed);
  std::vector<double> sample;
  sample.reserve(2 * kShadowSample * dims);
  for (const auto& points : {x, y}) {
    for (std::size_t s = 0; s < kShadowSample; ++s) {
      const T* point = points.row(random.below(points.rows));
      for (std::size_t k = 0; k < dims; ++k) {
        sample.push_back(static_cast<double>(point[k]) - centre[k]);
      }
    }
  }
  const std::vector<double> directions = leading_directions(sample, dims);
  const double square =
      dot(sample.data(), sample.data(), sample.size()) / static_cast<double>(2 * kShadowSample);
  const double length = square > 0.0 ? std::sqrt(square) : 1.0;
  return std::make_shared<const Shadow>(
      metric, MatrixView<const double>{directions.data(), kShadowDims, dims, dims}, centre, length);
}

template std::shared_ptr<const Shadow> make_shadow(const cost::Metric&, MatrixView<const float>,
                                                   MatrixView<const float>,
                                                   const std::vector<double>&);
template std::shared_ptr<const Shadow> make_shadow(const cost::Metric&, MatrixView<const double>,
                                                   MatrixView<const double>,
                                                   const std::vector<double>&);

}  // namespace otcore::exact
