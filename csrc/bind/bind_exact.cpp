#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/hooks.h"
#include "cost/cost.h"
#include "exact/batch.h"

namespace otcore::bind {
namespace {

using OptionalWeights = std::optional<Array<double>>;

std::string_view status_name(exact::Status status) {
  switch (status) {
    case exact::Status::optimal:
      return "optimal";
    case exact::Status::max_iter:
      return "max_iter";
    case exact::Status::time_limit:
      return "time_limit";
    case exact::Status::interrupted:
      return "interrupted";
  }
  return "";  // not reached
}

// The answers of a batch, in arrays that Python owns.
struct ExactSolution {
  // B problems of n x m, uninitialised.
  ExactSolution(std::size_t batch, std::size_t n, std::size_t m)
      : value(new_array<double>(batch)),
        gap(new_array<double>(batch)),
        n_iter(new_array<std::int64_t>(batch)),
        potential_a(new_array<double>(batch, n)),
        potential_b(new_array<double>(batch, m)),
        count(new_array<std::int64_t>(batch)),
        rows(new_array<std::int32_t>(batch, exact::max_plan_entries(n, m))),
        cols(new_array<std::int32_t>(batch, exact::max_plan_entries(n, m))),
        mass(new_array<double>(batch, exact::max_plan_entries(n, m))),
        status(batch) {}

  exact::Solutions views() {
    return {.value = value.mutable_data(),
            .gap = gap.mutable_data(),
            .n_iter = n_iter.mutable_data(),
            .status = status.data(),
            .potential_a = potential_a.mutable_data(),
            .potential_b = potential_b.mutable_data(),
            .count = count.mutable_data(),
            .rows = rows.mutable_data(),
            .cols = cols.mutable_data(),
            .mass = mass.mutable_data()};
  }

  // How many problems are not optimal.
  [[nodiscard]] std::size_t unfinished() const {
    const auto optimal = std::ranges::count(status, exact::Status::optimal);
    return status.size() - static_cast<std::size_t>(optimal);
  }

  [[nodiscard]] std::string_view status_of(std::size_t problem) const {
    return status_name(status.at(problem));
  }

  [[nodiscard]] py::list status_names() const {
    py::list names(status.size());
    for (std::size_t b = 0; b < status.size(); ++b) names[b] = status_name(status[b]);
    return names;
  }

