#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "base/isa.h"
#include "base/thread_pool.h"
#include "bind/bind.h"

namespace otcore::bind {
namespace {

namespace py = pybind11;

std::vector<std::string> names(const std::vector<Isa>& isas) {
  std::vector<std::string> result;
  result.reserve(isas.size());
  for (const Isa isa : isas) result.emplace_back(isa_name(isa));
  return result;
}

std::string compiler() {
#if defined(__clang__)
  return __VERSION__;  // starts with Clang's name
#else
  return std::string("GCC ") + __VERSION__;
#endif
}

py::dict info() {
  py::dict result;
  result["version"] = OTCORE_VERSION;
  result["isa"] = std::string(isa_name(active_isa()));
  result["isa_compiled"] = names(compiled_isas());
  result["isa_supported"] = names(supported_isas());
  result["threads"] = num_threads();
  result["cuda"] = false;
  result["compiler"] = compiler();
  return result;
}

}  // namespace

void bind_base(py::module_& module) {
  module.def("info", &info);
  module.def("num_threads", &num_threads);
  module.def("set_num_threads", &set_num_threads, py::arg("count"));
}

}  // namespace otcore::bind
