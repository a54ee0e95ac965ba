// The vector type. Included by one translation unit per instruction-set level, which defines
// OTCORE_LEVEL; everything is in an anonymous namespace, so that no symbol compiled for one level
// can be the one the linker keeps for another. No standard library here.
//
// Built on the vector extensions of GCC and Clang: a Vec<T> adds, compares and indexes like a T.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef OTCORE_LEVEL
#error "define OTCORE_LEVEL (baseline, avx2, avx512): this header is for per-level kernels only"
#endif

namespace otcore::simd::OTCORE_LEVEL {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

// How many numbers of type T a vector holds.
template <class T>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

template <class T>
struct VecTraits;

template <>
struct VecTraits<double> {
  typedef double Type __attribute__((vector_size(kVectorBytes)));
  typedef long long Mask __attribute__((vector_size(kVectorBytes)));
  using MaskLane = long long;
};

template <>
struct VecTraits<float> {
  typedef float Type __attribute__((vector_size(kVectorBytes)));
  typedef int Mask __attribute__((vector_size(kVectorBytes)));
  using MaskLane = int;
};

template <class T>
using Vec = typename VecTraits<T>::Type;

// Integers of T's width: what comparisons of Vec<T> yield (all ones or zero), and lane indices.
template <class T>
using Mask = typename VecTraits<T>::Mask;

template <class T>
using MaskLane = typename VecTraits<T>::MaskLane;

// No alignment is asked of p.
template <class T>
inline Vec<T> load(const T* p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
inline void store(T* p, Vec<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// The first `count` < kLanes<T> numbers at p, then zeros; nothing beyond them is read.
template <class T>
inline Vec<T> load_first(const T* p, int count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8)
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), p);
  else
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
#else
  Vec<T> v{};
  for (int i = 0; i < count; ++i) v[i] = p[i];
  return v;
#endif
}

template <class T>
inline Mask<T> load_lanes(const MaskLane<T>* p) {
  Mask<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
inline void store_lanes(MaskLane<T>* p, Mask<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// The same number in every lane.
template <class T>
inline Vec<T> splat(T x) {
  return x - Vec<T>{};
}

template <class T>
inline Mask<T> splat_lanes(MaskLane<T> x) {
  return x - Mask<T>{};
}

// 0, 1, 2, ... as integers.
template <class T>
inline Mask<T> lane_indices() {
  Mask<T> v;
  for (int i = 0; i < kLanes<T>; ++i) v[i] = static_cast<MaskLane<T>>(i);
  return v;
}

template <class T>
inline Vec<T> select(Mask<T> mask, Vec<T> yes, Vec<T> no) {
  return mask ? yes : no;
}

template <class T>
inline Mask<T> select_lanes(Mask<T> mask, Mask<T> yes, Mask<T> no) {
  return mask ? yes : no;
}

// The smaller of two lanes; where either is NaN, b. Written out because GCC makes comparisons and
// selections of a < b ? a : b.
template <class T>
inline Vec<T> min(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
  // Masked as in sqrt.
  if constexpr (sizeof(T) == 8)
    return _mm512_maskz_min_pd(0xff, a, b);
  else
    return _mm512_maskz_min_ps(0xffff, a, b);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 8)
    return _mm256_min_pd(a, b);
  else
    return _mm256_min_ps(a, b);
#elif defined(__SSE2__)
  if constexpr (sizeof(T) == 8)
    return _mm_min_pd(a, b);
  else
    return _mm_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}

// The larger of two lanes; where either is NaN, b.
template <class T>
inline Vec<T> max(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8)
    return _mm512_maskz_max_pd(0xff, a, b);
  else
    return _mm512_maskz_max_ps(0xffff, a, b);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 8)
    return _mm256_max_pd(a, b);
  else
    return _mm256_max_ps(a, b);
#elif defined(__SSE2__)
  if constexpr (sizeof(T) == 8)
    return _mm_max_pd(a, b);
  else
    return _mm_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}

template <class T>
inline Vec<T> abs(Vec<T> v) {
  const Mask<T> sign = __builtin_bit_cast(Mask<T>, splat<T>(T(-0.0)));
  return __builtin_bit_cast(Vec<T>, __builtin_bit_cast(Mask<T>, v) & ~sign);
}

// a * b + c: rounded once wherever the level has such an instruction, twice on SSE2. Written out
// where two kernels must round alike: whether a compiler contracts a * b + c is its own choice.
template <class T>
inline Vec<T> mul_add(Vec<T> a, Vec<T> b, Vec<T> c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8)
    return _mm512_fmadd_pd(a, b, c);
  else
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 8)
    return _mm256_fmadd_pd(a, b, c);
  else
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
  if constexpr (sizeof(T) == 8)
    return vfmaq_f64(c, a, b);
  else
    return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}

// Correctly rounded.
template <class T>
inline Vec<T> sqrt(Vec<T> v) {
#if defined(__AVX512F__)
  // The unmasked intrinsic makes GCC 12 warn of an uninitialised variable of its own.
  if constexpr (sizeof(T) == 8)
    return _mm512_maskz_sqrt_pd(0xff, v);
  else
    return _mm512_maskz_sqrt_ps(0xffff, v);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 8)
    return _mm256_sqrt_pd(v);
  else
    return _mm256_sqrt_ps(v);
