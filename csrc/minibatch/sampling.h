// Which points make up the mini-batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace otcore::minibatch {

enum class Sampling {
  independent,       // each batch without repetition, the batches independent of each other
  with_replacement,  // every point of every batch drawn independently
  disjoint,          // the first k * m points of a random order: no point in two batches
};

// Distinct numbers in O(count), whatever the range. Keeps its memory from call to call.
class DistinctSampler {
 public:
  // out[0..count) = distinct numbers below `range` in random order, all such sequences equally
  // likely; count <= range. R. Floyd's algorithm (Bentley, Floyd, "Programming pearls: a sample of
  // brilliance", CACM 30 (1987)), then a shuffle.
  void draw(Random& random, std::size_t range, std::size_t count, std::int64_t* out);

 private:
  bool insert(std::uint64_t key);

  // Open addressing; a slot is taken when its stamp is the present draw's.
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint32_t> stamps_;
  std::uint32_t stamp_ = 0;
};

// Draws k batches of m of the points 0..n-1.
class Sampler {
 public:
  // What a thread needs to draw; grows to its size at the first use.
  struct Scratch {
    DistinctSampler distinct;
    std::vector<std::int64_t> drawn;
    std::vector<std::size_t> shares;
    std::vector<std::size_t> filled;
  };

  // With labels (n of them, any integers; null: none) every batch takes the same number of points
  // from each class, and one more from classes drawn at random where m does not divide evenly.
  // `side` ("x" or "y") tells the user which argument is wrong. InvalidArgument for "k", "m" (zero,
  // or more points than there are) and "labels_<side>" (a class with too few points).
  Sampler(std::size_t n, std::size_t k, std::size_t m, Sampling sampling,
          const std::int64_t* labels, std::string_view side);

  // out[0..k*m) = the batches, one after the other. Takes O(k (m + classes)) time.
  void draw(Random& random, Scratch& scratch, std::int64_t* out) const;

 private:
  void group_by_class(const std::int64_t* labels);
  void draw_group(Random& random, Scratch& scratch, std::int64_t* out) const;

  std::size_t k_;
  std::size_t m_;
  Sampling sampling_;
  std::size_t group_;                  // batches that share no point: 1, or all k
  std::vector<std::int64_t> members_;  // points by class; empty without labels
  std::vector<std::size_t> starts_;    // of the classes in members_, and n
};

}  // namespace otcore::minibatch
