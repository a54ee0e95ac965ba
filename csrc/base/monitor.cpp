#include "base/monitor.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"

namespace otcore {
namespace {

// Longer limits (30 years) are no limit; their sum with the clock would overflow.
constexpr double kLongestLimit = 1e9;

std::optional<Monitor::Clock::time_point> deadline_after(Monitor::Clock::time_point now,
                                                         std::optional<double> time_limit) {
  if (!time_limit) return std::nullopt;
  if (std::isnan(*time_limit) || *time_limit < 0.0) {
    throw InvalidArgument("time_limit", "value " + std::to_string(*time_limit),
                          "a number of seconds >= 0");
  }
  if (*time_limit > kLongestLimit) return std::nullopt;
  return now + std::chrono::duration_cast<Monitor::Clock::duration>(
                   std::chrono::duration<double>(*time_limit));
}

}  // namespace

Monitor::Monitor(std::function<bool()> interrupted,
                 std::function<void(std::size_t, std::size_t)> progress,
                 std::optional<double> time_limit)
    : interrupted_(std::move(interrupted)),
      progress_(std::move(progress)),
      owner_(std::this_thread::get_id()) {
  const Clock::time_point now = Clock::now();
  deadline_ = deadline_after(now, time_limit);
  next_hooks_ = now + kPollInterval;
}

Stop Monitor::poll() {
  if (stopped() != Stop::none) return stopped();
  const bool may_hook = (interrupted_ || progress_) && std::this_thread::get_id() == owner_;
  if (!deadline_ && !may_hook) return Stop::none;

  const Clock::time_point now = Clock::now();
  if (deadline_ && now >= *deadline_) stop(Stop::time_limit);
  if (may_hook && now >= next_hooks_) run_hooks();
  return stopped();
}

void Monitor::finish() {
  if (progress_) progress_(done_.load(std::memory_order_relaxed), total_);
}

void Monitor::run_hooks() {
  try {
    if (progress_) progress_(done_.load(std::memory_order_relaxed), total_);
    if (interrupted_ && interrupted_()) stop(Stop::interrupted);
  } catch (...) {
    stop(Stop::interrupted);
    throw;
  }
  // From the end of the hooks: slow ones must not take the whole call's time.
  next_hooks_ = Clock::now() + kPollInterval;
}

void Monitor::stop(Stop reason) noexcept {
  Stop none = Stop::none;
  stop_.compare_exchange_strong(none, reason, std::memory_order_relaxed);
}

}  // namespace otcore
