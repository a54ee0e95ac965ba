#include "minibatch/transport.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "minibatch/sliced_table.h"

namespace otcore::minibatch {
namespace {

// Masses as weights of sum 1.
void normalise(const std::vector<double>& masses, std::vector<double>& weights) {
  const double total = std::accumulate(masses.begin(), masses.end(), 0.0);
  weights.resize(masses.size());
  std::transform(masses.begin(), masses.end(), weights.begin(),
                 [total](double mass) { return mass / total; });
}

// Adds a side's gradient, given by place, to its points'; and that of the batch weights
// u = masses / sum(masses), where d_u is not null.
template <class T>
void scatter_gradient(const Side<T>& side, const std::int64_t* batches,
                      const std::vector<double>& by_place, const std::vector<double>& masses,
                      const std::vector<double>* d_u, double* out) {
  double total = 0.0;
  double mean = 0.0;
  for (std::size_t i = 0; d_u != nullptr && i < side.k; ++i) {
    total += masses[i];
    mean += masses[i] * (*d_u)[i];
  }
  if (d_u != nullptr) mean /= total;
  std::fill_n(out, side.points.rows, 0.0);
  for (std::size_t i = 0; i < side.k; ++i) {
    const double of_mass = d_u == nullptr ? 0.0 : ((*d_u)[i] - mean) / total;
    for (std::size_t place = i * side.m; place < (i + 1) * side.m; ++place) {
      out[batches[place]] += by_place[place] + of_mass;
    }
  }
}

template <class Options>
Options with_pairs(Options options, Coupling coupling) {
  options.diagonal = coupling == Coupling::diagonal;
  return options;
}

}  // namespace

template <class T, class PairTable>
Transport<T, PairTable>::Transport(const Side<T>& x, const Side<T>& y,
                                   const typename PairTable::Options& table,
                                   const CouplingOptions& coupling)
    : options_(coupling),
      table_(x, y, with_pairs(table, coupling.kind)),
      outer_(coupling.kind, x.k, y.k, coupling.outer_reg),
      coupling_(table_.costs().size()) {
  if (coupling.by_mass && coupling.kind == Coupling::diagonal) {
    throw InvalidArgument("batch_weights", "'mass' with diagonal pairs",
                          "'uniform': a pair's two batches may differ in mass");
  }
}

template <class T, class PairTable>
void Transport<T, PairTable>::solve(const std::int64_t* batches_x, const std::int64_t* batches_y,
                                    Monitor& monitor) {
  batches_x_ = batches_x;
  batches_y_ = batches_y;
  table_.solve(batches_x, batches_y, monitor);
  const auto& batches = table_.batches();
  if (options_.by_mass) {
    normalise(batches.masses_x(), u_);
    normalise(batches.masses_y(), v_);
  }
  // Batches of as many points of the same weight weigh the same, exactly.
  const double* u = options_.by_mass && batches.x().weights != nullptr ? u_.data() : nullptr;
  const double* v = options_.by_mass && batches.y().weights != nullptr ? v_.data() : nullptr;
  result_ = outer_.solve(table_.costs().data(), u, v, coupling_.data(), monitor);
}

template <class T, class PairTable>
typename Transport<T, PairTable>::OuterGradient Transport<T, PairTable>::outer_gradient() const {
  const auto& batches = table_.batches();
  OuterGradient gradient{std::vector<double>(coupling_.size()), std::vector<double>(batches.x().k),
                         std::vector<double>(batches.y().k)};
  outer_.gradient(table_.costs().data(), coupling_.data(), gradient.costs.data(), gradient.u.data(),
                  gradient.v.data());
  for (std::size_t pair = 0; pair < coupling_.size(); ++pair) {
    gradient.costs[pair] *= table_.cost_slope(pair);
  }
  return gradient;
}

template <class T, class PairTable>
std::vector<double> Transport<T, PairTable>::pair_gradient() const {
  return outer_gradient().costs;
}

template <class T, class PairTable>
void Transport<T, PairTable>::weight_gradient(double* grad_a, double* grad_b,
                                              Monitor& monitor) const {
  const auto& batches = table_.batches();
  const OuterGradient outer = outer_gradient();
  std::vector<double> by_place_x(batches.x().k * batches.x().m);
  std::vector<double> by_place_y(batches.y().k * batches.y().m);
  table_.weight_gradient(outer.costs.data(), by_place_x.data(), by_place_y.data(), monitor);
  scatter_gradient(batches.x(), batches_x_, by_place_x, batches.masses_x(),
                   options_.by_mass ? &outer.u : nullptr, grad_a);
  scatter_gradient(batches.y(), batches_y_, by_place_y, batches.masses_y(),
                   options_.by_mass ? &outer.v : nullptr, grad_b);
}

template class Transport<float>;
template class Transport<double>;
template class Transport<float, SlicedTable<float>>;
template class Transport<double, SlicedTable<double>>;

}  // namespace otcore::minibatch
