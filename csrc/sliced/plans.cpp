#include "sliced/plans.h"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/sum.h"
#include "base/thread_pool.h"
#include "oned/power.h"
#include "sliced/group.h"
#include "sliced/inputs.h"
#include "sliced/tuning.h"

namespace otcore::sliced {
namespace {

template <class T, class Term>
double sum_terms(const T* x, const T* y, std::size_t dims, const Term& term) {
  double sum = 0.0;
  for (std::size_t k = 0; k < dims; ++k) {
    sum += term(static_cast<double>(x[k]) - static_cast<double>(y[k]));
  }
  return sum;
}

template <class T>
double square_of(const T* x, std::size_t dims) {
  double sum = 0.0;
  for (std::size_t k = 0; k < dims; ++k) sum += double{x[k]} * double{x[k]};
  return sum;
}

template <class T>
double cosine_cost(const T* x, const T* y, std::size_t dims) {
  double product = 0.0;
  for (std::size_t k = 0; k < dims; ++k) product += double{x[k]} * double{y[k]};
  return 1.0 - product / std::sqrt(square_of(x, dims)) / std::sqrt(square_of(y, dims));
}

// body(c) with the cost as a function of two points.
template <class T, class Body>
double with_cost(const cost::Metric& metric, std::size_t dims, const Body& body) {
  switch (metric.kind) {
    case cost::Kind::sqeuclidean:
      return body([dims](const T* x, const T* y) { return sum_terms(x, y, dims, oned::Square{}); });
    case cost::Kind::euclidean:
      return body([dims](const T* x, const T* y) {
        return std::sqrt(sum_terms(x, y, dims, oned::Square{}));
      });
    case cost::Kind::cityblock:
      return body(
          [dims](const T* x, const T* y) { return sum_terms(x, y, dims, oned::Modulus{}); });
    case cost::Kind::minkowski:
      return oned::with_power(metric.p, [&](auto power) {
        return body([=](const T* x, const T* y) { return sum_terms(x, y, dims, power); });
      });
    case cost::Kind::cosine:
      return body([dims](const T* x, const T* y) { return cosine_cost(x, y, dims); });
  }
  return 0.0;
}

template <class T>
void require_directions(MatrixView<const T> points, const char* argument) {
  for (std::size_t i = 0; i < points.rows; ++i) {
    if (square_of(points.row(i), points.cols) > 0.0) continue;
    throw InvalidArgument(argument, "row " + std::to_string(i) + " is a zero vector",
                          "vectors of positive length under cosine");
  }
}

// Plans of slices, in the memory of a thread.
struct Memory {
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> cols;
  std::vector<double> mass;
};

}  // namespace

template <class T>
void solve_plans(const Clouds<T>& clouds, MatrixView<const T> directions,
                 const cost::Metric& metric, const Options& options, const PlanSolutions& out,
                 Monitor& monitor) {
  check_inputs(clouds, directions, options);
  const MatrixView<const T> x = clouds.x[0];
  const MatrixView<const T> y = clouds.y[0];
  if (metric.kind == cost::Kind::cosine) {
    require_directions(x, "X");
    require_directions(y, "Y");
  }
  const std::size_t entries = x.rows + y.rows - 1;
  std::vector<T> centre(x.cols);
  find_centre(x, centre.data());
  struct Worker {
    GroupSolver<T> solver;
    Memory memory;
  };
  std::vector<std::optional<Worker>> workers(
      static_cast<std::size_t>(slots_for(directions.rows, options.n_threads)));
  monitor.set_total(directions.rows);
  // A slice at a time: sorting and pricing take far longer than projecting.
  const auto solve_slice = [&](std::size_t l, int slot) {
    if (monitor.stopped() != Stop::none) return;
    auto& worker = workers[static_cast<std::size_t>(slot)];
    if (!worker) worker.emplace(Worker{GroupSolver<T>(clouds, options), {}});
    Memory& memory = worker->memory;
    double value = 0.0;
    std::int64_t count = 0;
    GroupAnswers<T> answers;
    answers.cost = &value;
    answers.count = &count;
    if (out.mass != nullptr) {
      answers.rows = out.rows + l * entries;
      answers.cols = out.cols + l * entries;
      answers.mass = out.mass + l * entries;
    } else {
      memory.rows.resize(entries);
      memory.cols.resize(entries);
      memory.mass.resize(entries);
      answers.rows = memory.rows.data();
      answers.cols = memory.cols.data();
      answers.mass = memory.mass.data();
    }
    const MatrixView<const T> row{directions.row(l), 1, directions.cols, directions.stride};
    worker->solver.solve(0, centre.data(), row, answers);
    out.cost[l] = with_cost<T>(metric, x.cols, [&](const auto& price) {
      CompensatedSum sum;
      for (std::size_t e = 0; e < static_cast<std::size_t>(count); ++e) {
        sum.add(answers.mass[e] * price(x.row(static_cast<std::size_t>(answers.rows[e])),
                                        y.row(static_cast<std::size_t>(answers.cols[e]))));
      }
      return sum.value();
    });
    if (out.count != nullptr) out.count[l] = count;
    monitor.add_done(1);
  };
  parallel_for(directions.rows, options.n_threads, solve_slice, &monitor);
  monitor.finish();
}

template void solve_plans(const Clouds<float>&, MatrixView<const float>, const cost::Metric&,
                          const Options&, const PlanSolutions&, Monitor&);
template void solve_plans(const Clouds<double>&, MatrixView<const double>, const cost::Metric&,
                          const Options&, const PlanSolutions&, Monitor&);

}  // namespace otcore::sliced
