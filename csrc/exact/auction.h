// An auction on a sparse set of arcs: a plan and prices that are nearly optimal, for the simplex to
// start from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/masses.h"
#include "base/monitor.h"
#include "exact/arcs.h"
#include "exact/flow.h"

namespace otcore::exact {

// Rows bid for room in the columns: D. P. Bertsekas, D. A. Castanon, "The auction algorithm for the
// transportation problem", Annals of Operations Research 20 (1989). A column's price is what C_ij
// rises by for whoever wants in; once it is full it is the lowest bid it holds, and higher bids
// push out the lowest. After a round every unit that is placed pays within epsilon of its row's
// cheapest column.
class Auction {
 public:
  // The masses must outlive it.
  explicit Auction(const Masses& masses);

  // The columns' prices; set them before the first round. +infinity for columns without mass.
  [[nodiscard]] std::vector<double>& prices() { return prices_; }

  // Starts from no plan and the prices as they are, and ends when at most a share `leave` of the
  // mass is without a place, when bids have looked at more than max_scans arcs, or when the monitor
  // stops it. Returns whether the mass was placed.
  bool round(const Arcs& arcs, double epsilon, double leave, std::size_t max_scans,
             Monitor& monitor);

  // The plan, by row and column, and what it leaves: mass of rows that has no place, and room.
  [[nodiscard]] std::vector<Flow> flows(const Arcs& arcs) const;
  [[nodiscard]] const std::vector<std::int64_t>& unplaced() const { return unplaced_; }
  [[nodiscard]] std::vector<std::int64_t> room() const;
  [[nodiscard]] double unplaced_share() const {
    return static_cast<double>(total_unplaced_) / static_cast<double>(total_);
  }

 private:
  // Units of a column that a row holds at a bid. Each column's are a leftist heap, the lowest bid
  // on top (C. A. Crane, Linear lists and priority queues as balanced binary trees, 1972): most
  // hold two or three, some thousands.
  struct Holding {
    double bid;
    std::int64_t units;
    std::size_t arc;
    std::int32_t row;
    std::int32_t left;   // or the next unused holding
    std::int32_t right;  // -1: none, as of left
    std::int32_t rank;   // the way to the right has so many
  };

  void clear();
  void bid(std::int32_t row, const Arcs& arcs, double epsilon);
  std::int64_t push_out(std::int32_t row, std::size_t col, double bid, std::int64_t wanted);
  void hold(std::size_t col, const Holding& holding);
  std::int32_t merge(std::int32_t x, std::int32_t y);
  [[nodiscard]] std::int32_t rank(std::int32_t holding) const {
    return holding < 0 ? 0 : holdings_[static_cast<std::size_t>(holding)].rank;
  }

  const Masses& masses_;
  std::vector<double> prices_;
  std::vector<std::int64_t> unplaced_;
  std::vector<std::int64_t> taken_;  // of each column
  std::int64_t total_ = 0;           // of the rows' masses
  std::int64_t total_unplaced_ = 0;
  std::vector<std::int32_t> queue_;   // rows with something to place, each once
  std::vector<std::int32_t> lowest_;  // of each column's holdings, -1 where empty
  std::vector<Holding> holdings_;
  std::int32_t free_ = -1;  // list of unused holdings
};

}  // namespace otcore::exact
