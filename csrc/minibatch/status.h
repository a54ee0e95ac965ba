// How far a problem of mini-batch transport came.
#pragma once

#include <cstdint>

#include "base/monitor.h"
#include "entropic/batch.h"

namespace otcore::minibatch {

// From best to worst.
enum class Status : std::int8_t {
  optimal,
  converged,
  stalled,
  max_iter,
  time_limit,
  interrupted,
};

// The status of what a stop left unfinished.
inline Status stopped_status(Stop stop) {
  return stop == Stop::time_limit ? Status::time_limit : Status::interrupted;
}

// The entropic room's answer in these words.
Status status_of(entropic::Status status);

}  // namespace otcore::minibatch
