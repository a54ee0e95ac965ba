#include "exact/cloud_solve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/sizes.h"
#include "exact/candidates.h"
#include "exact/certificate.h"
#include "exact/cloud.h"
#include "exact/cloud_split.h"
#include "exact/large.h"
#include "exact/pricing.h"
#include "exact/range.h"
#include "exact/simplex.h"
#include "exact/start.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Costs of d coordinates are sums of as many terms, and bounds of kBoundTerms costs: they allow for
// d + kRoundingTerms pricing tolerances in each.
constexpr std::size_t kRoundingTerms = 8;
constexpr double kBoundTerms = 4.0;

// What the coordinates of a point are divided by before their differences count.
template <class T>
double length(const cost::Metric& metric, const T* point, std::size_t dims) {
  if (metric.power() > 0.0) return 1.0;
  double largest = 0.0;
  for (std::size_t k = 0; k < dims; ++k) {
    largest = std::max(largest, std::abs(static_cast<double>(point[k])));
  }
  double squares = 0.0;
  for (std::size_t k = 0; k < dims; ++k) {
    const double x = static_cast<double>(point[k]) / largest;
    squares += x * x;
  }
  return largest * std::sqrt(squares);
}

// The cost of the longest way in the box around all points, or around their directions: no pair
// costs more.
template <class T>
double largest_cost(MatrixView<const T> x, MatrixView<const T> y, const cost::Metric& metric) {
  constexpr double kDirectionError = 0x1p-50;  // of ours and of the cost kernels'
  std::vector<double> low(x.cols, kInfinity);
  std::vector<double> high(x.cols, -kInfinity);
  for (const auto& points : {x, y}) {
    for (std::size_t i = 0; i < points.rows; ++i) {
      const double scale = length(metric, points.row(i), x.cols);
      for (std::size_t k = 0; k < x.cols; ++k) {
        const double at = static_cast<double>(points.row(i)[k]) / scale;
        low[k] = std::min(low[k], at);
        high[k] = std::max(high[k], at);
      }
    }
  }
  if (metric.power() == 0.0) {
    double squares = 0.0;
    for (std::size_t k = 0; k < x.cols; ++k) {
      const double side = high[k] - low[k] + kDirectionError;
      squares += side * side;
    }
    return std::min(2.0, 0.5 * squares);
  }
  double cost = 0.0;
  cost::fill<double, double>(metric, {low.data(), 1, x.cols, x.cols},
                             {high.data(), 1, x.cols, x.cols}, MatrixView<double>{&cost, 1, 1, 1},
                             1);
  return cost;
}

// The power of two that brings the largest difference of two points near 1, given its square.
double unit_scale(double largest) {
  return largest > 0.0 ? std::exp2(-std::floor(0.5 * std::log2(largest))) : 1.0;
}

// How many candidates of each point the memory allows, of so many as are wanted.
std::size_t candidates_within(std::optional<std::size_t> max_memory, std::size_t points,
                              std::size_t dims) {
  const std::size_t wanted = std::min(nearest_count(points), kMostOfCloud);
  if (!max_memory) return wanted;
  const std::size_t fixed = points * (kBytesPerPoint + kBytesPerCoordinate * dims);
  const std::size_t least = fixed + points * kLeastNearest * kBytesPerCandidate;
  if (*max_memory < least) {
    throw InvalidArgument("max_memory", std::to_string(*max_memory) + " bytes",
                          "at least " + std::to_string(least) + " for " + std::to_string(points) +
                              " points of " + std::to_string(dims) + " coordinates");
  }
  return std::min(wanted, (*max_memory - fixed) / (points * kBytesPerCandidate));
}

std::vector<double> gather(const double* values, const std::vector<std::int64_t>& order) {
  std::vector<double> gathered;
  gathered.reserve(order.size());
  for (const std::int64_t k : order) gathered.push_back(values[k]);
  return gathered;
}

void scatter(const std::vector<double>& values, const std::vector<std::int64_t>& order,
             double* out) {
  for (std::size_t k = 0; k < values.size(); ++k) out[order[k]] = values[k];
}

template <class T>
class CloudSolver {
 public:
  CloudSolver(MatrixView<const T> x, MatrixView<const T> y, const cost::Metric& metric,
              const double* a, const double* b, const Options& options, Monitor& monitor)
      : metric_(metric),
        options_(options),
        monitor_(monitor),
        points_x_(x),
        points_y_(y),
        all_masses_(x.rows, y.rows),
        largest_(largest_cost(x, y, metric)),
        nearest_(candidates_within(options.max_memory, x.rows + y.rows, x.cols)) {
    all_masses_.set(a, b, options.mass_tolerance);
    split_x_ = CloudSplit(x, all_masses_.rows(), all_masses_.supply());
    split_y_ = CloudSplit(y, all_masses_.cols(), all_masses_.demand());
    std::vector<double> centre(x.cols);
    cost::mean(cost::PointSet<T>{y, nullptr, y.rows}, centre.data());
    make_sides(std::make_shared<const CloudFrame>(
        CloudFrame{centre, unit_scale(largest_), make_shadow(metric, x, y, centre)}));
    if (std::max(x_->left_out(), y_->left_out()) > kMostLeftOut) {
      make_sides(
          std::make_shared<const CloudFrame>(CloudFrame{centre, unit_scale(largest_), nullptr}));
    }
    order_x_ = split_x_.order_of(*x_);
    order_y_ = split_y_.order_of(*y_);
    masses_.emplace(all_masses_, split_x_.sums(order_x_, all_masses_.supply()),
                    split_y_.sums(order_y_, all_masses_.demand()));
  }

