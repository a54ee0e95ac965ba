// Optimal transport between points of the line, for the costs |x - y|^p with p >= 1: sort both
// sides, couple them in order. The monotone coupling is optimal since the costs are convex in x - y
// (F. Santambrogio, Optimal Transport for Applied Mathematicians, 2015, section 2.2).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/monitor.h"

namespace otcore::oned {

// A row of `length` numbers for each problem of a batch, problem b's at data + b * stride; a stride
// of 0 means that one row serves all.
template <class T>
struct Rows {
  const T* data = nullptr;
  std::size_t length = 0;
  std::size_t stride = 0;

  [[nodiscard]] const T* row(std::size_t b) const { return data + b * stride; }
};

// `count` problems: points x (n) and y (m) with masses a (n) and b (m), whose data may be null for
// uniform masses of total 1. n, m < 2^31, both positive.
template <class T>
struct Lines {
  std::size_t count = 0;
  Rows<T> x;
  Rows<T> y;
  Rows<double> a;
  Rows<double> b;
};

struct Options {
  double p = 2.0;                // finite, >= 1
  int n_threads = 0;             // 0: num_threads()
  double mass_tolerance = 1e-6;  // relative difference of sum(a) and sum(b) that is normalised
};

// Where the answers go: arrays of the caller, problem b's part at b times the part's length. Null
// pointers are left out; value is not null. Values alone are fastest, where masses are uniform and
// n = m by far. Potentials, gap and plan: see exact::Solutions; they come together. Each gradient
// in the points comes by itself, and needs the order of its own side only where n = m and the
// masses are uniform.
struct Solutions {
  double* value = nullptr;        // [B]
  double* gap = nullptr;          // [B]
  double* potential_a = nullptr;  // [B, n]
  double* potential_b = nullptr;  // [B, m]
  std::int64_t* count = nullptr;  // [B]
  std::int32_t* rows = nullptr;   // [B, n + m - 1], by row and then by column
  std::int32_t* cols = nullptr;   // [B, n + m - 1]
  double* mass = nullptr;         // [B, n + m - 1]
  double* gradient_x = nullptr;   // [B, n]  d value / d x, 0 at the kink of p = 1
  double* gradient_y = nullptr;   // [B, m]
};

// Solves all problems; arithmetic is float64 for float and double points. The results are the same
// for any number of threads and whatever else is in the batch. Incomplete where `monitor` says
// stop. InvalidArgument for "x", "y" (not finite), "x, y" (the cost of the farthest points is
// 2^1020 or more), "a", "b" (negative, not finite, zero sum), "a, b" (masses differ), "x, y, a, b"
// (the transport cost overflows), of the lowest bad problem.
template <class T>
void solve(const Lines<T>& lines, const Options& options, const Solutions& out, Monitor& monitor);

}  // namespace otcore::oned
