// Converts points and lays them out for tiles: see layout-inl.h.
#pragma once

#include "cost/layout-inl.h"
#include "simd/transpose-inl.h"

namespace otcore::cost::OTCORE_LEVEL {
namespace {

// x * power * reciprocal is the coordinate as it is packed.
struct Scale {
  double power = 1.0;
  double reciprocal = 1.0;  // 0 for a zero vector that should have length 1
};

// The first `left` numbers at x (at most a vector), then zeros.
template <class T, class In>
inline Vec<T> load_as(const In* x, std::size_t left) {
  if constexpr (sizeof(In) == sizeof(T)) {
    return left >= kLanes<T> ? simd::load(x) : simd::load_first(x, static_cast<int>(left));
  } else {
    if (left >= kLanes<T>) return simd::load_widened(x);
    Vec<T> v{};
    for (std::size_t k = 0; k < left; ++k) v[k] = static_cast<T>(x[k]);
    return v;
  }
}

// Brings x to length 1. The power of two keeps the squares in range, whatever the numbers.
template <class In>
inline Scale unit_scale(const In* x, std::size_t dims) {
  Vec<double> moduli{};
  for (std::size_t k = 0; k < dims; k += kLanes<double>) {
    moduli = simd::max<double>(simd::abs<double>(load_as<double>(x + k, dims - k)), moduli);
  }
  const double largest = simd::reduce_max<double>(moduli);
  if (largest == 0.0) return {0.0, 0.0};
  int exponent = 0;
  (void)__builtin_frexp(largest, &exponent);
  exponent = exponent > 1000 ? 1000 : exponent < -1000 ? -1000 : exponent;
  const double power = __builtin_ldexp(1.0, -exponent);
  Vec<double> squares{};
  for (std::size_t k = 0; k < dims; k += kLanes<double>) {
    const Vec<double> scaled = load_as<double>(x + k, dims - k) * simd::splat(power);
    squares = simd::mul_add<double>(scaled, scaled, squares);
  }
  return {power, 1.0 / __builtin_sqrt(simd::reduce_add<double>(squares))};
}

// `count` coordinates, in T.
template <class In, class T>
inline void convert(const In* x, std::size_t count, bool normalise, Scale scale, T* out) {
  if (normalise) {
    for (std::size_t k = 0; k < count; ++k) {
      out[k] = static_cast<T>(static_cast<double>(x[k]) * scale.power * scale.reciprocal);
    }
  } else {
    for (std::size_t k = 0; k < count; ++k) out[k] = static_cast<T>(x[k]);
  }
}

// The same, and zeros up to pad(count).
template <class In, class T>
inline void convert_padded(const In* x, std::size_t count, bool normalise, Scale scale, T* out) {
  std::size_t k = 0;
  if (normalise) {
    convert(x, count, true, scale, out);
    for (k = count; k < pad<T>(count); ++k) out[k] = T(0);
  } else {
    for (; k < count; k += kLanes<T>) simd::store(out + k, load_as<T>(x + k, count - k));
    for (; k < pad<T>(count); k += kLanes<T>) simd::store(out + k, Vec<T>{});
  }
}

// out = x - centre, where a null centre is the origin; returns squares + out^2, lane by lane. x and
// out are padded to whole vectors.
template <class T>
inline Vec<T> subtract_centre(const T* x, const T* centre, std::size_t count, T* out,
                              Vec<T> squares) {
  for (std::size_t k = 0; k < count; k += kLanes<T>) {
    const Vec<T> offset = centre == nullptr ? Vec<T>{} : load_as<T>(centre + k, count - k);
    const Vec<T> centred = simd::load(x + k) - offset;
    simd::store(out + k, centred);
    squares = simd::mul_add<T>(centred, centred, squares);
  }
  return squares;
}

// |x|^2, or NaN where sums and differences of such numbers might overflow: gram-inl.h then looks at
// the points themselves.
template <class T>
inline T checked_norm(Vec<T> squares) {
  const T norm = simd::reduce_add<T>(squares);
  return norm <= kMax<T> / 8 ? norm : kNaN<T>;
}

template <class In>
inline const In* source(const Points<In>& points, std::size_t i) {
  return points.data +
         (points.index == nullptr ? i : static_cast<std::size_t>(points.index[i])) * points.stride;
}

template <class In, class T>
std::ptrdiff_t pack_rows(const Form& form, const Points<In>& points, const T* centre, T* out) {
  const std::size_t dims = points.dims;
  const Layout layout = row_layout<T>(form.terms, dims);
  for (std::size_t i = 0; i < points.count; ++i, out += layout.size) {
    const In* x = source(points, i);
    const Scale scale = form.normalise ? unit_scale(x, dims) : Scale{};
    if (scale.reciprocal == 0.0) return static_cast<std::ptrdiff_t>(i);
    if (form.terms == Terms::products) {
      convert_padded(x, dims, form.normalise, scale, out + layout.originals);
      out[0] =
          checked_norm<T>(subtract_centre(out + layout.originals, form.normalise ? nullptr : centre,
                                          dims, out + layout.points, Vec<T>{}));
    } else {
      convert(x, dims, form.normalise, scale, out);
    }
  }
  return -1;
}

// out[k * kWidth + i] = strip[i][k] for k < count; the strip is filled to whole vectors.
template <class T, std::size_t kStrip>
inline void transpose_strip(const T (&strip)[kWidth<T>][kStrip], std::size_t count, T* out) {
  for (std::size_t k = 0; k < count; k += kLanes<T>) {
    for (std::size_t first = 0; first < kWidth<T>; first += kLanes<T>) {
      Vec<T> block[kLanes<T>];
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kLanes<T>; ++i) block[i] = simd::load(&strip[first + i][k]);
      simd::transpose<T>(block);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kLanes<T>; ++i) {
        if (k + i < count) simd::store(out + (k + i) * kWidth<T> + first, block[i]);
      }
    }
  }
}

