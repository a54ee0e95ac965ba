#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/entropic_plan.h"
#include "bind/entropic_solution.h"
#include "bind/problem_arguments.h"
#include "cost/cost.h"
#include "entropic/batch.h"
#include "entropic/sweep.h"

namespace otcore::bind {
namespace {

entropic::Method method_named(const std::string& name) {
  if (name == "sinkhorn") return entropic::Method::sinkhorn;
  if (name == "plain") return entropic::Method::plain;
  if (name == "ipot") return entropic::Method::ipot;
  if (name == "symmetric") return entropic::Method::symmetric;
  throw InvalidArgument("method", "'" + name + "'", "sinkhorn, plain, ipot or symmetric");
}

EntropicSolution entropic_batch(const RealArray& matrices, const OptionalWeights& a,
                                const OptionalWeights& b, const std::string& method, double reg,
                                double rho_a, double rho_b, std::optional<double> tol,
                                std::size_t inner_iter, const OptionalWeights& start,
                                double mass_tolerance, std::optional<std::size_t> max_iter,
                                int n_threads, std::optional<double> time_limit,
                                const py::object& progress) {
  return std::visit(
      [&](const auto& typed) {
        const auto costs = batch_view(typed, "M");
        const Call<entropic::Options> call{
            a,
            b,
            {method_named(method), reg, rho_a, rho_b, tol, max_iter, inner_iter, n_threads,
             mass_tolerance, start_data(start, costs.cols)},
            time_limit,
            progress};
        return solve_call<EntropicSolution>(costs.count, costs.rows, costs.cols, "M", call,
                                            [&](Weights weights_a, Weights weights_b,
                                                const entropic::Solutions& out, Monitor& monitor) {
                                              entropic::solve_batch(costs, weights_a, weights_b,
                                                                    call.options, out, monitor);
                                            });
      },
      matrices);
}

EntropicSolution entropic_batch_points(
    const RealArray& x, const RealArray& y, const OptionalWeights& a, const OptionalWeights& b,
    const std::string& metric, double p, const std::string& method, double reg, double rho_a,
    double rho_b, std::optional<double> tol, std::size_t inner_iter, const OptionalWeights& start,
    double mass_tolerance, std::optional<std::size_t> max_iter, int n_threads,
    std::optional<double> time_limit, const py::object& progress) {
  const cost::Metric ground = cost::parse_metric(metric, p);
  return visit_pair(x, y, [&](const auto& typed_x, const auto& typed_y) {
    const auto points = point_views(typed_x, typed_y);
    const Call<entropic::Options> call{
        a,
        b,
        {method_named(method), reg, rho_a, rho_b, tol, max_iter, inner_iter, n_threads,
         mass_tolerance, start_data(start, points.second.rows)},
        time_limit,
        progress};
    return solve_call<EntropicSolution>(
        points.first.count, points.first.rows, points.second.rows, "X", call,
        [&](Weights weights_a, Weights weights_b, const entropic::Solutions& out,
            Monitor& monitor) {
          entropic::solve_batch_points(points.first, points.second, ground, weights_a, weights_b,
                                       call.options, out, monitor);
        });
  });
}

std::unique_ptr<EntropicPlan> entropic_plan(const RealArray& matrix, const Array<double>& a,
                                            const Array<double>& b, const Array<double>& f,
                                            const Array<double>& g, double eps, int n_threads) {
  return std::visit(
      [&](const auto& typed) {
        using T = typename std::decay_t<decltype(typed)>::value_type;
        return std::make_unique<EntropicPlan>(
            entropic::Sweep<T>(matrix_view(typed, "M"), n_threads), PlanArrays{a, b, f, g, eps},
            typed);
      },
      matrix);
}

std::unique_ptr<EntropicPlan> entropic_plan_points(const RealArray& x, const RealArray& y,
                                                   const Array<double>& a, const Array<double>& b,
                                                   const Array<double>& f, const Array<double>& g,
                                                   const std::string& metric, double p, double eps,
                                                   int n_threads) {
  const cost::Metric ground = cost::parse_metric(metric, p);
  return visit_pair(x, y, [&](const auto& typed_x, const auto& typed_y) {
    using T = typename std::decay_t<decltype(typed_x)>::value_type;
    const auto points_x = matrix_view(typed_x, "X");
    const auto points_y = matrix_view(typed_y, "Y");
    return std::make_unique<EntropicPlan>(entropic::Sweep<T>(points_x, points_y, ground, n_threads),
                                          PlanArrays{a, b, f, g, eps},
                                          py::make_tuple(typed_x, typed_y));
  });
}

}  // namespace

void bind_entropic(py::module_& module) {
  py::class_<EntropicSolution>(module, "EntropicSolution")
      .def_readonly("value", &EntropicSolution::value)
      .def_readonly("value_linear", &EntropicSolution::value_linear)
      .def_readonly("gap", &EntropicSolution::gap)
      .def_readonly("marginal_error", &EntropicSolution::marginal_error)
      .def_readonly("tolerance", &EntropicSolution::tolerance)
      .def_readonly("n_iter", &EntropicSolution::n_iter)
      .def_readonly("eps", &EntropicSolution::eps)
      .def_readonly("potential_a", &EntropicSolution::potential_a)
      .def_readonly("potential_b", &EntropicSolution::potential_b)
      .def_readonly("marginal_a", &EntropicSolution::marginal_a)
      .def_readonly("marginal_b", &EntropicSolution::marginal_b)
      .def_readonly("interrupted", &EntropicSolution::interrupted)
      .def_property_readonly("status", &EntropicSolution::status_names)
      .def_property_readonly("unfinished", &EntropicSolution::unfinished)
      .def("status_of", &EntropicSolution::status_of, py::arg("problem"))
      .def(py::pickle([](const EntropicSolution& solution) { return solution.state(); },
                      [](const py::tuple& state) { return EntropicSolution(state); }));

  py::class_<EntropicPlan>(module, "EntropicPlan")
      .def("apply", &EntropicPlan::apply, py::arg("V").noconvert())
      .def("apply_t", &EntropicPlan::apply_t, py::arg("V").noconvert())
      .def("dense", &EntropicPlan::dense)
      .def("entries", &EntropicPlan::entries, py::arg("threshold"));

  module.def("entropic_batch", &entropic_batch, py::arg("M").noconvert(), py::arg("a").noconvert(),
             py::arg("b").noconvert(), py::kw_only(), py::arg("method"), py::arg("reg"),
             py::arg("rho_a"), py::arg("rho_b"), py::arg("tol"), py::arg("inner_iter"),
             py::arg("start").noconvert(), py::arg("mass_tolerance"), py::arg("max_iter"),
             py::arg("n_threads"), py::arg("time_limit"), py::arg("progress"));
  module.def("entropic_batch_points", &entropic_batch_points, py::arg("X").noconvert(),
             py::arg("Y").noconvert(), py::arg("a").noconvert(), py::arg("b").noconvert(),
             py::arg("metric"), py::arg("p"), py::kw_only(), py::arg("method"), py::arg("reg"),
             py::arg("rho_a"), py::arg("rho_b"), py::arg("tol"), py::arg("inner_iter"),
             py::arg("start").noconvert(), py::arg("mass_tolerance"), py::arg("max_iter"),
             py::arg("n_threads"), py::arg("time_limit"), py::arg("progress"));
  module.def("entropic_plan", &entropic_plan, py::arg("M").noconvert(), py::arg("a").noconvert(),
             py::arg("b").noconvert(), py::arg("f").noconvert(), py::arg("g").noconvert(),
             py::kw_only(), py::arg("eps"), py::arg("n_threads"));
  module.def("entropic_plan_points", &entropic_plan_points, py::arg("X").noconvert(),
             py::arg("Y").noconvert(), py::arg("a").noconvert(), py::arg("b").noconvert(),
             py::arg("f").noconvert(), py::arg("g").noconvert(), py::arg("metric"), py::arg("p"),
             py::kw_only(), py::arg("eps"), py::arg("n_threads"));
}

}  // namespace otcore::bind
