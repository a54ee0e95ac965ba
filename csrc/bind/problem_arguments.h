// Arguments that every solver of transport problems takes, and how it is called with them.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "base/weights.h"
#include "bind/arrays.h"
#include "bind/hooks.h"

namespace otcore::bind {

using OptionalWeights = std::optional<Array<double>>;

// One vector for all problems, or a row for each.
inline Weights weights_view(const OptionalWeights& weights, std::size_t batch, std::size_t length,
                            const char* argument) {
  if (!weights) return {};
  const bool shared = weights->ndim() == 1 && extent(*weights, 0) == length;
  const bool own =
      weights->ndim() == 2 && extent(*weights, 0) == batch && extent(*weights, 1) == length;
  if (!shared && !own) {
    throw InvalidArgument(argument, "shape " + shape_text(*weights),
                          std::to_string(length) + " weights, or as many for each of " +
                              std::to_string(batch) + " problems");
  }
  return {weights->data(), own ? length : 0};
}

// Column potentials to start from: m numbers.
inline const double* start_data(const OptionalWeights& start, std::size_t m) {
  if (!start) return nullptr;
  if (start->ndim() != 1 || extent(*start, 0) != m) {
    throw InvalidArgument("potentials_init", "shape " + shape_text(*start),
                          std::to_string(m) + " column potentials");
  }
  return start->data();
}

// Two sides of points for as many problems of as many coordinates.
template <class T>
std::pair<BatchView<const T>, BatchView<const T>> point_views(const Array<T>& x,
                                                              const Array<T>& y) {
  const auto points_x = batch_view(x, "X");
  const auto points_y = batch_view(y, "Y");
  if (points_x.count != points_y.count || points_x.cols != points_y.cols) {
    throw InvalidArgument("Y", "shape " + shape_text(y),
                          "as many problems and coordinates as X of shape " + shape_text(x));
  }
  return {points_x, points_y};
}

// What a solver is called with beside its data, Options being its room's.
template <class Options>
struct Call {
  const OptionalWeights& a;
  const OptionalWeights& b;
  Options options;
  std::optional<double> time_limit;
  const py::object& progress;
};

// The Solution that solve(a, b, solution.views(), monitor) fills for a batch of n x m problems.
template <class Solution, class Options, class Solve>
Solution solve_call(std::size_t batch, std::size_t n, std::size_t m, const char* argument,
                    const Call<Options>& call, Solve&& solve) {
  require_small_sides(n, m, argument);
  const Weights a = weights_view(call.a, batch, n, "a");
  const Weights b = weights_view(call.b, batch, m, "b");
  Solution solution(batch, n, m);
  const auto out = solution.views();
  solution.interrupted = run_interruptible(call.progress, call.time_limit,
                                           [&](Monitor& monitor) { solve(a, b, out, monitor); });
  return solution;
}

}  // namespace otcore::bind
