// Slices of equal, uniform clouds as columns of vectors, with the order of the points: what
// gradients need.
//
// The network of columns-inl.h moves single numbers. A number and its place do not fit one, but a
// tag does: the number on a grid between the least and the largest of its column, and the place
// below it, read as a positive normal floating-point number. Equal tags' keys leave an order to
// settle, which insertion does: few points share a step of the grid unless some lie far away from
// all others. The order is that of a stable sort.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/vec-inl.h"
#include "sliced/columns-inl.h"
#include "sliced/kernels.h"
#include "sliced/project-inl.h"
#include "sliced/tuning.h"

namespace otcore::sliced::OTCORE_LEVEL {
namespace {

template <class T>
using Tag = simd::MaskLane<T>;

// The bits of the smallest normal number, which tags start at: no flag of the processor rounds
// those to 0. And those of infinity, which follows all tags.
template <class T>
constexpr Tag<T> kFirstTag =
    sizeof(T) == sizeof(float) ? Tag<T>(0x00800000) : Tag<T>(0x0010000000000000);
template <class T>
constexpr Tag<T> kTagEnd =
    sizeof(T) == sizeof(float) ? Tag<T>(0x7f800000) : Tag<T>(0x7ff0000000000000);

template <class T>
constexpr Tag<T> kMostSteps = Tag<T>{1} << (sizeof(T) == sizeof(float) ? 21 : 50);

// The columns of one cloud: projections, in the order of the points, and their sorted tags.
template <class T>
class TaggedColumns {
 public:
  TaggedColumns() = default;
  TaggedColumns(T* projections, T* tags, std::size_t rows, std::size_t padded)
      : projections_(projections), tags_(tags), rows_(rows), padded_(padded) {
    while ((std::size_t{1} << place_bits_) < rows) ++place_bits_;
    places_ = (Tag<T>{1} << place_bits_) - 1;
  }

  // False where insertion would take too long.
  bool sort() {
    write_tags();
    ColumnSort<T>(tags_, padded_).run();
    return settle();
  }

  // The k-th lowest number of a column.
  [[nodiscard]] T number(std::size_t k, std::size_t lane) const {
    return projections_[at(k, lane)];
  }
  void replace(std::size_t k, std::size_t lane, T number) { projections_[at(k, lane)] = number; }

 private:
  using Lane = simd::Vec<T>;
  static constexpr std::size_t kWidth = simd::kLanes<T>;

  [[nodiscard]] std::size_t at(std::size_t k, std::size_t lane) const {
    return static_cast<std::size_t>(tag(k, lane) & places_) * kWidth + lane;
  }
  [[nodiscard]] Tag<T> tag(std::size_t k, std::size_t lane) const {
    return __builtin_bit_cast(Tag<T>, tags_[k * kWidth + lane]);
  }

  void write_tags() {
    Lane least = simd::load(projections_);
    Lane largest = least;
    for (std::size_t i = 1; i < rows_; ++i) {
      const Lane v = simd::load(projections_ + i * kWidth);
      least = simd::min<T>(v, least);
      largest = simd::max<T>(v, largest);
    }
    // The last step stays free for what rounding may add, which is less than one up to kMostSteps.
    // Where the range overflows or is nothing all are on the first.
    const Tag<T> room = ((kTagEnd<T> - kFirstTag<T>) >> place_bits_) - 2;
    const Tag<T> steps = room < kMostSteps<T> ? room : kMostSteps<T>;
    const Lane range = largest - least;
    const Lane per_step = simd::splat<T>(static_cast<T>(steps)) / range;
    const Lane scale = simd::select<T>((range > Lane{}) & (per_step <= simd::splat<T>(kMaxOf<T>)),
                                       per_step, Lane{});
    for (std::size_t i = 0; i < rows_; ++i) {
      const Lane step = (simd::load(projections_ + i * kWidth) - least) * scale;
      const simd::Mask<T> key = __builtin_convertvector(step, simd::Mask<T>);
      const simd::Mask<T> bits = (key << place_bits_) + (kFirstTag<T> + static_cast<Tag<T>>(i));
      simd::store(tags_ + i * kWidth, __builtin_bit_cast(Lane, bits));
    }
    for (std::size_t i = rows_; i < padded_; ++i) {
      simd::store(tags_ + i * kWidth, simd::splat<T>(T(__builtin_inf())));
    }
  }

