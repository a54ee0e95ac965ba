#include "entropic/sinkhorn.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "entropic/newton.h"
#include "entropic/solver_tuning.h"

namespace otcore::entropic {
namespace {

template <class T>
class Ascent {
 public:
  Ascent(SemiDual<T>& dual, const Options& options, Monitor& monitor)
      : dual_(&dual), options_(&options), monitor_(&monitor) {}

  // Goes on at `eps` until the error is at most `tolerance`; the status says what ended it. Leaves
  // `reserve` of the passes.
  Status level(double eps, double tolerance, std::size_t reserve, Point& at) {
    reserve_ = reserve;
    dual_->evaluate(eps, at);
    best_error_ = at.error;
    best_value_ = at.value;
    best_pass_ = dual_->passes();
    std::size_t steps = 0;
    double before = std::numeric_limits<double>::infinity();
    while (!(at.error <= tolerance)) {
      if (const auto end = look(at)) return *end;
      if (at.hidden > 0.0 && at.error - at.hidden <= tolerance) {
        dual_->evaluate_afresh(eps, at);
        continue;
      }
      if (options_->method == Method::plain) {
        dual_->advance(eps, std::min(kStepsAtOnce, dual_->left() - reserve_), tolerance, at);
        continue;
      }
      if (steps < kFirstSteps || soon(at.error, before, tolerance)) {
        before = at.error;
        dual_->advance(eps, 1, tolerance, at);
        ++steps;
        continue;
      }
      if (!newton_) newton_.emplace(*dual_, options_->n_threads);
      before = at.error;
      bool shortened = false;
      const bool moved = newton_->step(eps, at, shortened);
      if (!(at.error <= tolerance) && !dual_->spent(1 + reserve_) &&
          (!moved || shortened || at.error > kPoor * before)) {
        before = at.error;
        dual_->advance(eps, 1, tolerance, at);
      }
    }
    return Status::converged;
  }

 private:
  // A Newton step that leaves more of the error than this is followed by one of Sinkhorn's.
  static constexpr double kPoor = 0.3;

  // Whether a few more of Sinkhorn's steps will do, going by the last one.
  static bool soon(double error, double before, double tolerance) {
    return error < before && std::log(tolerance / error) >= kPatience * std::log(error / before);
  }

  // Why to end here, if so.
  std::optional<Status> look(const Point& at) {
    if (const Stop stop = monitor_->poll(); stop != Stop::none) return stopped_status(stop);
    if (dual_->spent(1 + reserve_)) return Status::max_iter;
    const std::size_t passes = dual_->passes();
    if (at.error < kLower * best_error_ || at.value > best_value_ + kRise * std::abs(best_value_)) {
      best_error_ = std::min(best_error_, at.error);
      best_value_ = std::max(best_value_, at.value);
      best_pass_ = passes;
    }
    if (passes > best_pass_ + kStalledPasses) return Status::stalled;
    return std::nullopt;
  }

  static constexpr double kRise = sizeof(T) == sizeof(float) ? 0x1p-22 : 0x1p-46;

  SemiDual<T>* dual_;
  const Options* options_;
  Monitor* monitor_;
  std::optional<Newton<T>> newton_;
  double best_error_ = 0.0;
  double best_value_ = 0.0;
  std::size_t best_pass_ = 0;
  std::size_t reserve_ = 0;
};

}  // namespace

Status stopped_status(Stop stop) {
  return stop == Stop::time_limit ? Status::time_limit : Status::interrupted;
}

template <class T>
Ending ascend(SemiDual<T>& dual, const Options& options, double tolerance, bool started,
              Monitor& monitor, Point& at) {
  Ascent<T> ascent(dual, options, monitor);
  const double reg = options.reg;
  const double goal = tolerance * dual.mass();
  if (options.method != Method::plain && !started) {
    const double first = dual.sweep().range() / kFirstEps;
    int levels = 0;
    while (first > reg * std::pow(kEpsFactor, levels)) ++levels;
    for (; levels > 0 && !dual.spent(2); --levels) {
      const double eps = std::min(first, reg * std::pow(kEpsFactor, levels));
      const Status status = ascent.level(eps, std::max(goal, kLevelError * dual.mass()), 1, at);
      if (status == Status::time_limit || status == Status::interrupted) {
        dual.evaluate(reg, at);
        return {status, reg};
      }
    }
  }
  return {ascent.level(reg, goal, 0, at), reg};
}

template Ending ascend(SemiDual<float>&, const Options&, double, bool, Monitor&, Point&);
template Ending ascend(SemiDual<double>&, const Options&, double, bool, Monitor&, Point&);

}  // namespace otcore::entropic
