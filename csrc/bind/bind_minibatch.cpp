#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/random.h"
#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/hooks.h"
#include "bind/minibatch_answer.h"
#include "cost/cost.h"
#include "minibatch/map.h"
#include "minibatch/sampling.h"
#include "minibatch/transport.h"

namespace otcore::bind {
namespace {

using minibatch::Coupling;
using minibatch::Sampling;

// The core's reading of Python's inner_* arguments.
minibatch::InnerOptions inner_options(const std::string& method, double reg,
                                      std::pair<double, double> rho, bool linear,
                                      std::optional<double> tolerance,
                                      std::optional<std::size_t> max_iter, std::size_t inner_iter) {
  enum class Method { exact, sinkhorn, ipot };
  constexpr std::string_view kNames[] = {"exact", "sinkhorn", "ipot"};
  const auto chosen = parse_enum<Method>(method, kNames, "inner");
  minibatch::InnerOptions options;
  options.linear = linear;
  if (chosen == Method::exact) return options;
  options.entropic.emplace();
  options.entropic->method =
      chosen == Method::ipot ? entropic::Method::ipot : entropic::Method::sinkhorn;
  options.entropic->reg = reg;
  std::tie(options.entropic->rho_a, options.entropic->rho_b) = rho;
  options.entropic->tolerance = tolerance;
  options.entropic->max_iter = max_iter;
  options.entropic->inner_iter = inner_iter;
  minibatch::check_inner(options);
  return options;
}

Sampling parse_sampling(const std::string& name) {
  constexpr std::string_view kNames[] = {"independent", "with_replacement", "disjoint"};
  return parse_enum<Sampling>(name, kNames, "sampling");
}

Indices sample_batches(std::size_t n, std::size_t k, std::size_t m, const std::string& sampling,
                       const std::optional<Indices>& labels, std::uint64_t seed,
                       std::uint64_t stream, const std::string& side) {
  if (labels && (labels->ndim() != 1 || extent(*labels, 0) != n)) {
    throw InvalidArgument("labels_" + side, "shape " + shape_text(*labels),
                          std::to_string(n) + " labels");
  }
  const minibatch::Sampler sampler(n, k, m, parse_sampling(sampling),
                                   labels ? labels->data() : nullptr, side);
  Indices batches = new_array<std::int64_t>(k, m);
  Random random(seed, stream);
  minibatch::Sampler::Scratch scratch;
  std::int64_t* out = batches.mutable_data();
  const py::gil_scoped_release released;
  sampler.draw(random, scratch, out);
  return batches;
}

// Inner problems with plans.
class MiniBatchSolution : public MiniBatchAnswer {
 public:
  template <class T>
  MiniBatchSolution(const Array<T>& x, const Array<T>& y, const OptionalWeights& a,
                    const OptionalWeights& b, Indices batches_x, Indices batches_y,
                    const minibatch::TransportOptions& options)
      : MiniBatchAnswer(std::move(batches_x), std::move(batches_y),
                        options.coupling == Coupling::diagonal) {
    auto transport = std::make_unique<minibatch::Transport<T>>(
        make_side(x, a, batches_x_, "X", "a"), make_side(y, b, batches_y_, "Y", "b"), options);
    solve(*transport);
    gap = table_array(transport->table().gaps());
    const std::vector<double>& errors = transport->table().errors();
    inner_error = *std::max_element(errors.begin(), errors.end());
    inner_linear = options.inner.linear;
    transport_ = std::move(transport);
  }

  // sum_p weights[p] * (plan of pair p) as (rows, cols, mass) of the plan between all points.
  py::tuple aggregate(const Array<double>& weights) const {
    if (weights.size() != cost.size()) {
      throw InvalidArgument("weights", "shape " + shape_text(weights), "shape " + shape_text(cost));
    }
    return std::visit(
        [&](const auto& transport) {
          const std::size_t count = transport->table().count_entries(weights.data());
          Indices rows = new_array<std::int64_t>(count);
          Indices cols = new_array<std::int64_t>(count);
          Array<double> mass = new_array<double>(count);
          const minibatch::Entries out{rows.mutable_data(), cols.mutable_data(),
                                       mass.mutable_data()};
          const double* pair_weights = weights.data();
          const bool stopped = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
            transport->table().aggregate(pair_weights, out, monitor);
            if (monitor.stopped() != Stop::none) return;
            number_points(batches_x_, out.rows, count);
            number_points(batches_y_, out.cols, count);
          });
          if (stopped) throw_keyboard_interrupt();
          return py::make_tuple(rows, cols, mass);
        },
        transport_);
  }

