// Sums of the points of each centre, kept up to date: a product of the points with a matrix that
// has 1 where a point came to a centre and -1 where it left. Panels in which no point moved, most
// of them after a few iterations, are not looked at.
#pragma once

#include "pyramid/scores-inl.h"
#include "pyramid/tuning.h"

namespace otcore::pyramid::OTCORE_LEVEL {
namespace {

template <class T>
inline Mask<T> load_labels(const std::int32_t* labels) {
  if constexpr (sizeof(T) == sizeof(std::int32_t)) {
    return simd::load_lanes<T>(labels);
  } else {
    Mask<T> wide;
    for (std::size_t i = 0; i < kLanes<T>; ++i) wide[i] = labels[i];
    return wide;
  }
}

// The panels of a block in which points moved from or to some kScoreCentres centres.
template <class T>
struct Moves {
  std::size_t count = 0;
  std::size_t panel[kBlockPanels];
  T sign[kBlockPanels][kScoreCentres][kPanel<T>];  // 1 came, -1 left

  void collect(const std::int32_t* before, const std::int32_t* now, std::size_t panels,
               std::size_t first_centre) {
    count = 0;
    for (std::size_t p = 0; p < panels; ++p) {
      Mask<T> moved{};
      for (std::size_t i = 0; i < kPanel<T>; i += kLanes<T>) {
        const Mask<T> from = load_labels<T>(before + p * kPanel<T> + i);
        const Mask<T> to = load_labels<T>(now + p * kPanel<T> + i);
        if (!simd::any<T>(from != to)) {
          for (std::size_t c = 0; c < kScoreCentres; ++c) {
            simd::store(&sign[count][c][i], Vec<T>{});
          }
          continue;
        }
        for (std::size_t c = 0; c < kScoreCentres; ++c) {
          const std::size_t number = first_centre + c;
          const Mask<T> centre = simd::splat_lanes<T>(static_cast<simd::MaskLane<T>>(number));
          // A comparison that holds is -1.
          const Mask<T> step = (from == centre) - (to == centre);
          moved |= step;
          simd::store(&sign[count][c][i], __builtin_convertvector(step, Vec<T>));
        }
      }
      if (simd::any<T>(moved != Mask<T>{})) panel[count++] = p;
    }
  }

  // Coordinates k .. k + K - 1.
  template <std::size_t K>
  void add(const Panels<T>& points, std::size_t k, std::size_t centres, double* sums) const {
    Vec<T> totals[kScoreCentres][K] = {};
    for (std::size_t n = 0; n < count; ++n) {
      const T* x = points.data + (panel[n] * points.dims + k) * kPanel<T>;
      for (std::size_t i = 0; i < kPanel<T>; i += kLanes<T>) {
        Vec<T> x_k[K];
#pragma GCC unroll 2
        for (std::size_t j = 0; j < K; ++j) x_k[j] = simd::load(x + j * kPanel<T> + i);
#pragma GCC unroll 8
        for (std::size_t c = 0; c < kScoreCentres; ++c) {
          const Vec<T> step = simd::load(&sign[n][c][i]);
#pragma GCC unroll 2
          for (std::size_t j = 0; j < K; ++j) {
            totals[c][j] = simd::mul_add<T>(step, x_k[j], totals[c][j]);
          }
        }
      }
    }
#pragma GCC unroll 8
    for (std::size_t c = 0; c < kScoreCentres; ++c) {
      if (c >= centres) break;
#pragma GCC unroll 2
      for (std::size_t j = 0; j < K; ++j) {
        sums[c * points.dims + k + j] += static_cast<double>(simd::reduce_add<T>(totals[c][j]));
      }
    }
  }
};

template <class T>
void add_moves(const Panels<T>& points, const std::int32_t* before, const std::int32_t* now,
               std::size_t centres, double* sums) {
  Moves<T> moves;
  for (std::size_t c = 0; c < centres; c += kScoreCentres) {
    moves.collect(before, now, points.count, c);
    if (moves.count == 0) continue;
    double* const to = sums + c * points.dims;
    const std::size_t some = centres - c;
    std::size_t k = 0;
    for (; k + 2 <= points.dims; k += 2) moves.template add<2>(points, k, some, to);
    for (; k < points.dims; ++k) moves.template add<1>(points, k, some, to);
  }
}

}  // namespace
}  // namespace otcore::pyramid::OTCORE_LEVEL
