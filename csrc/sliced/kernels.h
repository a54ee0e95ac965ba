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
  // out[0 .. points * kGroup) = the projections on a group, each direction's sorted, in an order
  // that depends on the number of points alone; 0 for directions from `count` on. `memory` has
  // kGroup * round_up(points, kColumnPadding) numbers. False where projections are not finite.
  bool (*sort_columns)(const Points<T>& points, const T* group, std::size_t count, T* memory,
                       T* out);
  // sums[i * cols + j] = sum_k |x_ik - y_jk|^p for p = 2 (`squares`) or 1, over k < length, a
  // multiple of kSumPadding; row i of x starts at x + i * x_stride, and so for y.
  void (*pair_sums)(const T* x, std::size_t x_stride, std::size_t rows, const T* y,
                    std::size_t y_stride, std::size_t cols, std::size_t length, bool squares,
                    double* sums);
  std::size_t lanes;
  std::size_t columns_up_to;  // so many points, line_columns is faster than sorting rows
};

// The slope of point i in slice l is at data[i * point_stride + l * slice_stride].
template <class T>
struct SlopeView {
  const T* data;
  std::size_t point_stride;
  std::size_t slice_stride;
};

template <class T>
struct SumKernels {
  // out[i * dims + k] += sum_l slopes(i, l) * directions[l * padded + k] over l < count, for
  // i < rows, k < dims; `padded` is round_up(dims, kSumPadding). The sum over l is of type T.
  void (*add_slopes)(const SlopeView<T>& slopes, std::size_t rows, const T* directions,
                     std::size_t count, std::size_t dims, double* out);
};

struct Kernels {
  ProjectKernels<float> project_f32;
  ProjectKernels<double> project_f64;
  SumKernels<float> sum_f32;
  SumKernels<double> sum_f64;
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