// One panel of points first, first + 1, ...; returns the position of a zero vector or -1.
template <class In, class T>
std::ptrdiff_t pack_panel(const Form& form, const Points<In>& points, std::size_t first,
                          const T* centre, const Layout& layout, T* out) {
  constexpr std::size_t kStrip = 64;
  const bool products = form.terms == Terms::products;
  const std::size_t left = points.count - first;
  const std::size_t used = left < kWidth<T> ? left : kWidth<T>;
  Scale scales[kWidth<T>];
  for (std::size_t i = 0; form.normalise && i < used; ++i) {
    scales[i] = unit_scale(source(points, first + i), points.dims);
    if (scales[i].reciprocal == 0.0) return static_cast<std::ptrdiff_t>(first + i);
  }
  alignas(64) T strip[kWidth<T>][kStrip];
  for (std::size_t i = used; i < kWidth<T>; ++i) {
    for (std::size_t k = 0; k < kStrip && k < pad<T>(points.dims); ++k) {
      strip[i][k] = products ? T(0) : kInfinity<T>;
    }
  }
  Vec<T> squares[kWidth<T>] = {};
  for (std::size_t k = 0; k < points.dims; k += kStrip) {
    const std::size_t count = points.dims - k < kStrip ? points.dims - k : kStrip;
    for (std::size_t i = 0; i < used; ++i) {
      T* original = products ? out + layout.originals + i * layout.original_stride + k : strip[i];
      convert_padded(source(points, first + i) + k, count, form.normalise, scales[i], original);
      if (products) {
        squares[i] = subtract_centre(original, form.normalise ? nullptr : centre + k, count,
                                     strip[i], squares[i]);
      }
    }
    transpose_strip(strip, count, out + layout.points + k * kWidth<T>);
  }
  if (products) {
    for (std::size_t i = 0; i < used; ++i) out[i] = checked_norm<T>(squares[i]);
    for (std::size_t i = used; i < kWidth<T>; ++i) out[i] = kInfinity<T>;
  }
  return -1;
}

template <class In, class T>
std::ptrdiff_t pack_cols(const Form& form, const Points<In>& points, const T* centre, T* out) {
  const Layout layout = panel_layout<T>(form.terms, points.dims);
  for (std::size_t i = 0; i < points.count; i += kWidth<T>, out += layout.size) {
    const std::ptrdiff_t zero = pack_panel(form, points, i, centre, layout, out);
    if (zero >= 0) return zero;
  }
  return -1;
}

}  // namespace
}  // namespace otcore::cost::OTCORE_LEVEL
