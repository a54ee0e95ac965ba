// How ties between places go: round from a first one that is another for each row or column, so
// that equal costs do not all lead to the same places.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/random.h"

namespace otcore::exact {

// Where a row's or column's ties begin.
inline std::int32_t first_of_ties(std::size_t of, std::size_t places) {
  return static_cast<std::int32_t>(scatter(of) % places);
}

// The turn of a place among ties: its distance from the first, going round.
inline std::int32_t turn(std::int32_t place, std::int32_t first, std::size_t places) {
  return place >= first ? place - first : place - first + static_cast<std::int32_t>(places);
}

}  // namespace otcore::exact
