#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>

#include "base/random.h"
#include "base/sizes.h"
#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/exact_solution.h"
#include "bind/hooks.h"
#include "cost/cost.h"
#include "sliced/directions.h"
#include "sliced/max_sliced.h"
#include "sliced/plans.h"
#include "sliced/sliced.h"

namespace otcore::bind {
namespace {

using OptionalWeights = std::optional<Array<double>>;

Weights weights_view(const OptionalWeights& weights, std::size_t batch, std::size_t length,
                     const char* argument) {
  if (!weights) return {};
  const bool shared = weights->ndim() == 1;
  require_dims(*weights, shared ? 1 : 2, argument);
  if (extent(*weights, weights->ndim() - 1) != length ||
      (!shared && extent(*weights, 0) != batch)) {
    throw InvalidArgument(argument, "shape " + shape_text(*weights),
                          "(" + std::to_string(length) + ",), or such rows for " +
                              std::to_string(batch) + " problems");
  }
  return {weights->data(), shared ? 0 : length};
}

template <class T>
sliced::Clouds<T> clouds_view(const Array<T>& x, const Array<T>& y, const OptionalWeights& a,
                              const OptionalWeights& b) {
  const BatchView<const T> points_x = batch_view(x, "X");
  const BatchView<const T> points_y = batch_view(y, "Y");
  if (points_x.count != points_y.count || points_x.cols != points_y.cols) {
    throw InvalidArgument("Y", "shape " + shape_text(y),
                          "as many problems and coordinates as X has");
  }
  require_small_sides(points_x.rows, points_y.rows, "X, Y");
  return {points_x, points_y, weights_view(a, points_x.count, points_x.rows, "a"),
          weights_view(b, points_x.count, points_y.rows, "b")};
}

// The directions in the type of the points.
template <class T>
MatrixView<const T> directions_view(const RealArray& directions, std::size_t dims,
                                    std::size_t rows_per_slice) {
  const auto* typed = std::get_if<Array<T>>(&directions);
  if (typed == nullptr) {
    throw InvalidArgument("projections", "another dtype than X", "the same dtype");
  }
  const MatrixView<const T> view = matrix_view(*typed, "projections");
  if (view.cols != dims || view.rows % rows_per_slice != 0) {
    throw InvalidArgument("projections", "rows of shape " + shape_text(*typed),
                          "rows of " + std::to_string(dims) + " coordinates");
  }
  return view;
}

// Costs of all slices, and what their gradients are made of where it was asked for.
struct SlicedValues {
  Array<double> cost;
  std::optional<Array<double>> gradient_x, gradient_y, gradient_directions;
  std::optional<Array<double>> potential_a, potential_b;
};

SlicedValues sliced_values(const RealArray& x, const RealArray& y, const OptionalWeights& a,
                           const OptionalWeights& b, const RealArray& directions, double p,
                           bool circles, double mass_tolerance, int n_threads, bool with_x,
                           bool with_y, bool with_directions, bool with_potentials) {
  return visit_pair(x, y, [&]<class T>(const Array<T>& points_x, const Array<T>& points_y) {
    const sliced::Clouds<T> clouds = clouds_view(points_x, points_y, a, b);
    const std::size_t rows_per_slice = circles ? 2 : 1;
    const std::size_t dims = clouds.x.cols;
    const MatrixView<const T> rows = directions_view<T>(directions, dims, rows_per_slice);
    const std::size_t batch = clouds.x.count;
    SlicedValues values{new_array<double>(batch, rows.rows / rows_per_slice), {}, {}, {}, {}, {}};
    sliced::Solutions out;
    out.cost = values.cost.mutable_data();
    const auto add = [](bool wanted, std::optional<Array<double>>& array, auto... extents) {
      return wanted ? array.emplace(new_array<double>(extents...)).mutable_data() : nullptr;
    };
    out.gradient_x = add(with_x, values.gradient_x, batch, clouds.x.rows, dims);
    out.gradient_y = add(with_y, values.gradient_y, batch, clouds.y.rows, dims);
    out.gradient_directions =
        add(with_directions, values.gradient_directions, batch, rows.rows, dims);
    out.potential_a = add(with_potentials, values.potential_a, batch, clouds.x.rows);
    out.potential_b = add(with_potentials, values.potential_b, batch, clouds.y.rows);
    const sliced::Options options{circles ? sliced::Slices::circles : sliced::Slices::lines, p,
                                  n_threads, mass_tolerance};
    const bool interrupted = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
      sliced::solve(clouds, rows, options, out, monitor);
    });
    if (interrupted) throw_keyboard_interrupt();
    return values;
  });
}

// The maximum, where it is attained, how many iterations it took, and whether they converged.
using Maximum = std::tuple<double, Array<double>, std::size_t, bool>;

Maximum sliced_maximum(const RealArray& x, const RealArray& y, const OptionalWeights& a,
                       const OptionalWeights& b, const RealArray& directions, double p,
                       double mass_tolerance, std::size_t max_iter, double tolerance,
                       int n_threads) {
  return visit_pair(x, y, [&]<class T>(const Array<T>& points_x, const Array<T>& points_y) {
    const sliced::Clouds<T> clouds = clouds_view(points_x, points_y, a, b);
    const MatrixView<const T> rows = directions_view<T>(directions, clouds.x.cols, 1);
    const sliced::Options options{sliced::Slices::lines, p, n_threads, mass_tolerance};
    Array<double> direction = new_array<double>(clouds.x.cols);
    double* out = direction.mutable_data();
    sliced::Maximum maximum;
    const bool interrupted = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
      maximum = sliced::maximise(clouds, rows, options, {max_iter, tolerance}, out, monitor);
    });
    if (interrupted) throw_keyboard_interrupt();
    return Maximum{maximum.cost, direction, maximum.n_iter, maximum.converged};
  });
}

