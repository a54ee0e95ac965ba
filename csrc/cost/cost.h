// Ground costs between points: c(x, y) for every pair of a row of X and a row of Y.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/monitor.h"
#include "base/views.h"

namespace otcore::cost {

enum class Kind {
  sqeuclidean,  // sum_k (x_k - y_k)^2
  euclidean,    // sqrt(sum_k (x_k - y_k)^2)
  cityblock,    // sum_k |x_k - y_k|
  minkowski,    // sum_k |x_k - y_k|^p: the power, not its root
  cosine,       // 1 - <x, y> / (|x| |y|); a zero vector is an error
};

struct Metric {
  Kind kind = Kind::sqeuclidean;
  double p = 2.0;  // minkowski only; finite, >= 1

  // The power of a metric that this cost is (2, 1, 1, p), or 0 where it is none (cosine).
  [[nodiscard]] double power() const;
};

// "sqeuclidean", "euclidean", "cityblock", "minkowski", "cosine"; InvalidArgument("metric") for
// another name or a p that minkowski cannot take.
Metric parse_metric(std::string_view name, double p);

// out(i, j) = c(X_i, Y_j). X is n x d, Y is m x d, out is n x m (out.stride >= m). Data of type In
// are read as they are and the arithmetic is in Out: <float, double> gives float64 costs of float32
// points. Relative error at most 32 (d + 4) u, u = 2^-53 (2^-24), whatever the offset of the data:
// docs/numerics.md, "Ground costs". A row of the result depends on that row of X and on Y alone.
// n_threads as parallel_for. Memory beside the output: the packed points, at most a few tens of MB
// unless a few points are larger. Incomplete when `monitor` says stop.
// InvalidArgument("X" or "Y") for a zero vector under cosine, for shapes that do not fit, d = 0.
template <class In, class Out>
void fill(const Metric& metric, MatrixView<const In> x, MatrixView<const In> y, MatrixView<Out> out,
          int n_threads, Monitor* monitor = nullptr);

}  // namespace otcore::cost
