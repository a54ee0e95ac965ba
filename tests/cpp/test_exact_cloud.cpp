// Looks at all pairs of two clouds, against loops over their matrix.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "exact/arcs.h"
#include "exact/cloud.h"
#include "exact/cloud_scan.h"
#include "exact/problem.h"
#include "exact/tuning.h"
#include "exact_clouds.h"

namespace otcore::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Column potentials of every kind: optimal ones, where the bounds of whole tiles are tightest and
// many arcs are equally low; zero; random ones, from much smaller than the costs to larger.
struct Potentials {
  std::string name;
  std::vector<double> v;
};

std::vector<double> optimal_potentials(CloudStage& stage) {
  std::vector<double> u(stage.n());
  std::vector<double> v(stage.m());
  Solution solution;
  solution.potential_a = u.data();
  solution.potential_b = v.data();
  Solver solver(stage.n(), stage.m(), {});
  solver.solve(MatrixView<const double>{stage.costs.data(), stage.n(), stage.m(), stage.m()},
               nullptr, nullptr, stage.monitor, solution);
  return v;
}

std::vector<Potentials> every_potential(CloudStage& stage) {
  const std::size_t m = stage.m();
  std::vector<Potentials> all{
      {"zero", std::vector<double>(m)},
      {"transformed", stage.col_transform(stage.numbers(stage.n(), 0.1, 1))},
  };
  for (const double size : {1e-9, 1e-3, 1.0, 30.0}) {
    all.push_back({"random " + std::to_string(size), stage.numbers(m, size, 2)});
  }
  if (stage.n() * stage.m() < 100000) all.push_back({"optimal", optimal_potentials(stage)});
  return all;
}

// Calls check(stage, name, v) for every metric, shape and potential.
template <class Check>
void for_each_problem(const Check& check) {
  for (const cost::Metric& metric : every_metric()) {
    for (const Shape shape : every_shape()) {
      const bool squares = metric.kind == cost::Kind::sqeuclidean;
      const std::size_t d = shape == Shape::normal && squares ? 20 : 2;
      CloudStage stage(metric, 101, 99, d, shape, 11);
      for (const Potentials& potentials : every_potential(stage)) {
        SCOPED_TRACE(stage.name() + ", shape " + std::to_string(static_cast<int>(shape)) +
                     ", potentials " + potentials.name);
        check(stage, potentials.v);
      }
    }
  }
}

// By row (or column), the reduced costs found, ascending; arcs are different and have their costs.
std::vector<std::vector<double>> reduced_costs(const CloudStage& stage, const ArcParts& parts,
                                               const std::vector<double>& potentials, bool by_row) {
  std::vector<std::vector<double>> found(by_row ? stage.n() : stage.m());
  std::vector<std::pair<std::int32_t, std::int32_t>> pairs;
  for (const auto& part : parts) {
    for (const Arc& arc : part) {
      const auto i = static_cast<std::size_t>(arc.row);
      const auto j = static_cast<std::size_t>(arc.col);
      pairs.emplace_back(arc.row, arc.col);
      EXPECT_EQ(arc.cost, stage.cost(i, j));
      found[by_row ? i : j].push_back(arc.cost - potentials[by_row ? j : i]);
    }
  }
  std::sort(pairs.begin(), pairs.end());
  EXPECT_EQ(std::adjacent_find(pairs.begin(), pairs.end()), pairs.end());
  for (auto& row : found) std::sort(row.begin(), row.end());
  return found;
}

// The same from the matrix, all of them.
std::vector<std::vector<double>> all_reduced_costs(const CloudStage& stage,
                                                   const std::vector<double>& potentials,
                                                   bool by_row) {
  std::vector<std::vector<double>> all(by_row ? stage.n() : stage.m());
  for (std::size_t i = 0; i < stage.n(); ++i) {
    for (std::size_t j = 0; j < stage.m(); ++j) {
      all[by_row ? i : j].push_back(stage.cost(i, j) - potentials[by_row ? j : i]);
    }
  }
  for (auto& row : all) std::sort(row.begin(), row.end());
  return all;
}

