// An auction on a sparse set of arcs: a plan and prices that are nearly optimal, for the simplex to
// start from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/monitor.h"
#include "exact/arcs.h"
#include "exact/flow.h"
#include "exact/masses.h"

namespace otcore::exact {

// Rows bid for room in the columns: D. P. Bertsekas, D. A. Castanon, "The auction algorithm for the
// transportation problem", Annals of Operations Research 20 (1989). A column's price is what C_ij
// rises by for whoever wants in; once it is full it is the lowest bid it holds, and higher bids
// push out the lowest. After a round every unit that is placed pays within epsilon of its row's
// cheapest column.
class Auction {
 public:
  // The masses (unperturbed units) must outlive it.
  explicit Auction(const Masses& masses);

  // The columns' prices; set them before the first round. +infinity for columns without mass.
  [[nodiscard]] std::vector<double>& prices() { return prices_; }

  // Starts from no plan and the prices as they are, and ends when at most a share `leave` of the
  // mass is without a place, after max_bids bids, or when the monitor stops it. Returns whether the
  // mass was placed.
  bool round(const Arcs& arcs, double epsilon, double leave, std::size_t max_bids,
             Monitor& monitor);

  // The plan, by row and column, and what it leaves: mass of rows that has no place, and room.
  [[nodiscard]] std::vector<Flow> flows(const Arcs& arcs) const;
  [[nodiscard]] const std::vector<std::int64_t>& unplaced() const { return unplaced_; }
  [[nodiscard]] std::vector<std::int64_t> room() const;
  [[nodiscard]] double unplaced_share() const {
    return static_cast<double>(total_unplaced_) / static_cast<double>(total_);
  }

 private:
  // Units of a column that a row holds at a bid; each column's are on a list, lowest bid first.
  struct Holding {
    double bid;
    std::int64_t units;
    std::int32_t row;
    std::int32_t next;
    std::size_t arc;
  };

  void clear();
  void bid(std::int32_t row, const Arcs& arcs, double epsilon);
  std::int64_t push_out(std::int32_t row, std::size_t col, double bid, std::int64_t wanted);
  void hold(std::size_t col, const Holding& holding);

  const Masses& masses_;
  std::vector<double> prices_;
  std::vector<std::int64_t> unplaced_;
  std::vector<std::int64_t> taken_;  // of each column
  std::int64_t total_ = 0;           // of the rows' masses
  std::int64_t total_unplaced_ = 0;
  std::vector<std::int32_t> queue_;  // rows with something to place, each once
  std::vector<std::int32_t> first_;  // of each column's list, -1 where empty
  std::vector<Holding> holdings_;
  std::int32_t free_ = -1;  // list of unused holdings
};

}  // namespace otcore::exact
