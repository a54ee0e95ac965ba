#include "pyramid/descent.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/thread_pool.h"
#include "pyramid/points.h"

namespace otcore::pyramid {
namespace {

// Of the points index[0..count); infinite or NaN where one is not finite.
template <class T>
T modulus(MatrixView<const T> points, const std::int32_t* index, std::size_t count) {
  T largest{0};
  int bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const T* x = points.row(static_cast<std::size_t>(index[i]));
    for (std::size_t k = 0; k < points.cols; ++k) {
      const T size = std::abs(x[k]);
      largest = size > largest ? size : largest;
      bad |= static_cast<int>(!(size <= std::numeric_limits<T>::max()));
    }
  }
  return bad != 0 ? std::numeric_limits<T>::infinity() : largest;
}

template <class T>
[[noreturn]] void refuse(MatrixView<const T> points, const std::int32_t* index, std::size_t count,
                         const char* argument) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = static_cast<std::size_t>(index[i]);
    for (std::size_t k = 0; k < points.cols; ++k) {
      const T x = points.row(row)[k];
      if (std::isfinite(x)) continue;
      throw InvalidArgument::entry(argument, {row, k}, static_cast<double>(x), "finite numbers");
    }
  }
  throw InvalidArgument(argument, "numbers that change while they are read", "finite numbers");
}

std::size_t chunk_points(std::size_t dims, std::size_t size) {
  return std::max(kDescentPoints, kDescentBytes / (dims * size));
}

// A chunk of points on its way from the root to the leaves.
template <class T>
class Descent {
 public:
  Descent(const Tree& tree, MatrixView<const T> points) : tree_(tree), points_(points) {}

  // leaf[i] = where member i ends.
  void run(const std::int32_t* members, std::size_t count, std::int32_t* leaf) {
    members_ = members;
    leaf_ = leaf;
    places_.resize(count);
    moved_.resize(count);
    labels_.resize(count);
    for (std::size_t i = 0; i < count; ++i) places_[i] = static_cast<std::int32_t>(i);
    visit(0, 0, count);
  }

 private:
  // The points places_[first..end) are in the node.
  void visit(std::size_t number, std::size_t first, std::size_t end) {
    const Node& node = tree_.nodes[number];
    if (first == end) return;
    if (node.children == 0) {
      for (std::size_t i = first; i < end; ++i) {
        leaf_[places_[i]] = static_cast<std::int32_t>(number);
      }
      return;
    }
    assign(number, first, end);
    const auto children = static_cast<std::size_t>(node.children);
    std::vector<std::size_t> ends(children + 1, first);
    for (std::size_t i = first; i < end; ++i) ++ends[static_cast<std::size_t>(labels_[i]) + 1];
    for (std::size_t c = 0; c < children; ++c) ends[c + 1] += ends[c] - first;
    std::vector<std::size_t> next(ends.begin(), ends.end() - 1);
    for (std::size_t i = first; i < end; ++i) {
      moved_[next[static_cast<std::size_t>(labels_[i])]++] = places_[i];
    }
    std::copy(moved_.data() + first, moved_.data() + end, places_.data() + first);
    for (std::size_t c = 0; c < children; ++c) {
      visit(static_cast<std::size_t>(node.first_child) + c, ends[c], ends[c + 1]);
    }
  }

  void assign(std::size_t number, std::size_t first, std::size_t end) {
    const Node& node = tree_.nodes[number];
    const auto children = static_cast<std::size_t>(node.children);
    const std::size_t dims = tree_.dims;
    const auto child = static_cast<std::size_t>(node.first_child);
    origin_.assign(tree_.centre(number), tree_.centre(number) + dims);
    centres_.assign(tree_.centre(child), tree_.centre(child + children));
    packed_.pack(centres_.data(), children, dims, origin_.data());
    index_.resize(end - first);
    for (std::size_t i = first; i < end; ++i) index_[i - first] = members_[places_[i]];
    const Members<T> own{points_, index_.data(), index_.size()};
    const Blocks<T> blocks(own, {points_, nullptr, 0},
                           {static_cast<T>(tree_.scale), origin_.data()});
    for (std::size_t block = 0; block < blocks.count(); ++block) {
      const Panels<T> panels = blocks.read(block, nullptr, workspace_);
      workspace_.now.resize(panels.count * kPanel<T>);
      point_kernels<T>().assign(panels, packed_.blocks.data(), packed_.half_squares.data(),
                                children, workspace_.now.data());
      std::copy_n(workspace_.now.data(), blocks.length(block),
                  labels_.data() + first + blocks.start(block));
    }
  }

