#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/hooks.h"
#include "cost/cost.h"
#include "cost/pull_back.h"

namespace otcore::bind {
namespace {

template <class T>
py::array cost_matrix_of(const Array<T>& x, const Array<T>& y, const cost::Metric& metric,
                         int n_threads) {
  const MatrixView<const T> points_x = matrix_view(x, "X");
  const MatrixView<const T> points_y = matrix_view(y, "Y");
  if (points_x.cols != points_y.cols) {
    throw InvalidArgument("Y", "shape " + shape_text(y), "as many columns as X");
  }
  Array<T> matrix = new_array<T>(points_x.rows, points_y.rows);
  const MatrixView<T> out{matrix.mutable_data(), points_x.rows, points_y.rows, points_y.rows};
  const bool interrupted = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
    cost::fill(metric, points_x, points_y, out, n_threads, &monitor);
  });
  if (interrupted) throw_keyboard_interrupt();
  return matrix;
}

py::array cost_matrix(const RealArray& x, const RealArray& y, const std::string& metric, double p,
                      int n_threads) {
  return visit_pair(x, y, [&](const auto& points_x, const auto& points_y) {
    return cost_matrix_of(points_x, points_y, cost::parse_metric(metric, p), n_threads);
  });
}

using Indices = Array<std::int64_t>;

// The gradients in X and Y, where they are wanted, of a plan's cost, for squared distances.
py::tuple plan_gradient(const RealArray& x, const RealArray& y, const Indices& rows,
                        const Indices& cols, const Array<double>& mass, bool with_x, bool with_y,
                        int n_threads) {
  return visit_pair(
      x, y, [&]<class T>(const Array<T>& points_x, const Array<T>& points_y) -> py::tuple {
        const MatrixView<const T> view_x = matrix_view(points_x, "X");
        const MatrixView<const T> view_y = matrix_view(points_y, "Y");
        const auto fits = [count = mass.size()](const Indices& numbers, std::size_t points) {
          return numbers.ndim() == 1 && numbers.size() == count &&
                 std::all_of(numbers.data(), numbers.data() + count, [points](std::int64_t number) {
                   return number >= 0 && static_cast<std::size_t>(number) < points;
                 });
        };
        if (view_x.cols != view_y.cols || mass.ndim() != 1 || !fits(rows, view_x.rows) ||
            !fits(cols, view_y.rows)) {
          throw InvalidArgument("rows, cols, mass", "entries that do not fit X and Y",
                                "points of as many coordinates, and numbers of them");
        }
        const cost::WeightedPairs pairs{rows.data(), cols.data(), mass.data(),
                                        static_cast<std::size_t>(mass.size())};
        const auto gradient = [](bool wanted, const MatrixView<const T>& points) {
          return wanted ? std::optional(new_array<T>(points.rows, points.cols)) : std::nullopt;
        };
        std::optional<Array<T>> in_x = gradient(with_x, view_x);
        std::optional<Array<T>> in_y = gradient(with_y, view_y);
        T* to_x = in_x ? in_x->mutable_data() : nullptr;
        T* to_y = in_y ? in_y->mutable_data() : nullptr;
        {
          const py::gil_scoped_release released;
          cost::pull_squares_back(view_x, view_y, pairs, n_threads, to_x, to_y);
        }
        return py::make_tuple(in_x, in_y);
      });
}

}  // namespace

void bind_cost(py::module_& module) {
  module.def("plan_gradient", &plan_gradient, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("rows").noconvert(), py::arg("cols").noconvert(), py::arg("mass").noconvert(),
             py::arg("with_x"), py::arg("with_y"), py::arg("n_threads"));
  module.def("cost_matrix", &cost_matrix, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("metric"), py::arg("p"), py::arg("n_threads"));
}

}  // namespace otcore::bind
