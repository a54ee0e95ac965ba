// One function per room; module.cpp calls them all.
#pragma once

#include <pybind11/pybind11.h>

namespace otcore::bind {

void bind_base(pybind11::module_& module);
void bind_cost(pybind11::module_& module);
void bind_entropic(pybind11::module_& module);
void bind_exact(pybind11::module_& module);
void bind_minibatch(pybind11::module_& module);
void bind_minibatch_coupling(pybind11::module_& module);
void bind_minibatch_pass(pybind11::module_& module);
void bind_minibatch_sliced(pybind11::module_& module);
void bind_oned(pybind11::module_& module);
void bind_pyramid(pybind11::module_& module);
void bind_sliced(pybind11::module_& module);

}  // namespace otcore::bind
