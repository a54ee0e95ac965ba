#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/hooks.h"
#include "bind/minibatch_answer.h"
#include "minibatch/outer.h"

namespace otcore::bind {
namespace {

// A coupling of batches whose costs the caller has.
struct BatchCoupling {
  Array<double> coupling, cost_gradient;  // the shape of the costs
  minibatch::OuterResult result;
  bool interrupted = false;
};

// Of one side's k batches; null where they all weigh the same.
const double* batch_weights(const OptionalWeights& weights, std::size_t k, const char* name) {
  if (!weights) return nullptr;
  if (weights->ndim() != 1 || extent(*weights, 0) != k) {
    throw InvalidArgument(name, "shape " + shape_text(*weights), std::to_string(k) + " weights");
  }
  return weights->data();
}

BatchCoupling couple_batches(const Array<double>& cost, const OptionalWeights& u,
                             const OptionalWeights& v, const std::string& coupling,
                             double outer_reg) {
  const minibatch::Coupling kind = parse_coupling(coupling);
  const bool diagonal = kind == minibatch::Coupling::diagonal;
  require_dims(cost, diagonal ? 1 : 2, "cost");
  const std::size_t kx = extent(cost, 0);
  const std::size_t ky = diagonal ? kx : extent(cost, 1);
  const double* costs = cost.data();
  const double* weights_x = batch_weights(u, kx, "u");
  const double* weights_y = batch_weights(v, ky, "v");
  const auto table = [&] { return diagonal ? new_array<double>(kx) : new_array<double>(kx, ky); };
  BatchCoupling out{table(), table(), {}, false};
  double* gamma = out.coupling.mutable_data();
  double* gradient = out.cost_gradient.mutable_data();
  out.interrupted = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
    minibatch::Outer outer(kind, kx, ky, outer_reg);
    out.result = outer.solve(costs, weights_x, weights_y, gamma, monitor);
    std::vector<double> unused_u(kx);
    std::vector<double> unused_v(ky);
    outer.gradient(costs, gamma, gradient, unused_u.data(), unused_v.data());
  });
  return out;
}

}  // namespace

void bind_minibatch_coupling(py::module_& module) {
  using Answer = BatchCoupling;
  py::class_<Answer>(module, "BatchCoupling")
      .def_readonly("coupling", &Answer::coupling)
      .def_readonly("cost_gradient", &Answer::cost_gradient)
      .def_readonly("interrupted", &Answer::interrupted)
      .def_property_readonly("value", [](const Answer& self) { return self.result.value; })
      .def_property_readonly("gap", [](const Answer& self) { return self.result.gap; })
      .def_property_readonly("marginal_error",
                             [](const Answer& self) { return self.result.marginal_error; })
      .def_property_readonly("n_iter", [](const Answer& self) { return self.result.n_iter; })
      .def_property_readonly("status",
                             [](const Answer& self) { return status_name(self.result.status); });

  module.def("couple_batches", &couple_batches, py::arg("cost").noconvert(),
             py::arg("u").noconvert(), py::arg("v").noconvert(), py::kw_only(), py::arg("coupling"),
             py::arg("outer_reg"));
}

}  // namespace otcore::bind
