#include "pyramid/seeding.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace otcore::pyramid {
namespace {

// Uniform on [0, 1).
double uniform(Random& random) { return static_cast<double>(random.next() >> 11) * 0x1p-53; }

template <class T>
class Seeder {
 public:
  Seeder(const Panels<T>& points, std::size_t size, std::size_t centres)
      : points_(points), size_(size), padded_(points.count * kPanel<T>), centres_(centres) {
    const auto more = static_cast<std::size_t>(std::log(static_cast<double>(centres)));
    trials_ = std::min(2 + more, kCentres);
  }

  std::vector<T> run(Random& random) {
    measure();
    std::vector<T> seeds;
    std::size_t first = random.below(size_);
    double left = try_points(&first, 1)[0];
    accept(seeds, first, 0);
    std::vector<std::size_t> tried(trials_);
    while (seeds.size() < centres_ * points_.dims && left > 0.0) {
      draw(random, tried);
      const double* remain = try_points(tried.data(), trials_);
      const auto best =
          static_cast<std::size_t>(std::min_element(remain, remain + trials_) - remain);
      left = remain[best];
      accept(seeds, tried[best], best);
    }
    return seeds;
  }

 private:
  [[nodiscard]] T coordinate(std::size_t point, std::size_t k) const {
    return points_.data[(point / kPanel<T> * points_.dims + k) * kPanel<T> + point % kPanel<T>];
  }

  void measure() {
    squares_.assign(padded_, T{0});
    for (std::size_t p = 0; p < points_.count; ++p) {
      T* to = squares_.data() + p * kPanel<T>;
      for (std::size_t k = 0; k < points_.dims; ++k) {
        const T* x = points_.data + (p * points_.dims + k) * kPanel<T>;
        for (std::size_t i = 0; i < kPanel<T>; ++i) to[i] += x[i] * x[i];
      }
    }
    nearest_.assign(padded_, T{0});
    std::fill_n(nearest_.begin(), size_, std::numeric_limits<T>::max());
    trial_.resize(trials_ * padded_);
  }

  // What the distances to the nearest seed would add up to with each of the points as a seed.
  const double* try_points(const std::size_t* tried, std::size_t count) {
    const std::size_t dims = points_.dims;
    rows_.resize(count * dims);
    for (std::size_t j = 0; j < count; ++j) {
      for (std::size_t k = 0; k < dims; ++k) rows_[j * dims + k] = coordinate(tried[j], k);
    }
    origin_.assign(dims, T{0});
    packed_.pack(rows_.data(), count, dims, origin_.data());
    point_kernels<T>().try_seeds(points_, packed_.blocks.data(), packed_.half_squares.data(), count,
                                 squares_.data(), nearest_.data(), trial_.data(), padded_, remain_);
    return remain_;
  }

  void accept(std::vector<T>& seeds, std::size_t point, std::size_t trial) {
    for (std::size_t k = 0; k < points_.dims; ++k) seeds.push_back(coordinate(point, k));
    std::copy_n(trial_.data() + trial * padded_, padded_, nearest_.data());
    nearest_[point] = T{0};
  }

  // Points in proportion to what is left of each.
  void draw(Random& random, std::vector<std::size_t>& out) {
    ends_.resize(points_.count);
    double end = 0.0;
    for (std::size_t p = 0; p < points_.count; ++p) {
      double sum[4] = {};
      for (std::size_t i = 0; i < kPanel<T>; ++i) {
        sum[i % 4] += static_cast<double>(nearest_[p * kPanel<T> + i]);
      }
      ends_[p] = end += (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
    for (std::size_t& point : out) {
      const double at = uniform(random) * end;
      const auto panel = static_cast<std::size_t>(
          std::upper_bound(ends_.begin(), ends_.end() - 1, at) - ends_.begin());
      double rest = at - (panel == 0 ? 0.0 : ends_[panel - 1]);
      std::size_t i = panel * kPanel<T>;
      const std::size_t last = std::min(i + kPanel<T>, size_) - 1;
      for (; i < last; ++i) {
        rest -= static_cast<double>(nearest_[i]);
        if (rest < 0.0) break;
      }
      point = i;
    }
  }

  const Panels<T> points_;
  const std::size_t size_;
  const std::size_t padded_;
  const std::size_t centres_;
  std::size_t trials_;
  std::vector<T> squares_;
  std::vector<T> nearest_;  // squared distance to the nearest seed
  std::vector<T> trial_;
  std::vector<T> rows_;
  std::vector<T> origin_;
  PackedCentres<T> packed_;
  double remain_[kCentres];
  std::vector<double> ends_;
};

}  // namespace

template <class T>
std::vector<T> find_seeds(const Blocks<T>& points, const T* kept, std::size_t centres,
                          Random& random) {
  const std::size_t most = std::max(kSeedPoints, kPointsPerSeed * centres);
  const std::size_t dims = points.dims();
  std::size_t size = points.size();
  AlignedArray<T> sample;
  if (size > most || kept == nullptr) {
    const bool all = size <= most;
    if (!all) size = most;
    std::vector<const T*> rows(size);
    for (std::size_t i = 0; i < size; ++i) {
      rows[i] = points.row(all ? i : random.below(points.size()));
    }
    sample = aligned_array<T>(checked_mul(round_up(size, kPanel<T>), dims, "X"), "X");
    point_kernels<T>().pack(rows.data(), size, dims, points.frame().origin, points.frame().scale,
                            sample.get());
    kept = sample.get();
  }
  const std::size_t panels = round_up(size, kPanel<T>) / kPanel<T>;
  std::vector<T> seeds = Seeder<T>({kept, panels, dims}, size, centres).run(random);
  const T* origin = points.frame().origin;
  for (std::size_t i = 0; i < seeds.size(); ++i) seeds[i] += origin[i % dims];
  return seeds;
}

template std::vector<float> find_seeds(const Blocks<float>&, const float*, std::size_t, Random&);
template std::vector<double> find_seeds(const Blocks<double>&, const double*, std::size_t, Random&);

}  // namespace otcore::pyramid
