#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/hooks.h"
#include "cost/cost.h"

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

}  // namespace

void bind_cost(py::module_& module) {
  module.def("cost_matrix", &cost_matrix, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("metric"), py::arg("p"), py::arg("n_threads"));
}

}  // namespace otcore::bind
