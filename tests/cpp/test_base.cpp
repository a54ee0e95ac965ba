// Checked sizes, masses, sums, ISA choice, monitor and thread pool.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/isa.h"
#include "base/masses.h"
#include "base/monitor.h"
#include "base/sizes.h"
#include "base/sum.h"
#include "base/thread_pool.h"

namespace otcore {
namespace {

using std::chrono::milliseconds;

// Runs `body` in a forked child, which has a pool and once-only settings of its own to spoil;
// returns its exit status. 124 when it hangs.
template <class Body>
int exit_status_in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body());
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGALRM ? 124 : 128 + WTERMSIG(status);
  return WEXITSTATUS(status);
}

// Some work that the compiler cannot remove.
double busy(std::size_t seed) {
  double x = 1.0 + static_cast<double>(seed);
  for (int i = 0; i < 2000; ++i) x = std::sqrt(x + 1.0);
  return x;
}

template <class Call>
std::string invalid_argument_of(Call call) {
  try {
    call();
  } catch (const InvalidArgument& error) {
    return error.argument();
  }
  return "(no error)";
}

// ---- sizes and errors

TEST(CheckedMul, MultipliesUpToTheLargestSize) {
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(checked_mul(0, kMax, "M"), 0U);
  EXPECT_EQ(checked_mul(kMax, 0, "M"), 0U);
  EXPECT_EQ(checked_mul(kMax, 1, "M"), kMax);
  EXPECT_EQ(checked_mul(1U << 20, 1U << 30, "M"), std::size_t{1} << 50);
  EXPECT_EQ(invalid_argument_of([] { checked_mul(kMax / 2 + 1, 2, "M"); }), "M");
}

TEST(RoundUp, GivesTheNextMultiple) {
  EXPECT_EQ(round_up(0, 8), 0U);
  EXPECT_EQ(round_up(1, 8), 8U);
  EXPECT_EQ(round_up(8, 8), 8U);
  EXPECT_EQ(round_up(9, 8), 16U);
}

TEST(InvalidArgument, SaysArgumentProblemAndExpectation) {
  const InvalidArgument error("a", "value -1 at index 3", "non-negative weights");
  EXPECT_STREQ(error.what(), "a: value -1 at index 3, expected non-negative weights");
  EXPECT_EQ(error.argument(), "a");
}

// ---- masses and sums