  void solve(Solution& out) {
    const std::size_t n = x_->size();
    const std::size_t m = y_->size();
    NetworkSimplex simplex(n, m);
    std::vector<double> u(n);
    std::vector<double> start;
    if (options_.start != nullptr) {
      scale_start(gather(options_.start, y_->order()).data(), *masses_, 2.0 * largest_, 1.0, start);
    }
    if (options_.tell_stages) monitor_.set_total(kLargeStages);
    const double tolerance = kPricingTolerance * largest_;
    const std::vector<Arc> plan = start_plan();
    CloudProblem problem{pair(*x_, *y_, monitor_), *masses_, tolerance, nearest_};
    if (!plan.empty()) {
      problem.plan = &plan;
    } else if (!start.empty() && !is_worth_more(problem, start)) {
      start.clear();
    }
    out.status = solve_large(problem, tolerance, start.empty() ? nullptr : start.data(),
                             options_.max_iter, options_.tell_stages, simplex, u.data());
    out.n_iter = static_cast<std::int64_t>(simplex.pivots());
    double* v = simplex.v();
    if (out.status != Status::optimal) {
      centre(*masses_, m, v);
      transform(pair(*x_, *y_, unstopped_), v, u.data());
    }
    write_plan(simplex, u.data(), v, out);
    write_potentials(u, std::vector<double>(v, v + m), out);
  }

 private:
  CloudSide side(MatrixView<const T> points, const std::vector<std::int64_t>& index) const {
    return {metric_, cost::PointSet<T>{points, index.data(), index.size()}, frame_};
  }

  void make_sides(std::shared_ptr<const CloudFrame> frame) {
    frame_ = std::move(frame);
    x_.emplace(side(points_x_, split_x_.first));
    y_.emplace(side(points_y_, split_y_.first));
  }

  CloudPair pair(const CloudSide& x, const CloudSide& y, Monitor& monitor) const {
    const auto terms = static_cast<double>(x.dims() + kRoundingTerms);
    return {
        x,      y, metric_, kBoundTerms * terms * kPricingTolerance * largest_, options_.n_threads,
        monitor};
  }

  // Whether the caller's potentials have a higher dual value than those of clusters.
  bool is_worth_more(const CloudProblem& problem, const std::vector<double>& start) const {
    std::vector<double> other(start.size());
    start_potentials(problem, other.data());
    return dual_value(problem, start) > dual_value(problem, other);
  }

  static double dual_value(const CloudProblem& problem, const std::vector<double>& v) {
    std::vector<double> u(problem.rows());
    transform(problem, v.data(), u.data());
    double value = 0.0;
    for (std::size_t i = 0; i < u.size(); ++i) {
      value += problem.masses.mass(problem.masses.supply()[i]) * u[i];
    }
    for (std::size_t j = 0; j < v.size(); ++j) {
      value += problem.masses.mass(problem.masses.demand()[j]) * v[j];
    }
    return value;
  }

  // The caller's arcs between points with mass.
  std::vector<Arc> start_plan() const {
    std::vector<Arc> arcs;
    const ArcList& given = options_.start_plan;
    if (given.count == 0) return arcs;
    const std::vector<std::int32_t> row_places = split_x_.places_of(order_x_, points_x_.rows);
    const std::vector<std::int32_t> col_places = split_y_.places_of(order_y_, points_y_.rows);
    const CloudPair costs = pair(*x_, *y_, monitor_);
    for (std::size_t k = 0; k < given.count; ++k) {
      const std::int32_t row = row_places[static_cast<std::size_t>(given.rows[k])];
      const std::int32_t col = col_places[static_cast<std::size_t>(given.cols[k])];
      if (row < 0 || col < 0) continue;
      arcs.push_back(
          {row, col, costs.cost(static_cast<std::size_t>(row), static_cast<std::size_t>(col))});
    }
    return arcs;
  }

