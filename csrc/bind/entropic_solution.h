// The answers of entropic problems.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bind/arrays.h"
#include "entropic/batch.h"

namespace otcore::bind {

inline std::string_view status_name(entropic::Status status) {
  switch (status) {
    case entropic::Status::converged:
      return "converged";
    case entropic::Status::stalled:
      return "stalled";
    case entropic::Status::max_iter:
      return "max_iter";
    case entropic::Status::time_limit:
      return "time_limit";
    case entropic::Status::interrupted:
      return "interrupted";
  }
  return "";  // not reached
}

inline entropic::Status entropic_status_named(std::string_view name) {
  using entropic::Status;
  for (const Status status : {Status::converged, Status::stalled, Status::max_iter,
                              Status::time_limit, Status::interrupted}) {
    if (status_name(status) == name) return status;
  }
  throw InvalidArgument("state", "status '" + std::string(name) + "'", "a status");
}

// The answers of a batch, in arrays that Python owns.
struct EntropicSolution {
  // B problems of n x m, uninitialised.
  EntropicSolution(std::size_t batch, std::size_t n, std::size_t m)
      : value(new_array<double>(batch)),
        value_linear(new_array<double>(batch)),
        gap(new_array<double>(batch)),
        marginal_error(new_array<double>(batch)),
        tolerance(new_array<double>(batch)),
        n_iter(new_array<std::int64_t>(batch)),
        eps(new_array<double>(batch)),
        potential_a(new_array<double>(batch, n)),
        potential_b(new_array<double>(batch, m)),
        marginal_a(new_array<double>(batch, n)),
        marginal_b(new_array<double>(batch, m)),
        status(batch) {}

  // From what state() gave; InvalidArgument where it is something else.
  explicit EntropicSolution(const py::tuple& state) {
    if (state.size() != 13) {
      throw InvalidArgument("state", std::to_string(state.size()) + " items", "13");
    }
    value = state[0].cast<Array<double>>();
    value_linear = state[1].cast<Array<double>>();
    gap = state[2].cast<Array<double>>();
    marginal_error = state[3].cast<Array<double>>();
    tolerance = state[4].cast<Array<double>>();
    n_iter = state[5].cast<Array<std::int64_t>>();
    eps = state[6].cast<Array<double>>();
    potential_a = state[7].cast<Array<double>>();
    potential_b = state[8].cast<Array<double>>();
    marginal_a = state[9].cast<Array<double>>();
    marginal_b = state[10].cast<Array<double>>();
    for (const auto& name : state[11]) {
      status.push_back(entropic_status_named(name.cast<std::string>()));
    }
    interrupted = state[12].cast<bool>();
  }

  // All of it, for pickles.
  [[nodiscard]] py::tuple state() const {
    return py::make_tuple(value, value_linear, gap, marginal_error, tolerance, n_iter, eps,
                          potential_a, potential_b, marginal_a, marginal_b, status_names(),
                          interrupted);
  }

  entropic::Solutions views() {
    return {.value = value.mutable_data(),
            .value_linear = value_linear.mutable_data(),
            .gap = gap.mutable_data(),
            .marginal_error = marginal_error.mutable_data(),
            .tolerance = tolerance.mutable_data(),
            .n_iter = n_iter.mutable_data(),
            .status = status.data(),
            .eps = eps.mutable_data(),
            .potential_a = potential_a.mutable_data(),
            .potential_b = potential_b.mutable_data(),
            .marginal_a = marginal_a.mutable_data(),
            .marginal_b = marginal_b.mutable_data()};
  }

  // How many problems have not converged.
  [[nodiscard]] std::size_t unfinished() const {
    const auto converged = std::ranges::count(status, entropic::Status::converged);
    return status.size() - static_cast<std::size_t>(converged);
  }

  [[nodiscard]] std::string_view status_of(std::size_t problem) const {
    return status_name(status.at(problem));
  }

  [[nodiscard]] py::list status_names() const {
    py::list names(status.size());
    for (std::size_t b = 0; b < status.size(); ++b) names[b] = status_name(status[b]);
    return names;
  }

  Array<double> value, value_linear, gap, marginal_error, tolerance;
  Array<std::int64_t> n_iter;
  Array<double> eps, potential_a, potential_b, marginal_a, marginal_b;
  std::vector<entropic::Status> status;
  bool interrupted = false;
};

}  // namespace otcore::bind
