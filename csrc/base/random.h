// Random numbers that depend on the seed alone: the same on every platform and compiler.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace otcore {

// The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014): a bijection of 64-bit numbers that scatters neighbours.
constexpr std::uint64_t scatter(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// xoshiro256** 1.0 (Blackman, Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47
// (2021)), its state filled by SplitMix64 as the authors advise. Streams of one seed are
// independent for all practical purposes: work that runs in parallel takes one stream per piece.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) {
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
    std::uint64_t x = scatter(seed + kGolden) ^ scatter(stream * kGolden);
    for (std::uint64_t& word : state_) word = scatter(x += kGolden);
  }

  // Uniform on [0, 2^64).
  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Uniform on [0, bound), without bias; bound > 0. Lemire, "Fast random integer generation in an
  // interval", ACM TOMACS 29 (2019).
  std::uint64_t below(std::uint64_t bound) {
    using Wide = unsigned __int128;
    Wide product = Wide{next()} * bound;
    if (static_cast<std::uint64_t>(product) < bound) {
      const std::uint64_t threshold = (0 - bound) % bound;
      while (static_cast<std::uint64_t>(product) < threshold) product = Wide{next()} * bound;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

  // Every order of items[0..count) is equally likely (Fisher and Yates).
  template <class T>
  void shuffle(T* items, std::size_t count) {
    for (std::size_t i = count; i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_[4];
};

}  // namespace otcore
