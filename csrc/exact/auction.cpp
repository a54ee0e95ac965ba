#include "exact/auction.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "exact/kernels.h"
#include "exact/tuning.h"

namespace otcore::exact {

Auction::Auction(const Masses& masses)
    : masses_(masses),
      prices_(masses.demand().size(), std::numeric_limits<double>::infinity()),
      unplaced_(masses.supply()),
      taken_(prices_.size()),
      total_(std::accumulate(unplaced_.begin(), unplaced_.end(), std::int64_t{0})),
      lowest_(prices_.size()) {}

void Auction::clear() {
  unplaced_ = masses_.supply();
  total_unplaced_ = total_;
  std::fill(taken_.begin(), taken_.end(), 0);
  std::fill(lowest_.begin(), lowest_.end(), -1);
  holdings_.clear();
  free_ = -1;
  queue_ = masses_.rows();
}

bool Auction::round(const Arcs& arcs, double epsilon, double leave, std::size_t max_scans,
                    Monitor& monitor) {
  clear();
  const auto enough = static_cast<std::int64_t>(static_cast<double>(total_unplaced_) * leave);
  std::size_t bids = 0;
  std::size_t scans = 0;
  // A queue in the order in which rows came to have something to place.
  for (std::size_t head = 0; head < queue_.size(); ++head) {
    if (head == kQueueToKeep) {
      queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head));
      head = 0;
    }
    const std::int32_t row = queue_[head];
    const auto i = static_cast<std::size_t>(row);
    if (arcs.begin(i) == arcs.end(i)) continue;
    while (unplaced_[i] > 0) {
      if (total_unplaced_ <= enough) return true;
      if (scans > max_scans) return false;
      if (++bids % kBidsPerPoll == 0 && monitor.poll() != Stop::none) return false;
      scans += arcs.end(i) - arcs.begin(i);
      bid(row, arcs, epsilon);
    }
  }
  return total_unplaced_ <= enough;
}

// The row offers for its cheapest column what makes it as expensive as the second, and epsilon
// more.
void Auction::bid(std::int32_t row, const Arcs& arcs, double epsilon) {
  const auto i = static_cast<std::size_t>(row);
  const std::size_t begin = arcs.begin(i);
  const Cheapest best = kernels().two_cheapest(arcs.cols() + begin, arcs.costs() + begin,
                                               arcs.end(i) - begin, prices_.data());
  const auto col = static_cast<std::size_t>(arcs.cols()[begin + best.arc]);
  const double rise = arcs.end(i) - begin > 1 ? best.second - best.price : 0.0;
  const double offer = prices_[col] + rise + epsilon;
  const std::int64_t capacity = masses_.demand()[col];
  std::int64_t got = std::min(unplaced_[i], capacity - taken_[col]);
  taken_[col] += got;
  got += push_out(row, col, offer, unplaced_[i] - got);
  unplaced_[i] -= got;
  total_unplaced_ -= got;
  if (got > 0) hold(col, {offer, got, begin + best.arc, row, -1, -1, 1});
  if (taken_[col] == capacity) {
    prices_[col] = std::max(prices_[col], holdings_[static_cast<std::size_t>(lowest_[col])].bid);
  }
}

// Takes up to `wanted` units from the holders of lowest bids, and all that the row itself holds
// among them; returns how many.
std::int64_t Auction::push_out(std::int32_t row, std::size_t col, double bid, std::int64_t wanted) {
  std::int64_t got = 0;
  while (wanted > 0 && lowest_[col] >= 0) {
    const std::int32_t index = lowest_[col];
    Holding& lowest = holdings_[static_cast<std::size_t>(index)];
    if (lowest.bid >= bid) break;
    const bool own = lowest.row == row;
    const std::int64_t units = own ? lowest.units : std::min(wanted, lowest.units);
    const auto holder = static_cast<std::size_t>(lowest.row);
    if (!own) {
      wanted -= units;
      if (unplaced_[holder] == 0) queue_.push_back(lowest.row);
    }
    unplaced_[holder] += units;
    total_unplaced_ += units;
    got += units;
    lowest.units -= units;
    if (lowest.units == 0) {
      lowest_[col] = merge(lowest.left, lowest.right);
      lowest.left = free_;
      free_ = index;
    }
  }
  return got;
}

void Auction::hold(std::size_t col, const Holding& holding) {
  std::int32_t index = free_;
  if (index >= 0) {
    free_ = holdings_[static_cast<std::size_t>(index)].left;
    holdings_[static_cast<std::size_t>(index)] = holding;
  } else {
    index = static_cast<std::int32_t>(holdings_.size());
    holdings_.push_back(holding);
  }
  lowest_[col] = merge(index, lowest_[col]);
}

// Two heaps in one; the ways to the right, along which it goes, are as long as a logarithm.
std::int32_t Auction::merge(std::int32_t x, std::int32_t y) {
  if (x < 0) return y;
  if (y < 0) return x;
  if (holdings_[static_cast<std::size_t>(y)].bid < holdings_[static_cast<std::size_t>(x)].bid) {
    std::swap(x, y);
  }
  Holding& top = holdings_[static_cast<std::size_t>(x)];
  top.right = merge(top.right, y);
  if (rank(top.left) < rank(top.right)) std::swap(top.left, top.right);
  top.rank = rank(top.right) + 1;
  return x;
}

std::vector<Flow> Auction::flows(const Arcs& arcs) const {
  std::vector<Flow> flows;
  std::vector<std::int32_t> heap;
  for (std::size_t j = 0; j < lowest_.size(); ++j) {
    const std::size_t begin = flows.size();
    heap.assign(1, lowest_[j]);
    while (!heap.empty()) {
      const std::int32_t top = heap.back();
      heap.pop_back();
      if (top < 0) continue;
      const Holding& holding = holdings_[static_cast<std::size_t>(top)];
      flows.push_back(
          {holding.row, static_cast<std::int32_t>(j), holding.units, arcs.costs()[holding.arc]});
      heap.push_back(holding.left);
      heap.push_back(holding.right);
    }
    // A row may hold units at several bids.
    std::sort(flows.begin() + static_cast<std::ptrdiff_t>(begin), flows.end(),
              [](const Flow& x, const Flow& y) { return x.row < y.row; });
    std::size_t end = begin;
    for (std::size_t k = begin; k < flows.size(); ++k) {
      if (end > begin && flows[end - 1].row == flows[k].row) {
        flows[end - 1].units += flows[k].units;
      } else {
        flows[end++] = flows[k];
      }
    }
    flows.resize(end);
  }
  return flows;
}

std::vector<std::int64_t> Auction::room() const {
  std::vector<std::int64_t> room = masses_.demand();
  for (std::size_t j = 0; j < room.size(); ++j) room[j] -= taken_[j];
  return room;
}

}  // namespace otcore::exact