void keep_lowest(std::size_t count, std::vector<std::vector<double>>& rows) {
  for (auto& row : rows) row.resize(std::min(count, row.size()));
}

TEST(Cloud, TransformsPotentials) {
  for_each_problem([](CloudStage& stage, const std::vector<double>& v) {
    std::vector<double> u(stage.n(), std::nan(""));
    transform(stage.pair(), v.data(), u.data());
    EXPECT_EQ(u, stage.row_transform(v));
  });
}

TEST(Cloud, FindsTheNearest) {
  for_each_problem([](CloudStage& stage, const std::vector<double>& v) {
    const auto all_of_rows = all_reduced_costs(stage, v, true);
    const auto all_of_cols = all_reduced_costs(stage, stage.row_transform(v), false);
    for (const std::size_t count : {1, 7}) {
      auto lowest = all_of_rows;
      keep_lowest(count, lowest);
      std::vector<double> u(stage.n(), std::nan(""));
      const ArcParts rows = nearest_of_rows(stage.problem(), v.data(), count, u.data());
      EXPECT_EQ(reduced_costs(stage, rows, v, true), lowest);
      EXPECT_EQ(u, stage.row_transform(v));
      lowest = all_of_cols;
      keep_lowest(count, lowest);
      EXPECT_EQ(reduced_costs(stage, nearest_of_cols(stage.problem(), u.data(), count), u, false),
                lowest);
    }
  });
}

TEST(Cloud, FindsTheCheapestOfARow) {
  for_each_problem([](CloudStage& stage, const std::vector<double>& v) {
    const CloudProblem problem = stage.problem();
    const std::vector<double> u = stage.row_transform(v);
    for (std::size_t i = 0; i < stage.n(); ++i) {
      const Arc arc = problem.cheapest(i, v.data());
      const auto j = static_cast<std::size_t>(arc.col);
      EXPECT_EQ(arc.row, static_cast<std::int32_t>(i));
      ASSERT_LT(j, stage.m());
      EXPECT_EQ(arc.cost, stage.cost(i, j));
      EXPECT_EQ(arc.cost - v[j], u[i]);
    }
  });
}

// Row potentials at which nothing, little and much is violated, and such that are below all arcs.
TEST(Cloud, FindsWhatIsViolated) {
  for_each_problem([](CloudStage& stage, const std::vector<double>& v) {
    const std::vector<double> transformed = stage.row_transform(v);
    const auto all = all_reduced_costs(stage, v, true);
    for (const double raise : {0.0, 1e-12, 0.1}) {
      for (const double lower : {0.0, 0.1}) {
        std::vector<double> start = stage.numbers(stage.n(), 1.0, 3);
        for (std::size_t i = 0; i < start.size(); ++i) {
          const double change = start[i] > 0.0 ? raise * start[i] : lower * start[i];
          start[i] = transformed[i] + change;
        }
        std::vector<std::vector<double>> violated(stage.n());
        for (std::size_t i = 0; i < start.size(); ++i) {
          const double bound = start[i] - stage.tolerance();
          std::copy_if(all[i].begin(), all[i].end(), std::back_inserter(violated[i]),
                       [bound](double reduced) { return reduced < bound; });
        }
        for (const std::size_t count : {std::size_t{3}, stage.m()}) {
          auto lowest = violated;
          keep_lowest(count, lowest);
          std::vector<double> u = start;
          const ArcParts parts =
              violated_arcs(stage.problem(), v.data(), stage.tolerance(), count, u.data());
          EXPECT_EQ(reduced_costs(stage, parts, v, true), lowest);
          EXPECT_EQ(u, transformed);
        }
      }
    }
  });
}

