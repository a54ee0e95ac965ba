#include "exact/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/random.h"
#include "base/thread_pool.h"
#include "exact/kernels.h"
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

// A place of a row or column and its reduced cost there.
struct Place {
  double reduced;
  double cost;
  std::int32_t index;
  std::int32_t turn;  // breaks ties
};

// Moves the `count` lowest to the front; returns the end of what stays.
Place* keep_lowest(Place* begin, Place* end, std::size_t count) {
  if (static_cast<std::size_t>(end - begin) <= count) return end;
  std::nth_element(begin, begin + count, end, [](const Place& x, const Place& y) {
    return x.reduced != y.reduced ? x.reduced < y.reduced : x.turn < y.turn;
  });
  return begin + count;
}

void keep_lowest(std::vector<Place>& places, std::size_t count) {
  if (places.size() > count) {
    keep_lowest(places.data(), places.data() + places.size(), count);
    places.resize(count);
  }
}

// A bound on the count-th smallest number of a sequence, from the minima of its groups, in any
// order; they are permuted.
double bound(double* minima, std::size_t count) {
  std::nth_element(minima, minima + count - 1, minima + kMinimumGroups);
  return std::nextafter(minima[count - 1], kInfinity);
}

// Orders pairs of equal cost differently for each row and column.
std::int32_t tie_break(std::size_t i, std::size_t j) {
  return static_cast<std::int32_t>(scatter(std::uint64_t{i} << 32 | j) >> 33);
}

// The places of a row where C_ij - v_j is below a limit.
template <class T>
class RowScan {
 public:
  explicit RowScan(const DenseProblem<T>& problem)
      : problem_(problem), found_(problem.costs.cols) {}

  std::vector<Place>& below(std::size_t i, const double* v, double limit) {
    const std::size_t count = cost_kernels<T>().below(problem_.costs.row(i), problem_.scale, v,
                                                      problem_.costs.cols, limit, found_.data());
    places_.clear();
    for (std::size_t k = 0; k < count; ++k) {
      const auto j = static_cast<std::size_t>(found_[k]);
      const double cost = problem_.cost(i, j);
      places_.push_back({cost - v[j], cost, found_[k], tie_break(i, j)});
    }
    return places_;
  }

 private:
  const DenseProblem<T>& problem_;
  std::vector<std::int32_t> found_;
  std::vector<Place> places_;
};

void append(std::int32_t row, const std::vector<Place>& places, std::vector<Arc>& out) {
  for (const Place& place : places) out.push_back({row, place.index, place.cost});
}

// A bound on the count-th smallest C_ij - u_i of each column, from a sample of the rows: the share
// of `count` that falls to the sample, half as much again and a few, so that hardly a column gets
// less than it should. -infinity without mass.
template <class T>
std::vector<double> column_limits(const DenseProblem<T>& problem, const double* u,
                                  std::size_t count) {
  const std::vector<std::int32_t>& rows = problem.masses.rows();
  const std::size_t sampled =
      std::max(kMinSampledForLimits, rows.size() / kRowsPerSampledForLimits);
  const std::size_t step = std::max<std::size_t>(1, rows.size() / sampled);
  const std::size_t share = std::min(count, step == 1 ? count : 3 * count / (2 * step) + 4);
  std::vector<double> limits(problem.costs.cols);
  sweep(limits.size(), kColsPerStrip, problem.n_threads, problem.monitor,
        [&](std::size_t first, std::size_t last, std::size_t) {
          const std::size_t width = last - first;
          std::vector<double> minima(kMinimumGroups * width, kInfinity);
          for (std::size_t k = 0, group = 0; k < rows.size(); k += step) {
            const auto i = static_cast<std::size_t>(rows[k]);
            cost_kernels<T>().fold_minima(problem.costs.row(i) + first, problem.scale, u[i], width,
                                          minima.data() + group * width);
            group = group + 1 == kMinimumGroups ? 0 : group + 1;
          }
          double of_column[kMinimumGroups];
          for (std::size_t j = first; j < last; ++j) {
            for (std::size_t g = 0; g < kMinimumGroups; ++g) {
              of_column[g] = minima[g * width + j - first];
            }
            limits[j] = problem.masses.demand()[j] > 0 ? bound(of_column, share) : -kInfinity;
          }
        });
  return limits;
}

// A pair that may be among its column's nearest.
struct Hit {
  Place place;  // index: the row
  std::int32_t col;
};

