// How a long call hears that it should stop, and tells how far it is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <thread>

namespace otcore {

enum class Stop { none, time_limit, interrupted };

// One per call. Any thread may ask stop(); the hooks run only on the thread that made the monitor,
// at most every kPollInterval, so they may take locks (Python's) without deadlock.
class Monitor {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kPollInterval{50};

  // interrupted: asked whether the user wants to stop (may be empty).
  // progress: told (done, total); total is 0 where it is unknown (may be empty).
  // time_limit: seconds from now; none means no limit; InvalidArgument when negative or NaN.
  // An exception thrown by a hook passes through poll() on the owner's thread, after the call was
  // stopped.
  explicit Monitor(std::function<bool()> interrupted = {},
                   std::function<void(std::size_t, std::size_t)> progress = {},
                   std::optional<double> time_limit = std::nullopt);

  // Cheap. Reads the clock, runs the hooks when they are due and the caller is the owner, and
  // returns whether the call should end. Once not none, it stays so.
  Stop poll();

  // The last answer of poll(), without looking at the clock.
  [[nodiscard]] Stop stopped() const noexcept { return stop_.load(std::memory_order_relaxed); }

  // How far the call is; safe from any thread. The total is set before the work starts.
  void set_total(std::size_t total) noexcept { total_ = total; }
  void add_done(std::size_t count) noexcept { done_.fetch_add(count, std::memory_order_relaxed); }

  // Tells the progress hook the final numbers. The owner calls it once, at the end.
  void finish();

 private:
  void run_hooks();
  void stop(Stop reason) noexcept;  // the first reason stays

  std::function<bool()> interrupted_;
  std::function<void(std::size_t, std::size_t)> progress_;
  std::optional<Clock::time_point> deadline_;
  std::thread::id owner_;
  Clock::time_point next_hooks_;
  std::atomic<Stop> stop_{Stop::none};
  std::atomic<std::size_t> done_{0};
  std::size_t total_ = 0;
};

}  // namespace otcore
