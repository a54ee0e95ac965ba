#include "oned/row.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/sum.h"
#include "base/thread_pool.h"
#include "oned/power.h"
#include "oned/tuning.h"

namespace otcore::oned {
namespace {

// Costs stay below this, so that potentials, which are at most four times the largest, are finite.
constexpr double kLargestCost = 0x1p1020;

std::size_t at(std::int32_t position) { return static_cast<std::size_t>(position); }

// Sums of kLanes independent chains in blocks: fast, and with at most 20 roundings on the way of
// each term.
constexpr std::size_t kLanes = 8;
constexpr std::size_t kBlock = 16 * kLanes;

template <class Power>
double sum_of_costs(Power power, const double* x, const double* y, std::size_t count) {
  CompensatedSum total;
  for (std::size_t start = 0; start < count; start += kBlock) {
    const std::size_t end = std::min(count, start + kBlock);
    std::array<double, kLanes> sums{};
    std::size_t k = start;
    for (; k + kLanes <= end; k += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        sums[lane] += power(x[k + lane] - y[k + lane]);
      }
    }
    for (; k < end; ++k) sums[k % kLanes] += power(x[k] - y[k]);
    total.add(((sums[0] + sums[1]) + (sums[2] + sums[3])) +
              ((sums[4] + sums[5]) + (sums[6] + sums[7])));
  }
  return total.value();
}

void require_finite_row(std::ptrdiff_t bad, const char* name, double number) {
  if (bad < 0) return;
  throw InvalidArgument::entry(name, {static_cast<std::size_t>(bad)}, number, "finite numbers");
}

void require_moderate_costs(double p, const std::vector<double>& x, const std::vector<double>& y) {
  const double farthest = std::max(x.back() - y.front(), y.back() - x.front());
  const double cost = with_power(p, [farthest](auto power) { return power(farthest); });
  if (cost < kLargestCost) return;
  throw InvalidArgument("x, y", "the cost of the farthest points overflows",
                        "|x - y|^p below 2^1020");
}

}  // namespace

template <class T>
RowSolver<T>::Side::Side(std::size_t size) : sorter(size) {
  sorted.points.resize(size);
}

template <class T>
std::ptrdiff_t RowSolver<T>::Side::sort(const T* points, bool ordered) {
  if (points == row && ordered == with_order) return -1;
  row = nullptr;
  with_order = ordered;
  if (ordered) order.resize(sorted.points.size());
  const std::ptrdiff_t bad = with_order ? sorter.order(points, sorted.points.data(), order.data())
                                        : sorter.values(points, sorted.points.data());
  if (bad < 0) row = points;
  return bad;
}

// Without an order all masses are the same.
template <class T>
void RowSolver<T>::Side::find_support(const std::vector<std::int64_t>& units) {
  const std::size_t n = sorted.points.size();
  Support& support = sorted.support;
  support.points.resize(n);
  support.units.resize(n);
  support.place.resize(n);
  std::size_t count = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const std::int64_t mass = units[with_order ? at(order[k]) : k];
    support.points[count] = sorted.points[k];
    support.units[count] = mass;
    support.place[count] = static_cast<std::int32_t>(k);
    count += mass > 0 ? 1 : 0;
  }
  support.points.resize(count);
  support.units.resize(count);
  support.place.resize(count);
}

template <class T>
std::size_t RowSolver<T>::Side::index(std::int32_t k) const {
  return at(order[at(sorted.support.place[at(k)])]);
}

template <class T>
RowSolver<T>::RowSolver(const Lines<T>& lines, const Options& options, const Solutions& out)
    : lines_(lines),
      options_(options),
      out_(out),
      with_steps_(out.mass != nullptr || out.potential_a != nullptr),
      x_(lines.x.length),
      y_(lines.y.length) {}

template <class T>
void RowSolver<T>::rebind(const Lines<T>& lines, const Solutions& out) {
  lines_ = lines;
  out_ = out;
  x_.row = nullptr;
  y_.row = nullptr;
}

