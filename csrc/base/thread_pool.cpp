#include "base/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace otcore {
namespace {

using Clock = std::chrono::steady_clock;

// How long a thread with nothing to do looks for work, or for the end of the work of others, before
// it sleeps: a few times what waking a sleeper costs (bench_base, parallel_for_empty).
constexpr std::chrono::microseconds kSpin{30};

// Whether this thread runs a body now: a parallel_for from there runs on it alone.
thread_local bool inside_body = false;

class InsideBody {
 public:
  InsideBody() : before_(inside_body) { inside_body = true; }
  ~InsideBody() { inside_body = before_; }
  InsideBody(const InsideBody&) = delete;
  InsideBody& operator=(const InsideBody&) = delete;

 private:
  bool before_;
};

// One parallel_for. It lives on the caller's stack until no thread has a hand in it.
class Job {
 public:
  Job(std::size_t chunks, int slots, const std::function<void(std::size_t, int)>& body)
      : chunks_(chunks), slots_(slots), body_(body) {
    // Rounding mode and denormal flags are the caller's on every thread: else results would depend
    // on which thread ran a chunk.
    std::fegetenv(&float_environment_);
  }

  // Runs chunks until none is left. A failure drops the chunks not yet claimed.
  void work(int slot, Monitor* monitor) {
    const InsideBody inside;
    for (std::size_t chunk; (chunk = next_.fetch_add(1, std::memory_order_relaxed)) < chunks_;) {
      try {
        body_(chunk, slot);
      } catch (...) {
        fail(chunk);
      }
      if (monitor != nullptr) poll(*monitor);
    }
  }

  void poll(Monitor& monitor) {
    try {
      monitor.poll();
    } catch (...) {
      fail(chunks_);
    }
  }

  void adopt_float_environment() const { std::fesetenv(&float_environment_); }

  // To be called by the caller when no other thread works any more.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

  // The following are guarded by the pool's mutex.
  [[nodiscard]] int openings() const {
    return next_.load(std::memory_order_relaxed) < chunks_ ? slots_ - joined_ : 0;
  }
  int join() {
    active_.fetch_add(1, std::memory_order_relaxed);
    return joined_++;
  }
  void leave() {
    if (active_.fetch_sub(1, std::memory_order_relaxed) == 1) all_left_.notify_one();
  }
  [[nodiscard]] int helpers() const { return joined_ - 1; }
  [[nodiscard]] bool idle() const { return active_.load(std::memory_order_relaxed) == 0; }
  std::condition_variable all_left_;

 private:
  // Chunks are claimed in order, so every chunk below a failed one runs to its end: the failure of
  // the lowest chunk is the same for any number of threads.
  void fail(std::size_t chunk) {
    next_.store(chunks_, std::memory_order_relaxed);
    const std::lock_guard lock(error_mutex_);
    if (!error_ || chunk < error_chunk_) {
      error_ = std::current_exception();
      error_chunk_ = chunk;
    }
  }

  const std::size_t chunks_;
  const int slots_;
  const std::function<void(std::size_t, int)>& body_;
  std::fenv_t float_environment_;
  int joined_ = 1;              // slots given out; the caller has slot 0
  std::atomic<int> active_{0};  // helpers between join() and leave()
  std::mutex error_mutex_;
  std::exception_ptr error_;
  std::size_t error_chunk_ = 0;
  alignas(64) std::atomic<std::size_t> next_{0};
};

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

// Waits up to kSpin for `done`, awake.
template <class Condition>
void spin_until(Condition done) {
  const Clock::time_point end = Clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return;
      relax();
    }
  } while (Clock::now() < end);
}

class Pool {
 public:
  // The caller's part is done by the caller; the others help as they come.
  void run(Job& job, int slots, Monitor* monitor) {
    {
      const std::lock_guard lock(mutex_);
      start_workers(slots - 1);
      jobs_.push_back(&job);
      changes_.fetch_add(1, std::memory_order_relaxed);
      wake();
    }
    job.work(0, monitor);

    spin_until([&] { return job.idle(); });
    std::unique_lock lock(mutex_);
    std::erase(jobs_, &job);
    // Also after a successful spin: the last helper may still hold the mutex, with the job in hand.
    while (!job.idle()) {
      if (monitor == nullptr) {
        job.all_left_.wait(lock);
        continue;
      }
      job.all_left_.wait_for(lock, Monitor::kPollInterval);
      lock.unlock();
      job.poll(*monitor);
      lock.lock();
    }
  }

 private:
  // Fewer threads than asked for are enough: where the system gives no more, the caller works
  // alone.
  void start_workers(int wanted) {
    try {
      for (; workers_ < wanted; ++workers_) std::thread([this] { serve(); }).detach();
    } catch (const std::system_error&) {
      return;
    }
  }

  // Wakes two sleepers at most, each of whom wakes two more, so that no thread pays for waking all.
  // Those who spin look at the jobs once more before they sleep: they need no wake-up.
  void wake() {
    int wanted = -spinning_;
    for (const Job* job : jobs_) wanted += job->openings();
    for (int i = std::min({2, wanted, sleeping_}); i > 0; --i) work_came_.notify_one();
  }

  // The open job with the fewest helpers.
  Job* find_job() const {
    Job* best = nullptr;
    for (Job* job : jobs_) {
      if (job->openings() > 0 && (best == nullptr || job->helpers() < best->helpers())) best = job;
    }
    return best;
  }

  [[noreturn]] void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job = find_job();
      if (job == nullptr) {
        rest(lock);
        continue;
      }
      const int slot = job->join();
      wake();
      lock.unlock();
      job->adopt_float_environment();
      job->work(slot, nullptr);
      lock.lock();
      job->leave();
    }
  }

  void rest(std::unique_lock<std::mutex>& lock) {
    const unsigned seen = changes_.load(std::memory_order_relaxed);
    ++spinning_;
    lock.unlock();
    spin_until([&] { return changes_.load(std::memory_order_relaxed) != seen; });
    lock.lock();
    --spinning_;
    if (find_job() != nullptr) return;
    ++sleeping_;
    work_came_.wait(lock);
    --sleeping_;
  }

  std::mutex mutex_;
  std::condition_variable work_came_;
  std::vector<Job*> jobs_;
  int workers_ = 0;
  int spinning_ = 0;
  int sleeping_ = 0;
  std::atomic<unsigned> changes_{0};
};

// Never destroyed: its threads may outlive static destructors. Null until the first parallel call,
// and again in a forked child, where the threads of the parent do not exist.
std::atomic<Pool*> current_pool{nullptr};

[[maybe_unused]] const int kForkHandler =
    pthread_atfork(nullptr, nullptr, [] { current_pool.store(nullptr); });

Pool& pool() {
  Pool* existing = current_pool.load();
  if (existing == nullptr) {
    Pool* fresh = new Pool;
    if (current_pool.compare_exchange_strong(existing, fresh)) return *fresh;
    delete fresh;  // another thread was quicker; no threads yet
  }
  return *existing;
}

}  // namespace

int slots_for(std::size_t chunks, int threads) {
  const int wanted = inside_body ? 1 : resolve_threads(threads);
  return static_cast<int>(std::clamp<std::size_t>(chunks, 1, static_cast<std::size_t>(wanted)));
}

void parallel_for(std::size_t chunks, int threads,
                  const std::function<void(std::size_t, int)>& body, Monitor* monitor) {
  const int slots = slots_for(chunks, threads);
  Job job(chunks, slots, body);
  if (slots == 1) {
    job.work(0, monitor);
  } else {
    pool().run(job, slots, monitor);
  }
  job.rethrow();
}

}  // namespace otcore