TEST(Masses, AddUpExactlyAndKeepEveryWeight) {
  const std::vector<double> a{0.0, 1e-15, 0.3, 0.7 - 1e-15};
  const std::vector<double> b{0.25, 0.0, 0.75000001};
  Masses masses(a.size(), b.size());
  masses.set(a.data(), b.data(), 1e-6);
  const auto sum = [](const auto& v) {
    return std::accumulate(v.begin(), v.end(), std::int64_t{0});
  };
  EXPECT_EQ(sum(masses.supply()), sum(masses.demand()));
  EXPECT_LE(static_cast<double>(sum(masses.supply())), 0x1.00001p62);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(masses.mass(masses.supply()[i]), a[i], a[i] * 0x1p-51 + 7 * 0x1p-62);
  }
  EXPECT_EQ(masses.rows(), (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(masses.cols(), (std::vector<std::int32_t>{0, 2}));
}

TEST(CompensatedSum, KeepsWhatCancels) {
  CompensatedSum sum;
  for (const double x : {1.0, 1e100, 1.0, -1e100}) sum.add(x);
  EXPECT_EQ(sum.value(), 2.0);
}

// ---- instruction sets

TEST(Isa, SupportedLevelsAreCompiledLevelsInOrder) {
  const std::vector<Isa> compiled = compiled_isas();
  const std::vector<Isa> supported = supported_isas();
  ASSERT_FALSE(supported.empty());
  EXPECT_EQ(supported.front(), Isa::baseline);
  EXPECT_TRUE(std::ranges::is_sorted(compiled));
  EXPECT_TRUE(std::ranges::includes(compiled, supported));
}

TEST(Isa, NamesDiffer) {
  std::set<std::string> names;
  for (const Isa isa : compiled_isas()) names.emplace(isa_name(isa));
  EXPECT_EQ(names.size(), compiled_isas().size());
}

TEST(Isa, EveryNameOfASupportedLevelChoosesIt) {
  for (const Isa isa : supported_isas()) {
    const std::string name(isa_name(isa));
    // The choice is made once per process, so a test process that made it already cannot ask again.
    EXPECT_EXIT(
        {
          setenv("OTCORE_ISA", name.c_str(), 1);
          std::_Exit(active_isa() == isa ? 0 : 1);
        },
        testing::ExitedWithCode(0), "")
        << name;
  }
}

TEST(Isa, UnknownNameIsAnError) {
  EXPECT_EXIT(
      {
        setenv("OTCORE_ISA", "sse9", 1);
        std::_Exit(invalid_argument_of([] { active_isa(); }) == "OTCORE_ISA" ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// ---- monitor

TEST(Monitor, WithoutHooksNeverStops) {
  Monitor monitor;
  EXPECT_EQ(monitor.poll(), Stop::none);
  EXPECT_EQ(monitor.stopped(), Stop::none);
}

TEST(Monitor, StopsAtTheTimeLimitAndStaysStopped) {
  Monitor monitor({}, {}, 0.02);
  EXPECT_EQ(monitor.poll(), Stop::none);
  std::this_thread::sleep_for(milliseconds(25));
  EXPECT_EQ(monitor.stopped(), Stop::none);
  EXPECT_EQ(monitor.poll(), Stop::time_limit);
  EXPECT_EQ(monitor.stopped(), Stop::time_limit);
  EXPECT_EQ(monitor.poll(), Stop::time_limit);
}

TEST(Monitor, TimeLimitCountsOnEveryThread) {
  Monitor monitor({}, {}, 0.0);
  Stop seen = Stop::none;
  std::thread([&] { seen = monitor.poll(); }).join();
  EXPECT_EQ(seen, Stop::time_limit);
}

TEST(Monitor, EndlessTimeLimitIsNone) {
  for (const double limit : {1e300, std::numeric_limits<double>::infinity()}) {
    Monitor monitor({}, {}, limit);
    EXPECT_EQ(monitor.poll(), Stop::none);
  }
}

TEST(Monitor, RefusesNegativeAndNanTimeLimits) {
  for (const double limit : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(invalid_argument_of([&] { Monitor monitor({}, {}, limit); }), "time_limit");
  }
}

TEST(Monitor, HooksRunOnTheOwnerAtMostEveryInterval) {
  int asked = 0;
  std::vector<std::size_t> done;
  Monitor monitor(
      [&] {
        ++asked;
        return false;
      },
      [&](std::size_t now, std::size_t total) {
        done.push_back(now);
        EXPECT_EQ(total, 7U);
      });
  monitor.set_total(7);
  monitor.poll();
  EXPECT_EQ(asked, 0) << "a short call runs no hooks";

  std::this_thread::sleep_for(Monitor::kPollInterval);
  std::thread([&] { monitor.poll(); }).join();
  EXPECT_EQ(asked, 0) << "another thread runs no hooks";

  monitor.add_done(3);
  monitor.poll();
  monitor.poll();
  EXPECT_EQ(asked, 1);
  monitor.add_done(4);
  monitor.finish();
  EXPECT_EQ(done, (std::vector<std::size_t>{3, 7}));
}

TEST(Monitor, InterruptStopsAndIsNotAskedAgain) {
  int asked = 0;
  Monitor monitor([&] { return ++asked > 0; });
  std::this_thread::sleep_for(Monitor::kPollInterval);
  EXPECT_EQ(monitor.poll(), Stop::interrupted);
  std::this_thread::sleep_for(Monitor::kPollInterval);
  EXPECT_EQ(monitor.poll(), Stop::interrupted);
  EXPECT_EQ(asked, 1);
}

TEST(Monitor, ExceptionOfAHookStopsTheCallAndPasses) {
  Monitor monitor({}, [](std::size_t, std::size_t) { throw std::runtime_error("hook"); });
  std::this_thread::sleep_for(Monitor::kPollInterval);
  EXPECT_THROW(monitor.poll(), std::runtime_error);
  EXPECT_EQ(monitor.stopped(), Stop::interrupted);
}

// ---- number of threads

int num_threads_with(const char* ours, const char* openmp) {
  return exit_status_in_child([&] {
    ours != nullptr ? setenv("OTCORE_NUM_THREADS", ours, 1) : unsetenv("OTCORE_NUM_THREADS");
    openmp != nullptr ? setenv("OMP_NUM_THREADS", openmp, 1) : unsetenv("OMP_NUM_THREADS");
    try {
      return num_threads();
    } catch (const InvalidArgument& error) {
      return error.argument() == "OTCORE_NUM_THREADS" ? 200 : 201;
    }
  });
}

TEST(NumThreads, IsTheSmallestOfAffinityAndVariables) {
  const int processors = num_threads_with(nullptr, nullptr);
  ASSERT_GE(processors, 1);
  EXPECT_EQ(num_threads_with("1", nullptr), 1);
  EXPECT_EQ(num_threads_with(nullptr, "1"), 1);
  EXPECT_EQ(num_threads_with(nullptr, "1,4"), 1);
  EXPECT_EQ(num_threads_with("99999", "99999999999999999999"), processors);
  EXPECT_EQ(num_threads_with("", ""), processors);
}

TEST(NumThreads, MalformedVariables) {
  const int processors = num_threads_with(nullptr, nullptr);
  for (const char* text : {"0", "-1", "two", "2x", " 2", "-99999999999999999999"}) {
    EXPECT_EQ(num_threads_with(text, nullptr), 200) << text;
  }
  for (const char* text : {"0", "-1", "two", "1x"}) {
    EXPECT_EQ(num_threads_with(nullptr, text), processors) << text;
  }
}

TEST(NumThreads, SetNumThreadsWins) {
  EXPECT_EQ(exit_status_in_child([] {
              set_num_threads(7);
              return num_threads();
            }),
            7);
  EXPECT_EQ(invalid_argument_of([] { set_num_threads(0); }), "n_threads");
  EXPECT_EQ(invalid_argument_of([] { resolve_threads(-1); }), "n_threads");
}

// ---- thread pool

class Pool : public testing::TestWithParam<int> {};

TEST_P(Pool, RunsEveryChunkOnceWithSlotsOfItsOwn) {
  const int threads = GetParam();
  for (const std::size_t chunks : {0U, 1U, 2U, 7U, 1000U}) {
    const int slots = slots_for(chunks, threads);
    ASSERT_GE(slots, 1);
    ASSERT_LE(slots, threads);
    std::vector<std::atomic<int>> runs(chunks);
    std::vector<std::atomic<bool>> taken(static_cast<std::size_t>(slots));
    std::atomic<int> clashes{0};
    parallel_for(chunks, threads, [&](std::size_t chunk, int slot) {
      std::atomic<bool>& mine = taken.at(static_cast<std::size_t>(slot));
      if (mine.exchange(true)) ++clashes;
      busy(chunk);
      ++runs[chunk];
      mine = false;
    });
    EXPECT_EQ(clashes, 0);
    EXPECT_TRUE(std::ranges::all_of(runs, [](const auto& count) { return count == 1; }));
  }
}

TEST_P(Pool, ResultsAreVisibleToTheCaller) {
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<std::size_t> out(37);
    parallel_for(out.size(), GetParam(), [&](std::size_t chunk, int) { out[chunk] = chunk + 1; });
    EXPECT_EQ(std::accumulate(out.begin(), out.end(), std::size_t{0}), 37U * 38U / 2U);
  }
}

TEST_P(Pool, NestedCallsRunOnTheCallingThread) {
  std::atomic<int> elsewhere{0};
  std::atomic<int> runs{0};
  parallel_for(5, GetParam(), [&](std::size_t, int) {
    const std::thread::id mine = std::this_thread::get_id();
    if (slots_for(9, 4) != 1) ++elsewhere;
    parallel_for(9, 4, [&](std::size_t, int slot) {
      if (slot != 0 || std::this_thread::get_id() != mine) ++elsewhere;
      ++runs;
    });
  });
  EXPECT_EQ(elsewhere, 0);
  EXPECT_EQ(runs, 45);
}

TEST_P(Pool, RethrowsTheExceptionOfTheLowestChunkAndDropsTheRest) {
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::atomic<std::size_t> runs{0};
    std::string message;
    try {
      parallel_for(100000, GetParam(), [&](std::size_t chunk, int) {
        ++runs;
        if (chunk >= 10) throw std::runtime_error(std::to_string(chunk));
        busy(chunk);
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "10");
    EXPECT_LT(runs, 100000U);
  }
}

TEST_P(Pool, WorksAgainAfterAnException) {
  EXPECT_THROW(parallel_for(8, GetParam(), [](std::size_t, int) { throw std::bad_alloc(); }),
               std::bad_alloc);
  std::atomic<int> runs{0};
  parallel_for(8, GetParam(), [&](std::size_t, int) { ++runs; });
  EXPECT_EQ(runs, 8);
}

TEST_P(Pool, MonitorIsPolledByTheCallerAndNothingIsDropped) {
  const std::thread::id caller = std::this_thread::get_id();
  bool on_caller = true;
  Monitor monitor([&] {
    on_caller = on_caller && std::this_thread::get_id() == caller;
    return true;
  });
  std::atomic<int> runs{0};
  parallel_for(
      20, GetParam(),
      [&](std::size_t, int) {
        ++runs;
        if (monitor.stopped() == Stop::none) std::this_thread::sleep_for(milliseconds(30));
      },
      &monitor);
  EXPECT_EQ(monitor.stopped(), Stop::interrupted);
  EXPECT_TRUE(on_caller);
  EXPECT_EQ(runs, 20);
}

TEST_P(Pool, ExceptionOfAMonitorHookArrives) {
  Monitor monitor({}, [](std::size_t, std::size_t) { throw std::runtime_error("hook"); });
  EXPECT_THROW(
      parallel_for(
          1000, GetParam(), [](std::size_t, int) { std::this_thread::sleep_for(milliseconds(5)); },
          &monitor),
      std::runtime_error);
}

TEST_P(Pool, ForkedChildSolvesAfterTheParentDid) {
  const int threads = GetParam();
  const auto sum = [&] {
    std::atomic<std::size_t> total{0};
    parallel_for(100, threads, [&](std::size_t chunk, int) { total += chunk; });
    return total.load();
  };
  EXPECT_EQ(sum(), 4950U);
  EXPECT_EQ(exit_status_in_child([&] { return sum() == 4950 ? 0 : 1; }), 0);
  EXPECT_EQ(sum(), 4950U);
}

INSTANTIATE_TEST_SUITE_P(Threads, Pool, testing::Values(1, 2, 3, 5));

TEST(PoolThreads, MonitorIsPolledWhileTheCallerWaits) {
  // The caller's chunk is over at once, a helper's lasts until the caller has noticed the
  // interrupt.
  const std::thread::id caller = std::this_thread::get_id();
  Monitor monitor([] { return true; });
  std::atomic<bool> helper_came{false};
  parallel_for(
      2, 2,
      [&](std::size_t, int) {
        if (std::this_thread::get_id() == caller) {
          while (!helper_came) std::this_thread::yield();
          return;
        }
        helper_came = true;
        while (monitor.stopped() == Stop::none) std::this_thread::yield();
      },
      &monitor);
  EXPECT_EQ(monitor.stopped(), Stop::interrupted);
}

TEST(PoolThreads, HelpersComeWhenTheyAreFree) {
  // Every body waits for all others: this ends only when five threads take part.
  constexpr int kThreads = 5;
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::atomic<int> present{0};
    parallel_for(kThreads, kThreads, [&](std::size_t, int) {
      ++present;
      while (present < kThreads) std::this_thread::yield();
    });
    if (repeat % 4 == 3) std::this_thread::sleep_for(milliseconds(2));  // let the helpers sleep
  }
}

TEST(PoolThreads, CallersFromManyThreadsAtOnce) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (std::size_t c = 0; c < 8; ++c) {
    callers.emplace_back([&, c] {
      for (std::size_t repeat = 0; repeat < 50; ++repeat) {
        std::vector<double> out(20 + c);
        parallel_for(out.size(), 3, [&](std::size_t i, int) { out[i] = busy(i); });
        for (std::size_t i = 0; i < out.size(); ++i) wrong += out[i] == busy(i) ? 0 : 1;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(PoolThreads, BodiesSeeTheRoundingModeOfTheCaller) {
  const int before = std::fegetround();
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, before}) {
    ASSERT_EQ(std::fesetround(mode), 0);
    std::atomic<int> other{0};
    std::atomic<int> present{0};
    parallel_for(3, 3, [&](std::size_t, int) {
      ++present;
      while (present < 3) std::this_thread::yield();
      if (std::fegetround() != mode) ++other;
    });
    std::fesetround(before);
    EXPECT_EQ(other, 0);
  }
}

TEST(PoolThreads, NegativeCountIsAnError) {
  EXPECT_EQ(invalid_argument_of([] { parallel_for(1, -1, [](std::size_t, int) {}); }), "n_threads");
}

}  // namespace
}  // namespace otcore
