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
#include "cost/cost.h"
#include "minibatch/map.h"
#include "minibatch/sampling.h"
#include "minibatch/transport.h"

namespace otcore::bind {
namespace {

using minibatch::Coupling;
using minibatch::Sampling;
using minibatch::Status;
using OptionalWeights = std::optional<Array<double>>;
using Indices = Array<std::int64_t>;

std::string_view status_name(Status status) {
  switch (status) {
    case Status::optimal:
      return "optimal";
    case Status::converged:
      return "converged";
    case Status::stalled:
      return "stalled";
    case Status::max_iter:
      return "max_iter";
    case Status::time_limit:
      return "time_limit";
    case Status::interrupted:
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

Coupling parse_coupling(const std::string& name) {
  constexpr std::string_view kNames[] = {"diagonal", "product", "exact", "entropic"};
  return parse_enum<Coupling>(name, kNames, "coupling");
}

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

// A solved mini-batch problem. It keeps the batches: plans and gradients are made when asked for.
class MiniBatchSolution {
 public:
  template <class T>
  MiniBatchSolution(const Array<T>& x, const Array<T>& y, const OptionalWeights& a,
                    const OptionalWeights& b, Indices batches_x, Indices batches_y,
                    const minibatch::TransportOptions& options)
      : batches_x_(std::move(batches_x)), batches_y_(std::move(batches_y)) {
    auto transport = std::make_unique<minibatch::Transport<T>>(
        make_side(x, a, batches_x_, "X", "a"), make_side(y, b, batches_y_, "Y", "b"), options);
    const std::int64_t* numbers_x = batches_x_.data();
    const std::int64_t* numbers_y = batches_y_.data();
    interrupted = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
      transport->solve(numbers_x, numbers_y, monitor);
    });
    const bool diagonal = options.coupling == Coupling::diagonal;
    cost = table_array(transport->table().costs(), diagonal);
    gap = table_array(transport->table().gaps(), diagonal);
    coupling = table_array(transport->coupling(), diagonal);
    const std::vector<double>& errors = transport->table().errors();
    inner_error = *std::max_element(errors.begin(), errors.end());
    inner_linear = options.inner.linear;
    inner_status = transport->table().status();
    status = transport->status();
    outer = transport->result();
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

  // The derivative of the value in every pair's transport cost (before root).
  Array<double> pair_gradient() const {
    return std::visit(
        [&](const auto& transport) {
          return table_array(transport->pair_gradient(), cost.ndim() == 1);
        },
        transport_);
  }

  // The gradient of the value in a and b.
  py::tuple weight_gradient() const {
    return std::visit(
        [&](const auto& transport) {
          const auto& batches = transport->table().batches();
          Array<double> grad_a = new_array<double>(batches.x().points.rows);
          Array<double> grad_b = new_array<double>(batches.y().points.rows);
          double* out_a = grad_a.mutable_data();
          double* out_b = grad_b.mutable_data();
          const bool stopped = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
            transport->weight_gradient(out_a, out_b, monitor);
          });
          if (stopped) throw_keyboard_interrupt();
          return py::make_tuple(grad_a, grad_b);
        },
        transport_);
  }

  Array<double> cost, gap, coupling;
  double inner_error = 0.0;
  bool inner_linear = false;
  Status inner_status = Status::optimal, status = Status::optimal;
  minibatch::OuterResult outer;
  bool interrupted = false;

 private:
  [[nodiscard]] Array<double> table_array(const std::vector<double>& values, bool diagonal) const {
    Array<double> array = diagonal
                              ? new_array<double>(values.size())
                              : new_array<double>(extent(batches_x_, 0), extent(batches_y_, 0));
    std::copy(values.begin(), values.end(), array.mutable_data());
    return array;
  }

  // Places in the batches become numbers of points.
  static void number_points(const Indices& batches, std::int64_t* places, std::size_t count) {
    const std::int64_t* points = batches.data();
    for (std::size_t e = 0; e < count; ++e) places[e] = points[places[e]];
  }

  Indices batches_x_, batches_y_;
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

  using Solution = MiniBatchSolution;
  py::class_<Solution>(module, "MiniBatchSolution")
      .def_readonly("cost", &Solution::cost)
      .def_readonly("gap", &Solution::gap)
      .def_readonly("coupling", &Solution::coupling)
      .def_readonly("interrupted", &Solution::interrupted)
      .def_property_readonly("value", [](const Solution& self) { return self.outer.value; })
      .def_property_readonly("outer_gap", [](const Solution& self) { return self.outer.gap; })
      .def_property_readonly("outer_error",
                             [](const Solution& self) { return self.outer.marginal_error; })
      .def_property_readonly("outer_iter", [](const Solution& self) { return self.outer.n_iter; })
      .def_readonly("inner_error", &Solution::inner_error)
      .def_readonly("inner_linear", &Solution::inner_linear)
      .def_property_readonly("inner_status",
                             [](const Solution& self) { return status_name(self.inner_status); })
      .def_property_readonly("outer_status",
                             [](const Solution& self) { return status_name(self.outer.status); })
      .def_property_readonly("status",
                             [](const Solution& self) { return status_name(self.status); })
      .def("aggregate", &Solution::aggregate, py::arg("weights").noconvert())
      .def("pair_gradient", &Solution::pair_gradient)
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
