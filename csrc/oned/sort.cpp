#include "oned/sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <climits>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <utility>

#include "base/sizes.h"
#include "oned/tuning.h"

namespace otcore::oned {
namespace {

template <class T>
using Bits = std::conditional_t<sizeof(T) == sizeof(std::uint32_t), std::uint32_t, std::uint64_t>;

template <class T>
constexpr unsigned kKeyBits = sizeof(T) * CHAR_BIT;

// An integer that compares as the finite number does; -0 and 0 have the same.
template <class T>
Bits<T> key_of(T number) {
  const auto bits = std::bit_cast<Bits<T>>(number + T{0});
  const Bits<T> sign = bits >> (kKeyBits<T> - 1);
  return bits ^ ((Bits<T>{0} - sign) | (Bits<T>{1} << (kKeyBits<T> - 1)));
}

template <class T>
double number_of(Bits<T> key) {
  const Bits<T> positive = key >> (kKeyBits<T> - 1);
  return static_cast<double>(
      std::bit_cast<T>(key ^ ((positive - 1) | (Bits<T>{1} << (kKeyBits<T> - 1)))));
}

// What is sorted: a key alone, or a key and its place. Items compare by key, then by place.
template <class T>
struct Value {
  using Number = T;
  using Item = Bits<T>;
  static constexpr unsigned kLowBit = 0;

  static Item make(Bits<T> key, std::size_t) { return key; }
  static Item key(Item item) { return item; }
};

template <class T>
struct Placed;

template <>
struct Placed<float> {
  using Number = float;
  using Item = std::uint64_t;
  static constexpr unsigned kLowBit = 32;

  static Item make(std::uint32_t key, std::size_t place) { return Item{key} << 32 | place; }
  static std::uint64_t key(Item item) { return item; }
  static std::uint32_t number_key(Item item) { return static_cast<std::uint32_t>(item >> 32); }
  static std::int32_t place(Item item) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(item));
  }
};

template <>
struct Placed<double> {
  using Number = double;
  struct Item {
    std::uint64_t key;
    std::uint64_t place;
    auto operator<=>(const Item&) const = default;
  };
  static constexpr unsigned kLowBit = 0;

  static Item make(std::uint64_t key, std::size_t place) { return {key, place}; }
  static std::uint64_t key(const Item& item) { return item.key; }
  static std::uint64_t number_key(const Item& item) { return item.key; }
  static std::int32_t place(const Item& item) { return static_cast<std::int32_t>(item.place); }
};

// Sorts `count` items by the bits [low, high) of their keys, stably, and returns where the result
// is: in `items` or in `scratch`, of the same size.
template <class Kind, unsigned bits, class Item = typename Kind::Item>
Item* sort_digits(Item* items, Item* scratch, std::size_t count, unsigned low, unsigned high) {
  constexpr std::size_t kBuckets = std::size_t{1} << bits;
  std::array<std::array<std::uint32_t, kBuckets>, (64 + bits - 1) / bits> starts;
  const unsigned digits = (high - low + bits - 1) / bits;
  for (unsigned d = 0; d < digits; ++d) starts[d].fill(0);
  const auto digit = [low](const Item& item, unsigned d) {
    return static_cast<std::size_t>(Kind::key(item) >> (low + d * bits)) & (kBuckets - 1);
  };
  for (std::size_t i = 0; i < count; ++i) {
    for (unsigned d = 0; d < digits; ++d) ++starts[d][digit(items[i], d)];
  }
  for (unsigned d = 0; d < digits; ++d) {
    auto& start = starts[d];
    if (start[digit(items[0], d)] == count) continue;  // all have the same digit
    std::exclusive_scan(start.begin(), start.end(), start.begin(), std::uint32_t{0});
    for (std::size_t i = 0; i < count; ++i) scratch[start[digit(items[i], d)]++] = items[i];
    std::swap(items, scratch);
  }
  return items;
}

// Sorts by insertion; gives up, with the items in some order that keeps that of equal ones, where
// that takes more than `most` moves.
template <class Item>
bool insert_all(Item* items, std::size_t count, std::size_t most) {
  std::size_t moves = 0;
  for (std::size_t i = 1; i < count; ++i) {
    if (!(items[i] < items[i - 1])) continue;
    const Item item = items[i];
    std::size_t k = i;
    for (; k > 0 && item < items[k - 1]; --k) items[k] = items[k - 1];
    items[k] = item;
    moves += i - k;
    if (moves > most) return false;
  }
  return true;
}

