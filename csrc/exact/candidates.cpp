#include "exact/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/sizes.h"
#include "base/thread_pool.h"
#include "exact/kernels.h"
#include "exact/lowest_places.h"
#include "exact/ties.h"
#include "exact/tuning.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t rows_per_chunk(std::size_t cols) {
  return std::max<std::size_t>(1, kArcsPerSweep / cols);
}

// Runs body(first, last, chunk) over pieces of [0, count).
template <class Body>
void sweep(std::size_t count, std::size_t per_chunk, int n_threads, Monitor& monitor,
           const Body& body) {
  const std::size_t chunks = (count + per_chunk - 1) / per_chunk;
  parallel_for(
      chunks, n_threads,
      [&](std::size_t chunk, int) {
        if (monitor.stopped() != Stop::none) return;
        body(chunk * per_chunk, std::min(count, (chunk + 1) * per_chunk), chunk);
      },
      &monitor);
}

// A bound on the count-th smallest number of a sequence, from the minima of its groups, in any
// order; they are permuted.
double bound(double* minima, std::size_t count) {
  std::nth_element(minima, minima + count - 1, minima + kMinimumGroups);
  return std::nextafter(minima[count - 1], kInfinity);
}

// Asks for a strip of a row that will be read soon: jumps from row to row are not foreseen.
template <class T>
void prefetch(const T* strip, std::size_t cols) {
  constexpr std::size_t kStep = kCacheLine / sizeof(T);
  for (std::size_t j = 0; j < cols; j += kStep) __builtin_prefetch(strip + j);
}

// The places of a row where C_ij - v_j is below a limit, or the `count` lowest of them.
template <class T>
class RowScan {
 public:
  RowScan(const DenseProblem<T>& problem, std::size_t count)
      : problem_(problem), found_(problem.costs.cols), lowest_(1, count) {}

  void append_below(std::int32_t row, const double* v, double limit, std::vector<Arc>& out) {
    const auto i = static_cast<std::size_t>(row);
    const std::size_t count = cost_kernels<T>().below(problem_.costs.row(i), problem_.scale, v,
                                                      problem_.costs.cols, limit, found_.data());
    const std::size_t m = problem_.costs.cols;
    const std::int32_t first = first_of_ties(i, m);
    lowest_.clear();
    for (std::size_t k = 0; k < count; ++k) {
      const auto j = static_cast<std::size_t>(found_[k]);
      const double cost = problem_.cost(i, j);
      lowest_.offer(0, cost - v[j], cost, found_[k], turn(found_[k], first, m));
    }
    for (const Place& place : lowest_.of(0)) out.push_back({row, place.index, place.cost});
  }

 private:
  const DenseProblem<T>& problem_;
  std::vector<std::int32_t> found_;
  LowestPlaces lowest_;
};

// The row that is read kRowsAhead rows after the k-th, where every step-th is.
std::size_t row_ahead(const std::vector<std::int32_t>& rows, std::size_t k, std::size_t step) {
  return static_cast<std::size_t>(rows[std::min(k + kRowsAhead * step, rows.size() - 1)]);
}

// Bounds on the count-th smallest C_ij - u_i of the columns first .. last, from a sample of the
// rows: the share of `count` that falls to the sample, half as much again and a few, so that hardly
// a column gets less than it should. -infinity without mass.
template <class T>
std::vector<double> column_limits(const DenseProblem<T>& problem, const double* u,
                                  std::size_t first, std::size_t last, std::size_t count) {
  const std::vector<std::int32_t>& rows = problem.masses.rows();
  const std::size_t sampled =
      std::max(kMinSampledForLimits, rows.size() / kRowsPerSampledForLimits);
  const std::size_t step = std::max<std::size_t>(1, rows.size() / sampled);
  const std::size_t share = std::min(count, step == 1 ? count : 3 * count / (2 * step) + 4);
  const std::size_t width = last - first;
  std::vector<double> minima(kMinimumGroups * width, kInfinity);
  for (std::size_t k = 0, group = 0; k < rows.size(); k += step) {
    const auto i = static_cast<std::size_t>(rows[k]);
    prefetch(problem.costs.row(row_ahead(rows, k, step)) + first, width);
    cost_kernels<T>().fold_minima(problem.costs.row(i) + first, problem.scale, u[i], width,
                                  minima.data() + group * width);
    group = group + 1 == kMinimumGroups ? 0 : group + 1;
  }
  std::vector<double> limits(width);
  double of_column[kMinimumGroups];
  for (std::size_t j = 0; j < width; ++j) {
    for (std::size_t g = 0; g < kMinimumGroups; ++g) of_column[g] = minima[g * width + j];
    const bool empty = problem.masses.demand()[first + j] == 0;
    limits[j] = empty ? -kInfinity : bound(of_column, share);
  }
  return limits;
}

