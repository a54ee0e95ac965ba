// Which instruction set the kernels use. Every room with kernels has one table of function pointers
// per level and picks its table by active_isa().
#pragma once

#include <string_view>
#include <vector>

namespace otcore {

// baseline is what every processor of the architecture has: SSE2 on x86-64, NEON on Arm.
enum class Isa { baseline, avx2, avx512 };

// "baseline" ("neon" on Arm), "avx2", "avx512": the names OTCORE_ISA takes.
std::string_view isa_name(Isa isa);

// The levels compiled into this library, lowest first.
std::vector<Isa> compiled_isas();

// The compiled levels that this processor (and its operating system) can run, lowest first.
std::vector<Isa> supported_isas();

// The level in use: the highest supported one, or the one the environment variable OTCORE_ISA
// names. Decided once. InvalidArgument when OTCORE_ISA names a level that is unknown or that this
// machine cannot run.
Isa active_isa();

}  // namespace otcore
