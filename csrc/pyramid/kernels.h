// The pyramid room's kernels: one table of functions per instruction-set level.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otcore::pyramid {

// Points are packed in panels of 64 bytes for each coordinate, one coordinate of all points of the
// panel side by side: [panel][dims][kPanel]. Lanes of a last panel that have no point are zero.
template <class T>
constexpr std::size_t kPanel = 64 / sizeof(T);

// Centres are packed in blocks of this many, one coordinate side by side: [block][dims][kCentres].
// A centre that fills up a block is zero and has an infinite half square.
constexpr std::size_t kCentres = 8;

// Some panels of points.
template <class T>
struct Panels {
  const T* data;
  std::size_t count;
  std::size_t dims;
};

template <class T>
struct PointKernels {
  // out = the packed rows[0..count), each coordinate as x * scale - origin.
  void (*pack)(const T* const* rows, std::size_t count, std::size_t dims, const T* origin, T scale,
               T* out);

  // labels[i] = the j < centres with the largest <x_i, c_j> - half_squares[j], which is the nearest
  // centre; of equals the lowest. One accumulator per score, in the order of the coordinates: a
  // label depends on its point and the centres alone.
  void (*assign)(const Panels<T>& points, const T* packed_centres, const T* half_squares,
                 std::size_t centres, std::int32_t* labels);

  // sums[j * dims + k] += the coordinates of the points that came to centre j, less those of the
  // points that left it. Labels of whole panels, at most kBlockPanels of them; -1 is no centre.
  void (*add_moves)(const Panels<T>& points, const std::int32_t* before, const std::int32_t* now,
                    std::size_t centres, double* sums);

  // What would remain to be explained if candidate j < kCentres were one more centre:
  // out[j * stride + i] = min(nearest[i], |x_i - c_j|^2), where |x|^2 is squares[i]; sums[j] =
  // their sum over i. The candidates are packed as a block of centres.
  void (*try_seeds)(const Panels<T>& points, const T* packed_candidates, const T* half_squares,
                    std::size_t candidates, const T* squares, const T* nearest, T* out,
                    std::size_t stride, double* sums);
};

struct Kernels {
  PointKernels<float> f32;
  PointKernels<double> f64;
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
const PointKernels<T>& point_kernels() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return kernels().f32;
  } else {
    return kernels().f64;
  }
}

}  // namespace otcore::pyramid
