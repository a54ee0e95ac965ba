// Mass on an arc, in integers.
#pragma once

#include <cstdint>

namespace otcore::exact {

struct Flow {
  std::int32_t row;
  std::int32_t col;
  std::int64_t units;
  double cost;  // of the arc, per unit
};

}  // namespace otcore::exact
