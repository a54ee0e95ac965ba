#include "pyramid/extraction.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace otcore::pyramid {
namespace {

// The points of a side that a node still has: places [first, first + left) of Side::points. The
// first `begun` of them have lost a part of their mass.
struct Range {
  std::int32_t first = 0;
  std::int32_t left = 0;
  std::int32_t begun = 0;
};

// One side during a pass. What belongs to a point stands at its place, so that a node's points are
// near each other in memory.
class Side {
 public:
  Side(const std::vector<std::int32_t>& order, const std::vector<std::int64_t>* units)
      : points_(order) {
    if (units == nullptr) return;
    units_.reserve(order.size());
    for (const std::int32_t i : order) units_.push_back((*units)[static_cast<std::size_t>(i)]);
    entry_.assign(order.size(), -1);
  }

  // The whole of a random point.
  void take(Range& range, Random& random) {
    bring_first(range, random);
    entries_.push_back(points_[static_cast<std::size_t>(range.first++)]);
    --range.left;
  }

  // Brings to the first place the point whose mass is next: one that is begun, or else a random
  // one.
  void next(const Range& range, Random& random) {
    if (range.begun == 0) bring_first(range, random);
  }
  [[nodiscard]] std::int64_t units(const Range& range) const { return units_[first(range)]; }
  [[nodiscard]] bool in_batch(const Range& range) const {
    return entry_[first(range)] >= offsets_.back();
  }

  // Some mass of the point at the first place; whether that was all it had.
  bool take_units(Range& range, std::int64_t units) {
    const std::size_t place = first(range);
    if (!in_batch(range)) {
      entry_[place] = static_cast<std::int64_t>(entries_.size());
      entries_.push_back(points_[place]);
      entry_units_.push_back(0);
    }
    entry_units_[static_cast<std::size_t>(entry_[place])] += units;
    units_[place] -= units;
    if (units_[place] > 0) {
      range.begun = std::max(range.begun, 1);
      return false;
    }
    ++range.first;
    --range.left;
    range.begun = std::max(range.begun - 1, 0);
    return true;
  }

  // Adds what a child has left to its parent, whose range ends at or before the child's. Points
  // that are begun come first.
  void gather(const Range& child, Range& parent) {
    const std::size_t to = first(parent) + static_cast<std::size_t>(parent.left);
    move(points_, child, to);
    if (!units_.empty()) {
      move(units_, child, to);
      move(entry_, child, to);
    }
    for (std::size_t i = to; i < to + static_cast<std::size_t>(child.begun); ++i) {
      exchange(i, first(parent) + static_cast<std::size_t>(parent.begun++));
    }
    parent.left += child.left;
  }

  [[nodiscard]] std::size_t filled() const {
    return entries_.size() - static_cast<std::size_t>(offsets_.back());
  }
  void close_batch() { offsets_.push_back(static_cast<std::int64_t>(entries_.size())); }

  [[nodiscard]] Batches finish(const Masses* masses) {
    Batches batches{std::move(offsets_), std::move(entries_), {}};
    if (masses == nullptr) return batches;
    batches.mass.reserve(entry_units_.size());
    for (const std::int64_t units : entry_units_) batches.mass.push_back(masses->mass(units));
    return batches;
  }

 private:
  static std::size_t first(const Range& range) { return static_cast<std::size_t>(range.first); }

  void bring_first(const Range& range, Random& random) {
    exchange(first(range), first(range) + random.below(static_cast<std::uint64_t>(range.left)));
  }
  void exchange(std::size_t i, std::size_t j) {
    std::swap(points_[i], points_[j]);
    if (units_.empty()) return;
    std::swap(units_[i], units_[j]);
    std::swap(entry_[i], entry_[j]);
  }
  template <class T>
  static void move(std::vector<T>& numbers, const Range& from, std::size_t to) {
    if (first(from) == to) return;
    const auto begin = numbers.begin() + from.first;
    std::copy(begin, begin + from.left, numbers.begin() + static_cast<std::ptrdiff_t>(to));
  }

  std::vector<std::int32_t> points_;
  std::vector<std::int64_t> units_;  // not yet taken
  std::vector<std::int64_t> entry_;  // the last one of the point
  std::vector<std::int64_t> offsets_ = {0};
  std::vector<std::int64_t> entries_;
  std::vector<std::int64_t> entry_units_;
};

class Walk {
 public:
  Walk(const Tree& tree, const Masses* masses, std::size_t m, std::uint64_t seed)
      : tree_(tree),
        masses_(masses),
        m_(m),
        random_(seed),
        x_(tree.order[0], masses == nullptr ? nullptr : &masses->supply()),
        y_(tree.order[1], masses == nullptr ? nullptr : &masses->demand()),
        rest_(tree.nodes.size()),
        open_(tree.nodes.size()) {
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const Node& node = tree.nodes[i];
      Rest& rest = rest_[i];
      rest.x = {node.begin[0], node.size(0), 0};
      rest.y = {node.begin[1], node.size(1), 0};
      rest.gathered = node.children == 0;
      for (std::int32_t c = node.first_child; c < node.first_child + node.children; ++c) {
        const Node& child = tree.nodes[static_cast<std::size_t>(c)];
        if (child.size(0) == 0 || child.size(1) == 0) continue;
        open_[Tree::child(node, rest.open++)] = c;
      }
    }
  }

