// How many threads calls use.
#pragma once

namespace otcore {

// How many threads a call uses when it does not say: the smallest of the process's CPU affinity,
// OTCORE_NUM_THREADS and OMP_NUM_THREADS (read once), or what set_num_threads asked for. At
// least 1. InvalidArgument when OTCORE_NUM_THREADS is no positive integer.
int num_threads();

// count >= 1, else InvalidArgument. Takes effect for calls that start afterwards.
void set_num_threads(int count);

// What a call means that asks for `threads`: 0 stands for num_threads(). InvalidArgument when
// negative; counts beyond any machine's are cut.
int resolve_threads(int threads);

}  // namespace otcore
