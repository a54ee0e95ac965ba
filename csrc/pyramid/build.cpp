#include "pyramid/build.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/thread_pool.h"
#include "pyramid/descent.h"
#include "pyramid/kmeans.h"

namespace otcore::pyramid {
namespace {

// Streams of the seed that are not nodes'.
constexpr std::uint64_t kSampleStream = 0;  // and 1
constexpr std::uint64_t kRootStream = 2;

std::uint64_t child_stream(std::uint64_t stream, std::size_t child) {
  return scatter(stream * 0x9e3779b97f4a7c15ULL + child + 1);
}

// What all parts of a tree have in common while it grows.
template <class T>
struct Site {
  const Clouds<T>& clouds;
  const BuildOptions& options;
  const std::size_t leaf_size;
  const T scale;
  std::vector<std::int32_t> (&order)[2];
  Monitor& monitor;
};

// What a thread, or all of them together, splits nodes with.
template <class T>
struct Tools {
  explicit Tools(const BuildOptions& options) : kmeans(options.branching, options.n_iter) {}

  KMeans<T> kmeans;
  std::vector<T> origin;
  std::vector<std::int32_t> labels, moved;
};

// A tree below one node, whose places in the order of the points nobody else looks at.
template <class T>
class Branch {
 public:
  Branch(const Site<T>& site, const Node& root, const T* centre, std::uint64_t stream)
      : site_(site),
        nodes_{root},
        centres_(centre, centre + site.clouds.x.cols),
        streams_{stream} {}

  // Splits nodes, those that are added too, as long as there are any that are due and have more
  // than `above` points. Returns those that are due and have not.
  std::vector<std::size_t> grow(std::size_t above, Tools<T>& tools, const Crew<T>& crew) {
    std::vector<std::size_t> small;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (site_.monitor.stopped() != Stop::none) break;
      if (!is_due(nodes_[i])) continue;
      if (size(nodes_[i]) > above) {
        split(i, tools, crew);
      } else {
        small.push_back(i);
      }
    }
    return small;
  }

  // Puts another branch, grown from node `at`, in its place.
  void graft(std::size_t at, const Branch& other) {
    const auto shift = static_cast<std::int32_t>(nodes_.size()) - 1;
    nodes_[at].children = other.nodes_[0].children;
    nodes_[at].first_child = other.nodes_[0].first_child + shift;
    for (std::size_t i = 1; i < other.nodes_.size(); ++i) {
      nodes_.push_back(other.nodes_[i]);
      nodes_.back().first_child += shift;
    }
    const auto dims = static_cast<std::ptrdiff_t>(site_.clouds.x.cols);
    centres_.insert(centres_.end(), other.centres_.begin() + dims, other.centres_.end());
  }

  [[nodiscard]] Branch seedling(std::size_t node) const {
    return Branch(site_, nodes_[node], centres_.data() + node * site_.clouds.x.cols,
                  streams_[node]);
  }

  std::vector<Node>& nodes() { return nodes_; }
  [[nodiscard]] const std::vector<T>& centres() const { return centres_; }

 private:
  [[nodiscard]] static std::size_t size(const Node& node) {
    return static_cast<std::size_t>(node.size(0)) + static_cast<std::size_t>(node.size(1));
  }

  // The side that gives the centres of an interleaving tree.
  [[nodiscard]] static int giver(const Node& node) { return node.level % 2; }

  [[nodiscard]] bool is_due(const Node& node) const {
    if (static_cast<std::size_t>(node.level) >= std::min(site_.options.depth, kDeepest))
      return false;
    if (size(node) <= site_.leaf_size) return false;
    return site_.options.mode == Mode::joint || node.size(giver(node)) > 0;
  }

  [[nodiscard]] Members<T> members(const Node& node, int side) const {
    return {site_.clouds.side(side), site_.order[side].data() + node.begin[side],
            static_cast<std::size_t>(node.size(side))};
  }

