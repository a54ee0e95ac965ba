// The answers of exact problems, whichever room found them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bind/arrays.h"
#include "exact/batch.h"

namespace otcore::bind {

inline std::string_view status_name(exact::Status status) {
  switch (status) {
    case exact::Status::optimal:
      return "optimal";
    case exact::Status::max_iter:
      return "max_iter";
    case exact::Status::time_limit:
      return "time_limit";
    case exact::Status::interrupted:
      return "interrupted";
    case exact::Status::infeasible:
      return "infeasible";
  }
  return "";  // not reached
}

inline exact::Status status_named(std::string_view name) {
  using exact::Status;
  for (const Status status :
       {Status::optimal, Status::max_iter, Status::time_limit, Status::interrupted}) {
    if (status_name(status) == name) return status;
  }
  throw InvalidArgument("state", "status '" + std::string(name) + "'", "a status");
}

// The answers of a batch, in arrays that Python owns.
struct ExactSolution {
  // B problems of n x m, uninitialised.
  ExactSolution(std::size_t batch, std::size_t n, std::size_t m)
      : value(new_array<double>(batch)),
        gap(new_array<double>(batch)),
        n_iter(new_array<std::int64_t>(batch)),
        potential_a(new_array<double>(batch, n)),
        potential_b(new_array<double>(batch, m)),
        count(new_array<std::int64_t>(batch)),
        rows(new_array<std::int32_t>(batch, exact::max_plan_entries(n, m))),
        cols(new_array<std::int32_t>(batch, exact::max_plan_entries(n, m))),
        mass(new_array<double>(batch, exact::max_plan_entries(n, m))),
        status(batch) {}

  // From what state() gave; InvalidArgument where it is something else.
  explicit ExactSolution(const py::tuple& state) {
    if (state.size() != 11) {
      throw InvalidArgument("state", std::to_string(state.size()) + " items", "11");
    }
    value = state[0].cast<Array<double>>();
    gap = state[1].cast<Array<double>>();
    n_iter = state[2].cast<Array<std::int64_t>>();
    potential_a = state[3].cast<Array<double>>();
    potential_b = state[4].cast<Array<double>>();
    count = state[5].cast<Array<std::int64_t>>();
    rows = state[6].cast<Array<std::int32_t>>();
    cols = state[7].cast<Array<std::int32_t>>();
    mass = state[8].cast<Array<double>>();
    for (const auto& name : state[9]) status.push_back(status_named(name.cast<std::string>()));
    interrupted = state[10].cast<bool>();
  }

  // All of it, for pickles.
  [[nodiscard]] py::tuple state() const {
    return py::make_tuple(value, gap, n_iter, potential_a, potential_b, count, rows, cols, mass,
                          status_names(), interrupted);
  }

  exact::Solutions views() {
    return {.value = value.mutable_data(),
            .gap = gap.mutable_data(),
            .n_iter = n_iter.mutable_data(),
            .status = status.data(),
            .potential_a = potential_a.mutable_data(),
            .potential_b = potential_b.mutable_data(),
            .count = count.mutable_data(),
            .rows = rows.mutable_data(),
            .cols = cols.mutable_data(),
            .mass = mass.mutable_data()};
  }

  // How many problems are not optimal.
  [[nodiscard]] std::size_t unfinished() const {
    const auto optimal = std::ranges::count(status, exact::Status::optimal);
    return status.size() - static_cast<std::size_t>(optimal);
  }

  [[nodiscard]] std::string_view status_of(std::size_t problem) const {
    return status_name(status.at(problem));
  }

  [[nodiscard]] py::list status_names() const {
    py::list names(status.size());
    for (std::size_t b = 0; b < status.size(); ++b) names[b] = status_name(status[b]);
    return names;
  }

  Array<double> value, gap;
  Array<std::int64_t> n_iter;
  Array<double> potential_a, potential_b;
  Array<std::int64_t> count;
  Array<std::int32_t> rows, cols;
  Array<double> mass;
  std::vector<exact::Status> status;
  bool interrupted = false;
};

}  // namespace otcore::bind
