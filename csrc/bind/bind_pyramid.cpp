#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/masses.h"
#include "bind/arrays.h"
#include "bind/bind.h"
#include "bind/hooks.h"
#include "pyramid/build.h"
#include "pyramid/extraction.h"
#include "pyramid/tree.h"

namespace otcore::bind {
namespace {

using OptionalWeights = std::optional<Array<double>>;
using OptionalPoints = std::optional<RealArray>;
using Indices = Array<std::int64_t>;

constexpr std::size_t kNodeNumbers = 7;

template <class To, class From>
Array<To> to_array(const std::vector<From>& numbers) {
  Array<To> array = new_array<To>(numbers.size());
  std::copy(numbers.begin(), numbers.end(), array.mutable_data());
  return array;
}

template <class T>
std::vector<T> to_vector(const Array<T>& array) {
  return {array.data(), array.data() + array.size()};
}

std::vector<double> weights_of(const OptionalWeights& weights, std::size_t length,
                               const char* argument) {
  if (!weights) return {};
  require_dims(*weights, 1, argument);
  if (extent(*weights, 0) != length) {
    throw InvalidArgument(argument, "shape " + shape_text(*weights),
                          "(" + std::to_string(length) + ",)");
  }
  return to_vector(*weights);
}

// A full pass: where the batches of x start, their points and masses, and the same of y. No masses
// where all points of a side have the same and none is split.
using PassArrays = std::tuple<Indices, Indices, std::optional<Array<double>>, Indices, Indices,
                              std::optional<Array<double>>>;

// A tree over two clouds of points, and their masses.
class Pyramid {
 public:
  Pyramid(std::size_t n, std::size_t m, std::vector<double> a, std::vector<double> b,
          double mass_tolerance)
      : n_(n),
        m_(m),
        a_(std::move(a)),
        b_(std::move(b)),
        mass_tolerance_(mass_tolerance),
        masses_(n, m) {
    masses_.set(a_.empty() ? nullptr : a_.data(), b_.empty() ? nullptr : b_.data(), mass_tolerance);
  }

  template <class T>
  void grow(const pyramid::Clouds<T>& clouds, const pyramid::BuildOptions& options,
            Monitor& monitor) {
    std::vector<std::int32_t> members[2] = {masses_.rows(), masses_.cols()};
    tree_ = pyramid::build(clouds, members, options, monitor);
  }

  [[nodiscard]] Pyramid reassigned(const OptionalPoints& x, const OptionalPoints& y,
                                   int n_threads) const {
    Pyramid moved = *this;
    const auto send = [&](const OptionalPoints& points, int side, std::size_t size) {
      if (!points) return false;
      const char* name = side == 0 ? "X" : "Y";
      return std::visit(
          [&]<class T>(const Array<T>& array) {
            const MatrixView<const T> view = matrix_view(array, name);
            if (view.rows != size || view.cols != tree_.dims) {
              throw InvalidArgument(name, "shape " + shape_text(array),
                                    "(" + std::to_string(size) + ", " + std::to_string(tree_.dims) +
                                        "), as the tree was built on");
            }
            return run_interruptible(py::none(), std::nullopt, [&](Monitor& monitor) {
              pyramid::reassign(moved.tree_, side, view, n_threads, monitor);
            });
          },
          *points);
    };
    if (send(x, 0, n_) || send(y, 1, m_)) throw_keyboard_interrupt();
    return moved;
  }

  [[nodiscard]] PassArrays batches(std::size_t m, std::uint64_t seed) const {
    pyramid::Pass pass;
    {
      const py::gil_scoped_release released;
      pass = pyramid::extract(tree_, masses(), m, seed);
    }
    const auto mass = [this](const pyramid::Batches& side) {
      std::optional<Array<double>> array;
      if (masses() != nullptr) array = to_array<double>(side.mass);
      return array;
    };
    return {
        to_array<std::int64_t>(pass.x.offsets), to_array<std::int64_t>(pass.x.index), mass(pass.x),
        to_array<std::int64_t>(pass.y.offsets), to_array<std::int64_t>(pass.y.index), mass(pass.y)};
  }

  [[nodiscard]] Array<double> taken_per_level() const {
    return to_array<double>(pyramid::taken_per_level(tree_, masses()));
  }

  [[nodiscard]] std::pair<std::size_t, std::size_t> shape() const { return {n_, m_}; }
  [[nodiscard]] double total_mass() const { return masses_.total(); }

  [[nodiscard]] Array<std::int32_t> nodes() const {
    Array<std::int32_t> array = new_array<std::int32_t>(tree_.nodes.size(), kNodeNumbers);
    std::int32_t* out = array.mutable_data();
    for (const pyramid::Node& node : tree_.nodes) {
      const std::int32_t numbers[kNodeNumbers] = {node.level,    node.first_child, node.children,
                                                  node.begin[0], node.end[0],      node.begin[1],
                                                  node.end[1]};
      out = std::copy(std::begin(numbers), std::end(numbers), out);
    }
    return array;
  }

  [[nodiscard]] Array<double> centres() const {
    Array<double> array = new_array<double>(tree_.nodes.size(), tree_.dims);
    std::transform(tree_.centres.begin(), tree_.centres.end(), array.mutable_data(),
                   [this](double x) { return x / tree_.scale; });
    return array;
  }

  [[nodiscard]] Array<std::int32_t> order(int side) const {
    return to_array<std::int32_t>(tree_.order[side]);
  }

