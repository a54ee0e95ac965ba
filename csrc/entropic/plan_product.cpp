#include "entropic/plan_product.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/thread_pool.h"
#include "entropic/solver_tuning.h"

namespace otcore::entropic {
namespace {

double sum(const std::vector<double>& x, std::size_t first, std::size_t last) {
  return std::accumulate(x.data() + first, x.data() + last, 0.0);
}

}  // namespace

template <class T>
void PlanProduct<T>::set(double eps, const Point& at) {
  eps_ = eps;
  const Marginals& marginals = dual_->marginals();
  plan_ = {eps, marginals.a, marginals.b, at.f.data(), at.g.data()};
  middle_.resize(at.f.size());
  if (sparse_) {
    scale(at);
    double missing = 0.0;
    for (std::size_t j = 0; j < col_mass_.size(); ++j) {
      missing += std::abs(at.col_mass[j] - col_mass_[j]);
    }
    if (missing <= kStale * at.error) return;
  }
  sparse_ = gather(at);
  if (sparse_) {
    scale(at);
    return;
  }
  col_mass_ = at.col_mass;
  diagonal_.assign(at.g.size(), 0.0);
  root_mass_.resize(at.f.size());
  for (std::size_t i = 0; i < at.f.size(); ++i) root_mass_[i] = std::sqrt(dual_->row_mass(at, i));
}

// Reads the larger entries of the plan into rows_ and cols_; false where there are too many.
template <class T>
bool PlanProduct<T>::gather(const Point& at) {
  const std::size_t n = at.f.size();
  const std::size_t m = at.g.size();
  const std::size_t most = std::min(std::max(kKeptPerPoint * (n + m), kSmallPlan), kLargestPlan);
  dual_->count_passes(1);
  if (!dual_->sweep().extract(plan_, kDropped, most, gathered_)) return false;
  const std::size_t count = gathered_.cols.size();
  rows_.starts = gathered_.starts;
  rows_.others = gathered_.cols;
  rows_.costs.resize(count);
  cols_.starts.assign(m + 1, 0);
  for (const std::int32_t j : rows_.others) ++cols_.starts[static_cast<std::size_t>(j) + 1];
  std::partial_sum(cols_.starts.begin(), cols_.starts.end(), cols_.starts.begin());
  cols_.others.resize(count);
  cols_.costs.resize(count);
  std::vector<std::int64_t> next(cols_.starts.begin(), cols_.starts.end() - 1);
  for (std::size_t i = 0; i < n; ++i) {
    for (auto e = static_cast<std::size_t>(rows_.starts[i]);
         e < static_cast<std::size_t>(rows_.starts[i + 1]); ++e) {
      const auto j = static_cast<std::size_t>(rows_.others[e]);
      const double weight = plan_.a[i] * plan_.b[j];
      rows_.costs[e] = at.f[i] + at.g[j] - eps_ * std::log(gathered_.mass[e] / weight);
      const auto place = static_cast<std::size_t>(next[j]++);
      cols_.others[place] = static_cast<std::int32_t>(i);
      cols_.costs[place] = rows_.costs[e];
    }
  }
  rows_.shares.resize(count);
  cols_.shares.resize(count);
  return true;
}

template <class T>
template <class Body>
void PlanProduct<T>::for_each_point(const Compressed& side, const Body& body) {
  const std::size_t points = side.starts.size() - 1;
  const std::size_t chunks = std::max<std::size_t>(1, side.others.size() / kEntriesPerChunk);
  parallel_for(chunks, chunks == 1 ? 1 : n_threads_, [&](std::size_t chunk, int) {
    for (std::size_t p = points * chunk / chunks; p < points * (chunk + 1) / chunks; ++p) {
      body(p, static_cast<std::size_t>(side.starts[p]),
           static_cast<std::size_t>(side.starts[p + 1]));
    }
  });
}

template <class T>
void PlanProduct<T>::fill_shares(Compressed& side, const Point& at, bool by_rows) {
  const double* f = by_rows ? at.f.data() : at.g.data();
  const double* g = by_rows ? at.g.data() : at.f.data();
  const double* a = by_rows ? plan_.a : plan_.b;
  const double* b = by_rows ? plan_.b : plan_.a;
  for_each_point(side, [&](std::size_t p, std::size_t first, std::size_t last) {
    for (std::size_t e = first; e < last; ++e) {
      const auto q = static_cast<std::size_t>(side.others[e]);
      side.shares[e] = a[p] * b[q] * std::exp((f[p] + g[q] - side.costs[e]) / eps_);
    }
  });
}

template <class T>
void PlanProduct<T>::scale(const Point& at) {
  fill_shares(rows_, at, true);
  root_mass_.resize(at.f.size());
  for_each_point(rows_, [&](std::size_t i, std::size_t first, std::size_t last) {
    const double mass = sum(rows_.shares, first, last);
    const double root = root_mass_[i] = std::sqrt(mass);
    for (std::size_t e = first; e < last; ++e)
      rows_.shares[e] = mass > 0.0 ? rows_.shares[e] / root : 0.0;
  });
  fill_shares(cols_, at, false);
  col_mass_.resize(at.g.size());
  diagonal_.resize(at.g.size());
  for_each_point(cols_, [&](std::size_t j, std::size_t first, std::size_t last) {
    col_mass_[j] = sum(cols_.shares, first, last);
    double squares = 0.0;
    for (std::size_t e = first; e < last; ++e) {
      const double root = root_mass_[static_cast<std::size_t>(cols_.others[e])];
      cols_.shares[e] = root > 0.0 ? cols_.shares[e] / root : 0.0;
      squares += cols_.shares[e] * cols_.shares[e];
    }
    diagonal_[j] = squares;
  });
}

template <class T>
void PlanProduct<T>::multiply(const Compressed& side, const std::vector<double>& x,
                              std::vector<double>& out) {
  for_each_point(side, [&](std::size_t p, std::size_t first, std::size_t last) {
    double sum = 0.0;
    for (std::size_t e = first; e < last; ++e) {
      sum += side.shares[e] * x[static_cast<std::size_t>(side.others[e])];
    }
    out[p] = sum;
  });
}

template <class T>
void PlanProduct<T>::normal(const std::vector<double>& x, std::vector<double>& out) {
  if (sparse_) {
    multiply(rows_, x, middle_);
    multiply(cols_, middle_, out);
    return;
  }
  dual_->count_passes(2);
  dual_->sweep().apply(plan_, x.data(), 1, middle_.data());
  for (std::size_t i = 0; i < middle_.size(); ++i) {
    const double mass = root_mass_[i] * root_mass_[i];
    middle_[i] = mass > 0.0 ? middle_[i] / mass : 0.0;
  }
  dual_->sweep().apply_t(plan_, middle_.data(), 1, out.data());
}

template class PlanProduct<float>;
template class PlanProduct<double>;

}  // namespace otcore::entropic
