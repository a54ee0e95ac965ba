// Sorting rows of numbers, alone or with the order that sorts them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned.h"

namespace otcore::oned {

// Sorts one row after another, of float or double: one Sorter per thread. Memory is allocated where
// it is first needed, and kept.
//
// Rows of kRadixSortFrom numbers and more are sorted by the digits of integers that are ordered as
// the numbers are: first by the leading bits, least significant digit first (which is stable), then
// by insertion, which repairs what the leading bits left equal. The time is proportional to n.
// Short rows are sorted by comparisons.
template <class T>
class Sorter {
 public:
  // Rows of n numbers, 0 < n < 2^31.
  explicit Sorter(std::size_t n) : n_(n) {}

  // sorted[0..n) = the numbers of the row, ascending; -0 comes out as 0. Returns the index of the
  // first number that is not finite, or -1 when all are; sorted is then not written.
  std::ptrdiff_t values(const T* row, double* sorted);

  // The same, and order[k] = where in the row sorted[k] was; equal numbers (-0 equals 0) keep the
  // order they have in the row.
  std::ptrdiff_t order(const T* row, double* sorted, std::int32_t* order);

 private:
  std::size_t n_;
  AlignedArray<unsigned char> memory_;
  std::size_t bytes_ = 0;

  template <class Item>
  Item* items();
};

}  // namespace otcore::oned