  const Tree& tree_;
  MatrixView<const T> points_;
  const std::int32_t* members_ = nullptr;
  std::int32_t* leaf_ = nullptr;
  std::vector<std::int32_t> places_, moved_, labels_, index_;
  std::vector<T> origin_, centres_;
  PackedCentres<T> packed_;
  Workspace<T> workspace_;
};

// Gives the nodes their places on a side and the points their order, from the leaf of each point.
void place(Tree& tree, int side, const std::vector<std::int32_t>& members,
           const std::vector<std::int32_t>& leaf) {
  std::vector<std::int32_t> counts(tree.nodes.size(), 0);
  for (const std::int32_t node : leaf) ++counts[static_cast<std::size_t>(node)];
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    const Node& node = tree.nodes[i];
    for (std::int32_t c = 0; c < node.children; ++c) {
      counts[i] += counts[Tree::child(node, c)];
    }
  }
  tree.nodes[0].begin[side] = 0;
  tree.nodes[0].end[side] = counts[0];
  for (const Node& node : tree.nodes) {
    std::int32_t next = node.begin[side];
    for (std::int32_t c = 0; c < node.children; ++c) {
      const std::size_t number = Tree::child(node, c);
      tree.nodes[number].begin[side] = next;
      tree.nodes[number].end[side] = next += counts[number];
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = tree.nodes[i].begin[side];
  tree.order[side].resize(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto place = static_cast<std::size_t>(counts[static_cast<std::size_t>(leaf[i])]++);
    tree.order[side][place] = members[i];
  }
}

}  // namespace

template <class T>
T largest_modulus(MatrixView<const T> points, const std::int32_t* index, std::size_t count,
                  const char* argument, int n_threads, Monitor& monitor) {
  const std::size_t step = chunk_points(points.cols, sizeof(T));
  const std::size_t chunks = (count + step - 1) / step;
  std::vector<T> largest(chunks, T{0});
  parallel_for(
      chunks, n_threads,
      [&](std::size_t chunk, int) {
        if (monitor.stopped() != Stop::none) return;
        const std::int32_t* first = index + chunk * step;
        const std::size_t some = std::min(step, count - chunk * step);
        largest[chunk] = modulus(points, first, some);
        if (!std::isfinite(largest[chunk])) refuse(points, first, some, argument);
      },
      &monitor);
  return *std::max_element(largest.begin(), largest.end());
}

template <class T>
void descend(Tree& tree, int side, MatrixView<const T> points,
             const std::vector<std::int32_t>& members, int n_threads, Monitor& monitor) {
  const std::size_t step = chunk_points(points.cols, sizeof(T));
  const std::size_t chunks = (members.size() + step - 1) / step;
  std::vector<std::int32_t> leaf(members.size());
  std::vector<std::optional<Descent<T>>> descents(
      static_cast<std::size_t>(slots_for(chunks, n_threads)));
  parallel_for(
      chunks, n_threads,
      [&](std::size_t chunk, int slot) {
        if (monitor.stopped() != Stop::none) return;
        const std::int32_t* first = members.data() + chunk * step;
        const std::size_t count = std::min(step, members.size() - chunk * step);
        if (!std::isfinite(modulus(points, first, count))) {
          refuse(points, first, count, side == 0 ? "X" : "Y");
        }
        auto& descent = descents[static_cast<std::size_t>(slot)];
        if (!descent) descent.emplace(tree, points);
        descent->run(first, count, leaf.data() + chunk * step);
      },
      &monitor);
  if (monitor.stopped() == Stop::none) place(tree, side, members, leaf);
}

template float largest_modulus(MatrixView<const float>, const std::int32_t*, std::size_t,
                               const char*, int, Monitor&);
template double largest_modulus(MatrixView<const double>, const std::int32_t*, std::size_t,
                                const char*, int, Monitor&);
template void descend(Tree&, int, MatrixView<const float>, const std::vector<std::int32_t>&, int,
                      Monitor&);
template void descend(Tree&, int, MatrixView<const double>, const std::vector<std::int32_t>&, int,
                      Monitor&);

}  // namespace otcore::pyramid
