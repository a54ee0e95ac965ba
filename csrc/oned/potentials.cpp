#include "oned/potentials.h"

#include <cstdint>
#include <limits>

#include "base/sum.h"
#include "oned/power.h"

namespace otcore::oned {
namespace {

std::size_t at(std::int32_t position) { return static_cast<std::size_t>(position); }

// f and g of the points with mass, f = 0 at the first.
template <class Power>
void follow_steps(Power power, const std::vector<double>& x, const std::vector<double>& y,
                  const std::vector<Step>& steps, std::vector<double>& f, std::vector<double>& g) {
  f.resize(x.size());
  g.resize(y.size());
  const auto cost = [&](std::int32_t i, std::int32_t j) { return power(x[at(i)] - y[at(j)]); };
  CompensatedSum current;  // f of the step's x
  double cost_here = cost(steps[0].i, steps[0].j);
  const auto set = [&](const Step& step) {
    f[at(step.i)] = current.value();
    CompensatedSum rest = current;
    rest.add(-cost_here);
    g[at(step.j)] = -rest.value();
  };
  set(steps[0]);
  for (std::size_t k = 1; k < steps.size(); ++k) {
    const Step& from = steps[k - 1];
    const Step& to = steps[k];
    const double cost_there = cost(to.i, to.j);
    if (to.i == from.i) {
      cost_here = cost_there;
    } else if (to.j == from.j) {
      current.add(cost_there);
      current.add(-cost_here);
    } else {
      // The change of f if the link is (to.i, from.j), and if it is (from.i, to.j): half of each.
      current.add(0.5 * cost(to.i, from.j));
      current.add(-0.5 * cost_here);
      current.add(0.5 * cost_there);
      current.add(-0.5 * cost(from.i, to.j));
    }
    cost_here = cost_there;
    set(to);
  }
}

// The c-transform f_i = min_j |x_i - y_j|^p - g_j of points in ascending order. As the cost is
// convex, the nearest j of a larger x is never before that of a smaller one: the middle x's divides
// the others' in two. Time (n + m) log n.
template <class Power>
class Transform {
 public:
  Transform(Power power, const std::vector<double>& x, const std::vector<double>& y,
            const std::vector<double>& g, std::vector<double>& f)
      : power_(power), x_(x), y_(y), g_(g), f_(f) {
    f_.resize(x.size());
    fill(0, x.size(), 0, y.size() - 1);
  }

 private:
  // For x[begin..end), whose nearest j are in [first, last].
  void fill(std::size_t begin, std::size_t end, std::size_t first, std::size_t last) {
    while (begin < end) {
      const std::size_t middle = begin + (end - begin) / 2;
      double least = std::numeric_limits<double>::infinity();
      std::size_t nearest = first;
      for (std::size_t j = first; j <= last; ++j) {
        const double reduced = power_(x_[middle] - y_[j]) - g_[j];
        if (reduced < least) {
          least = reduced;
          nearest = j;
        }
      }
      f_[middle] = least;
      fill(begin, middle, first, nearest);
      begin = middle + 1;
      first = nearest;
    }
  }

  const Power power_;
  const std::vector<double>& x_;
  const std::vector<double>& y_;
  const std::vector<double>& g_;
  std::vector<double>& f_;
};

}  // namespace

void Potentials::solve(double p, const SortedSide& x, const SortedSide& y,
                       const std::vector<Step>& steps, const Masses& masses) {
  with_power(p, [&](auto power) {
    const Support& support = y.support;
    follow_steps(power, x.support.points, support.points, steps, support_f_, support_g_);
    if (support.count() < y.points.size()) {
      Transform(power, x.support.points, support.points, support_g_, support_f_);
      Transform(power, y.points, x.support.points, support_f_, g_);
    } else {
      g_.resize(support.count());
    }
    CompensatedSum weighted;
    for (std::size_t k = 0; k < support.count(); ++k) {
      g_[at(support.place[k])] = support_g_[k];
      weighted.add(masses.mass(support.units[k]) * support_g_[k]);
    }
    const double shift = weighted.value() / masses.total();
    for (double& potential : g_) potential -= shift;
    Transform(power, x.points, y.points, g_, f_);
  });
}

}  // namespace otcore::oned