// The plans of L slices; E = n + m - 1 entries, of which the first `count` are used.
struct SlicedPlans {
  Array<double> cost;
  std::optional<Array<std::int64_t>> count;
  std::optional<Array<std::int32_t>> rows, cols;
  std::optional<Array<double>> mass;
};

SlicedPlans sliced_plans(const RealArray& x, const RealArray& y, const OptionalWeights& a,
                         const OptionalWeights& b, const RealArray& directions,
                         const std::string& metric, double p, double mass_tolerance, int n_threads,
                         bool with_plans) {
  return visit_pair(x, y, [&]<class T>(const Array<T>& points_x, const Array<T>& points_y) {
    const sliced::Clouds<T> clouds = clouds_view(points_x, points_y, a, b);
    const MatrixView<const T> lines = directions_view<T>(directions, clouds.x.cols, 1);
    const std::size_t entries = clouds.x.rows + clouds.y.rows - 1;
    SlicedPlans plans{new_array<double>(lines.rows), {}, {}, {}, {}};
    sliced::PlanSolutions out;
    out.cost = plans.cost.mutable_data();
    if (with_plans) {
      out.count = plans.count.emplace(new_array<std::int64_t>(lines.rows)).mutable_data();
      out.rows = plans.rows.emplace(new_array<std::int32_t>(lines.rows, entries)).mutable_data();
      out.cols = plans.cols.emplace(new_array<std::int32_t>(lines.rows, entries)).mutable_data();
      out.mass = plans.mass.emplace(new_array<double>(lines.rows, entries)).mutable_data();
    }
    const cost::Metric ground = cost::parse_metric(metric, p);
    // Any convex power of the distance has the same plan on a line.
    const sliced::Options options{sliced::Slices::lines, 1.0, n_threads, mass_tolerance};
    const bool interrupted = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
      sliced::solve_plans(clouds, lines, ground, options, out, monitor);
    });
    if (interrupted) throw_keyboard_interrupt();
    return plans;
  });
}

Array<double> sample_directions(std::size_t dims, std::size_t count, const std::string& sampling,
                                std::uint64_t seed, std::uint64_t stream) {
  checked_mul(checked_mul(dims, count, "n_projections"), sizeof(double), "n_projections");
  Array<double> directions = new_array<double>(count, dims);
  sliced::sample_directions(sliced::parse_sampling(sampling), dims, count, Random(seed, stream),
                            directions.mutable_data());
  return directions;
}

Array<double> sample_planes(std::size_t dims, std::size_t count, std::uint64_t seed) {
  checked_mul(checked_mul(dims, 2 * count, "n_projections"), sizeof(double), "n_projections");
  Array<double> planes = new_array<double>(2 * count, dims);
  sliced::sample_planes(dims, count, seed, planes.mutable_data());
  return planes;
}

}  // namespace

void bind_sliced(py::module_& module) {
  py::class_<SlicedValues>(module, "SlicedValues")
      .def_readonly("cost", &SlicedValues::cost)
      .def_readonly("gradient_x", &SlicedValues::gradient_x)
      .def_readonly("gradient_y", &SlicedValues::gradient_y)
      .def_readonly("gradient_directions", &SlicedValues::gradient_directions)
      .def_readonly("potential_a", &SlicedValues::potential_a)
      .def_readonly("potential_b", &SlicedValues::potential_b);

  module.def("sliced_values", &sliced_values, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("a").noconvert(), py::arg("b").noconvert(), py::arg("directions").noconvert(),
             py::arg("p"), py::kw_only(), py::arg("circles"), py::arg("mass_tolerance"),
             py::arg("n_threads"), py::arg("with_x"), py::arg("with_y"), py::arg("with_directions"),
             py::arg("with_potentials"));
  py::class_<SlicedPlans>(module, "SlicedPlans")
      .def_readonly("cost", &SlicedPlans::cost)
      .def_readonly("count", &SlicedPlans::count)
      .def_readonly("rows", &SlicedPlans::rows)
      .def_readonly("cols", &SlicedPlans::cols)
      .def_readonly("mass", &SlicedPlans::mass);

  module.def("sliced_maximum", &sliced_maximum, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("a").noconvert(), py::arg("b").noconvert(), py::arg("directions").noconvert(),
             py::arg("p"), py::kw_only(), py::arg("mass_tolerance"), py::arg("max_iter"),
             py::arg("tolerance"), py::arg("n_threads"));
  module.def("sliced_plans", &sliced_plans, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("a").noconvert(), py::arg("b").noconvert(), py::arg("directions").noconvert(),
             py::arg("metric"), py::arg("p"), py::kw_only(), py::arg("mass_tolerance"),
             py::arg("n_threads"), py::arg("with_plans"));
  module.def("sample_directions", &sample_directions, py::arg("dims"), py::arg("count"),
             py::kw_only(), py::arg("sampling"), py::arg("seed"), py::arg("stream") = 0);
  module.def("sample_planes", &sample_planes, py::arg("dims"), py::arg("count"), py::kw_only(),
             py::arg("seed"));
}

}  // namespace otcore::bind
