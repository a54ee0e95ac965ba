// The cost room's kernels: one table of functions per instruction-set level.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/isa.h"
#include "cost/cost.h"

namespace otcore::cost {

// What is summed over the coordinates of a pair.
enum class Terms {
  products,  // x_k * y_k, from which the squared distance is made
  squares,   // (x_k - y_k)^2
  moduli,    // |x_k - y_k|
  powers,    // |x_k - y_k|^p
};

// What is done to the sum.
enum class Finish { none, root, half };

// How a metric is computed for points of some number of coordinates.
struct Form {
  Terms terms;
  Finish finish;
  bool normalise;  // points are scaled to length 1 first
  double p;        // powers only
};

Form form_of(const Metric& metric, std::size_t dims);

// PointSet (tiles.h) with its extents.
template <class In>
struct Points {
  const In* data;
  std::size_t stride;
  const std::int64_t* index;
  std::size_t count;
  std::size_t dims;
};

// Packed rows, and panels of kColumnPadding<T> packed columns, stand alone: a run of rows or of
// whole panels is itself a packed set.
template <class T>
struct TileKernels {
  std::size_t (*packed_rows_size)(const Form& form, std::size_t rows, std::size_t dims);
  std::size_t (*packed_cols_size)(const Form& form, std::size_t cols, std::size_t dims);
  // tile() of tiles.h.
  void (*tile)(const Form& form, const T* packed_rows, std::size_t rows, const T* packed_cols,
               std::size_t cols, std::size_t dims, T* out, std::size_t out_stride);
  // squared_distance() of tiles.h.
  T (*rows_apart)(const T* row, const T* other, std::size_t dims);
};

// pack_rows() and pack_cols() of tiles.h.
template <class In, class T>
struct PackKernels {
  std::ptrdiff_t (*rows)(const Form& form, const Points<In>& points, const T* centre, T* out);
  std::ptrdiff_t (*cols)(const Form& form, const Points<In>& points, const T* centre, T* out);
};

// Points that share their partners are summed together, up to so many.
constexpr std::size_t kPullBackRows = 4;

// out[r * dims + k] = sum_e weights[r * count + e] * (point_rk - other_ek), in float64, for `rows`
// <= kPullBackRows points, `stride` numbers apart, and `count` others.
template <class T>
using PullBackKernel = void (*)(const T* points, std::size_t stride, std::size_t rows,
                                const Points<T>& others, const double* weights, T* out);

struct Kernels {
  TileKernels<float> tile_f32;
  TileKernels<double> tile_f64;
  PackKernels<float, float> pack_f32;
  PackKernels<float, double> pack_f32_as_f64;
  PackKernels<double, double> pack_f64;
  PullBackKernel<float> pull_back_f32;
  PullBackKernel<double> pull_back_f64;
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

// The table of a compiled level.
const Kernels& kernels(Isa isa);

// The table of the level in use.
const Kernels& kernels();

template <class T>
const TileKernels<T>& tile_kernels(const Kernels& table) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return table.tile_f32;
  } else {
    return table.tile_f64;
  }
}

template <class T>
PullBackKernel<T> pull_back_kernel(const Kernels& table) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return table.pull_back_f32;
  } else {
    return table.pull_back_f64;
  }
}

template <class In, class T>
const PackKernels<In, T>& pack_kernels(const Kernels& table) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return table.pack_f32;
  } else if constexpr (sizeof(In) == sizeof(float)) {
    return table.pack_f32_as_f64;
  } else {
    return table.pack_f64;
  }
}

}  // namespace otcore::cost
