// Kernels of the entropic room: how accurate their functions are, and all tests at every level.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "base/isa.h"
#include "entropic/kernels.h"

namespace otcore::entropic {
namespace {

using Real = long double;

TEST(Functions, AreAccurate) {
  const Functions& functions = kernel_table().functions;
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> exponent(-1022.0, 1023.0);
  std::vector<double> x(100001), out(x.size());
  for (double& v : x) v = exponent(generator) * (generator() % 2 == 0 ? 1.0 : 0.01);
  for (double v = -5.0; v < 5.0; ++v) x[static_cast<std::size_t>(v + 5.0)] = v;
  functions.exp2(x.data(), x.size(), out.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real exact = std::exp2(Real(x[i]));
    ASSERT_LE(std::abs(Real(out[i]) - exact), 3 * 0x1p-53L * exact) << x[i];
  }
  const std::vector<double> far = {-1022.0, -1080.0, -1e9, -1e300, 1023.0, 1024.0, 1e300};
  const std::vector<double> ends = {0x1p-1022, 0.0, 0.0, 0.0, 0x1p1023, 0x1p1023, 0x1p1023};
  out.resize(far.size());
  functions.exp2(far.data(), far.size(), out.data());
  for (std::size_t k = 0; k < far.size(); ++k) {
    EXPECT_NEAR(out[k], ends[k], 3 * 0x1p-53 * ends[k]) << far[k];
  }

  out.resize(x.size());
  for (double& v : x) v = std::exp2(exponent(generator) * (generator() % 2 == 0 ? 1.0 : 1e-3));
  x[0] = 1.0;
  functions.log2(x.data(), x.size(), out.data());
  EXPECT_EQ(out[0], 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Real exact = std::log2(Real(x[i]));
    const Real size = std::max(std::abs(exact), std::abs(std::round(exact)));
    ASSERT_LE(std::abs(Real(out[i]) - exact), 4 * 0x1p-53L * size) << x[i];
  }
}

// Powers of float32 through a block of one row, whose exponents are v.
TEST(Functions, FloatPowersAreAccurate) {
  const Kernels<float>& kernels = kernel_table().f32;
  constexpr std::size_t kCount = 1 << 16;
  std::vector<float> v(kCount), out(kCount), costs(kCount, 0.0f);
  const float u = 0.0f;
  const Block<float> block{&u, v.data(),     1,      kCount, nullptr, nullptr,
                           0,  costs.data(), kCount, 1.0f,   0.0f,    1.0f};
  for (int turn = 0; turn < 64; ++turn) {
    // All of [-126, 127), one number in about 30.
    for (std::size_t k = 0; k < kCount; ++k) {
      const double part = (static_cast<double>(turn) + static_cast<double>(k) / kCount) / 64;
      v[k] = static_cast<float>(turn % 2 == 0 ? -126.0 + 253.0 * part : 2.0 * part - 1.0);
    }
    kernels.powers(block, out.data(), kCount);
    for (std::size_t k = 0; k < kCount; ++k) {
      const double exact = std::exp2(static_cast<double>(v[k]));
      ASSERT_LE(std::abs(static_cast<double>(out[k]) - exact), 3 * 0x1p-24 * exact) << v[k];
    }
  }
  const std::vector<float> far = {-126.0f, -160.0f, -1e9f, -1e38f, 127.0f, 128.0f, 1e38f, 0.0f};
  const std::vector<float> ends = {0x1p-126f, 0.0f, 0.0f, 0.0f, 0x1p127f, 0x1p127f, 0x1p127f, 1.0f};
  std::copy(far.begin(), far.end(), v.begin());
  kernels.powers(block, out.data(), kCount);
  for (std::size_t k = 0; k < far.size(); ++k) {
    EXPECT_NEAR(out[k], ends[k], 3 * 0x1p-24f * ends[k]) << far[k];
  }
  for (std::size_t k = 0; k < kCount; ++k)
    v[k] = -126.0f - 24.0f * static_cast<float>(k + 1) / kCount;
  kernels.powers(block, out.data(), kCount);
  for (std::size_t k = 0; k < kCount; ++k) {
    ASSERT_TRUE(out[k] >= 0.0f && out[k] < 0x1p-126f) << v[k];
  }
}

// The tests of this program, in a process of its own for every level below the one in use.
TEST(Levels, PassTheSameTests) {
  if (std::getenv("OTCORE_ISA") != nullptr) GTEST_SKIP() << "one level was asked for";
  const std::string self = testing::internal::GetArgvs().front();
  for (const Isa isa : supported_isas()) {
    if (isa == active_isa()) continue;
    const std::string command = "OTCORE_ISA=" + std::string(isa_name(isa)) + " '" + self +
                                "' --gtest_brief=1 --gtest_filter='-Levels.*'";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }
}

}  // namespace
}  // namespace otcore::entropic