  bool settle() {
    const simd::Mask<T> keys = simd::splat_lanes<T>(~places_);
    std::size_t left = kMovesPerPoint * rows_ * kWidth;
    simd::Mask<T> before = simd::load_lanes<T>(reinterpret_cast<const Tag<T>*>(tags_));
    for (std::size_t k = 1; k < rows_; ++k) {
      const simd::Mask<T> now =
          simd::load_lanes<T>(reinterpret_cast<const Tag<T>*>(tags_ + k * kWidth));
      unsigned alike = simd::lane_bits<T>(((now ^ before) & keys) == simd::Mask<T>{});
      before = now;
      for (; alike != 0; alike &= alike - 1) {
        const std::size_t moves = insert(k, static_cast<std::size_t>(__builtin_ctz(alike)));
        if (moves > left) return false;
        left -= moves;
      }
    }
    return true;
  }

  // Puts entry k of a column in its place among those before it that share its key.
  std::size_t insert(std::size_t k, std::size_t lane) {
    const T tag_of_k = tags_[k * kWidth + lane];
    const T number_of_k = number(k, lane);
    const Tag<T> key = tag(k, lane) & ~places_;
    std::size_t to = k;
    while (to > 0 && (tag(to - 1, lane) & ~places_) == key && number_of_k < number(to - 1, lane)) {
      tags_[to * kWidth + lane] = tags_[(to - 1) * kWidth + lane];
      --to;
    }
    tags_[to * kWidth + lane] = tag_of_k;
    return k - to;
  }

  T* projections_ = nullptr;
  T* tags_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t padded_ = 0;
  int place_bits_ = 0;
  Tag<T> places_ = 0;
};

// The sides of a group of slices: sorted numbers alone, or tags where slopes go to the points.
template <class T>
class SortedSide {
 public:
  // `memory` has kLanes numbers for each of the padded rows.
  SortedSide(const Points<T>& points, std::size_t padded, T* memory)
      : points_(points), padded_(padded), numbers_(memory) {}

  Order sort(const T* group) {
    if (!project_columns(points_, group, padded_, numbers_)) return Order::not_finite;
    ColumnSort<T>(numbers_, padded_).run();
    return Order::found;
  }
  [[nodiscard]] T number(std::size_t k, std::size_t lane) const {
    return numbers_[k * simd::kLanes<T> + lane];
  }
  void set_slope(std::size_t, std::size_t, double) {}

 private:
  const Points<T>& points_;
  std::size_t padded_;
  T* numbers_;
};

template <class T>
class TaggedSide {
 public:
  // `memory` has kLanes numbers for each of the padded rows, `slopes` as many for every kLanes
  // slices. Slopes take the place of projections, so that a point's numbers are looked for once.
  TaggedSide(const Points<T>& points, std::size_t padded, T* memory, T* slopes)
      : points_(points), padded_(padded), tags_(memory), slopes_(slopes) {}

  // The next kLanes slices.
  Order sort(const T* group) {
    T* const projections = slopes_;
    slopes_ += padded_ * simd::kLanes<T>;
    if (!project_columns(points_, group, padded_, projections)) return Order::not_finite;
    columns_ = TaggedColumns<T>(projections, tags_, points_.rows, padded_);
    return columns_.sort() ? Order::found : Order::too_close;
  }
  [[nodiscard]] T number(std::size_t k, std::size_t lane) const { return columns_.number(k, lane); }
  void set_slope(std::size_t k, std::size_t lane, double slope) {
    columns_.replace(k, lane, static_cast<T>(slope));
  }