// More blocks of columns than are measured at a time, and than a scan begins with; the last blocks
// have one point and a few.
TEST(Cloud, LooksAtManyBlocks) {
  for (const Shape shape : {Shape::normal, Shape::mixed, Shape::far}) {
    CloudStage stage(cost::Metric{}, 241, 49 * 49 + 3, 2, shape, 12);
    ASSERT_GT(stage.y->blocks(), kBlockPoints);
    ASSERT_GT(stage.x->blocks(), CloudScan::blocks_per_group(stage.problem()));
    for (const Potentials& potentials : every_potential(stage)) {
      SCOPED_TRACE(stage.name() + ", potentials " + potentials.name);
      const std::vector<double>& v = potentials.v;
      std::vector<double> u(stage.n());
      const ArcParts rows = nearest_of_rows(stage.problem(), v.data(), 5, u.data());
      auto lowest = all_reduced_costs(stage, v, true);
      keep_lowest(5, lowest);
      EXPECT_EQ(reduced_costs(stage, rows, v, true), lowest);
      EXPECT_EQ(u, stage.row_transform(v));
      std::vector<double> transformed(stage.m());
      transform(stage.pair().swapped(), u.data(), transformed.data());
      EXPECT_EQ(transformed, stage.col_transform(u));
    }
  }
}

// Points far from all others, some of which a sample for shadows leaves out.
TEST(Cloud, LooksAtOutliers) {
  CloudStage stage(cost::Metric{}, 601, 700, kLeastShadowedDims, Shape::outlier, 18);
  for (const double size : {0.0, 1e-13, 1e-3}) {
    SCOPED_TRACE(size);
    const std::vector<double> v = stage.numbers(stage.m(), size, 3);
    const std::vector<double> u = stage.row_transform(v);
    std::vector<double> raised = u;
    for (double& x : raised) x += 0.01;
    violated_arcs(stage.problem(), v.data(), 0.0, 3, raised.data());
    EXPECT_EQ(raised, u);
    std::vector<double> transformed(stage.m());
    transform(stage.pair().swapped(), u.data(), transformed.data());
    EXPECT_EQ(transformed, stage.col_transform(u));
  }
}

TEST(Cloud, IsOfAnySize) {
  for (const auto& [n, m] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {1, 50}, {48, 1}, {49, 96}}) {
    for (const std::size_t dims : {1, 3}) {
      CloudStage stage(cost::Metric{}, n, m, dims, Shape::normal, 13);
      SCOPED_TRACE(stage.name());
      const std::vector<double> v = stage.numbers(m, 0.1, 4);
      std::vector<double> u(n);
      const ArcParts parts = nearest_of_rows(stage.problem(), v.data(), 60, u.data());
      auto lowest = all_reduced_costs(stage, v, true);
      keep_lowest(60, lowest);
      EXPECT_EQ(reduced_costs(stage, parts, v, true), lowest);
      EXPECT_EQ(u, stage.row_transform(v));
    }
  }
}

// Every pair right below its row's limit is told, once, whatever the rounding of bounds and of the
// filter; none that is not.
TEST(CloudScan, TellsWhatIsBelowLimits) {
  for (const std::size_t dims :
       {std::size_t{1}, std::size_t{2}, std::size_t{16}, kLeastShadowedDims}) {
    for (const Shape shape : every_shape()) {
      if (dims > 16 && shape != Shape::mixed && shape != Shape::outlier)
        continue;  // they cost time
      CloudStage stage(cost::Metric{}, 75, 149, dims, shape, 14);
      const CloudPair pair = stage.pair();
      for (const Potentials& potentials : every_potential(stage)) {
        SCOPED_TRACE(stage.name() + ", potentials " + potentials.name);
        const auto all = all_reduced_costs(stage, potentials.v, true);
        std::vector<double> limits(stage.n());
        for (std::size_t i = 0; i < stage.n(); ++i) {
          limits[i] = std::nextafter(all[i][i % 5 * i % stage.m()], kInfinity);
          if (i % 11 == 3) limits[i] = -kInfinity;
          if (i / kBlockPoints == 1 && i % 11 == 4) limits[i] = kInfinity;
        }
        CloudScan scan(pair, potentials.v.data());
        scan.start_group(0);
        std::vector<std::vector<double>> found(stage.n());
        for (std::size_t b = 0; b < stage.x->blocks(); ++b) {
          const std::size_t first = b * kBlockPoints;
          scan.scan(b, limits.data() + first,
                    [&](std::size_t r, std::size_t col, double cost, double reduced) {
                      EXPECT_EQ(cost, stage.cost(first + r, col));
                      EXPECT_EQ(reduced, cost - potentials.v[col]);
                      found[first + r].push_back(reduced);
                    });
        }
        for (std::size_t i = 0; i < stage.n(); ++i) {
          std::sort(found[i].begin(), found[i].end());
          const auto end = std::lower_bound(all[i].begin(), all[i].end(), limits[i]);
          EXPECT_EQ(found[i], std::vector<double>(all[i].begin(), end)) << "row " << i;
        }
      }
    }
  }
}

