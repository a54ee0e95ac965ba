// Views of numpy arrays. Bindings take arrays with noconvert(): C-contiguous and of exactly the
// stated dtype, never copied here. Shapes are checked once more than the Python door does, since
// everything behind a view trusts it.
#pragma once

#include <pybind11/numpy.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/sizes.h"
#include "base/views.h"

namespace otcore::bind {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// What the solvers read: float32 or float64, as it is.
using RealArray = std::variant<Array<float>, Array<double>>;

inline std::string shape_text(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t k = 0; k < array.ndim(); ++k) {
    text += (k > 0 ? ", " : "") + std::to_string(array.shape(k));
  }
  return text + (array.ndim() == 1 ? ",)" : ")");
}

inline std::size_t extent(const py::array& array, py::ssize_t axis) {
  return static_cast<std::size_t>(array.shape(axis));
}

inline void require_dims(const py::array& array, py::ssize_t dims, const char* argument) {
  if (array.ndim() != dims || array.size() == 0) {
    throw InvalidArgument(argument, "shape " + shape_text(array),
                          std::to_string(dims) + " dimensions, none of them empty");
  }
}

template <class T>
MatrixView<const T> matrix_view(const Array<T>& array, const char* argument) {
  require_dims(array, 2, argument);
  return {array.data(), extent(array, 0), extent(array, 1), extent(array, 1)};
}

template <class T>
BatchView<const T> batch_view(const Array<T>& array, const char* argument) {
  require_dims(array, 3, argument);
  return {array.data(), extent(array, 0), extent(array, 1), extent(array, 2),
          checked_mul(extent(array, 1), extent(array, 2), argument)};
}

// body(x, y) with both arrays in their common type; InvalidArgument("Y") where they differ.
template <class Body>
decltype(auto) visit_pair(const RealArray& x, const RealArray& y, Body&& body) {
  return std::visit(
      [&](const auto& typed_x) -> decltype(auto) {
        using Typed = std::decay_t<decltype(typed_x)>;
        const Typed* typed_y = std::get_if<Typed>(&y);
        if (typed_y == nullptr)
          throw InvalidArgument("Y", "another dtype than X", "the same dtype");
        return std::forward<Body>(body)(typed_x, *typed_y);
      },
      x);
}

// Checks a batch's sizes: row and column numbers must fit the plan's 32 bits.
inline void require_small_sides(std::size_t n, std::size_t m, const char* argument) {
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  if (n > kMost || m > kMost) {
    throw InvalidArgument(argument, "sides " + std::to_string(n) + " and " + std::to_string(m),
                          "at most " + std::to_string(kMost) + " points on a side");
  }
}

// Uninitialised.
template <class T, class... Extents>
Array<T> new_array(Extents... extents) {
  return Array<T>({static_cast<py::ssize_t>(extents)...});
}

}  // namespace otcore::bind
