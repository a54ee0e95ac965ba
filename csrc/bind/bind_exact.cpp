#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/exact_solution.h"
#include "bind/problem_arguments.h"
#include "cost/cost.h"
#include "exact/batch.h"
#include "exact/sparse.h"

namespace otcore::bind {
namespace {

ExactSolution exact_batch(const RealArray& matrices, const OptionalWeights& a,
                          const OptionalWeights& b, const OptionalWeights& start,
                          double mass_tolerance, std::optional<std::size_t> max_iter, int n_threads,
                          std::optional<double> time_limit, const py::object& progress) {
  return std::visit(
      [&](const auto& typed) {
        const auto costs = batch_view(typed, "M");
        const Call<exact::Options> call{
            a,
            b,
            {max_iter, n_threads, mass_tolerance, start_data(start, costs.cols)},
            time_limit,
            progress};
        return solve_call<ExactSolution>(costs.count, costs.rows, costs.cols, "M", call,
                                         [&](Weights weights_a, Weights weights_b,
                                             const exact::Solutions& out, Monitor& monitor) {
                                           exact::solve_batch(costs, weights_a, weights_b,
                                                              call.options, out, monitor);
                                         });
      },
      matrices);
}

using OptionalPlaces = std::optional<Array<std::int32_t>>;

// Rows and columns of arcs, as many of each, or neither.
exact::ArcList arc_list(const OptionalPlaces& rows, const OptionalPlaces& cols, std::size_t n,
                        std::size_t m) {
  if (!rows && !cols) return {};
  const auto within = [](const Array<std::int32_t>& places, std::size_t count) {
    return std::all_of(places.data(), places.data() + places.size(), [count](std::int32_t place) {
      return place >= 0 && static_cast<std::size_t>(place) < count;
    });
  };
  if (!rows || !cols || rows->size() != cols->size() || !within(*rows, n) || !within(*cols, m)) {
    throw InvalidArgument("potentials_init", "a plan for other points",
                          std::to_string(n) + " rows and " + std::to_string(m) + " columns");
  }
  return {rows->data(), cols->data(), static_cast<std::size_t>(rows->size())};
}

ExactSolution exact_batch_points(const RealArray& x, const RealArray& y, const OptionalWeights& a,
                                 const OptionalWeights& b, const std::string& metric, double p,
                                 const OptionalWeights& start, double mass_tolerance,
                                 std::optional<std::size_t> max_iter, int n_threads,
                                 std::optional<double> time_limit, const py::object& progress,
                                 std::optional<std::size_t> max_memory,
                                 const OptionalPlaces& start_rows,
                                 const OptionalPlaces& start_cols) {
  const cost::Metric ground = cost::parse_metric(metric, p);
  return visit_pair(x, y, [&](const auto& typed_x, const auto& typed_y) {
    const auto [points_x, points_y] = point_views(typed_x, typed_y);
    const Call<exact::Options> call{
        a,
        b,
        {max_iter, n_threads, mass_tolerance, start_data(start, points_y.rows),
         arc_list(start_rows, start_cols, points_x.rows, points_y.rows), max_memory},
        time_limit,
        progress};
    return solve_call<ExactSolution>(
        points_x.count, points_x.rows, points_y.rows, "X", call,
        [&](Weights weights_a, Weights weights_b, const exact::Solutions& out, Monitor& monitor) {
          exact::solve_batch_points(points_x, points_y, ground, weights_a, weights_b, call.options,
                                    out, monitor);
        });
  });
}

// The indices and masses of a shortage, or None.
py::object shortage_tuple(const exact::Shortage& shortage) {
  if (shortage.rows.empty()) return py::none();
  const auto indices = [](const std::vector<std::int32_t>& from) {
    auto array = new_array<std::int64_t>(from.size());
    std::copy(from.begin(), from.end(), array.mutable_data());
    return array;
  };
  return py::make_tuple(indices(shortage.rows), indices(shortage.cols), shortage.supply,
                        shortage.capacity);
}

py::tuple exact_sparse(const Array<std::int64_t>& starts, const Array<std::int32_t>& cols,
                       const RealArray& entries, std::size_t m, const OptionalWeights& a,
                       const OptionalWeights& b, const OptionalWeights& start,
                       double mass_tolerance, std::optional<std::size_t> max_iter,
                       std::optional<double> time_limit, const py::object& progress) {
  require_dims(starts, 1, "M");
  const std::size_t n = extent(starts, 0) - 1;
  const Call<exact::Options> call{
      a, b, {max_iter, 1, mass_tolerance, start_data(start, m)}, time_limit, progress};
  exact::Shortage shortage;
  ExactSolution solution = std::visit(
      [&](const auto& typed) {
        using T = typename std::decay_t<decltype(typed)>::value_type;
        const auto count = static_cast<std::size_t>(typed.size());
        if (typed.ndim() != 1 || cols.ndim() != 1 || extent(cols, 0) != count ||
            static_cast<std::size_t>(starts.data()[n]) != count) {
          throw InvalidArgument("M", std::to_string(count) + " entries",
                                "a column for each and the last row's end");
        }
        const exact::SparseCosts<T> costs{n, m, starts.data(), cols.data(), typed.data()};
        return solve_call<ExactSolution>(1, n, m, "M", call,
                                         [&](Weights weights_a, Weights weights_b,
                                             const exact::Solutions& out, Monitor& monitor) {
                                           exact::solve_sparse(costs, weights_a.data,
                                                               weights_b.data, call.options,
                                                               monitor, out, shortage);
                                         });
      },
      entries);
  return py::make_tuple(std::move(solution), shortage_tuple(shortage));
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
      .def("status_of", &ExactSolution::status_of, py::arg("problem"))
      .def(py::pickle([](const ExactSolution& solution) { return solution.state(); },
                      [](const py::tuple& state) { return ExactSolution(state); }));

  module.def("exact_batch", &exact_batch, py::arg("M").noconvert(), py::arg("a").noconvert(),
             py::arg("b").noconvert(), py::kw_only(), py::arg("start").noconvert(),
             py::arg("mass_tolerance"), py::arg("max_iter"), py::arg("n_threads"),
             py::arg("time_limit"), py::arg("progress"));
  module.def("exact_batch_points", &exact_batch_points, py::arg("X").noconvert(),
             py::arg("Y").noconvert(), py::arg("a").noconvert(), py::arg("b").noconvert(),
             py::arg("metric"), py::arg("p"), py::kw_only(), py::arg("start").noconvert(),
             py::arg("mass_tolerance"), py::arg("max_iter"), py::arg("n_threads"),
             py::arg("time_limit"), py::arg("progress"), py::arg("max_memory"),
             py::arg("start_rows").noconvert(), py::arg("start_cols").noconvert());
  module.def("exact_sparse", &exact_sparse, py::arg("starts").noconvert(),
             py::arg("cols").noconvert(), py::arg("M").noconvert(), py::arg("m"),
             py::arg("a").noconvert(), py::arg("b").noconvert(), py::kw_only(),
             py::arg("start").noconvert(), py::arg("mass_tolerance"), py::arg("max_iter"),
             py::arg("time_limit"), py::arg("progress"));
}

}  // namespace otcore::bind
