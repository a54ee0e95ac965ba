#include "pyramid/points.h"

#include <limits>

namespace otcore::pyramid {

template <class T>
void PackedCentres<T>::pack(const T* centres, std::size_t number, std::size_t dims,
                            const T* origin) {
  count = number;
  const std::size_t padded = round_up(count, kCentres);
  blocks.assign(checked_mul(padded, dims, "branching"), T{0});
  half_squares.assign(padded, std::numeric_limits<T>::infinity());
  for (std::size_t c = 0; c < count; ++c) {
    T* out = blocks.data() + c / kCentres * dims * kCentres + c % kCentres;
    T square{0};
    for (std::size_t k = 0; k < dims; ++k) {
      const T x = centres[c * dims + k] - origin[k];
      out[k * kCentres] = x;
      square += x * x;
    }
    half_squares[c] = square / 2;
  }
}

template struct PackedCentres<float>;
template struct PackedCentres<double>;

}  // namespace otcore::pyramid