  Array<double> pair_gradient(const OptionalWeights& slopes) const {
    return std::visit(
        [&](const auto& transport) { return MiniBatchAnswer::pair_gradient(*transport, slopes); },
        transport_);
  }

  py::tuple weight_gradient() const {
    return std::visit(
        [](const auto& transport) { return MiniBatchAnswer::weight_gradient(*transport); },
        transport_);
  }

  Array<double> gap;

 private:
  // Places in the batches become numbers of points.
  static void number_points(const Indices& batches, std::int64_t* places, std::size_t count) {
    const std::int64_t* points = batches.data();
    for (std::size_t e = 0; e < count; ++e) places[e] = points[places[e]];
  }

  std::variant<std::unique_ptr<minibatch::Transport<float>>,
               std::unique_ptr<minibatch::Transport<double>>>
      transport_;
};

MiniBatchSolution minibatch_transport(const RealArray& x, const RealArray& y,
                                      const OptionalWeights& a, const OptionalWeights& b,
                                      const Indices& batches_x, const Indices& batches_y,
                                      const std::string& metric, double p,
                                      const minibatch::InnerOptions& inner,
                                      const std::string& coupling, double outer_reg, bool by_mass,
                                      bool root, int n_threads) {
  const minibatch::TransportOptions options{cost::parse_metric(metric, p),
                                            parse_coupling(coupling),
                                            outer_reg,
                                            by_mass,
                                            root,
                                            inner,
                                            n_threads};
  return visit_pair(x, y, [&](const auto& points_x, const auto& points_y) {
    return MiniBatchSolution(points_x, points_y, a, b, batches_x, batches_y, options);
  });
}

struct MiniBatchMap {
  Array<double> map, mass;
  minibatch::MapResult result;
  bool interrupted = false;
};

using Pair = std::pair<std::size_t, std::size_t>;

MiniBatchMap minibatch_map(const RealArray& x, const RealArray& y, const OptionalWeights& a,
                           const OptionalWeights& b, const std::string& metric, double p, Pair k,
                           Pair m, std::size_t iterations, const std::string& sampling,
                           const minibatch::InnerOptions& inner, const std::string& coupling,
                           double outer_reg, bool by_mass, bool root, std::uint64_t seed,
                           int n_threads, const py::object& progress) {
  const minibatch::MapOptions options{{cost::parse_metric(metric, p), parse_coupling(coupling),
                                       outer_reg, by_mass, root, inner, n_threads},
                                      parse_sampling(sampling),
                                      iterations,
                                      seed};
  return visit_pair(x, y, [&](const auto& points_x, const auto& points_y) {
    const auto side_x = make_side(points_x, a, k.first, m.first, "X", "a");
    const auto side_y = make_side(points_y, b, k.second, m.second, "Y", "b");
    MiniBatchMap out{new_array<double>(side_x.points.rows, side_x.points.cols),
                     new_array<double>(side_x.points.rows),
                     {},
                     false};
    double* map = out.map.mutable_data();
    double* mass = out.mass.mutable_data();
    out.interrupted = run_interruptible(progress, std::nullopt, [&](Monitor& monitor) {
      out.result = minibatch::barycentric_map(side_x, side_y, options, map, mass, monitor);
    });
    return out;
  });
}

}  // namespace

