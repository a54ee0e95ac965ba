#include "sliced/directions.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "sliced/kernels.h"

namespace otcore::sliced {
namespace {

// Uniform on (0, 1).
double uniform(Random& random) {
  return (static_cast<double>(random.next() >> 11) + 0.5) * 0x1p-53;
}

// Numbers that are made normal at a time.
constexpr std::size_t kChunk = 512;

// out[0 .. count) = normals; draw() gives the two uniforms of a pair.
template <class Draw>
void fill_normal(const Draw& draw, double* out, std::size_t count) {
  double u[kChunk / 2];
  double v[kChunk / 2];
  double last[2];
  for (std::size_t k = 0; k < count; k += kChunk) {
    const std::size_t some = std::min(kChunk, count - k);
    for (std::size_t i = 0; 2 * i < some; ++i) std::tie(u[i], v[i]) = draw();
    const std::size_t pairs = some / 2;
    kernels().normals(u, v, pairs, out + k);
    if (some % 2 == 0) continue;
    kernels().normals(u + pairs, v + pairs, 1, last);
    out[count - 1] = last[0];
  }
}

void fill_normal(Random& random, double* out, std::size_t count) {
  const auto draw = [&random] {
    const double u = uniform(random);
    return std::pair(u, uniform(random));
  };
  fill_normal(draw, out, count);
}

double dot(const double* x, const double* y, std::size_t dims) {
  constexpr std::size_t kSums = 8;  // side by side: one alone waits for each sum
  double sums[kSums] = {};
  std::size_t k = 0;
  for (; k + kSums <= dims; k += kSums) {
    for (std::size_t i = 0; i < kSums; ++i) sums[i] += x[k + i] * y[k + i];
  }
  for (std::size_t i = 0; k + i < dims; ++i) sums[i] += x[k + i] * y[k + i];
  return std::accumulate(sums, sums + kSums, 0.0);
}

// Scales to length 1; false for a vector that is too short for that.
bool normalise(double* x, std::size_t dims) {
  const double length = std::sqrt(dot(x, x, dims));
  if (!(length > 1e-8)) return false;
  const double scale = 1.0 / length;
  for (std::size_t k = 0; k < dims; ++k) x[k] *= scale;
  return true;
}

// A new direction, orthogonal to the `before` unit vectors that stand before it (fewer than dims).
void sample_orthogonal(Random& random, std::size_t dims, std::size_t before, double* out) {
  do {
    fill_normal(random, out, dims);
    if (!normalise(out, dims)) continue;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t l = before; l > 0; --l) {
        const double* other = out - l * dims;
        const double along = dot(out, other, dims);
        for (std::size_t k = 0; k < dims; ++k) out[k] -= along * other[k];
      }
    }
  } while (!normalise(out, dims));
}

std::vector<double> roots_of_primes(std::size_t count) {
  std::vector<double> roots;
  std::vector<std::size_t> primes;
  for (std::size_t candidate = 2; roots.size() < count; ++candidate) {
    const bool prime = std::none_of(primes.begin(), primes.end(), [candidate](std::size_t p) {
      return p * p <= candidate && candidate % p == 0;
    });
    if (!prime) continue;
    primes.push_back(candidate);
    roots.push_back(std::sqrt(static_cast<double>(candidate)));
  }
  return roots;
}

void sample_quasi(Random& random, std::size_t dims, std::size_t count, double* out) {
  if (dims == 2) {
    const double shift = uniform(random);
    for (std::size_t l = 0; l < count; ++l) {
      // Half a turn: a direction and its opposite slice alike.
      const double angle =
          std::numbers::pi * (static_cast<double>(l) + shift) / static_cast<double>(count);
      out[2 * l] = std::cos(angle);
      out[2 * l + 1] = std::sin(angle);
    }
    return;
  }
  const std::size_t padded = dims + dims % 2;
  const std::vector<double> steps = roots_of_primes(padded);
  std::vector<double> shifts(padded);
  for (double& shift : shifts) shift = uniform(random);
  for (std::size_t l = 0; l < count; ++l) {
    double* direction = out + l * dims;
    const auto at = [&](std::size_t k) {
      const double x = shifts[k] + static_cast<double>(l) * steps[k];
      return std::max(x - std::floor(x), 0x1p-53);
    };
    std::size_t k = 0;
    const auto draw = [&] {
      const std::size_t first = k;
      k += 2;
      return std::pair(at(first), at(first + 1));
    };
    fill_normal(draw, direction, dims);
    if (!normalise(direction, dims)) sample_orthogonal(random, dims, 0, direction);
  }
}

}  // namespace

Sampling parse_sampling(std::string_view name) {
  if (name == "gaussian") return Sampling::gaussian;
  if (name == "orthogonal") return Sampling::orthogonal;
  if (name == "quasi") return Sampling::quasi;
  throw InvalidArgument("directions", "'" + std::string(name) + "'",
                        "'gaussian', 'orthogonal' or 'quasi'");
}

void sample_directions(Sampling sampling, std::size_t dims, std::size_t count, Random random,
                       double* out) {
  if (sampling == Sampling::quasi) return sample_quasi(random, dims, count, out);
  const std::size_t block = sampling == Sampling::orthogonal ? dims : 1;
  for (std::size_t l = 0; l < count; ++l) {
    sample_orthogonal(random, dims, l % block, out + l * dims);
  }
}

void sample_planes(std::size_t dims, std::size_t count, std::uint64_t seed, double* out) {
  Random random(seed);
  for (std::size_t l = 0; l < 2 * count; ++l) {
    sample_orthogonal(random, dims, l % 2, out + l * dims);
  }
}

}  // namespace otcore::sliced