  // All of it, for pickles.
  [[nodiscard]] py::tuple state() const {
    const auto weights = [](const std::vector<double>& numbers) {
      OptionalWeights array;
      if (!numbers.empty()) array = to_array<double>(numbers);
      return array;
    };
    return py::make_tuple(n_, m_, weights(a_), weights(b_), mass_tolerance_, nodes(),
                          to_array<double>(tree_.centres), tree_.dims, tree_.scale, order(0),
                          order(1));
  }

  static Pyramid from_state(const py::tuple& state) {
    if (state.size() != 11) {
      throw InvalidArgument("state", std::to_string(state.size()) + " entries", "11");
    }
    const auto n = state[0].cast<std::size_t>();
    const auto m = state[1].cast<std::size_t>();
    Pyramid pyramid(n, m, weights_of(state[2].cast<OptionalWeights>(), n, "a"),
                    weights_of(state[3].cast<OptionalWeights>(), m, "b"), state[4].cast<double>());
    const auto nodes = state[5].cast<Array<std::int32_t>>();
    pyramid::Tree& tree = pyramid.tree_;
    tree.centres = to_vector(state[6].cast<Array<double>>());
    tree.dims = state[7].cast<std::size_t>();
    tree.scale = state[8].cast<double>();
    tree.order[0] = to_vector(state[9].cast<Array<std::int32_t>>());
    tree.order[1] = to_vector(state[10].cast<Array<std::int32_t>>());
    const std::int32_t* of = nodes.data();
    const std::int32_t* end = of + nodes.size() / static_cast<py::ssize_t>(kNodeNumbers) *
                                       static_cast<py::ssize_t>(kNodeNumbers);
    for (; of != end; of += kNodeNumbers) {
      tree.nodes.push_back({{of[3], of[5]}, {of[4], of[6]}, of[1], of[2], of[0]});
    }
    pyramid::check_tree(tree, pyramid.masses_.rows(), pyramid.masses_.cols());
    return pyramid;
  }

 private:
  // Null where a pass takes whole pairs.
  [[nodiscard]] const Masses* masses() const {
    return masses_.uniform() && n_ == m_ ? nullptr : &masses_;
  }

  std::size_t n_;
  std::size_t m_;
  std::vector<double> a_;  // empty: uniform of total 1
  std::vector<double> b_;
  double mass_tolerance_;
  Masses masses_;
  pyramid::Tree tree_;
};

Pyramid pyramid_build(const RealArray& x, const RealArray& y, const OptionalWeights& a,
                      const OptionalWeights& b, bool interleaving, std::size_t branching,
                      std::size_t depth, std::size_t leaf_size, std::size_t n_samples,
                      std::size_t n_iter, std::uint64_t seed, double mass_tolerance,
                      int n_threads) {
  return visit_pair(x, y, [&]<class T>(const Array<T>& array_x, const Array<T>& array_y) {
    const pyramid::Clouds<T> clouds{matrix_view(array_x, "X"), matrix_view(array_y, "Y")};
    if (clouds.x.cols != clouds.y.cols) {
      throw InvalidArgument("Y", "shape " + shape_text(array_y), "as many coordinates as X has");
    }
    require_small_sides(clouds.x.rows, clouds.y.rows, "X, Y");
    Pyramid grown(clouds.x.rows, clouds.y.rows, weights_of(a, clouds.x.rows, "a"),
                  weights_of(b, clouds.y.rows, "b"), mass_tolerance);
    const pyramid::BuildOptions options{
        interleaving ? pyramid::Mode::interleaving : pyramid::Mode::joint,
        branching,
        depth,
        leaf_size,
        n_samples,
        n_iter,
        seed,
        n_threads};
    const bool interrupted = run_interruptible(
        py::none(), std::nullopt, [&](Monitor& monitor) { grown.grow(clouds, options, monitor); });
    if (interrupted) throw_keyboard_interrupt();
    return grown;
  });
}

}  // namespace

void bind_pyramid(py::module_& module) {
  py::class_<Pyramid>(module, "Pyramid")
      .def("batches", &Pyramid::batches, py::arg("m"), py::arg("seed"))
      .def("reassigned", &Pyramid::reassigned, py::arg("X").noconvert(), py::arg("Y").noconvert(),
           py::kw_only(), py::arg("n_threads"))
      .def("taken_per_level", &Pyramid::taken_per_level)
      .def_property_readonly("shape", &Pyramid::shape)
      .def_property_readonly("total_mass", &Pyramid::total_mass)
      .def_property_readonly("nodes", &Pyramid::nodes)
      .def_property_readonly("centres", &Pyramid::centres)
      .def_property_readonly("order_x", [](const Pyramid& pyramid) { return pyramid.order(0); })
      .def_property_readonly("order_y", [](const Pyramid& pyramid) { return pyramid.order(1); })
      .def(
          py::pickle([](const Pyramid& pyramid) { return pyramid.state(); }, &Pyramid::from_state));

  module.def("pyramid_build", &pyramid_build, py::arg("X").noconvert(), py::arg("Y").noconvert(),
             py::arg("a").noconvert(), py::arg("b").noconvert(), py::kw_only(),
             py::arg("interleaving"), py::arg("branching"), py::arg("depth"), py::arg("leaf_size"),
             py::arg("n_samples"), py::arg("n_iter"), py::arg("seed"), py::arg("mass_tolerance"),
             py::arg("n_threads"));
}

}  // namespace otcore::bind
