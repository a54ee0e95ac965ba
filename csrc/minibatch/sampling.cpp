#include "minibatch/sampling.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string>

#include "base/error.h"
#include "base/sizes.h"

namespace otcore::minibatch {

void DistinctSampler::draw(Random& random, std::size_t range, std::size_t count,
                           std::int64_t* out) {
  if (keys_.size() < 2 * count || ++stamp_ == 0) {
    keys_.assign(std::max(keys_.size(), std::bit_ceil(2 * count + 1)), 0);
    stamps_.assign(keys_.size(), 0);
    stamp_ = 1;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t last = range - count + i;
    const std::uint64_t key = random.below(last + 1);
    const bool fresh = insert(key);
    if (!fresh) insert(last);
    out[i] = static_cast<std::int64_t>(fresh ? key : last);
  }
  random.shuffle(out, count);
}

bool DistinctSampler::insert(std::uint64_t key) {
  const std::size_t mask = keys_.size() - 1;
  std::size_t slot = static_cast<std::size_t>(scatter(key)) & mask;
  for (; stamps_[slot] == stamp_; slot = (slot + 1) & mask) {
    if (keys_[slot] == key) return false;
  }
  stamps_[slot] = stamp_;
  keys_[slot] = key;
  return true;
}

Sampler::Sampler(std::size_t n, std::size_t k, std::size_t m, Sampling sampling,
                 const std::int64_t* labels, std::string_view side)
    : k_(k), m_(m), sampling_(sampling), group_(sampling == Sampling::disjoint ? k : 1) {
  const std::string points = side == "x" ? "X" : "Y";
  const std::string size = std::to_string(n) + " points of " + points;
  if (n == 0) throw InvalidArgument(points, "no points", "at least one");
  if (k == 0) throw InvalidArgument("k", "0 batches", "at least 1");
  if (m == 0) throw InvalidArgument("m", "batches of 0 points", "at least 1");
  const std::size_t needed = checked_mul(group_, m, "k * m");
  checked_mul(k, m, "k * m");
  if (sampling == Sampling::disjoint && needed > n) {
    throw InvalidArgument("k, m", std::to_string(k) + " disjoint batches of " + std::to_string(m),
                          "k * m to be at most the " + size);
  }
  if (sampling == Sampling::independent && needed > n) {
    throw InvalidArgument("m", "batches of " + std::to_string(m) + " points",
                          "at most the " + size + ", or replacement=True");
  }
  starts_ = {0, n};
  if (labels == nullptr) return;

  group_by_class(labels);
  const std::size_t classes = starts_.size() - 1;
  const std::size_t share = group_ * ((m + classes - 1) / classes);
  for (std::size_t c = 0; sampling != Sampling::with_replacement && c < classes; ++c) {
    const std::size_t held = starts_[c + 1] - starts_[c];
    if (held >= share) continue;
    throw InvalidArgument("labels_" + std::string(side),
                          "class " + std::to_string(labels[members_[starts_[c]]]) + " has " +
                              std::to_string(held) + " points",
                          "at least " + std::to_string(share) + ", its share of " +
                              (group_ == 1 ? "a batch" : "all disjoint batches"));
  }
}

void Sampler::group_by_class(const std::int64_t* labels) {
  const std::size_t n = starts_.back();
  members_.resize(n);
  std::iota(members_.begin(), members_.end(), std::int64_t{0});
  std::stable_sort(members_.begin(), members_.end(),
                   [&](std::int64_t i, std::int64_t j) { return labels[i] < labels[j]; });
  starts_ = {0};
  for (std::size_t i = 1; i < n; ++i) {
    if (labels[members_[i]] != labels[members_[i - 1]]) starts_.push_back(i);
  }
  starts_.push_back(n);
}

void Sampler::draw(Random& random, Scratch& scratch, std::int64_t* out) const {
  for (std::size_t batch = 0; batch < k_; batch += group_) {
    draw_group(random, scratch, out + batch * m_);
  }
}

void Sampler::draw_group(Random& random, Scratch& scratch, std::int64_t* out) const {
  const std::size_t classes = starts_.size() - 1;
  scratch.drawn.resize(group_ * m_);
  scratch.shares.assign(group_ * classes, m_ / classes);
  scratch.filled.assign(group_, 0);
  std::int64_t* drawn = scratch.drawn.data();

  for (std::size_t batch = 0; batch < group_; ++batch) {
    scratch.distinct.draw(random, classes, m_ % classes, drawn);
    for (std::size_t i = 0; i < m_ % classes; ++i) {
      ++scratch.shares[batch * classes + static_cast<std::size_t>(drawn[i])];
    }
  }
  for (std::size_t c = 0; c < classes; ++c) {
    const std::size_t held = starts_[c + 1] - starts_[c];
    std::size_t count = 0;
    for (std::size_t batch = 0; batch < group_; ++batch) {
      count += scratch.shares[batch * classes + c];
    }
    if (sampling_ == Sampling::with_replacement) {
      for (std::size_t i = 0; i < count; ++i) {
        drawn[i] = static_cast<std::int64_t>(random.below(held));
      }
    } else {
      scratch.distinct.draw(random, held, count, drawn);
    }
    const std::int64_t* next = drawn;
    for (std::size_t batch = 0; batch < group_; ++batch) {
      for (std::size_t i = 0; i < scratch.shares[batch * classes + c]; ++i, ++next) {
        const std::size_t member = starts_[c] + static_cast<std::size_t>(*next);
        out[batch * m_ + scratch.filled[batch]++] = members_.empty() ? *next : members_[member];
      }
    }
  }
  for (std::size_t batch = 0; classes > 1 && batch < group_; ++batch) {
    random.shuffle(out + batch * m_, m_);
  }
}

}  // namespace otcore::minibatch
