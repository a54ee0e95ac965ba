#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/hooks.h"
#include "bind/minibatch_answer.h"
#include "minibatch/places.h"
#include "minibatch/sliced_table.h"
#include "minibatch/transport.h"

namespace otcore::bind {
namespace {

// Room for the derivatives in a side's points, by place in the batches.
template <class T>
std::unique_ptr<double[]> room_by_place(const minibatch::Side<T>& side, bool wanted) {
  if (!wanted) return nullptr;
  const std::size_t places = checked_mul(side.k, side.m, "k");
  return std::make_unique_for_overwrite<double[]>(checked_mul(places, side.points.cols, "k"));
}

template <class T>
std::optional<Array<T>> gradient_of(const minibatch::Side<T>& side, bool wanted) {
  if (!wanted) return std::nullopt;
  return new_array<T>(side.points.rows, side.points.cols);
}

// Sliced inner problems.
class SlicedMiniBatches : public MiniBatchAnswer {
 public:
  template <class T>
  SlicedMiniBatches(const Array<T>& x, const Array<T>& y, const OptionalWeights& a,
                    const OptionalWeights& b, Indices batches_x, Indices batches_y,
                    const Array<T>& directions, minibatch::SlicedOptions<T> options,
                    const minibatch::CouplingOptions& coupling_options)
      : MiniBatchAnswer(std::move(batches_x), std::move(batches_y),
                        coupling_options.kind == minibatch::Coupling::diagonal),
        directions_(directions) {
    options.directions = matrix_view(directions, "inner_projections");
    auto transport = std::make_unique<SlicedTransport<T>>(make_side(x, a, batches_x_, "X", "a"),
                                                          make_side(y, b, batches_y_, "Y", "b"),
                                                          options, coupling_options);
    solve(*transport);
    transport_ = std::move(transport);
  }

  Array<double> pair_gradient(const OptionalWeights& slopes) const {
    return std::visit(
        [&](const auto& transport) { return MiniBatchAnswer::pair_gradient(*transport, slopes); },
        transport_);
  }

  // The gradient of sum_p weights[p] * W_p^p(pair p) in X and Y, where it is asked for, of their
  // type.
  py::tuple points_gradient(const Array<double>& weights, bool with_x, bool with_y) const {
    if (weights.size() != cost.size()) {
      throw InvalidArgument("weights", "shape " + shape_text(weights), "shape " + shape_text(cost));
    }
    const double* pair_weights = weights.data();
    return std::visit(
        [&](const auto& transport) -> py::tuple {
          const auto& table = transport->table();
          const auto& x = table.batches().x();
          const auto& y = table.batches().y();
          const std::unique_ptr<double[]> grad_x = room_by_place(x, with_x);
          const std::unique_ptr<double[]> grad_y = room_by_place(y, with_y);
          auto in_x = gradient_of(x, with_x);
          auto in_y = gradient_of(y, with_y);
          const std::int64_t* batches_x = batches_x_.data();
          const std::int64_t* batches_y = batches_y_.data();
          auto* to_x = in_x ? in_x->mutable_data() : nullptr;
          auto* to_y = in_y ? in_y->mutable_data() : nullptr;
          const bool stopped = run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
            table.points_gradient(pair_weights, grad_x.get(), grad_y.get(), monitor);
            const int n_threads = table.options().n_threads;
            if (with_x) add_up_places(x, batches_x, grad_x.get(), n_threads, to_x);
            if (with_y) add_up_places(y, batches_y, grad_y.get(), n_threads, to_y);
          });
          if (stopped) throw_keyboard_interrupt();
          return py::make_tuple(in_x, in_y);
        },
        transport_);
  }

  py::tuple weight_gradient() const {
    return std::visit(
        [](const auto& transport) { return MiniBatchAnswer::weight_gradient(*transport); },
        transport_);
  }

 private:
  template <class T>
  using SlicedTransport = minibatch::Transport<T, minibatch::SlicedTable<T>>;

  py::array directions_;
  std::variant<std::unique_ptr<SlicedTransport<float>>, std::unique_ptr<SlicedTransport<double>>>
      transport_;
};

SlicedMiniBatches minibatch_sliced(const RealArray& x, const RealArray& y, const OptionalWeights& a,
                                   const OptionalWeights& b, const Indices& batches_x,
                                   const Indices& batches_y, const RealArray& directions, double p,
                                   const std::string& coupling, double outer_reg, bool by_mass,
                                   bool root, bool keep, int n_threads) {
  return visit_pair(x, y, [&]<class T>(const Array<T>& points_x, const Array<T>& points_y) {
    const auto* rows = std::get_if<Array<T>>(&directions);
    if (rows == nullptr || rows->ndim() != 2 || extent(*rows, 1) != extent(points_x, 1)) {
      throw InvalidArgument("inner_projections", "rows of another type or length than those of X",
                            "the same");
    }
    minibatch::SlicedOptions<T> options;
    options.p = p;
    options.root = root;
    options.keep = keep;
    options.n_threads = n_threads;
    return SlicedMiniBatches(points_x, points_y, a, b, batches_x, batches_y, *rows, options,
                             {parse_coupling(coupling), outer_reg, by_mass});
  });
}

}  // namespace

void bind_minibatch_sliced(py::module_& module) {
  using Solution = SlicedMiniBatches;
  py::class_<Solution, MiniBatchAnswer>(module, "SlicedMiniBatches")
      .def("points_gradient", &Solution::points_gradient, py::arg("weights").noconvert(),
           py::arg("with_x"), py::arg("with_y"))
      .def("pair_gradient", &Solution::pair_gradient, py::arg("slopes").noconvert() = py::none())
      .def("weight_gradient", &Solution::weight_gradient);

  module.def("minibatch_sliced", &minibatch_sliced, py::arg("X").noconvert(),
             py::arg("Y").noconvert(), py::arg("a").noconvert(), py::arg("b").noconvert(),
             py::arg("batches_x").noconvert(), py::arg("batches_y").noconvert(),
             py::arg("directions").noconvert(), py::arg("p"), py::kw_only(), py::arg("coupling"),
             py::arg("outer_reg"), py::arg("by_mass"), py::arg("root"), py::arg("keep"),
             py::arg("n_threads"));
}

}  // namespace otcore::bind
