// Points, batches and random numbers for the tests of mini-batch transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "minibatch/sampling.h"
#include "minibatch/transport.h"

namespace otcore::minibatch {

using Numbers = std::vector<double>;
using Indices = std::vector<std::int64_t>;

template <class Call>
std::string invalid_argument_of(Call call) {
  try {
    call();
  } catch (const InvalidArgument& error) {
    return error.argument();
  }
  return "";
}

inline Numbers uniform_numbers(std::size_t count, std::uint64_t stream) {
  Random random(7, stream);
  Numbers numbers(count);
  for (double& x : numbers) x = static_cast<double>(random.next() >> 11) * 0x1p-53;
  return numbers;
}

inline Indices draw(std::size_t n, std::size_t k, std::size_t m, Sampling sampling,
                    const std::vector<std::int64_t>& labels = {}, std::uint64_t stream = 0) {
  Indices out(k * m, -1);
  Sampler::Scratch scratch;
  Random random(3, stream);
  Sampler(n, k, m, sampling, labels.empty() ? nullptr : labels.data(), "x")
      .draw(random, scratch, out.data());
  return out;
}

struct Data {
  std::size_t n = 200, d = 3, kx = 6, mx = 8, ky = 6, my = 8;
  Numbers x = uniform_numbers(n * d, 60), y = uniform_numbers(n * d, 61);
  Numbers a, b;
  Indices batches_x, batches_y;

  void draw_batches() {
    batches_x = draw(n, kx, mx, Sampling::independent, {}, 1);
    batches_y = draw(n, ky, my, Sampling::independent, {}, 2);
  }
  [[nodiscard]] Side<double> side_x() const {
    return {{x.data(), n, d, d}, a.empty() ? nullptr : a.data(), kx, mx};
  }
  [[nodiscard]] Side<double> side_y() const {
    return {{y.data(), n, d, d}, b.empty() ? nullptr : b.data(), ky, my};
  }
};

inline Data make_data(std::size_t kx, std::size_t mx, std::size_t ky, std::size_t my) {
  Data data;
  data.kx = kx;
  data.mx = mx;
  data.ky = ky;
  data.my = my;
  data.draw_batches();
  return data;
}

}  // namespace otcore::minibatch
