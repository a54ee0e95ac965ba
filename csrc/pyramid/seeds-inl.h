// How much candidates for one more centre would explain (D. Arthur, S. Vassilvitskii, k-means++:
// the advantages of careful seeding, SODA 2007).
#pragma once

#include "pyramid/scores-inl.h"

namespace otcore::pyramid::OTCORE_LEVEL {
namespace {

template <class T>
void try_seeds(const Panels<T>& points, const T* packed_candidates, const T* half_squares,
               std::size_t candidates, const T* squares, const T* nearest, T* out,
               std::size_t stride, double* sums) {
  const std::size_t vectors = points.count * kPanelVectors<T>;
  for (std::size_t c = 0; c < candidates; c += kScoreCentres) {
    Vec<T> totals[kScoreCentres] = {};
    for (std::size_t n = 0; n < vectors; ++n) {
      Vec<T> scores[kScoreCentres][1];
      score<T, 1>(points, n, packed_candidates + c, half_squares + c, scores);
      const std::size_t i = n * kLanes<T>;
      const Vec<T> square = simd::load(squares + i);
      const Vec<T> before = simd::load(nearest + i);
      for (std::size_t j = 0; j < kScoreCentres && c + j < candidates; ++j) {
        const Vec<T> distance = simd::mul_add<T>(simd::splat(T(-2)), scores[j][0], square);
        const Vec<T> left = simd::max<T>(simd::min<T>(distance, before), Vec<T>{});
        simd::store(out + (c + j) * stride + i, left);
        totals[j] += left;
      }
    }
    for (std::size_t j = 0; j < kScoreCentres && c + j < candidates; ++j) {
      sums[c + j] = static_cast<double>(simd::reduce_add<T>(totals[j]));
    }
  }
}

}  // namespace
}  // namespace otcore::pyramid::OTCORE_LEVEL