  Pass run() {
    while (!rest_[0].done()) {
      full_ = false;
      visit(0);
      if (x_.filled() == 0) break;  // nothing was left over
      x_.close_batch();
      y_.close_batch();
    }
    return {x_.finish(masses_), y_.finish(masses_)};
  }

 private:
  // What is left of a node.
  struct Rest {
    Range x;
    Range y;
    std::int32_t open = 0;  // children that still have pairs: the first ones in open_
    bool gathered = false;  // no child has, and what they left over is here

    [[nodiscard]] bool done() const { return gathered && (x.left == 0 || y.left == 0); }
  };

  void visit(std::size_t number) {
    Rest& rest = rest_[number];
    const auto first = static_cast<std::size_t>(tree_.nodes[number].first_child);
    while (rest.open > 0) {
      const std::size_t which = first + random_.below(static_cast<std::uint64_t>(rest.open));
      const auto child = static_cast<std::size_t>(open_[which]);
      visit(child);
      if (rest_[child].done()) {
        std::swap(open_[which], open_[first + static_cast<std::size_t>(--rest.open)]);
      }
      if (full_) return;
    }
    if (!rest.gathered) gather(number);
    if (masses_ == nullptr) {
      take_pairs(rest);
    } else {
      take_mass(rest);
    }
  }

  void gather(std::size_t number) {
    const Node& node = tree_.nodes[number];
    Rest& rest = rest_[number];
    rest.x = {node.begin[0], 0, 0};
    rest.y = {node.begin[1], 0, 0};
    for (std::int32_t c = node.first_child; c < node.first_child + node.children; ++c) {
      x_.gather(rest_[static_cast<std::size_t>(c)].x, rest.x);
      y_.gather(rest_[static_cast<std::size_t>(c)].y, rest.y);
    }
    rest.gathered = true;
  }

  void take_pairs(Rest& rest) {
    while (!rest.done() && !full_) {
      x_.take(rest.x, random_);
      y_.take(rest.y, random_);
      full_ = x_.filled() == m_;
    }
  }

  void take_mass(Rest& rest) {
    while (!rest.done() && !full_) {
      x_.next(rest.x, random_);
      y_.next(rest.y, random_);
      if ((x_.filled() == m_ && !x_.in_batch(rest.x)) ||
          (y_.filled() == m_ && !y_.in_batch(rest.y))) {
        full_ = true;
        return;
      }
      const std::int64_t units = std::min(x_.units(rest.x), y_.units(rest.y));
      const bool x_used = x_.take_units(rest.x, units);
      const bool y_used = y_.take_units(rest.y, units);
      full_ = (x_used && x_.filled() == m_) || (y_used && y_.filled() == m_);
    }
  }

  const Tree& tree_;
  const Masses* masses_;
  const std::size_t m_;
  Random random_;
  Side x_;
  Side y_;
  std::vector<Rest> rest_;
  std::vector<std::int32_t> open_;
  bool full_ = false;
};

}  // namespace

Pass extract(const Tree& tree, const Masses* masses, std::size_t m, std::uint64_t seed) {
  if (m < 1) throw InvalidArgument("m", "batches of 0 pairs", "at least 1");
  return Walk(tree, masses, m, seed).run();
}

std::vector<double> taken_per_level(const Tree& tree, const Masses* masses) {
  std::vector<std::int64_t> left[2];
  std::int64_t total = 0;
  for (const int side : {0, 1}) {
    left[side].resize(tree.nodes.size());
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      const Node& node = tree.nodes[i];
      if (node.children > 0) continue;
      left[side][i] = node.size(side);
      if (masses == nullptr) continue;
      const auto& units = side == 0 ? masses->supply() : masses->demand();
      left[side][i] = 0;
      for (std::int32_t place = node.begin[side]; place < node.end[side]; ++place) {
        const auto point = static_cast<std::size_t>(place);
        left[side][i] += units[static_cast<std::size_t>(tree.order[side][point])];
      }
    }
  }
  std::vector<std::int64_t> taken;
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    const Node& node = tree.nodes[i];
    for (std::int32_t c = node.first_child; c < node.first_child + node.children; ++c) {
      for (auto& side : left) side[i] += side[static_cast<std::size_t>(c)];
    }
    const std::int64_t pairs = std::min(left[0][i], left[1][i]);
    for (auto& side : left) side[i] -= pairs;
    const auto level = static_cast<std::size_t>(node.level);
    if (taken.size() <= level) taken.resize(level + 1, 0);
    taken[level] += pairs;
    total += pairs;
  }
  std::vector<double> parts(taken.begin(), taken.end());
  for (double& part : parts) part /= static_cast<double>(total);
  return parts;
}

}  // namespace otcore::pyramid
