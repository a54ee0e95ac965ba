// The extension module otcore._core: what it holds is registered room by room.
#include <pybind11/pybind11.h>

#include "bind/bind.h"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled core of otcore. Use the otcore package, which checks its arguments.";
  module.attr("__version__") = OTCORE_VERSION;
  otcore::bind::bind_base(module);
  otcore::bind::bind_cost(module);
  otcore::bind::bind_entropic(module);
  otcore::bind::bind_exact(module);
  otcore::bind::bind_minibatch(module);
  otcore::bind::bind_minibatch_coupling(module);
  otcore::bind::bind_minibatch_pass(module);
  otcore::bind::bind_minibatch_sliced(module);
  otcore::bind::bind_oned(module);
  otcore::bind::bind_pyramid(module);
  otcore::bind::bind_sliced(module);
}
