// What the bindings of mini-batch transport share: sides, names, and what every solution tells.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bind/arrays.h"
#include "bind/hooks.h"
#include "minibatch/transport.h"

namespace otcore::bind {

using OptionalWeights = std::optional<Array<double>>;
using Indices = Array<std::int64_t>;

inline std::string_view status_name(minibatch::Status status) {
  switch (status) {
    case minibatch::Status::optimal:
      return "optimal";
    case minibatch::Status::converged:
      return "converged";
    case minibatch::Status::stalled:
      return "stalled";
    case minibatch::Status::max_iter:
      return "max_iter";
    case minibatch::Status::time_limit:
      return "time_limit";
    case minibatch::Status::interrupted:
      return "interrupted";
  }
  return "";  // not reached
}

// `names[i]` stands for the i-th value of the enumeration.
template <class Enum, std::size_t size>
Enum parse_enum(const std::string& name, const std::string_view (&names)[size],
                const char* argument) {
  const auto* found = std::find(std::begin(names), std::end(names), name);
  if (found == std::end(names)) {
    std::string expected = "one of";
    for (const std::string_view each : names) expected += " '" + std::string(each) + "'";
    throw InvalidArgument(argument, "'" + name + "'", expected);
  }
  return static_cast<Enum>(found - std::begin(names));
}

inline minibatch::Coupling parse_coupling(const std::string& name) {
  constexpr std::string_view kNames[] = {"diagonal", "product", "exact", "entropic"};
  return parse_enum<minibatch::Coupling>(name, kNames, "coupling");
}

template <class T>
minibatch::Side<T> make_side(const Array<T>& points, const OptionalWeights& weights, std::size_t k,
                             std::size_t m, const char* points_name, const char* weights_name) {
  const MatrixView<const T> view = matrix_view(points, points_name);
  if (weights && (weights->ndim() != 1 || extent(*weights, 0) != view.rows)) {
    throw InvalidArgument(weights_name, "shape " + shape_text(*weights),
                          std::to_string(view.rows) + " weights");
  }
  return {view, weights ? weights->data() : nullptr, k, m};
}

// The batches (k, m) of a side; every number names one of its points.
template <class T>
minibatch::Side<T> make_side(const Array<T>& points, const OptionalWeights& weights,
                             const Indices& batches, const char* points_name,
                             const char* weights_name) {
  require_dims(batches, 2, "batches");
  const auto side =
      make_side(points, weights, extent(batches, 0), extent(batches, 1), points_name, weights_name);
  const std::int64_t* first = batches.data();
  const auto [least, most] = std::minmax_element(first, first + batches.size());
  if (*least < 0 || static_cast<std::size_t>(*most) >= side.points.rows) {
    throw InvalidArgument(
        "batches", "index " + std::to_string(*least < 0 ? *least : *most),
        "rows of " + std::string(points_name) + ": 0 to " + std::to_string(side.points.rows - 1));
  }
  return side;
}

// What a solved problem tells, whatever its inner problems. It keeps the batches: plans and
// gradients are made when asked for.
class MiniBatchAnswer {
 public:
  Array<double> cost, coupling;
  minibatch::OuterResult outer;
  double inner_error = 0.0;
  bool inner_linear = false;
  minibatch::Status inner_status = minibatch::Status::optimal;
  minibatch::Status status = minibatch::Status::optimal;
  bool interrupted = false;

 protected:
  MiniBatchAnswer(Indices batches_x, Indices batches_y, bool diagonal)
      : batches_x_(std::move(batches_x)), batches_y_(std::move(batches_y)), diagonal_(diagonal) {}

  template <class Transport>
  void solve(Transport& transport) {
    const std::int64_t* numbers_x = batches_x_.data();
    const std::int64_t* numbers_y = batches_y_.data();
    interrupted = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
      transport.solve(numbers_x, numbers_y, monitor);
    });
    cost = table_array(transport.table().costs());
    coupling = table_array(transport.coupling());
    inner_status = transport.table().status();
    status = transport.status();
    outer = transport.result();
  }

  // d value / d W_p^p of every pair; with `slopes` that of sum_p slopes[p] * cost[p].
  template <class Transport>
  [[nodiscard]] Array<double> pair_gradient(const Transport& transport,
                                            const OptionalWeights& slopes) const {
    if (!slopes) return table_array(transport.pair_gradient());
    if (slopes->size() != cost.size()) {
      throw InvalidArgument("slopes", "shape " + shape_text(*slopes), "shape " + shape_text(cost));
    }
    std::vector<double> gradient(slopes->data(), slopes->data() + slopes->size());
    for (std::size_t pair = 0; pair < gradient.size(); ++pair) {
      gradient[pair] *= transport.table().cost_slope(pair);
    }
    return table_array(gradient);
  }

  // The gradient of the value in a and b.
  template <class Transport>
  static py::tuple weight_gradient(const Transport& transport) {
    const auto& batches = transport.table().batches();
    Array<double> grad_a = new_array<double>(batches.x().points.rows);
    Array<double> grad_b = new_array<double>(batches.y().points.rows);
    double* out_a = grad_a.mutable_data();
    double* out_b = grad_b.mutable_data();
    const bool stopped = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
      transport.weight_gradient(out_a, out_b, monitor);
    });
    if (stopped) throw_keyboard_interrupt();
    return py::make_tuple(grad_a, grad_b);
  }

  [[nodiscard]] Array<double> table_array(const std::vector<double>& values) const {
    Array<double> array = diagonal_
                              ? new_array<double>(values.size())
                              : new_array<double>(extent(batches_x_, 0), extent(batches_y_, 0));
    std::copy(values.begin(), values.end(), array.mutable_data());
    return array;
  }

  Indices batches_x_, batches_y_;
  bool diagonal_;
};

}  // namespace otcore::bind