std::vector<std::vector<std::pair<std::int32_t, std::int32_t>>> places_of(const ArcParts& parts) {
  std::vector<std::vector<std::pair<std::int32_t, std::int32_t>>> places;
  for (const auto& part : parts) {
    places.emplace_back();
    for (const Arc& arc : part) places.back().emplace_back(arc.row, arc.col);
  }
  return places;
}

TEST(Cloud, IsTheSameForAllThreads) {
  for (const Shape shape : {Shape::normal, Shape::grid, Shape::equal}) {
    CloudStage stage(cost::Metric{}, 700, 650, 2, shape, 15);
    const std::vector<double> v = stage.numbers(650, 0.01, 5);
    std::vector<double> first_u, first_v, first_start;
    ArcParts first_rows, first_cols, first_violated;
    for (const int threads : {1, 2, 3}) {
      const CloudProblem problem = stage.problem(threads);
      std::vector<double> u(700);
      const ArcParts rows = nearest_of_rows(problem, v.data(), 9, u.data());
      const ArcParts cols = nearest_of_cols(problem, u.data(), 9);
      std::vector<double> transformed(650);
      transform(problem.swapped(), u.data(), transformed.data());
      std::vector<double> raised = u;
      for (double& x : raised) x += 0.01 * stage.largest;
      const ArcParts violated =
          violated_arcs(problem, v.data(), problem.tolerance, 5, raised.data());
      std::vector<double> start(650);
      start_potentials(problem, start.data());
      if (threads == 1) {
        first_u = u;
        first_v = transformed;
        first_start = start;
        first_rows = rows;
        first_cols = cols;
        first_violated = violated;
      }
      EXPECT_EQ(u, first_u);
      EXPECT_EQ(raised, first_u);
      EXPECT_EQ(transformed, first_v);
      EXPECT_EQ(start, first_start);
      EXPECT_EQ(places_of(rows), places_of(first_rows));
      EXPECT_EQ(places_of(cols), places_of(first_cols));
      EXPECT_EQ(places_of(violated), places_of(first_violated));
    }
  }
}

// What clusters know is feasible for points, and on a line it is more than nearest neighbours do.
TEST(Cloud, StartsFromWhatClustersKnow) {
  const auto dual_value = [](const CloudStage& stage, const std::vector<double>& v) {
    double value = 0.0;
    for (const double x : stage.row_transform(v)) value += x / static_cast<double>(stage.n());
    for (const double x : v) value += x / static_cast<double>(stage.m());
    return value;
  };
  for (const cost::Metric& metric : every_metric()) {
    for (const std::size_t dims : {1, 3}) {
      CloudStage stage(metric, 250, 231, dims, Shape::normal, 17);
      std::vector<double> v(231, std::nan(""));
      start_potentials(stage.problem(), v.data());
      const double value = dual_value(stage, v);
      const double optimum = dual_value(stage, optimal_potentials(stage));
      EXPECT_LE(value, optimum * (1 + 1e-12)) << stage.name();
      if (dims == 1 && metric.power() > 0.0) {
        EXPECT_GT(value, dual_value(stage, std::vector<double>(231))) << stage.name();
      }
    }
  }
}

}  // namespace
}  // namespace otcore::exact
