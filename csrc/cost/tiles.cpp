#include "cost/tiles.h"

#include <algorithm>
#include <array>

#include "cost/kernels.h"

namespace otcore::cost {
namespace {

template <class In>
Points<In> points_of(const PointSet<In>& set) {
  return {set.points.data, set.points.stride, set.index, set.count, set.points.cols};
}

}  // namespace

template <class T>
std::size_t packed_rows_size(const Metric& metric, std::size_t rows, std::size_t dims) {
  return tile_kernels<T>(kernels()).packed_rows_size(form_of(metric, dims), rows, dims);
}

template <class T>
std::size_t packed_cols_size(const Metric& metric, std::size_t cols, std::size_t dims) {
  return tile_kernels<T>(kernels()).packed_cols_size(form_of(metric, dims), cols, dims);
}

template <class In, class T>
void mean(const PointSet<In>& points, T* centre) {
  // Strips of coordinates in float64: no allocation, and float32 sums of many points do not stall.
  constexpr std::size_t kStrip = 64;
  const std::size_t dims = points.points.cols;
  const double weight = 1.0 / static_cast<double>(points.count);
  for (std::size_t first = 0; first < dims; first += kStrip) {
    const std::size_t count = std::min(kStrip, dims - first);
    std::array<double, kStrip> sums{};
    for (std::size_t i = 0; i < points.count; ++i) {
      const In* row = points.row(i) + first;
      for (std::size_t k = 0; k < count; ++k) sums[k] += static_cast<double>(row[k]) * weight;
    }
    for (std::size_t k = 0; k < count; ++k) centre[first + k] = static_cast<T>(sums[k]);
  }
}

template <class In, class T>
std::ptrdiff_t pack_rows(const Metric& metric, const PointSet<In>& points, const T* centre,
                         T* out) {
  const Form form = form_of(metric, points.points.cols);
  return pack_kernels<In, T>(kernels()).rows(form, points_of(points), centre, out);
}

template <class In, class T>
std::ptrdiff_t pack_cols(const Metric& metric, const PointSet<In>& points, const T* centre,
                         T* out) {
  const Form form = form_of(metric, points.points.cols);
  return pack_kernels<In, T>(kernels()).cols(form, points_of(points), centre, out);
}

template <class T>
void tile(const Metric& metric, const T* packed_rows, std::size_t rows, const T* packed_cols,
          std::size_t cols, std::size_t dims, T* out, std::size_t out_stride) {
  tile_kernels<T>(kernels()).tile(form_of(metric, dims), packed_rows, rows, packed_cols, cols, dims,
                                  out, out_stride);
}

template <class T>
T squared_distance(const T* packed_row, const T* other, std::size_t dims) {
  return tile_kernels<T>(kernels()).rows_apart(packed_row, other, dims);
}

template std::size_t packed_rows_size<float>(const Metric&, std::size_t, std::size_t);
template std::size_t packed_rows_size<double>(const Metric&, std::size_t, std::size_t);
template std::size_t packed_cols_size<float>(const Metric&, std::size_t, std::size_t);
template std::size_t packed_cols_size<double>(const Metric&, std::size_t, std::size_t);
template void tile<float>(const Metric&, const float*, std::size_t, const float*, std::size_t,
                          std::size_t, float*, std::size_t);
template void tile<double>(const Metric&, const double*, std::size_t, const double*, std::size_t,
                           std::size_t, double*, std::size_t);
template float squared_distance(const float*, const float*, std::size_t);
template double squared_distance(const double*, const double*, std::size_t);

template void mean<float, float>(const PointSet<float>&, float*);
template void mean<float, double>(const PointSet<float>&, double*);
template void mean<double, double>(const PointSet<double>&, double*);

template std::ptrdiff_t pack_rows<float, float>(const Metric&, const PointSet<float>&, const float*,
                                                float*);
template std::ptrdiff_t pack_rows<float, double>(const Metric&, const PointSet<float>&,
                                                 const double*, double*);
template std::ptrdiff_t pack_rows<double, double>(const Metric&, const PointSet<double>&,
                                                  const double*, double*);
template std::ptrdiff_t pack_cols<float, float>(const Metric&, const PointSet<float>&, const float*,
                                                float*);
template std::ptrdiff_t pack_cols<float, double>(const Metric&, const PointSet<float>&,
                                                 const double*, double*);
template std::ptrdiff_t pack_cols<double, double>(const Metric&, const PointSet<double>&,
                                                  const double*, double*);

}  // namespace otcore::cost