// The pairs of some rows below their columns' limits. Where many are, because they cost the same, a
// column takes no more but lower ones.
template <class T>
std::vector<Hit> hits_of_rows(const DenseProblem<T>& problem, const double* u, std::size_t first,
                              std::size_t last, std::vector<double> limits, std::size_t most) {
  std::vector<Hit> hits;
  const std::size_t rows = last - first;
  hits.reserve(limits.size() *
               std::min(rows, most * rows / (2 * problem.masses.rows().size()) + 1));
  std::vector<std::int32_t> found(limits.size());
  std::vector<std::size_t> taken(limits.size());
  std::vector<double> lowest(limits.size(), kInfinity);
  for (std::size_t k = first; k < last; ++k) {
    const std::int32_t row = problem.masses.rows()[k];
    const auto i = static_cast<std::size_t>(row);
    // C - u <= limit where C - limit <= u, but for roundings.
    const double most_u = std::nextafter(u[i] + std::abs(u[i]) * 0x1p-50, kInfinity);
    const std::size_t count = cost_kernels<T>().below(
        problem.costs.row(i), problem.scale, limits.data(), limits.size(), most_u, found.data());
    for (std::size_t h = 0; h < count; ++h) {
      const auto j = static_cast<std::size_t>(found[h]);
      const double cost = problem.cost(i, j);
      const double reduced = cost - u[i];
      hits.push_back({{reduced, cost, row, tie_break(i, j)}, found[h]});
      lowest[j] = std::min(lowest[j], reduced);
      if (++taken[j] >= most) limits[j] = std::nextafter(lowest[j], -kInfinity);
    }
  }
  return hits;
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
          RowScan<T> scan(problem);
          double minima[kMinimumGroups];
          for (std::size_t k = first; k < last; ++k) {
            const auto i = static_cast<std::size_t>(rows[k]);
            cost_kernels<T>().group_minima(problem.costs.row(i), problem.scale, v,
                                           problem.costs.cols, minima);
            u[i] = *std::min_element(minima, minima + kMinimumGroups);
            std::vector<Place>& places = scan.below(i, v, bound(minima, count));
            keep_lowest(places, count);
            append(rows[k], places, parts[chunk]);
          }
        });
  return parts;
}

template <class T>
ArcParts nearest_of_cols(const DenseProblem<T>& problem, const double* u, std::size_t count) {
  const std::size_t n = problem.masses.rows().size();
  const std::size_t m = problem.costs.cols;
  const std::vector<double> limits = column_limits(problem, u, count);
  const std::size_t step = std::max(rows_per_chunk(m), (n + kMaxRowParts - 1) / kMaxRowParts);
  std::vector<std::vector<Hit>> hits((n + step - 1) / step);
  sweep(n, step, problem.n_threads, problem.monitor,
        [&](std::size_t first, std::size_t last, std::size_t chunk) {
          hits[chunk] = hits_of_rows(problem, u, first, last, limits, kCrowd * count);
        });

  // Each column's hits together.
  std::vector<std::size_t> end_of(m + 1);
  for (const auto& part : hits) {
    for (const Hit& hit : part) ++end_of[static_cast<std::size_t>(hit.col) + 1];
  }
  for (std::size_t j = 0; j < m; ++j) end_of[j + 1] += end_of[j];
  std::vector<Place> places(end_of[m]);
  for (const auto& part : hits) {
    for (const Hit& hit : part) places[end_of[static_cast<std::size_t>(hit.col)]++] = hit.place;
  }

  ArcParts parts((m + kColsPerStrip - 1) / kColsPerStrip);
  sweep(m, kColsPerStrip, problem.n_threads, problem.monitor,
        [&](std::size_t first, std::size_t last, std::size_t chunk) {
          for (std::size_t j = first; j < last; ++j) {
            Place* begin = places.data() + (j == 0 ? 0 : end_of[j - 1]);
            Place* end = keep_lowest(begin, places.data() + end_of[j], count);
            for (const Place* place = begin; place != end; ++place) {
              parts[chunk].push_back({place->index, static_cast<std::int32_t>(j), place->cost});
            }
          }
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
          RowScan<T> scan(problem);
          for (std::size_t k = first; k < last; ++k) {
            const auto i = static_cast<std::size_t>(rows[k]);
            const double limit = u[i] - tolerance;
            u[i] = cost_kernels<T>().row_minimum_value(problem.costs.row(i), problem.scale, v,
                                                       problem.costs.cols);
            if (u[i] >= limit) continue;
            std::vector<Place>& places = scan.below(i, v, limit);
            keep_lowest(places, count);
            append(rows[k], places, parts[chunk]);
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