  Array<double> value, gap;
  Array<std::int64_t> n_iter;
  Array<double> potential_a, potential_b;
  Array<std::int64_t> count;
  Array<std::int32_t> rows, cols;
  Array<double> mass;
  std::vector<exact::Status> status;
  bool interrupted = false;
};

// Checks a batch's sizes: row and column numbers must fit the plan's 32 bits.
void require_small_sides(std::size_t n, std::size_t m, const char* argument) {
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  if (n > kMost || m > kMost) {
    throw InvalidArgument(argument, "sides " + std::to_string(n) + " and " + std::to_string(m),
                          "at most " + std::to_string(kMost) + " points on a side");
  }
}

exact::Weights weights_view(const OptionalWeights& weights, std::size_t batch, std::size_t length,
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

struct Call {
  const OptionalWeights& a;
  const OptionalWeights& b;
  exact::Options options;
  std::optional<double> time_limit;
  const py::object& progress;
};

// solve(a, b, solutions, monitor) for a batch of n x m problems.
template <class Solve>
ExactSolution solve_call(std::size_t batch, std::size_t n, std::size_t m, const char* argument,
                         const Call& call, Solve&& solve) {
  require_small_sides(n, m, argument);
  const exact::Weights a = weights_view(call.a, batch, n, "a");
  const exact::Weights b = weights_view(call.b, batch, m, "b");
  ExactSolution solution(batch, n, m);
  const exact::Solutions out = solution.views();
  solution.interrupted = run_interruptible(call.progress, call.time_limit,
                                           [&](Monitor& monitor) { solve(a, b, out, monitor); });
  return solution;
}

ExactSolution exact_batch(const RealArray& matrices, const OptionalWeights& a,
                          const OptionalWeights& b, double mass_tolerance,
                          std::optional<std::size_t> max_iter, int n_threads,
                          std::optional<double> time_limit, const py::object& progress) {
  const Call call{a, b, {max_iter, n_threads, mass_tolerance}, time_limit, progress};
  return std::visit(
      [&](const auto& typed) {
        const auto costs = batch_view(typed, "M");
        return solve_call(costs.count, costs.rows, costs.cols, "M", call,
                          [&](exact::Weights weights_a, exact::Weights weights_b,
                              const exact::Solutions& out, Monitor& monitor) {
                            exact::solve_batch(costs, weights_a, weights_b, call.options, out,
                                               monitor);
                          });
      },
      matrices);
}

ExactSolution exact_batch_points(const RealArray& x, const RealArray& y, const OptionalWeights& a,
                                 const OptionalWeights& b, const std::string& metric, double p,
                                 double mass_tolerance, std::optional<std::size_t> max_iter,
                                 int n_threads, std::optional<double> time_limit,
                                 const py::object& progress) {
  const cost::Metric ground = cost::parse_metric(metric, p);
  const Call call{a, b, {max_iter, n_threads, mass_tolerance}, time_limit, progress};
  return visit_pair(x, y, [&](const auto& typed_x, const auto& typed_y) {
    const auto points_x = batch_view(typed_x, "X");
    const auto points_y = batch_view(typed_y, "Y");
    if (points_x.count != points_y.count || points_x.cols != points_y.cols) {
      throw InvalidArgument(
          "Y", "shape " + shape_text(typed_y),
          "as many problems and coordinates as X of shape " + shape_text(typed_x));
    }
    return solve_call(points_x.count, points_x.rows, points_y.rows, "X", call,
                      [&](exact::Weights weights_a, exact::Weights weights_b,
                          const exact::Solutions& out, Monitor& monitor) {
                        exact::solve_batch_points(points_x, points_y, ground, weights_a, weights_b,
                                                  call.options, out, monitor);
                      });
  });
}

}  // namespace

void bind_exact(py::module_& module) {
  py::class_<ExactSolution>(module, "ExactSolution")
      .def_readonly("value", &ExactSolution::value)
      .def_readonly("gap", &ExactSolution::gap)
      .def_readonly("n_iter", &ExactSolution::n_iter)
      .def_readonly("potential_a", &ExactSolution::potential_a)
      .def_readonly("potential_b", &ExactSolution::potential_b)
      .def_readonly("count", &ExactSolution::count)
      .def_readonly("rows", &ExactSolution::rows)
      .def_readonly("cols", &ExactSolution::cols)
      .def_readonly("mass", &ExactSolution::mass)
      .def_readonly("interrupted", &ExactSolution::interrupted)
      .def_property_readonly("status", &ExactSolution::status_names)
      .def_property_readonly("unfinished", &ExactSolution::unfinished)
      .def("status_of", &ExactSolution::status_of, py::arg("problem"));

  module.def("exact_batch", &exact_batch, py::arg("M").noconvert(), py::arg("a").noconvert(),
             py::arg("b").noconvert(), py::kw_only(), py::arg("mass_tolerance"),
             py::arg("max_iter"), py::arg("n_threads"), py::arg("time_limit"), py::arg("progress"));
  module.def("exact_batch_points", &exact_batch_points, py::arg("X").noconvert(),
             py::arg("Y").noconvert(), py::arg("a").noconvert(), py::arg("b").noconvert(),
             py::arg("metric"), py::arg("p"), py::kw_only(), py::arg("mass_tolerance"),
             py::arg("max_iter"), py::arg("n_threads"), py::arg("time_limit"), py::arg("progress"));
}

}  // namespace otcore::bind