  void split(std::size_t number, Tools<T>& tools, const Crew<T>& crew) {
    const Node node = nodes_[number];
    const std::size_t dims = site_.clouds.x.cols;
    tools.origin.assign(centres_.begin() + static_cast<std::ptrdiff_t>(number * dims),
                        centres_.begin() + static_cast<std::ptrdiff_t>((number + 1) * dims));
    const Frame<T> frame{site_.scale, tools.origin.data()};
    const Members<T> sides[2] = {members(node, 0), members(node, 1)};
    tools.labels.resize(size(node));
    std::int32_t* labels[2] = {tools.labels.data(), tools.labels.data() + sides[0].count};
    Random random(site_.options.seed, streams_[number]);
    if (site_.options.mode == Mode::joint) {
      tools.kmeans.run(Blocks<T>(sides[0], sides[1], frame), random, crew, labels[0]);
    } else {
      const int from = giver(node);
      const Members<T> none{sides[0].points, nullptr, 0};
      tools.kmeans.run(Blocks<T>(sides[from], none, frame), random, crew, labels[from]);
      tools.kmeans.assign(Blocks<T>(sides[1 - from], none, frame), crew, labels[1 - from]);
    }
    add_children(number, tools, labels);
  }

  // A split that separates nothing leaves a leaf.
  void add_children(std::size_t number, Tools<T>& tools, std::int32_t* const (&labels)[2]) {
    const std::size_t children = tools.kmeans.count();
    if (children < 2) return;
    const Node node = nodes_[number];
    const std::size_t first = nodes_.size();
    Node child = node;
    child.level = node.level + 1;
    nodes_.resize(first + children, child);
    for (const int side : {0, 1}) {
      const auto ends = partition(node, side, labels[side], children, tools.moved);
      for (std::size_t c = 0; c < children; ++c) {
        nodes_[first + c].begin[side] = c == 0 ? node.begin[side] : ends[c - 1];
        nodes_[first + c].end[side] = ends[c];
      }
    }
    nodes_[number].first_child = static_cast<std::int32_t>(first);
    nodes_[number].children = static_cast<std::int32_t>(children);
    const std::vector<T>& centres = tools.kmeans.centres();
    centres_.insert(centres_.end(), centres.begin(), centres.end());
    for (std::size_t c = 0; c < children; ++c) {
      streams_.push_back(child_stream(streams_[number], c));
    }
  }

  // Orders the points of a node by their label, keeping the order within; where each label ends.
  std::vector<std::int32_t> partition(const Node& node, int side, const std::int32_t* labels,
                                      std::size_t children, std::vector<std::int32_t>& moved) {
    std::int32_t* own = site_.order[side].data() + node.begin[side];
    const auto count = static_cast<std::size_t>(node.size(side));
    std::vector<std::int32_t> next(children + 1, 0);
    for (std::size_t i = 0; i < count; ++i) ++next[static_cast<std::size_t>(labels[i]) + 1];
    for (std::size_t c = 0; c < children; ++c) next[c + 1] += next[c];
    moved.assign(own, own + count);
    for (std::size_t i = 0; i < count; ++i) {
      own[next[static_cast<std::size_t>(labels[i])]++] = moved[i];
    }
    next.pop_back();
    for (std::int32_t& end : next) end += node.begin[side];
    return next;
  }

