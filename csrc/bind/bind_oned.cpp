#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/exact_solution.h"
#include "bind/hooks.h"
#include "oned/oned.h"

namespace otcore::bind {
namespace {

using OptionalRows = std::optional<Array<double>>;

// The number of problems that the arrays are for: of rows of those that are not shared, else 1.
std::size_t count_problems(std::initializer_list<const py::array*> arrays) {
  for (const py::array* array : arrays) {
    if (array != nullptr && array->ndim() == 2) return extent(*array, 0);
  }
  return 1;
}

// One row for all problems, or one for each.
template <class T>
oned::Rows<T> rows_view(const Array<T>& array, std::size_t batch, const char* argument) {
  require_dims(array, array.ndim() == 2 ? 2 : 1, argument);
  if (array.ndim() == 1) return {array.data(), extent(array, 0), 0};
  if (extent(array, 0) != batch) {
    throw InvalidArgument(argument, "shape " + shape_text(array),
                          "one row, or one for each of " + std::to_string(batch) + " problems");
  }
  return {array.data(), extent(array, 1), extent(array, 1)};
}

oned::Rows<double> masses_view(const OptionalRows& masses, std::size_t batch, std::size_t length,
                               const char* argument) {
  if (!masses) return {};
  const oned::Rows<double> rows = rows_view(*masses, batch, argument);
  if (rows.length != length) {
    throw InvalidArgument(argument, "shape " + shape_text(*masses),
                          "rows of " + std::to_string(length) + " masses");
  }
  return rows;
}

template <class T>
oned::Lines<T> lines_view(const Array<T>& x, const Array<T>& y, const OptionalRows& a,
                          const OptionalRows& b) {
  const std::size_t batch = count_problems({&x, &y, a ? &*a : nullptr, b ? &*b : nullptr});
  const oned::Rows<T> points_x = rows_view(x, batch, "x");
  const oned::Rows<T> points_y = rows_view(y, batch, "y");
  require_small_sides(points_x.length, points_y.length, "x, y");
  return {batch, points_x, points_y, masses_view(a, batch, points_x.length, "a"),
          masses_view(b, batch, points_y.length, "b")};
}

template <class T>
void solve_lines(const oned::Lines<T>& lines, const oned::Options& options,
                 const oned::Solutions& out) {
  const bool interrupted = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
    oned::solve(lines, options, out, monitor);
  });
  if (interrupted) throw_keyboard_interrupt();
}

// The values of a batch, and what their gradients are made of where it was asked for.
struct LineValues {
  Array<double> value;
  std::optional<Array<double>> gradient_x, gradient_y;
  std::optional<Array<double>> potential_a, potential_b;
};

LineValues line_values(const RealArray& x, const RealArray& y, const OptionalRows& a,
                       const OptionalRows& b, double p, double mass_tolerance, int n_threads,
                       bool with_gradients, bool with_potentials) {
  return visit_pair(x, y, [&](const auto& points_x, const auto& points_y) {
    const auto lines = lines_view(points_x, points_y, a, b);
    LineValues values{new_array<double>(lines.count), {}, {}, {}, {}};
    oned::Solutions out;
    out.value = values.value.mutable_data();
    const auto add = [&lines](std::optional<Array<double>>& array, std::size_t length) {
      return array.emplace(new_array<double>(lines.count, length)).mutable_data();
    };
    if (with_gradients) {
      out.gradient_x = add(values.gradient_x, lines.x.length);
      out.gradient_y = add(values.gradient_y, lines.y.length);
    }
    if (with_potentials) {
      out.potential_a = add(values.potential_a, lines.x.length);
      out.potential_b = add(values.potential_b, lines.y.length);
    }
    solve_lines(lines, {p, n_threads, mass_tolerance}, out);
    return values;
  });
}

ExactSolution line_batch(const RealArray& x, const RealArray& y, const OptionalRows& a,
                         const OptionalRows& b, double p, double mass_tolerance, int n_threads) {
  return visit_pair(x, y, [&](const auto& points_x, const auto& points_y) {
    const auto lines = lines_view(points_x, points_y, a, b);
    ExactSolution solution(lines.count, lines.x.length, lines.y.length);
    const exact::Solutions views = solution.views();
    std::fill_n(views.n_iter, lines.count, 0);
    oned::Solutions out;
    out.value = views.value;
    out.gap = views.gap;
    out.potential_a = views.potential_a;
    out.potential_b = views.potential_b;
    out.count = views.count;
    out.rows = views.rows;
    out.cols = views.cols;
    out.mass = views.mass;
    solve_lines(lines, {p, n_threads, mass_tolerance}, out);
    return solution;
  });
}

}  // namespace

void bind_oned(py::module_& module) {
  py::class_<LineValues>(module, "LineValues")
      .def_readonly("value", &LineValues::value)
      .def_readonly("gradient_x", &LineValues::gradient_x)
      .def_readonly("gradient_y", &LineValues::gradient_y)
      .def_readonly("potential_a", &LineValues::potential_a)
      .def_readonly("potential_b", &LineValues::potential_b);

  module.def("line_values", &line_values, py::arg("x").noconvert(), py::arg("y").noconvert(),
             py::arg("a").noconvert(), py::arg("b").noconvert(), py::arg("p"), py::kw_only(),
             py::arg("mass_tolerance"), py::arg("n_threads"), py::arg("with_gradients"),
             py::arg("with_potentials"));
  module.def("line_batch", &line_batch, py::arg("x").noconvert(), py::arg("y").noconvert(),
             py::arg("a").noconvert(), py::arg("b").noconvert(), py::arg("p"), py::kw_only(),
             py::arg("mass_tolerance"), py::arg("n_threads"));
}

}  // namespace otcore::bind
