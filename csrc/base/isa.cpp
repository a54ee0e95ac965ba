#include "base/isa.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace otcore {
namespace {

bool processor_runs(Isa isa) {
#if defined(__x86_64__)
  // Both ask the operating system too: it must save the wide registers.
  __builtin_cpu_init();
  switch (isa) {
    case Isa::baseline:
      return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("fma");
  }
  return false;
#else
  return isa == Isa::baseline;
#endif
}

std::string names_of(const std::vector<Isa>& isas) {
  std::string names;
  for (const Isa isa : isas) {
    if (!names.empty()) names += ", ";
    names += isa_name(isa);
  }
  return names;
}

Isa choose_isa() {
  const std::vector<Isa> supported = supported_isas();
  const char* wanted = std::getenv("OTCORE_ISA");
  if (wanted == nullptr || *wanted == '\0') return supported.back();
  const auto found = std::ranges::find(supported, std::string_view(wanted), isa_name);
  if (found == supported.end()) {
    throw InvalidArgument("OTCORE_ISA", "'" + std::string(wanted) + "' cannot run here",
                          "one of " + names_of(supported));
  }
  return *found;
}

}  // namespace

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::baseline:
#if defined(__aarch64__)
      return "neon";
#else
      return "baseline";
#endif
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "unknown";
}

std::vector<Isa> compiled_isas() {
#if defined(OTCORE_X86_LEVELS)
  return {Isa::baseline, Isa::avx2, Isa::avx512};
#else
  return {Isa::baseline};
#endif
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas = compiled_isas();
  std::erase_if(isas, [](Isa isa) { return !processor_runs(isa); });
  return isas;
}

Isa active_isa() {
  static const Isa isa = choose_isa();
  return isa;
}

}  // namespace otcore
