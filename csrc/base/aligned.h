// Memory for kernels: aligned to a cache line, uninitialised.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

#include "base/sizes.h"

namespace otcore {

constexpr std::size_t kCacheLine = 64;

struct AlignedDelete {
  void operator()(void* memory) const noexcept {
    ::operator delete(memory, std::align_val_t{kCacheLine});
  }
};

template <class T>
using AlignedArray = std::unique_ptr<T[], AlignedDelete>;

// Room for `count` numbers. InvalidArgument naming `argument` where the size overflows.
template <class T>
AlignedArray<T> aligned_array(std::size_t count, const char* argument) {
  static_assert(std::is_trivial_v<T>);
  const std::size_t bytes = checked_mul(count, sizeof(T), argument);
  return AlignedArray<T>(static_cast<T*>(::operator new(bytes, std::align_val_t{kCacheLine})));
}

}  // namespace otcore
