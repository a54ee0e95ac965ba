#include "base/thread_count.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <system_error>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "base/error.h"

namespace otcore {
namespace {

// A mistyped count must not start a million threads.
constexpr int kMaxThreads = 1024;

int affinity_count() {
#if defined(__linux__)
  // The mask has one bit per processor the kernel was built for, which may be more than cpu_set_t
  // has.
  for (int processors = CPU_SETSIZE; processors <= CPU_SETSIZE * 64; processors *= 2) {
    cpu_set_t* set = CPU_ALLOC(processors);
    if (set == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(processors);
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// The positive number that text starts with, and where it ends; 0 when there is none.
int leading_count(const char* text, const char** end) {
  int count = 0;
  const auto [stop, error] = std::from_chars(text, text + std::strlen(text), count);
  *end = stop;
  if (error == std::errc::result_out_of_range && *text != '-') {
    return std::numeric_limits<int>::max();
  }
  return std::max(count, 0);
}

int default_num_threads() {
  int threads = std::min(affinity_count(), kMaxThreads);
  const char* end = nullptr;
  if (const char* ours = std::getenv("OTCORE_NUM_THREADS"); ours != nullptr && *ours != '\0') {
    const int count = leading_count(ours, &end);
    if (count == 0 || *end != '\0') {
      throw InvalidArgument("OTCORE_NUM_THREADS", "value '" + std::string(ours) + "'",
                            "a positive integer");
    }
    threads = std::min(threads, count);
  }
  // OpenMP's variable may be a list, one number per nesting level. A malformed one is its business.
  if (const char* openmp = std::getenv("OMP_NUM_THREADS"); openmp != nullptr) {
    const int count = leading_count(openmp, &end);
    if (count > 0 && (*end == '\0' || *end == ',')) threads = std::min(threads, count);
  }
  return threads;
}

std::atomic<int> thread_setting{0};  // 0: not yet asked for

}  // namespace

int num_threads() {
  int threads = thread_setting.load();
  if (threads == 0) {
    const int fresh = default_num_threads();
    if (thread_setting.compare_exchange_strong(threads, fresh)) return fresh;
  }
  return threads;
}

void set_num_threads(int count) {
  if (count < 1) {
    throw InvalidArgument("n_threads", "value " + std::to_string(count), "at least 1");
  }
  thread_setting.store(std::min(count, kMaxThreads));
}

int resolve_threads(int threads) {
  if (threads < 0) {
    throw InvalidArgument("n_threads", "value " + std::to_string(threads),
                          "a positive number, or 0 for the default");
  }
  return threads == 0 ? num_threads() : std::min(threads, kMaxThreads);
}

}  // namespace otcore
