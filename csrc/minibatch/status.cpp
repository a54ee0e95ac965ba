#include "minibatch/status.h"

namespace otcore::minibatch {

Status status_of(entropic::Status status) {
  switch (status) {
    case entropic::Status::converged:
      return Status::converged;
    case entropic::Status::stalled:
      return Status::stalled;
    case entropic::Status::max_iter:
      return Status::max_iter;
    case entropic::Status::time_limit:
      return Status::time_limit;
    case entropic::Status::interrupted:
      return Status::interrupted;
  }
  return Status::interrupted;  // not reached
}

}  // namespace otcore::minibatch
