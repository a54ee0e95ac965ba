// The sliced room's kernels: one table of functions per instruction-set level.
#pragma once

#include <cstddef>

namespace otcore::sliced {

// Numbers of a direction's coordinate k for a group, and of a direction for sums, are padded to
// these with zeros.
constexpr std::size_t kSumPadding = 16;

// Rows of columns are padded to these.
constexpr std::size_t kColumnPadding = 16;

// `rows` points of `dims` coordinates, one after another, less a centre.
template <class T>
struct Points {
  const T* data;
  std::size_t rows;
  std::size_t dims;
  const T* centre;  // dims numbers; null: 0, which is faster
};

// Whether the order of a group's projections was found.
enum class Order {
  found,
  not_finite,
  too_close,  // so many points are close to each other, and others so far away, that line_slopes
              // gives up
};

// What line_slopes writes. Slopes are d (cost of slice l) / d (projection of point i); they stand
// in blocks of ProjectKernels::lanes slices, point by point, and null where they are not wanted. A
// block has round_up(points, kColumnPadding) rows.
template <class T>
struct SlopeColumns {
  double* sums;
  T* slopes_x;
  T* slopes_y;
};

template <class T>
struct ProjectKernels {
  // out[l * out_stride + i] = sum_k (x_ik - centre_k) * group[k * kGroup + l] for the first `count`
  // directions of a group: one accumulator per number, in the order of the coordinates.
  void (*project)(const Points<T>& points, const T* group, std::size_t count, T* out,
                  std::size_t out_stride);
  // sums[l] = sum_k |x_(k) - y_(k)|^p of the sorted projections on direction l of a group, for p =
  // 2
  // (`squares`) or 1; as many points on either side. `memory` has 2 * kGroup *
  // round_up(points, kColumnPadding) numbers. False where projections are not finite.
  bool (*line_columns)(const Points<T>& x, const Points<T>& y, const T* group, std::size_t count,
                       bool squares, T* memory, double* sums);
  // The same with slopes, of sums / points. Incomplete where the order is not found.
  Order (*line_slopes)(const Points<T>& x, const Points<T>& y, const T* group, std::size_t count,
                       bool squares, T* memory, const SlopeColumns<T>& out);
  // The projections on a group, whose directions from `count` on are 0, in columns: sorted, and as
  // the points stand unless `projections` is null. Columns are blocks of `lanes` directions, row by
  // row, points * kGroup numbers in all. `memory` has lanes * round_up(points, kColumnPadding)
  // numbers. False where projections are not finite.
  bool (*sort_columns)(const Points<T>& points, const T* group, std::size_t count, T* memory,
                       T* sorted, T* projections);
  // sums[i * cols + j] = sum_k |x_ik - y_jk|^p for p = 2 (`squares`) or 1, over k < length, a
  // multiple of kSumPadding; row i of x starts at x + i * x_stride, and so for y.
  void (*pair_sums)(const T* x, std::size_t x_stride, std::size_t rows, const T* y,
                    std::size_t y_stride, std::size_t cols, std::size_t length, bool squares,
                    double* sums);
  // out[k] = sum_j weights[j] * slope(own[k] - others[j][k]) over j < count, for k < length, a
  // multiple of kSumPadding: slope(d) is d (`squares`), or the sign of d. Summed in float64.
  void (*pair_slopes)(const T* own, const T* const* others, const double* weights,
                      std::size_t count, std::size_t length, bool squares, T* out);
  // Numbers that belong to sorted projections, in columns as sort_columns has them, go to where the
  // projections stand; `out` is not one of the others. `memory` as in sort_columns. Incomplete
  // where the order is not found.
  Order (*unsort_columns)(const T* projections, const T* sorted, std::size_t points, T* memory,
                          T* out);
  std::size_t lanes;
  std::size_t columns_up_to;  // so many points, line_columns is faster than sorting rows
};

// Slices come in blocks; the slope of point i in slice l of block q is at
// data[q * block_stride + i * point_stride + l * slice_stride].
template <class T>
struct SlopeView {
  const T* data;
  std::size_t point_stride;
  std::size_t slice_stride;
  std::size_t block_slices;
  std::size_t block_stride;
};

template <class T>
struct SumKernels {
  // out[i * dims + k] += sum_l slopes(i, l) * directions[l * padded + k] over l < count, for
  // i < rows, k < dims; `padded` is round_up(dims, kSumPadding). Sums over up to kSumSlices slices
  // are of type T.
  void (*add_slopes)(const SlopeView<T>& slopes, std::size_t rows, const T* directions,
                     std::size_t count, std::size_t dims, double* out);
};

struct Kernels {
  ProjectKernels<float> project_f32;
  ProjectKernels<double> project_f64;
  SumKernels<float> sum_f32;
  SumKernels<double> sum_f64;
  // out[2 i] and out[2 i + 1], i < count: independent normals out of u[i], in (0, 1], and v[i], in
  // [0, 1] (G. Box, M. Muller, 1958).
  void (*normals)(const double* u, const double* v, std::size_t count, double* out);
};

namespace baseline {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}

// The table of the level in use.
const Kernels& kernels();

template <class T>
const SumKernels<T>& sum_kernels() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return kernels().sum_f32;
  } else {
    return kernels().sum_f64;
  }
}

template <class T>
const ProjectKernels<T>& project_kernels() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return kernels().project_f32;
  } else {
    return kernels().project_f64;
  }
}

}  // namespace otcore::sliced
