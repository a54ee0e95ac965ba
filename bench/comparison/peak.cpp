// What one core can do at most in float32: fused multiply-adds, and exponentials of the least work
// that reaches float32 precision. Compiled by machine.py for the machine it runs on. Registers
// only, enough independent chains to hide latency.
#include <cstdint>
#include <cstring>

namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float Vec [[gnu::vector_size(kBytes)]];
typedef std::int32_t Ints [[gnu::vector_size(kBytes)]];
constexpr int kLanes = kBytes / 4;
constexpr int kChains = 12;

// exp2(-x) for 0 <= x < 126: the integer part by adding 1.5 2^23, a polynomial of degree 5 for the
// rest (relative error 2^-22), the integer part added to the exponent.
inline Vec exp2_negative(Vec x) {
  const Vec magic = Vec{} + 12582912.0f;
  const Vec shifted = magic - x;
  const Vec rest = (magic - shifted) - x;
  Vec p = Vec{} + 1.33336e-3f;
  p = p * rest + 9.61812e-3f;
  p = p * rest + 5.55041e-2f;
  p = p * rest + 2.402265e-1f;
  p = p * rest + 6.931472e-1f;
  p = p * rest + 1.0f;
  Ints bits, power;
  std::memcpy(&bits, &p, kBytes);
  std::memcpy(&power, &shifted, kBytes);
  bits += power << 23;
  std::memcpy(&p, &bits, kBytes);
  return p;
}

template <class Step>
float run(std::int64_t rounds, Step step) {
  Vec chain[kChains];
#pragma GCC unroll 12
  for (int k = 0; k < kChains; ++k) chain[k] = Vec{} + 0.5f + 0.01f * static_cast<float>(k);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) chain[k] = step(chain[k]);
  }
  Vec sum{};
#pragma GCC unroll 12
  for (int k = 0; k < kChains; ++k) sum += chain[k];
  return sum[0];
}

}  // namespace

extern "C" {

// Operations in one round.
std::int64_t operations_per_round() { return kChains * kLanes; }

float multiply_adds(std::int64_t rounds) {
  return run(rounds, [](Vec x) { return x * 0.999999f + 1e-7f; });
}

float exponentials(std::int64_t rounds) {
  return run(rounds, [](Vec x) { return exp2_negative(x); });
}
}