template <class T>
void RowSolver<T>::solve(std::size_t b) {
  set_masses(b);
  const bool uniform = !masses_ || masses_->uniform();
  const bool assignment = is_assignment() && !with_steps_;
  const bool with_orders = with_steps_ || !uniform;
  sort(b, with_orders || out_.gradient_x != nullptr, with_orders || out_.gradient_y != nullptr);
  if (!assignment) {
    x_.find_support(masses_->supply());
    y_.find_support(masses_->demand());
  }
  const double value = is_assignment() ? assignment_value() : coupling_value();
  if (!std::isfinite(value)) {
    throw InvalidArgument("x, y, a, b", "the transport cost overflows",
                          "masses whose products with the costs are finite");
  }
  out_.value[b] = value;
  if (assignment) return write_assignment_gradients(b);
  if (with_steps_ || out_.gradient_x != nullptr || out_.gradient_y != nullptr) list_steps();
  if (out_.mass != nullptr) write_plan(b);
  if (out_.potential_a != nullptr) write_potentials(b, value);
  write_gradients(b);
}

// A single long problem sorts its sides on two threads; elsewhere this is within a chunk, and so on
// one.
template <class T>
void RowSolver<T>::sort(std::size_t b, bool order_x, bool order_y) {
  const T* x = lines_.x.row(b);
  const T* y = lines_.y.row(b);
  std::array<std::ptrdiff_t, 2> bad{};
  const auto sort_side = [&](std::size_t side, int) {
    bad[side] = side == 0 ? x_.sort(x, order_x) : y_.sort(y, order_y);
  };
  if (lines_.x.length + lines_.y.length < kSplitSortFrom) {
    for (std::size_t side = 0; side < bad.size(); ++side) sort_side(side, 0);
  } else {
    parallel_for(2, options_.n_threads, sort_side);
  }
  if (bad[0] >= 0) require_finite_row(bad[0], "x", static_cast<double>(x[bad[0]]));
  if (bad[1] >= 0) require_finite_row(bad[1], "y", static_cast<double>(y[bad[1]]));
  require_moderate_costs(options_.p, x_.sorted.points, y_.sorted.points);
}

template <class T>
void RowSolver<T>::set_masses(std::size_t b) {
  const double* mass_a = lines_.a.data == nullptr ? nullptr : lines_.a.row(b);
  const double* mass_b = lines_.b.data == nullptr ? nullptr : lines_.b.row(b);
  const bool uniform = mass_a == nullptr && mass_b == nullptr;
  if (uniform && !with_steps_ && lines_.x.length == lines_.y.length) return;
  if (has_masses_ && a_ == mass_a && b_ == mass_b) return;
  has_masses_ = false;
  if (!masses_) masses_.emplace(lines_.x.length, lines_.y.length);
  masses_->set(mass_a, mass_b, options_.mass_tolerance);
  a_ = mass_a;
  b_ = mass_b;
  has_masses_ = true;
}

// Equal masses and as many on either side: in order, one to one.
template <class T>
bool RowSolver<T>::is_assignment() const {
  return lines_.x.length == lines_.y.length && (!masses_ || masses_->uniform());
}

template <class T>
double RowSolver<T>::assignment_value() const {
  return assignment_mass() * with_power(options_.p, [&](auto power) {
           return sum_of_costs(power, x_.sorted.points.data(), y_.sorted.points.data(),
                               lines_.x.length);
         });
}

template <class T>
double RowSolver<T>::assignment_mass() const {
  return masses_ ? masses_->mass(masses_->supply().front())
                 : 1.0 / static_cast<double>(lines_.x.length);
}

template <class T>
double RowSolver<T>::coupling_value() const {
  const Support& a = x_.sorted.support;
  const Support& b = y_.sorted.support;
  CompensatedSum sum;
  with_power(options_.p, [&](auto power) {
    walk(a, b, [&](std::size_t i, std::size_t j, std::int64_t units) {
      sum.add(masses_->mass(units) * power(a.points[i] - b.points[j]));
    });
  });
  return sum.value();
}

template <class T>
void RowSolver<T>::list_steps() {
  steps_.clear();
  walk(x_.sorted.support, y_.sorted.support,
       [this](std::size_t i, std::size_t j, std::int64_t units) {
         steps_.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(j), units});
       });
}