// The `count` lowest places of each of the columns first .. last among those below its limit.
template <class T>
std::vector<Arc> nearest_of_strip(const DenseProblem<T>& problem, const double* u,
                                  std::size_t first, std::size_t last, std::size_t count) {
  std::vector<double> limits = column_limits(problem, u, first, last, count);
  LowestPlaces lowest(limits.size(), count);
  std::vector<std::int32_t> first_ties(limits.size());
  for (std::size_t j = 0; j < limits.size(); ++j) {
    first_ties[j] = first_of_ties(first + j, problem.costs.rows);
  }
  std::vector<std::int32_t> found(limits.size());
  const std::vector<std::int32_t>& rows = problem.masses.rows();
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const std::int32_t row = rows[k];
    const auto i = static_cast<std::size_t>(row);
    prefetch(problem.costs.row(row_ahead(rows, k, 1)) + first, limits.size());
    // C - u <= limit where C - limit <= u, but for roundings.
    const double most_u = std::nextafter(u[i] + std::abs(u[i]) * 0x1p-50, kInfinity);
    const std::size_t hits =
        cost_kernels<T>().below(problem.costs.row(i) + first, problem.scale, limits.data(),
                                limits.size(), most_u, found.data());
    for (std::size_t h = 0; h < hits; ++h) {
      const auto j = static_cast<std::size_t>(found[h]);
      const double cost = problem.cost(i, first + j);
      lowest.offer(j, cost - u[i], cost, row, turn(row, first_ties[j], problem.costs.rows));
      limits[j] = std::min(limits[j], lowest.limit(j));
    }
  }
  std::vector<Arc> arcs;
  arcs.reserve(limits.size() * std::min(count, problem.masses.rows().size()));
  for (std::size_t j = 0; j < limits.size(); ++j) {
    for (const Place& place : lowest.of(j)) {
      arcs.push_back({place.index, static_cast<std::int32_t>(first + j), place.cost});
    }
  }
  return arcs;
}

}  // namespace

template <class T>
void column_transform(const DenseProblem<T>& problem, const std::vector<std::int32_t>& rows,
                      const double* u, double* v) {
  const std::size_t m = problem.costs.cols;
  const std::size_t step =
      std::max(rows_per_chunk(m), (rows.size() + kMaxRowParts - 1) / kMaxRowParts);
  std::vector<std::vector<double>> parts((rows.size() + step - 1) / step);
  sweep(rows.size(), step, problem.n_threads, problem.monitor,
        [&](std::size_t first, std::size_t last, std::size_t chunk) {
          parts[chunk].assign(m, kInfinity);
          for (std::size_t k = first; k < last; ++k) {
            const T* row = problem.costs.row(static_cast<std::size_t>(rows[k]));
            cost_kernels<T>().fold_minima(row, problem.scale, u == nullptr ? 0.0 : u[k], m,
                                          parts[chunk].data());
          }
        });
  for (std::size_t j = 0; j < m; ++j) {
    v[j] = problem.masses.demand()[j] > 0 ? kInfinity : -kInfinity;
    for (const std::vector<double>& part : parts) {
      if (!part.empty()) v[j] = std::min(v[j], part[j]);
    }
  }
}