 private:
  const Points<T>& points_;
  std::size_t padded_;
  T* tags_;
  T* slopes_;
  TaggedColumns<T> columns_;
};

// The first `lanes` columns of sorted sides: the sums, and the slopes times `scale`.
template <class T, bool kSquares, class SideX, class SideY>
void couple(SideX& x, SideY& y, std::size_t rows, std::size_t lanes, double scale, double* total) {
  for (std::size_t lane = 0; lane < lanes; ++lane) total[lane] = 0.0;
  for (std::size_t start = 0; start < rows; start += kSumBlock) {
    const std::size_t end = start + kSumBlock < rows ? start + kSumBlock : rows;
    double sums[simd::kLanes<T>] = {};
    for (std::size_t k = start; k < end; ++k) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const double d =
            static_cast<double>(x.number(k, lane)) - static_cast<double>(y.number(k, lane));
        const double slope = kSquares ? scale * d : d > 0.0 ? scale : d < 0.0 ? -scale : 0.0;
        sums[lane] += kSquares ? d * d : __builtin_fabs(d);
        x.set_slope(k, lane, slope);
        y.set_slope(k, lane, -slope);
      }
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) total[lane] += sums[lane];
  }
}

template <class T, class SideX, class SideY>
Order sides_slopes(SideX x, SideY y, std::size_t rows, const T* group, std::size_t count,
                   bool squares, double* sums) {
  constexpr std::size_t kWidth = simd::kLanes<T>;
  for (std::size_t first = 0; first < count; first += kWidth) {
    Order order = x.sort(group + first);
    if (order == Order::found) order = y.sort(group + first);
    if (order != Order::found) return order;
    const std::size_t lanes = count - first < kWidth ? count - first : kWidth;
    const double mass = 1.0 / static_cast<double>(rows);
    if (squares) {
      couple<T, true>(x, y, rows, lanes, 2.0 * mass, sums + first);
    } else {
      couple<T, false>(x, y, rows, lanes, mass, sums + first);
    }
  }
  return Order::found;
}

template <class T>
Order line_slopes(const Points<T>& x, const Points<T>& y, const T* group, std::size_t count,
                  bool squares, T* memory, const SlopeColumns<T>& out) {
  const std::size_t padded = (x.rows + kColumnPadding - 1) / kColumnPadding * kColumnPadding;
  T* const memory_y = memory + padded * simd::kLanes<T>;
  const SortedSide<T> sorted_x(x, padded, memory);
  const SortedSide<T> sorted_y(y, padded, memory_y);
  const TaggedSide<T> tagged_x(x, padded, memory, out.slopes_x);
  const TaggedSide<T> tagged_y(y, padded, memory_y, out.slopes_y);
  const auto run = [&](auto side_x, auto side_y) {
    return sides_slopes<T>(side_x, side_y, x.rows, group, count, squares, out.sums);
  };
  if (out.slopes_y == nullptr) return run(tagged_x, sorted_y);
  if (out.slopes_x == nullptr) return run(sorted_x, tagged_y);
  return run(tagged_x, tagged_y);
}

template <class T>
Order unsort_columns(const T* projections, const T* sorted, std::size_t points, T* memory, T* out) {
  constexpr std::size_t kWidth = simd::kLanes<T>;
  const std::size_t padded = (points + kColumnPadding - 1) / kColumnPadding * kColumnPadding;
  for (std::size_t first = 0; first < kGroup; first += kWidth) {
    T* const block = out + first * points;
    const T* const from = sorted + first * points;
    for (std::size_t k = 0; k < points * kWidth; k += kWidth) {
      simd::store(block + k, simd::load(projections + first * points + k));
    }
    TaggedColumns<T> columns(block, memory, points, padded);
    if (!columns.sort()) return Order::too_close;
    for (std::size_t k = 0; k < points; ++k) {
      for (std::size_t lane = 0; lane < kWidth; ++lane) {
        columns.replace(k, lane, from[k * kWidth + lane]);
      }
    }
  }
  return Order::found;
}

}  // namespace
}  // namespace otcore::sliced::OTCORE_LEVEL