// Sorts items by key and place; the keys differ in the bits of `varying` (not 0) alone. Returns
// where the result is.
template <class Kind, unsigned bits, class Item = typename Kind::Item>
Item* sort_by_digits(Item* items, Item* scratch, std::size_t count, std::uint64_t varying) {
  const auto low = static_cast<unsigned>(std::countr_zero(varying));
  const auto high = static_cast<unsigned>(std::bit_width(varying));
  const unsigned wanted =
      static_cast<unsigned>(std::bit_width(count)) + kExtraBits<typename Kind::Number>;
  const unsigned leading = (wanted + bits - 1) / bits * bits;
  if (low + leading >= high) return sort_digits<Kind, bits>(items, scratch, count, low, high);
  Item* sorted = sort_digits<Kind, bits>(items, scratch, count, high - leading, high);
  if (insert_all(sorted, count, kMovesPerItem * count)) return sorted;
  return sort_digits<Kind, bits>(sorted, sorted == items ? scratch : items, count, low, high);
}

template <class Kind, class Item = typename Kind::Item>
Item* sort_items(Item* items, Item* scratch, std::size_t count, std::uint64_t varying) {
  if (count < kRadixSortFrom) {
    std::sort(items, items + count);
    return items;
  }
  return count < kWideDigitsFrom
             ? sort_by_digits<Kind, kNarrowDigit>(items, scratch, count, varying)
             : sort_by_digits<Kind, kWideDigit>(items, scratch, count, varying);
}

template <class T>
std::ptrdiff_t first_not_finite(const T* row, std::size_t count) {
  return std::find_if(row, row + count, [](T number) { return !std::isfinite(number); }) - row;
}

// Makes the row's items and sorts them where they are not sorted yet: write(k, item) for the k-th.
template <class T, class Kind, class Item, class Write>
std::ptrdiff_t sort_row(const T* row, std::size_t count, Item* items, Item* scratch,
                        const Write& write) {
  using Key = Bits<T>;
  const Key first = key_of(row[0]);
  Key before = first;
  Key varying = 0;
  bool ascending = true;
  bool finite = true;
  for (std::size_t i = 0; i < count; ++i) {
    const Key key = key_of(row[i]);
    finite &= std::isfinite(row[i]);
    ascending &= before <= key;
    varying |= key ^ first;
    before = key;
    items[i] = Kind::make(key, i);
  }
  if (!finite) return first_not_finite(row, count);
  if (!ascending) {
    items = sort_items<Kind>(items, scratch, count, std::uint64_t{varying} << Kind::kLowBit);
  }
  for (std::size_t k = 0; k < count; ++k) write(k, items[k]);
  return -1;
}

}  // namespace

template <class T>
template <class Item>
Item* Sorter<T>::items() {
  const std::size_t bytes = 2 * n_ * sizeof(Item);
  if (bytes_ < bytes) {
    memory_ = aligned_array<unsigned char>(bytes, "x");
    bytes_ = bytes;
  }
  return reinterpret_cast<Item*>(memory_.get());
}

template <class T>
std::ptrdiff_t Sorter<T>::values(const T* row, double* sorted) {
  using Kind = Value<T>;
  auto* memory = items<typename Kind::Item>();
  return sort_row<T, Kind>(row, n_, memory, memory + n_,
                           [sorted](std::size_t k, auto item) { sorted[k] = number_of<T>(item); });
}

template <class T>
std::ptrdiff_t Sorter<T>::order(const T* row, double* sorted, std::int32_t* order) {
  using Kind = Placed<T>;
  auto* memory = items<typename Kind::Item>();
  return sort_row<T, Kind>(row, n_, memory, memory + n_,
                           [sorted, order](std::size_t k, const auto& item) {
                             sorted[k] = number_of<T>(Kind::number_key(item));
                             order[k] = Kind::place(item);
                           });
}

template class Sorter<float>;
template class Sorter<double>;

}  // namespace otcore::oned