void bind_minibatch(py::module_& module) {
  module.def("sample_batches", &sample_batches, py::arg("n"), py::arg("k"), py::arg("m"),
             py::kw_only(), py::arg("sampling"), py::arg("labels").noconvert(), py::arg("seed"),
             py::arg("stream"), py::arg("side"));

  py::class_<minibatch::InnerOptions>(module, "InnerOptions")
      .def(py::init(&inner_options), py::kw_only(), py::arg("method"), py::arg("reg"),
           py::arg("rho"), py::arg("linear"), py::arg("tol"), py::arg("max_iter"),
           py::arg("inner_iter"));

  using Answer = MiniBatchAnswer;
  py::class_<Answer>(module, "MiniBatchAnswer")
      .def_readonly("cost", &Answer::cost)
      .def_readonly("coupling", &Answer::coupling)
      .def_readonly("interrupted", &Answer::interrupted)
      .def_property_readonly("value", [](const Answer& self) { return self.outer.value; })
      .def_property_readonly("outer_gap", [](const Answer& self) { return self.outer.gap; })
      .def_property_readonly("outer_error",
                             [](const Answer& self) { return self.outer.marginal_error; })
      .def_property_readonly("outer_iter", [](const Answer& self) { return self.outer.n_iter; })
      .def_readonly("inner_error", &Answer::inner_error)
      .def_readonly("inner_linear", &Answer::inner_linear)
      .def_property_readonly("inner_status",
                             [](const Answer& self) { return status_name(self.inner_status); })
      .def_property_readonly("outer_status",
                             [](const Answer& self) { return status_name(self.outer.status); })
      .def_property_readonly("status", [](const Answer& self) { return status_name(self.status); });

  using Solution = MiniBatchSolution;
  py::class_<Solution, Answer>(module, "MiniBatchSolution")
      .def_readonly("gap", &Solution::gap)
      .def("aggregate", &Solution::aggregate, py::arg("weights").noconvert())
      .def("pair_gradient", &Solution::pair_gradient, py::arg("slopes").noconvert() = py::none())
      .def("weight_gradient", &Solution::weight_gradient);

  module.def("minibatch_transport", &minibatch_transport, py::arg("X").noconvert(),
             py::arg("Y").noconvert(), py::arg("a").noconvert(), py::arg("b").noconvert(),
             py::arg("batches_x").noconvert(), py::arg("batches_y").noconvert(), py::arg("metric"),
             py::arg("p"), py::kw_only(), py::arg("inner"), py::arg("coupling"),
             py::arg("outer_reg"), py::arg("by_mass"), py::arg("root"), py::arg("n_threads"));

  using Map = MiniBatchMap;
  py::class_<Map>(module, "MiniBatchMap")
      .def_readonly("map", &Map::map)
      .def_readonly("mass", &Map::mass)
      .def_readonly("interrupted", &Map::interrupted)
      .def_property_readonly("iterations", [](const Map& self) { return self.result.iterations; })
      .def_property_readonly("filled", [](const Map& self) { return self.result.filled; })
      .def_property_readonly("value", [](const Map& self) { return self.result.value; })
      .def_property_readonly("inner_gap", [](const Map& self) { return self.result.inner_gap; })
      .def_property_readonly("outer_gap", [](const Map& self) { return self.result.outer_gap; })
      .def_property_readonly("outer_error",
                             [](const Map& self) { return self.result.marginal_error; })
      .def_property_readonly("inner_error", [](const Map& self) { return self.result.inner_error; })
      .def_property_readonly("inner_status",
                             [](const Map& self) { return status_name(self.result.inner_status); })
      .def_property_readonly("outer_status",
                             [](const Map& self) { return status_name(self.result.outer_status); })
      .def_property_readonly("status",
                             [](const Map& self) { return status_name(self.result.status()); });

  module.def("minibatch_map", &minibatch_map, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("a").noconvert(), py::arg("b").noconvert(), py::arg("metric"), py::arg("p"),
             py::kw_only(), py::arg("k"), py::arg("m"), py::arg("iterations"), py::arg("sampling"),
             py::arg("inner"), py::arg("coupling"), py::arg("outer_reg"), py::arg("by_mass"),
             py::arg("root"), py::arg("seed"), py::arg("n_threads"), py::arg("progress"));
}

}  // namespace otcore::bind