// The steps of a column follow each other, so taking the columns in order and giving each row's
// entries the next places sorts them by row and then by column.
template <class T>
void RowSolver<T>::write_plan(std::size_t b) {
  const std::size_t n = lines_.x.length;
  const std::size_t m = lines_.y.length;
  const std::size_t start = b * (n + m - 1);
  next_.assign(n + 1, 0);
  first_.assign(m, steps_.size());
  for (std::size_t k = steps_.size(); k-- > 0;) {
    ++next_[x_.index(steps_[k].i) + 1];
    first_[y_.index(steps_[k].j)] = k;
  }
  for (std::size_t i = 0; i < n; ++i) next_[i + 1] += next_[i];
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t k = first_[j]; k < steps_.size() && y_.index(steps_[k].j) == j; ++k) {
      const std::size_t i = x_.index(steps_[k].i);
      const std::size_t place = start + next_[i]++;
      out_.rows[place] = static_cast<std::int32_t>(i);
      out_.cols[place] = static_cast<std::int32_t>(j);
      out_.mass[place] = masses_->mass(steps_[k].units);
    }
  }
  out_.count[b] = static_cast<std::int64_t>(steps_.size());
}

template <class T>
void RowSolver<T>::write_potentials(std::size_t b, double value) {
  potentials_.solve(options_.p, x_.sorted, y_.sorted, steps_, *masses_);
  CompensatedSum dual;
  const auto write = [&dual, this](const Side& side, const std::vector<double>& potential,
                                   double* out) {
    const Support& support = side.sorted.support;
    for (std::size_t k = 0; k < support.count(); ++k) {
      dual.add(masses_->mass(support.units[k]) * potential[at(support.place[k])]);
    }
    for (std::size_t k = 0; k < potential.size(); ++k) out[at(side.order[k])] = potential[k];
  };
  write(x_, potentials_.f(), out_.potential_a + b * lines_.x.length);
  write(y_, potentials_.g(), out_.potential_b + b * lines_.y.length);
  if (out_.gap != nullptr) out_.gap[b] = value - dual.value();
}

template <class T>
void RowSolver<T>::write_gradients(std::size_t b) const {
  const double p = options_.p;
  // out[index of the step] += sign * d mass |x - y|^p / d x
  const auto add = [&](double* out, std::size_t size, const Side& side, auto step_index,
                       double sign) {
    if (out == nullptr) return;
    out += b * size;
    std::fill(out, out + size, 0.0);
    with_power(p - 1.0, [&](auto power) {
      for (const Step& step : steps_) {
        const double difference =
            x_.sorted.support.points[at(step.i)] - y_.sorted.support.points[at(step.j)];
        if (difference == 0.0) continue;
        out[side.index(step_index(step))] +=
            std::copysign(p * masses_->mass(step.units) * power(difference), sign * difference);
      }
    });
  };
  add(out_.gradient_x, lines_.x.length, x_, [](const Step& step) { return step.i; }, 1.0);
  add(out_.gradient_y, lines_.y.length, y_, [](const Step& step) { return step.j; }, -1.0);
}

template <class T>
void RowSolver<T>::write_assignment_gradients(std::size_t b) const {
  const std::size_t n = lines_.x.length;
  const double scale = options_.p * assignment_mass();
  // The k-th smallest points of both sides move each other.
  const auto write = [&](double* out, const Side& side, double sign) {
    if (out == nullptr) return;
    out += b * n;
    with_power(options_.p - 1.0, [&](auto power) {
      for (std::size_t k = 0; k < n; ++k) {
        const double difference = x_.sorted.points[k] - y_.sorted.points[k];
        const double slope = difference == 0.0 ? 0.0 : scale * power(difference);
        out[at(side.order[k])] = std::copysign(slope, sign * difference);
      }
    });
  };
  write(out_.gradient_x, x_, 1.0);
  write(out_.gradient_y, y_, -1.0);
}

template class RowSolver<float>;
template class RowSolver<double>;

}  // namespace otcore::oned