  const Site<T>& site_;
  std::vector<Node> nodes_;
  std::vector<T> centres_;
  std::vector<std::uint64_t> streams_;  // of random numbers
};

void check_options(const BuildOptions& options) {
  if (options.branching < 2) {
    throw InvalidArgument("branching", std::to_string(options.branching) + " children",
                          "at least 2");
  }
  if (options.leaf_size < 1) throw InvalidArgument("leaf_size", "0 points", "at least 1");
}

// A power of two that brings `largest` to [1/2, 1), as far as T has it.
template <class T>
T scale_for(T largest) {
  constexpr int kMost = sizeof(T) == sizeof(float) ? 120 : 1000;
  int exponent = 0;
  std::frexp(largest, &exponent);
  return std::ldexp(T{1}, std::clamp(-exponent, -kMost, kMost));
}

// `count` of the members, in order.
std::vector<std::int32_t> sample(const std::vector<std::int32_t>& members, std::size_t count,
                                 std::uint64_t seed, int side) {
  if (count == 0 || count >= members.size()) return members;
  std::vector<std::int32_t> chosen = members;
  Random random(seed, kSampleStream + static_cast<std::uint64_t>(side));
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(chosen[i], chosen[i + random.below(chosen.size() - i)]);
  }
  chosen.resize(count);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

// About the mean of both sides, times scale: of at most kSeedPoints points of each.
template <class T>
std::vector<T> middle(const Clouds<T>& clouds, const std::vector<std::int32_t> (&members)[2],
                      T scale) {
  std::vector<double> sums(clouds.x.cols, 0.0);
  std::size_t count = 0;
  for (const int side : {0, 1}) {
    const std::size_t step = (members[side].size() + kSeedPoints - 1) / kSeedPoints;
    for (std::size_t i = 0; i < members[side].size(); i += step, ++count) {
      const T* x = clouds.side(side).row(static_cast<std::size_t>(members[side][i]));
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += static_cast<double>(x[k] * scale);
    }
  }
  std::vector<T> centre(sums.size());
  for (std::size_t k = 0; k < sums.size(); ++k) {
    centre[k] = static_cast<T>(sums[k] / static_cast<double>(count));
  }
  return centre;
}

template <class T>
Branch<T> grow(const Site<T>& site, const Node& root, const std::vector<T>& centre) {
  const int threads = site.options.n_threads;
  const auto slots = static_cast<std::size_t>(slots_for(kTasks, threads));
  std::vector<Workspace<T>> workspaces(slots);
  std::vector<Tools<T>> tools(slots, Tools<T>(site.options));
  Branch<T> trunk(site, root, centre.data(), kRootStream);
  const std::vector<std::size_t> nodes = trunk.grow(
      kSubtreePoints, tools[0], {workspaces.data(), static_cast<int>(slots), &site.monitor});
  std::vector<Branch<T>> branches;
  branches.reserve(nodes.size());
  for (const std::size_t node : nodes) branches.push_back(trunk.seedling(node));
  parallel_for(
      branches.size(), static_cast<int>(slots),
      [&](std::size_t i, int slot) {
        const auto own = static_cast<std::size_t>(slot);
        branches[i].grow(0, tools[own], {&workspaces[own], 1, nullptr});
      },
      &site.monitor);
  for (std::size_t i = 0; i < branches.size(); ++i) trunk.graft(nodes[i], branches[i]);
  return trunk;
}

}  // namespace

template <class T>
Tree build(const Clouds<T>& clouds, std::vector<std::int32_t> (&members)[2],
           const BuildOptions& options, Monitor& monitor) {
  check_options(options);
  Tree tree;
  tree.dims = clouds.x.cols;
  T largest{0};
  double part = 1.0;
  for (const int side : {0, 1}) {
    tree.order[side] = sample(members[side], options.n_samples, options.seed, side);
    part = std::min(part, static_cast<double>(tree.order[side].size()) /
                              static_cast<double>(members[side].size()));
    largest = std::max(largest, largest_modulus(clouds.side(side), tree.order[side].data(),
                                                tree.order[side].size(), side == 0 ? "X" : "Y",
                                                options.n_threads, monitor));
  }
  const bool sampled = part < 1.0;
  std::size_t leaf_size = options.leaf_size;
  if (sampled) {
    // Fewer points than centres tell nothing of where points are.
    leaf_size = std::max(static_cast<std::size_t>(part * static_cast<double>(leaf_size)),
                         options.branching);
  }
  const T scale = scale_for(largest);
  tree.scale = static_cast<double>(scale);
  const std::vector<T> centre = middle(clouds, tree.order, scale);
  Node root;
  for (const int side : {0, 1}) root.end[side] = static_cast<std::int32_t>(tree.order[side].size());
  const Site<T> site{clouds, options, leaf_size, scale, tree.order, monitor};
  Branch<T> grown = grow(site, root, centre);
  tree.nodes = std::move(grown.nodes());
  tree.centres.assign(grown.centres().begin(), grown.centres().end());
  for (const int side : {0, 1}) {
    if (!sampled || monitor.stopped() != Stop::none) break;
    descend(tree, side, clouds.side(side), members[side], options.n_threads, monitor);
  }
  return tree;
}

template <class T>
void reassign(Tree& tree, int side, MatrixView<const T> points, int n_threads, Monitor& monitor) {
  std::vector<std::int32_t> members = tree.order[side];
  std::sort(members.begin(), members.end());
  descend(tree, side, points, members, n_threads, monitor);
}

template Tree build(const Clouds<float>&, std::vector<std::int32_t> (&)[2], const BuildOptions&,
                    Monitor&);
template Tree build(const Clouds<double>&, std::vector<std::int32_t> (&)[2], const BuildOptions&,
                    Monitor&);
template void reassign(Tree&, int, MatrixView<const float>, int, Monitor&);
template void reassign(Tree&, int, MatrixView<const double>, int, Monitor&);

}  // namespace otcore::pyramid