template <class T>
void row_transform(const DenseProblem<T>& problem, const std::vector<std::int32_t>& rows,
                   const double* v, double* u) {
  sweep(rows.size(), rows_per_chunk(problem.costs.cols), problem.n_threads, problem.monitor,
        [&](std::size_t first, std::size_t last, std::size_t) {
          for (std::size_t k = first; k < last; ++k) {
            const auto i = static_cast<std::size_t>(rows[k]);
            u[i] = cost_kernels<T>().row_minimum_value(problem.costs.row(i), problem.scale, v,
                                                       problem.costs.cols);
          }
        });
}

template <class T>
ArcParts nearest_of_rows(const DenseProblem<T>& problem, const double* v, std::size_t count,
                         double* u) {
  const std::vector<std::int32_t>& rows = problem.masses.rows();
  const std::size_t step = rows_per_chunk(problem.costs.cols);
  ArcParts parts((rows.size() + step - 1) / step);
  sweep(rows.size(), step, problem.n_threads, problem.monitor,
        [&](std::size_t first, std::size_t last, std::size_t chunk) {
          RowScan<T> scan(problem, count);
          parts[chunk].reserve((last - first) * std::min(count, problem.masses.cols().size()));
          double minima[kMinimumGroups];
          for (std::size_t k = first; k < last; ++k) {
            const auto i = static_cast<std::size_t>(rows[k]);
            cost_kernels<T>().group_minima(problem.costs.row(i), problem.scale, v,
                                           problem.costs.cols, minima);
            u[i] = *std::min_element(minima, minima + kMinimumGroups);
            scan.append_below(rows[k], v, bound(minima, count), parts[chunk]);
          }
        });
  return parts;
}

template <class T>
ArcParts nearest_of_cols(const DenseProblem<T>& problem, const double* u, std::size_t count) {
  const std::size_t m = problem.costs.cols;
  const std::size_t width = std::clamp(round_up((m + kStrips - 1) / kStrips, kLeastColsPerStrip),
                                       kLeastColsPerStrip, kColsPerStrip);
  ArcParts parts((m + width - 1) / width);
  sweep(m, width, problem.n_threads, problem.monitor,
        [&](std::size_t first, std::size_t last, std::size_t chunk) {
          parts[chunk] = nearest_of_strip(problem, u, first, last, count);
        });
  return parts;
}

template <class T>
ArcParts violated_arcs(const DenseProblem<T>& problem, const double* v, double tolerance,
                       std::size_t count, double* u) {
  const std::vector<std::int32_t>& rows = problem.masses.rows();
  const std::size_t step = rows_per_chunk(problem.costs.cols);
  ArcParts parts((rows.size() + step - 1) / step);
  sweep(rows.size(), step, problem.n_threads, problem.monitor,
        [&](std::size_t first, std::size_t last, std::size_t chunk) {
          RowScan<T> scan(problem, count);
          for (std::size_t k = first; k < last; ++k) {
            const auto i = static_cast<std::size_t>(rows[k]);
            const double limit = u[i] - tolerance;
            u[i] = cost_kernels<T>().row_minimum_value(problem.costs.row(i), problem.scale, v,
                                                       problem.costs.cols);
            if (u[i] >= limit) continue;
            scan.append_below(rows[k], v, limit, parts[chunk]);
          }
        });
  return parts;
}

#define OTCORE_INSTANTIATE(T)                                                                     \
  template void column_transform(const DenseProblem<T>&, const std::vector<std::int32_t>&,        \
                                 const double*, double*);                                         \
  template void row_transform(const DenseProblem<T>&, const std::vector<std::int32_t>&,           \
                              const double*, double*);                                            \
  template ArcParts nearest_of_rows(const DenseProblem<T>&, const double*, std::size_t, double*); \
  template ArcParts nearest_of_cols(const DenseProblem<T>&, const double*, std::size_t);          \
  template ArcParts violated_arcs(const DenseProblem<T>&, const double*, double, std::size_t,     \
                                  double*);
OTCORE_INSTANTIATE(float)
OTCORE_INSTANTIATE(double)
#undef OTCORE_INSTANTIATE

}  // namespace otcore::exact
