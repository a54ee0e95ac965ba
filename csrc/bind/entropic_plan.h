// The plan of given potentials, as something to multiply with: it is formed only when asked for.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "bind/arrays.h"
#include "entropic/sweep.h"

namespace otcore::bind {

// The weights and potentials of one plan: n and m numbers.
struct PlanArrays {
  Array<double> a, b, f, g;
  double eps;

  [[nodiscard]] entropic::Scaling scaling() const {
    return {eps, a.data(), b.data(), f.data(), g.data()};
  }

  void check(std::size_t n, std::size_t m) const {
    for (const auto& [array, name, length] : {std::tuple{&a, "a", n}, std::tuple{&f, "f", n},
                                              std::tuple{&b, "b", m}, std::tuple{&g, "g", m}}) {
      if (array->ndim() != 1 || extent(*array, 0) != length) {
        throw InvalidArgument(name, "shape " + shape_text(*array),
                              std::to_string(length) + " numbers");
      }
    }
  }
};

// Calls may come from several threads at once; they take turns.
class EntropicPlan {
 public:
  // The sweep reads `data`, one array or two, which the plan keeps alive.
  template <class T>
  EntropicPlan(entropic::Sweep<T> sweep, PlanArrays arrays, py::object data)
      : sweep_(std::move(sweep)), arrays_(std::move(arrays)), data_(std::move(data)) {
    const auto& typed = std::get<entropic::Sweep<T>>(sweep_);
    arrays_.check(typed.rows(), typed.cols());
  }

  // P V or P^T V, V of shape (m, k) or (n, k).
  Array<double> apply(const Array<double>& v) { return product(v, false); }
  Array<double> apply_t(const Array<double>& v) { return product(v, true); }

  // (n, m), in the type of the costs.
  RealArray dense() {
    return std::visit(
        [&]<class T>(entropic::Sweep<T>& sweep) -> RealArray {
          auto plan = new_array<T>(sweep.rows(), sweep.cols());
          T* data = plan.mutable_data();
          alone([&] { sweep.fill(arrays_.scaling(), data); });
          return plan;
        },
        sweep_);
  }

  // The entries of at least threshold * min(a_i, b_j), by rows: starts (n + 1), columns, masses.
  py::tuple entries(double threshold) {
    entropic::SparsePlan plan;
    std::visit(
        [&](auto& sweep) {
          const std::size_t all = sweep.rows() * sweep.cols();
          alone([&] { sweep.extract(arrays_.scaling(), threshold, all, plan); });
        },
        sweep_);
    return py::make_tuple(copy_of(plan.starts), copy_of(plan.cols), copy_of(plan.mass));
  }

 private:
  template <class T>
  static Array<T> copy_of(const std::vector<T>& numbers) {
    auto array = new_array<T>(numbers.size());
    std::copy(numbers.begin(), numbers.end(), array.mutable_data());
    return array;
  }

  [[nodiscard]] std::size_t rows() const { return extent(arrays_.a, 0); }
  [[nodiscard]] std::size_t cols() const { return extent(arrays_.b, 0); }

  // body() with the GIL released, one caller at a time.
  template <class Body>
  void alone(const Body& body) {
    const py::gil_scoped_release released;
    const std::lock_guard lock(mutex_);
    body();
  }

  Array<double> product(const Array<double>& v, bool transposed) {
    require_dims(v, 2, "V");
    const std::size_t length = transposed ? rows() : cols();
    if (extent(v, 0) != length) {
      throw InvalidArgument("V", "shape " + shape_text(v), std::to_string(length) + " rows");
    }
    const std::size_t k = extent(v, 1);
    auto out = new_array<double>(transposed ? cols() : rows(), k);
    const double* in_data = v.data();
    double* out_data = out.mutable_data();
    std::visit(
        [&](auto& sweep) {
          alone([&] {
            if (transposed) {
              sweep.apply_t(arrays_.scaling(), in_data, k, out_data);
            } else {
              sweep.apply(arrays_.scaling(), in_data, k, out_data);
            }
          });
        },
        sweep_);
    return out;
  }

  std::variant<entropic::Sweep<float>, entropic::Sweep<double>> sweep_;
  PlanArrays arrays_;
  py::object data_;
  std::mutex mutex_;
};

}  // namespace otcore::bind
