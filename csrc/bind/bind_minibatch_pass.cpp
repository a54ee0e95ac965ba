#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/hooks.h"
#include "bind/minibatch_answer.h"
#include "cost/cost.h"
#include "minibatch/pass.h"

namespace otcore::bind {
namespace {

// The batches of a side that is checked: offsets ascend from 0 to the entries, which name points.
template <class T>
minibatch::PassSide<T> make_side(const Array<T>& points, const Indices& offsets,
                                 const Indices& index, const OptionalWeights& mass,
                                 const char* name) {
  const MatrixView<const T> view = matrix_view(points, name);
  require_dims(offsets, 1, "batches");
  require_dims(index, 1, "batches");
  const std::int64_t* first = offsets.data();
  const std::int64_t* last = first + offsets.size() - 1;
  const bool ascending = std::adjacent_find(first, last + 1, [](auto lhs, auto rhs) {
                           return lhs >= rhs;
                         }) == last + 1;
  const auto [least, most] = std::minmax_element(index.data(), index.data() + index.size());
  if (last == first || *first != 0 || *last != index.size() || !ascending || *least < 0 ||
      static_cast<std::size_t>(*most) >= view.rows ||
      (mass && (mass->ndim() != 1 || mass->size() != index.size()))) {
    throw InvalidArgument("batches", std::string("batches that do not fit ") + name,
                          "offsets from 0 to the number of entries, each a row of " +
                              std::string(name) + ", with its mass");
  }
  return {view, first, index.data(), mass ? mass->data() : nullptr};
}

struct PassSolution {
  double inner_error = 0.0;
  minibatch::Status status = minibatch::Status::optimal;
  bool interrupted = false;
  Array<double> cost, gap, weight;  // of the batches
  Indices rows, cols;               // of the plan
  Array<double> mass;
};

PassSolution minibatch_pass(const RealArray& x, const RealArray& y, const Indices& offsets_x,
                            const Indices& index_x, const OptionalWeights& mass_x,
                            const Indices& offsets_y, const Indices& index_y,
                            const OptionalWeights& mass_y, const Array<double>& weight,
                            const std::string& metric, double p,
                            const minibatch::InnerOptions& inner, int n_threads,
                            const py::object& progress) {
  return visit_pair(x, y, [&]<class T>(const Array<T>& points_x, const Array<T>& points_y) {
    const auto side_x = make_side(points_x, offsets_x, index_x, mass_x, "X");
    const auto side_y = make_side(points_y, offsets_y, index_y, mass_y, "Y");
    if (side_x.points.cols != side_y.points.cols || offsets_x.size() != offsets_y.size()) {
      throw InvalidArgument("Y", "other coordinates or batches than X has", "as many");
    }
    const std::size_t batches = extent(offsets_x, 0) - 1;
    if (weight.ndim() != 1 || extent(weight, 0) != batches) {
      throw InvalidArgument("weight", "shape " + shape_text(weight),
                            std::to_string(batches) + " weights");
    }
    minibatch::Pass<T> pass(side_x, side_y, weight.data(), batches,
                            {cost::parse_metric(metric, p), inner, n_threads});
    PassSolution solution;
    solution.cost = new_array<double>(batches);
    solution.gap = new_array<double>(batches);
    solution.weight = weight;
    const minibatch::PassAnswers out{solution.cost.mutable_data(), solution.gap.mutable_data()};
    solution.interrupted = run_interruptible(progress, std::nullopt,
                                             [&](Monitor& monitor) { pass.solve(out, monitor); });
    solution.inner_error = pass.marginal_error();
    solution.status = pass.status();
    const std::size_t count = pass.count();
    solution.rows = new_array<std::int64_t>(count);
    solution.cols = new_array<std::int64_t>(count);
    solution.mass = new_array<double>(count);
    pass.take_plan(
        {solution.rows.mutable_data(), solution.cols.mutable_data(), solution.mass.mutable_data()});
    return solution;
  });
}

}  // namespace

void bind_minibatch_pass(py::module_& module) {
  py::class_<PassSolution>(module, "PassSolution")
      .def_readonly("cost", &PassSolution::cost)
      .def_readonly("gap", &PassSolution::gap)
      .def_readonly("weight", &PassSolution::weight)
      .def_readonly("rows", &PassSolution::rows)
      .def_readonly("cols", &PassSolution::cols)
      .def_readonly("mass", &PassSolution::mass)
      .def_readonly("inner_error", &PassSolution::inner_error)
      .def_readonly("interrupted", &PassSolution::interrupted)
      .def_property_readonly("status",
                             [](const PassSolution& self) { return status_name(self.status); });

  module.def("minibatch_pass", &minibatch_pass, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("offsets_x").noconvert(), py::arg("index_x").noconvert(),
             py::arg("mass_x").noconvert(), py::arg("offsets_y").noconvert(),
             py::arg("index_y").noconvert(), py::arg("mass_y").noconvert(),
             py::arg("weight").noconvert(), py::arg("metric"), py::arg("p"), py::kw_only(),
             py::arg("inner"), py::arg("n_threads"), py::arg("progress"));
}

}  // namespace otcore::bind