#elif defined(__SSE2__)
  if constexpr (sizeof(T) == 8)
    return _mm_sqrt_pd(v);
  else
    return _mm_sqrt_ps(v);
#elif defined(__aarch64__)
  if constexpr (sizeof(T) == 8)
    return vsqrtq_f64(v);
  else
    return vsqrtq_f32(v);
#else
  for (int i = 0; i < kLanes<T>; ++i) v[i] = static_cast<T>(__builtin_sqrt(v[i]));
  return v;
#endif
}

// float64 from float32: half a vector's bytes are read.
inline Vec<double> load_widened(const float* p) {
  typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
  Half v;
  __builtin_memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, Vec<double>);
}

// The same way back, rounded: half a vector's bytes are written.
inline void store_narrowed(float* p, Vec<double> v) {
  typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
  const Half half = __builtin_convertvector(v, Half);
  __builtin_memcpy(p, &half, sizeof half);
}

// base[index[0]], base[index[1]], ...: as many as a vector holds.
inline Vec<double> gather(const double* base, const int* index) {
#if defined(__AVX512F__)
  // The unmasked intrinsic makes GCC 12 warn of an uninitialised variable of its own.
  const __m256i at = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index));
  return _mm512_mask_i32gather_pd(_mm512_setzero_pd(), 0xff, at, base, 8);
#else
  Vec<double> v;
  for (int i = 0; i < kLanes<double>; ++i) v[i] = base[index[i]];
  return v;
#endif
}

// Bit i is set where lane i of a comparison holds.
template <class T>
inline unsigned lane_bits(Mask<T> mask) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8)
    return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask));
  else
    return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask));
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 8)
    return static_cast<unsigned>(_mm256_movemask_pd(reinterpret_cast<__m256d>(mask)));
  else
    return static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<__m256>(mask)));
#elif defined(__SSE2__)
  if constexpr (sizeof(T) == 8)
    return static_cast<unsigned>(_mm_movemask_pd(reinterpret_cast<__m128d>(mask)));
  else
    return static_cast<unsigned>(_mm_movemask_ps(reinterpret_cast<__m128>(mask)));
#else
  unsigned bits = 0;
  for (int i = 0; i < kLanes<T>; ++i) bits |= (mask[i] != 0 ? 1u : 0u) << i;
  return bits;
#endif
}

// Whether any lane of a comparison holds.
template <class T>
inline bool any(Mask<T> mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_epi8(reinterpret_cast<__m256i>(mask)) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_epi8(reinterpret_cast<__m128i>(mask)) != 0;
#else
  Mask<T> seen = mask;
  MaskLane<T> bits = 0;
  for (int i = 0; i < kLanes<T>; ++i) bits |= seen[i];
  return bits != 0;
#endif
}

// Lane i of fold<S>(v) is lane i ^ S of v: log2(lanes) folds reach every lane.
template <int kStep, class V>
inline V fold(V v) {
  constexpr int kCount = static_cast<int>(sizeof v / sizeof v[0]);
  if constexpr (kCount == 2) {
    return __builtin_shufflevector(v, v, 0 ^ kStep, 1 ^ kStep);
  } else if constexpr (kCount == 4) {
    return __builtin_shufflevector(v, v, 0 ^ kStep, 1 ^ kStep, 2 ^ kStep, 3 ^ kStep);
  } else if constexpr (kCount == 8) {
    return __builtin_shufflevector(v, v, 0 ^ kStep, 1 ^ kStep, 2 ^ kStep, 3 ^ kStep, 4 ^ kStep,
                                   5 ^ kStep, 6 ^ kStep, 7 ^ kStep);
  } else {
    static_assert(kCount == 16);
    return __builtin_shufflevector(v, v, 0 ^ kStep, 1 ^ kStep, 2 ^ kStep, 3 ^ kStep, 4 ^ kStep,
                                   5 ^ kStep, 6 ^ kStep, 7 ^ kStep, 8 ^ kStep, 9 ^ kStep,
                                   10 ^ kStep, 11 ^ kStep, 12 ^ kStep, 13 ^ kStep, 14 ^ kStep,
                                   15 ^ kStep);
  }
}

// op over all lanes, halves first; op(V, V) works lane by lane.
template <class V, class Op>
inline auto reduce(V v, Op op) {
  constexpr int kCount = static_cast<int>(sizeof v / sizeof v[0]);
  if constexpr (kCount >= 16) v = op(v, fold<8>(v));
  if constexpr (kCount >= 8) v = op(v, fold<4>(v));
  if constexpr (kCount >= 4) v = op(v, fold<2>(v));
  return op(v, fold<1>(v))[0];
}

template <class T>
inline T reduce_min(Vec<T> v) {
  return reduce(v, [](Vec<T> a, Vec<T> b) { return min<T>(a, b); });
}

template <class T>
inline T reduce_max(Vec<T> v) {
  return reduce(v, [](Vec<T> a, Vec<T> b) { return max<T>(a, b); });
}

template <class T>
inline MaskLane<T> reduce_min_lanes(Mask<T> v) {
  return reduce(v, [](Mask<T> a, Mask<T> b) { return a < b ? a : b; });
}

// Lanes added pairwise: the order depends on the level.
template <class T>
inline T reduce_add(Vec<T> v) {
  return reduce(v, [](Vec<T> a, Vec<T> b) { return a + b; });
}

}  // namespace
}  // namespace otcore::simd::OTCORE_LEVEL
