#include "sliced/inputs.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/masses.h"
#include "base/thread_pool.h"

namespace otcore::sliced {
namespace {

// Numbers that a chunk looks at.
constexpr std::size_t kNumbersPerLook = std::size_t{1} << 16;

// Points out of which the centre is made: it need not be the mean, only among the data.
constexpr std::size_t kPointsOfCentre = 256;

template <class T>
void require_finite(MatrixView<const T> matrix, const char* argument, int n_threads) {
  const std::size_t per_chunk = std::max<std::size_t>(1, kNumbersPerLook / matrix.cols);
  const std::size_t chunks = (matrix.rows + per_chunk - 1) / per_chunk;
  parallel_for(chunks, n_threads, [&](std::size_t chunk, int) {
    const std::size_t end = std::min(matrix.rows, (chunk + 1) * per_chunk);
    for (std::size_t i = chunk * per_chunk; i < end; ++i) {
      const T* row = matrix.row(i);
      bool finite = true;
      for (std::size_t k = 0; k < matrix.cols; ++k) finite &= std::isfinite(row[k]);
      if (finite) continue;
      const T* bad = std::find_if(row, row + matrix.cols, [](T x) { return !std::isfinite(x); });
      throw InvalidArgument::entry(argument, {i, static_cast<std::size_t>(bad - row)},
                                   static_cast<double>(*bad), "finite numbers");
    }
  });
}

}  // namespace

template <class T>
void check_inputs(const Clouds<T>& clouds, MatrixView<const T> directions, const Options& options) {
  require_finite(directions, "projections", options.n_threads);
  for (std::size_t b = 0; b < clouds.x.count; ++b) {
    try {
      require_finite(clouds.x[b], "X", options.n_threads);
      require_finite(clouds.y[b], "Y", options.n_threads);
      if (b == 0 || !clouds.a.shared() || !clouds.b.shared()) {
        check_weights(clouds.a.of(b), clouds.x.rows, clouds.b.of(b), clouds.y.rows,
                      options.mass_tolerance);
      }
    } catch (const InvalidArgument& error) {
      if (clouds.x.count == 1) throw;
      throw error.in_batch(b);
    }
  }
}

template <class T>
void find_centre(MatrixView<const T> points, T* centre) {
  const std::size_t step = (points.rows + kPointsOfCentre - 1) / kPointsOfCentre;
  const auto count = static_cast<double>((points.rows + step - 1) / step);
  std::vector<double> sums(points.cols);
  for (std::size_t i = 0; i < points.rows; i += step) {
    for (std::size_t k = 0; k < points.cols; ++k) {
      sums[k] += static_cast<double>(points.row(i)[k]) / count;
    }
  }
  for (std::size_t k = 0; k < points.cols; ++k) centre[k] = static_cast<T>(sums[k]);
}

template void check_inputs(const Clouds<float>&, MatrixView<const float>, const Options&);
template void check_inputs(const Clouds<double>&, MatrixView<const double>, const Options&);
template void find_centre(MatrixView<const float>, float*);
template void find_centre(MatrixView<const double>, double*);

}  // namespace otcore::sliced