  void write_plan(const NetworkSimplex& simplex, const double* u, const double* v, Solution& out) {
    const std::size_t room = x_->size() + y_->size();
    std::vector<std::int32_t> rows(room);
    std::vector<std::int32_t> cols(room);
    std::vector<std::int64_t> units(room);
    const IntegerPlan plan{simplex.flows(rows.data(), cols.data(), units.data()), rows.data(),
                           cols.data(), units.data()};
    weigh([&, pair = pair(*x_, *y_, unstopped_)](std::size_t i,
                                                 std::size_t j) { return pair.cost(i, j); },
          *masses_, plan, u, v, 1.0, out);
    if (!std::isfinite(out.value)) {
      throw InvalidArgument("X, Y", "the transport cost overflows",
                            "costs whose products with the masses are finite");
    }
    std::vector<Flow> flows;
    flows.reserve(plan.count);
    for (std::size_t k = 0; k < plan.count; ++k) {
      const std::size_t row = order_x_[static_cast<std::size_t>(rows[k])];
      const std::size_t col = order_y_[static_cast<std::size_t>(cols[k])];
      flows.push_back(
          {static_cast<std::int32_t>(row), static_cast<std::int32_t>(col), units[k], 0.0});
    }
    flows = share_out(flows, split_x_.groups, split_y_.groups, all_masses_.supply(),
                      all_masses_.demand());
    rows.clear();
    cols.clear();
    units.clear();
    for (const Flow& flow : flows) {
      rows.push_back(flow.row);
      cols.push_back(flow.col);
      units.push_back(flow.units);
    }
    const IntegerPlan shared{flows.size(), rows.data(), cols.data(), units.data()};
    const std::size_t n = points_x_.rows;
    const std::size_t m = points_y_.rows;
    std::vector<std::int32_t> counts(std::max(n, m) + 1);
    std::vector<std::int32_t> order(shared.count);
    write_sorted(shared, n, m, all_masses_, counts.data(), order.data(), out);
  }

  // Points without mass take the largest potentials that are feasible: columns first, then rows.
  void write_potentials(const std::vector<double>& u, const std::vector<double>& v, Solution& out) {
    if (out.potential_a == nullptr && out.potential_b == nullptr) return;
    std::optional<CloudSide> light;
    std::vector<double> light_v;
    if (!split_y_.massless.empty()) {
      light.emplace(side(points_y_, split_y_.massless));
      light_v.resize(light->size());
      transform(pair(*light, *x_, unstopped_), u.data(), light_v.data());
    }
    if (out.potential_b != nullptr) {
      split_y_.scatter(v, order_y_, out.potential_b);
      if (light) scatter(light_v, light->order(), out.potential_b);
    }
    if (out.potential_a == nullptr) return;
    split_x_.scatter(u, order_x_, out.potential_a);
    if (split_x_.massless.empty()) return;
    const CloudSide light_x = side(points_x_, split_x_.massless);
    std::vector<double> light_u(light_x.size());
    transform(pair(light_x, *y_, unstopped_), v.data(), light_u.data());
    if (light) {
      std::vector<double> other(light_x.size());
      transform(pair(light_x, *light, unstopped_), light_v.data(), other.data());
      for (std::size_t k = 0; k < other.size(); ++k) light_u[k] = std::min(light_u[k], other[k]);
    }
    scatter(light_u, light_x.order(), out.potential_a);
  }

  cost::Metric metric_;
  Options options_;
  Monitor& monitor_;
  Monitor unstopped_;  // for what is told after a stop: the certificate
  MatrixView<const T> points_x_;
  MatrixView<const T> points_y_;
  Masses all_masses_;
  std::shared_ptr<const CloudFrame> frame_;
  CloudSplit split_x_;
  CloudSplit split_y_;
  std::vector<std::size_t> order_x_;  // the group at each place
  std::vector<std::size_t> order_y_;
  double largest_;
  std::size_t nearest_;
  std::optional<CloudSide> x_;
  std::optional<CloudSide> y_;
  std::optional<Masses> masses_;
};

}  // namespace

bool is_cloud(std::size_t n, std::size_t m) {
  return n > kMaxPackedArcs / m && std::min(n, m) > kFewPlaces;
}

template <class T>
bool costs_in_range(MatrixView<const T> x, MatrixView<const T> y, const cost::Metric& metric) {
  return scale_for(largest_cost(x, y, metric)) == 1.0;
}

template <class T>
void solve_cloud(MatrixView<const T> x, MatrixView<const T> y, const cost::Metric& metric,
                 const double* a, const double* b, const Options& options, Monitor& monitor,
                 Solution& out) {
  CloudSolver<T>(x, y, metric, a, b, options, monitor).solve(out);
}

#define OTCORE_INSTANTIATE(T)                                                                  \
  template bool costs_in_range(MatrixView<const T>, MatrixView<const T>, const cost::Metric&); \
  template void solve_cloud(MatrixView<const T>, MatrixView<const T>, const cost::Metric&,     \
                            const double*, const double*, const Options&, Monitor&, Solution&);
OTCORE_INSTANTIATE(float)
OTCORE_INSTANTIATE(double)
#undef OTCORE_INSTANTIATE

}  // namespace otcore::exact
