// The lowest reduced costs out of a stream of them: what candidates are chosen by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace otcore::exact {

// A place of a row in a column, or of a column in a row, and its reduced cost there.
struct Place {
  double reduced;
  double cost;
  std::int32_t index;
  std::int32_t turn;  // ties go to the lower
};

inline bool operator<(const Place& x, const Place& y) {
  return x.reduced != y.reduced ? x.reduced < y.reduced : x.turn < y.turn;
}

// Keeps the `count` lowest places offered to each of some lists, in memory for twice as many,
// however many are offered. Most of a long stream of ties costs a comparison each.
class LowestPlaces {
 public:
  LowestPlaces(std::size_t lists, std::size_t count)
      : count_(count), places_(2 * count * lists), lists_(lists) {}

  void clear() { std::fill(lists_.begin(), lists_.end(), List{}); }

  void offer(std::size_t at, double reduced, double cost, std::int32_t index, std::int32_t turn) {
    List& list = lists_[at];
    const Place place{reduced, cost, index, turn};
    if (!(place < list.bar)) return;
    begin(at)[list.size++] = place;
    if (list.size < 2 * count_) return;
    cut(at);
    list.bar = *std::max_element(begin(at), begin(at) + count_);
  }

  // What is above is not taken any more.
  [[nodiscard]] double limit(std::size_t at) const { return lists_[at].bar.reduced; }

  // A list's lowest, in an order that depends on what was offered alone.
  [[nodiscard]] std::span<const Place> of(std::size_t at) {
    if (lists_[at].size > count_) cut(at);
    return {begin(at), lists_[at].size};
  }

 private:
  struct List {
    std::size_t size = 0;
    Place bar{std::numeric_limits<double>::infinity(), 0.0, 0, 0};
  };

  Place* begin(std::size_t at) { return places_.data() + 2 * count_ * at; }

  void cut(std::size_t at) {
    Place* first = begin(at);
    std::nth_element(first, first + count_, first + lists_[at].size);
    lists_[at].size = count_;
  }

  std::size_t count_;
  std::vector<Place> places_;
  std::vector<List> lists_;
};

}  // namespace otcore::exact
