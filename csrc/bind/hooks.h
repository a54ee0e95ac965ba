// Long calls as Python wants them: without the GIL, stopped by Ctrl-C, telling how far they are.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "base/monitor.h"

namespace otcore::bind {

namespace py = pybind11;

// Runs Python's signal handlers (they run on the main thread only; elsewhere this does nothing) and
// says whether one raised KeyboardInterrupt, which is then cleared. Other exceptions pass.
inline bool keyboard_interrupt() {
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() == 0) return false;
  if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) == 0) throw py::error_already_set();
  PyErr_Clear();
  return true;
}

[[noreturn]] inline void throw_keyboard_interrupt() {
  PyErr_SetNone(PyExc_KeyboardInterrupt);
  throw py::error_already_set();
}

// solve(monitor), which also finishes the monitor, with the GIL released. `progress` is None or a
// callable(done, total). Returns whether a KeyboardInterrupt came (from the keyboard or out of
// `progress`) and was cleared: the caller owes it to Python, whatever state the solve ended in.
template <class Solve>
[[nodiscard]] bool run_interruptible(const py::object& progress, std::optional<double> time_limit,
                                     Solve&& solve) {
  bool interrupted = false;
  std::function<void(std::size_t, std::size_t)> report;
  if (!progress.is_none()) {
    report = [&progress, &interrupted](std::size_t done, std::size_t total) {
      const py::gil_scoped_acquire gil;
      try {
        progress(done, total);
      } catch (const py::error_already_set& error) {
        if (!error.matches(PyExc_KeyboardInterrupt)) throw;
        interrupted = true;
      }
    };
  }
  const auto stop = [&interrupted] {
    interrupted = interrupted || keyboard_interrupt();
    return interrupted;
  };

  const py::gil_scoped_release released;
  Monitor monitor(stop, std::move(report), time_limit);
  solve(monitor);
  return interrupted;
}

}  // namespace otcore::bind
