#include "sliced/max_sliced.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "sliced/tuning.h"

namespace otcore::sliced {
namespace {

// A direction on its way: where it is, what is there, and how far the next step goes towards the
// gradient.
struct Climber {
  std::vector<double> at;
  std::vector<double> gradient;
  double cost = 0.0;
  double step = 1.0;
  bool done = false;
};

bool normalise(std::vector<double>& x) {
  const double largest = std::abs(*std::max_element(
      x.begin(), x.end(), [](double l, double r) { return std::abs(l) < std::abs(r); }));
  if (largest == 0.0) return false;
  for (double& number : x) number /= largest;
  const double length = std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
  for (double& number : x) number /= length;
  return true;
}

// Where the climber's next step would end; false where there is nothing to climb.
bool next_place(const Climber& climber, std::vector<double>& place) {
  place = climber.gradient;
  if (!normalise(place)) return false;
  for (std::size_t k = 0; k < place.size(); ++k) {
    place[k] = climber.step * place[k] + (1.0 - climber.step) * climber.at[k];
  }
  return normalise(place);
}

// Costs and gradients of some directions of one problem.
template <class T>
class Evaluation {
 public:
  Evaluation(const Clouds<T>& clouds, const Options& options, Monitor& monitor)
      : clouds_(clouds), options_(options), monitor_(monitor) {}

  void run(const std::vector<std::vector<double>>& places) {
    const std::size_t dims = clouds_.x.cols;
    rows_.resize(places.size() * dims);
    for (std::size_t l = 0; l < places.size(); ++l) {
      std::transform(places[l].begin(), places[l].end(), rows_.begin() + std::ptrdiff_t(l * dims),
                     [](double x) { return static_cast<T>(x); });
    }
    cost_.resize(places.size());
    gradients_.resize(places.size() * dims);
    Solutions out;
    out.cost = cost_.data();
    out.gradient_directions = gradients_.data();
    solve(clouds_, {rows_.data(), places.size(), dims, dims}, options_, out, monitor_);
  }

  [[nodiscard]] double cost(std::size_t l) const { return cost_[l]; }
  [[nodiscard]] std::vector<double> gradient(std::size_t l) const {
    const auto start = gradients_.begin() + std::ptrdiff_t(l * clouds_.x.cols);
    return {start, start + std::ptrdiff_t(clouds_.x.cols)};
  }

 private:
  const Clouds<T>& clouds_;
  const Options& options_;
  Monitor& monitor_;
  std::vector<T> rows_;
  std::vector<double> cost_;
  std::vector<double> gradients_;
};

// The best of the given directions, at their lengths of 1.
template <class T>
std::vector<std::vector<double>> best_starts(const Clouds<T>& clouds,
                                             MatrixView<const T> directions, const Options& options,
                                             Monitor& monitor) {
  std::vector<std::vector<double>> starts;
  std::vector<T> rows;
  for (std::size_t l = 0; l < directions.rows; ++l) {
    std::vector<double> start(directions.row(l), directions.row(l) + directions.cols);
    if (!normalise(start)) {
      throw InvalidArgument("projections", "direction " + std::to_string(l) + " is 0",
                            "directions of positive length");
    }
    for (const double x : start) rows.push_back(static_cast<T>(x));
    starts.push_back(std::move(start));
  }
  std::vector<double> cost(starts.size());
  Solutions out;
  out.cost = cost.data();
  solve(clouds, {rows.data(), starts.size(), directions.cols, directions.cols}, options, out,
        monitor);
  std::vector<std::size_t> order(starts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&cost](std::size_t l, std::size_t r) { return cost[l] > cost[r]; });
  order.resize(std::min(order.size(), kAscents));
  std::vector<std::vector<double>> best;
  best.reserve(order.size());
  for (const std::size_t l : order) best.push_back(starts[l]);
  return best;
}

}  // namespace

template <class T>
Maximum maximise(const Clouds<T>& clouds, MatrixView<const T> directions, const Options& options,
                 const Ascent& ascent, double* direction, Monitor& monitor) {
  std::vector<std::vector<double>> places = best_starts(clouds, directions, options, monitor);
  Evaluation<T> evaluation(clouds, options, monitor);
  std::vector<Climber> climbers(places.size());
  std::vector<std::size_t> active(places.size());
  std::iota(active.begin(), active.end(), std::size_t{0});
  Maximum best;
  while (monitor.stopped() == Stop::none) {
    evaluation.run(places);
    ++best.n_iter;
    for (std::size_t l = 0; l < active.size(); ++l) {
      Climber& climber = climbers[active[l]];
      const double gain = evaluation.cost(l) - climber.cost;
      if (climber.at.empty() || gain > 0.0) {
        climber.done = !climber.at.empty() && gain <= ascent.tolerance * evaluation.cost(l);
        climber.step = std::min(1.0, 2.0 * climber.step);
        climber.at = places[l];
        climber.cost = evaluation.cost(l);
        climber.gradient = evaluation.gradient(l);
      } else {
        climber.step /= 2.0;
        climber.done = climber.step < kSmallestStep;
      }
    }
    std::vector<std::size_t> left;
    places.clear();
    for (const std::size_t l : active) {
      std::vector<double> place;
      if (climbers[l].done || !next_place(climbers[l], place)) continue;
      left.push_back(l);
      places.push_back(std::move(place));
    }
    active = std::move(left);
    best.converged = active.empty();
    if (best.converged || best.n_iter >= ascent.max_iter) break;
  }
  const auto top =
      std::max_element(climbers.begin(), climbers.end(),
                       [](const Climber& l, const Climber& r) { return l.cost < r.cost; });
  best.cost = top->cost;
  std::copy(top->at.begin(), top->at.end(), direction);
  return best;
}

template Maximum maximise(const Clouds<float>&, MatrixView<const float>, const Options&,
                          const Ascent&, double*, Monitor&);
template Maximum maximise(const Clouds<double>&, MatrixView<const double>, const Options&,
                          const Ascent&, double*, Monitor&);

}  // namespace otcore::sliced
