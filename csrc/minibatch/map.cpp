#include "minibatch/map.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/thread_pool.h"

namespace otcore::minibatch {
namespace {

// Iterations that run before their contributions are added up: at most so many, and so many bytes
// (bench_minibatch, barycentric_map).
constexpr std::size_t kBlockIterations = 128;
constexpr std::size_t kBlockBytes = std::size_t{16} << 20;

// What an iteration adds to the map, by place in its x batches.
struct Contribution {
  std::vector<std::int64_t> points;
  std::vector<double> images;
  std::vector<double> masses;
  OuterResult outer;
  double inner_gap = 0.0;
  double inner_error = 0.0;
  Status inner_status = Status::optimal;
  bool done = false;
};

// The x batches of the further pass: all points of positive weight that were not drawn yet, each
// once, completed by others.
class FillBatches {
 public:
  FillBatches(const double* weights, const std::vector<bool>& drawn) {
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      const bool missing = !drawn[i] && (weights == nullptr || weights[i] > 0.0);
      (missing ? missing_ : others_).push_back(static_cast<std::int64_t>(i));
    }
  }

  [[nodiscard]] std::size_t missing() const { return missing_.size(); }

  // Batches first, first + 1, ... of the pass. Where batches do not repeat points, every batch
  // drawn before this pass has shown that there are others enough.
  void draw(std::size_t first, std::size_t k, std::size_t m, bool replacement, Random& random,
            Sampler::Scratch& scratch, std::int64_t* out) const {
    for (std::size_t batch = 0; batch < k; ++batch, out += m) {
      const std::size_t start = std::min((first + batch) * m, missing_.size());
      const std::size_t own = std::min(m, missing_.size() - start);
      std::copy_n(missing_.data() + start, own, out);
      scratch.drawn.resize(m);
      if (replacement) {
        for (std::size_t r = own; r < m; ++r) out[r] = others_[random.below(others_.size())];
      } else {
        scratch.distinct.draw(random, others_.size(), m - own, scratch.drawn.data());
        for (std::size_t r = own; r < m; ++r) {
          out[r] = others_[static_cast<std::size_t>(scratch.drawn[r - own])];
        }
      }
    }
  }

 private:
  std::vector<std::int64_t> missing_;
  std::vector<std::int64_t> others_;
};

// What one thread runs iterations with.
template <class T>
class Worker {
 public:
  Worker(const Side<T>& x, const Side<T>& y, const TransportOptions& options)
      : x_(x), y_(y), batches_x_(x.k * x.m), batches_y_(y.k * y.m), transport_(x, y, options) {}

  Sampler::Scratch& scratch() { return scratch_; }
  std::int64_t* batches_x() { return batches_x_.data(); }
  std::int64_t* batches_y() { return batches_y_.data(); }

  void run(Monitor& monitor, Contribution& out) {
    transport_.solve(batches_x_.data(), batches_y_.data(), monitor);
    const Table<T>& table = transport_.table();
    out.outer = transport_.result();
    out.inner_gap = *std::max_element(table.gaps().begin(), table.gaps().end());
    out.inner_error = *std::max_element(table.errors().begin(), table.errors().end());
    out.inner_status = table.status();
    const double* coupling = transport_.coupling().data();
    const std::size_t count = table.count_entries(coupling);
    rows_.resize(count);
    cols_.resize(count);
    mass_.resize(count);
    table.aggregate(coupling, {rows_.data(), cols_.data(), mass_.data()}, monitor);
    out.done = monitor.stopped() == Stop::none;
    if (out.done) add_images(out);
  }

 private:
  void add_images(Contribution& out) const {
    const std::size_t dims = x_.points.cols;
    out.points = batches_x_;
    out.images.assign(batches_x_.size() * dims, 0.0);
    out.masses.assign(batches_x_.size(), 0.0);
    for (std::size_t e = 0; e < mass_.size(); ++e) {
      const auto place = static_cast<std::size_t>(rows_[e]);
      const std::int64_t target = batches_y_[static_cast<std::size_t>(cols_[e])];
      const T* point = y_.points.row(static_cast<std::size_t>(target));
      double* image = out.images.data() + place * dims;
      for (std::size_t c = 0; c < dims; ++c) image[c] += mass_[e] * static_cast<double>(point[c]);
      out.masses[place] += mass_[e];
    }
  }

  Side<T> x_;
  Side<T> y_;
  Sampler::Scratch scratch_;
  std::vector<std::int64_t> batches_x_;
  std::vector<std::int64_t> batches_y_;
  Transport<T> transport_;
  std::vector<std::int64_t> rows_;
  std::vector<std::int64_t> cols_;
  std::vector<double> mass_;
};

template <class T>
class MapBuilder {
 public:
  MapBuilder(const Side<T>& x, const Side<T>& y, const MapOptions& options, double* map,
             double* mass, Monitor& monitor)
      : x_(x),
        y_(y),
        options_(options),
        sampler_x_(x.points.rows, x.k, x.m, options.sampling, nullptr, "x"),
        sampler_y_(y.points.rows, y.k, y.m, options.sampling, nullptr, "y"),
        map_(map),
        mass_(mass),
        drawn_(x.points.rows),
        monitor_(monitor) {
    const std::size_t bytes = x.k * x.m * (x.points.cols + 2) * sizeof(double);
    block_.resize(std::clamp<std::size_t>(kBlockBytes / bytes, 1, kBlockIterations));
    const int slots = slots_for(block_.size(), options.transport.n_threads);
    TransportOptions serial = options.transport;
    serial.n_threads = 1;
    for (int slot = 0; slot < slots; ++slot) {
      workers_.push_back(std::make_unique<Worker<T>>(x, y, serial));
    }
    std::fill_n(map, x.points.rows * x.points.cols, 0.0);
    std::fill_n(mass, x.points.rows, 0.0);
  }

  MapResult build() {
    monitor_.set_total(options_.iterations);
    const Pass pass = run(0, options_.iterations, [&](std::size_t t, Worker<T>& worker) {
      Random random(options_.seed, 2 * t);
      sampler_x_.draw(random, worker.scratch(), worker.batches_x());
    });
    result_.iterations = pass.done;
    result_.value = pass.value / static_cast<double>(pass.done);
    if (monitor_.stopped() == Stop::none) fill();
    divide();
    monitor_.finish();
    return result_;
  }

 private:
  struct Pass {
    std::size_t done = 0;
    double value = 0.0;  // sum
  };

  // Iterations first, first + 1, ...; draw_x(t, worker) sets the worker's x batches.
  template <class DrawX>
  Pass run(std::size_t first, std::size_t count, const DrawX& draw_x) {
    Pass pass;
    for (std::size_t start = 0; start < count; start += block_.size()) {
      const std::size_t size = std::min(block_.size(), count - start);
      parallel_for(
          size, options_.transport.n_threads,
          [&](std::size_t chunk, int slot) {
            block_[chunk].done = false;
            if (monitor_.stopped() != Stop::none) return;
            const std::size_t t = first + start + chunk;
            Worker<T>& worker = *workers_[static_cast<std::size_t>(slot)];
            draw_x(t, worker);
            Random random(options_.seed, 2 * t + 1);
            sampler_y_.draw(random, worker.scratch(), worker.batches_y());
            worker.run(monitor_, block_[chunk]);
            monitor_.add_done(first == 0 ? 1 : 0);
          },
          &monitor_);
      for (std::size_t chunk = 0; chunk < size; ++chunk) add(block_[chunk], pass);
      if (monitor_.stopped() != Stop::none) break;
    }
    if (pass.done < count) result_.outer_status = stopped_status(monitor_.stopped());
    return pass;
  }

  void add(const Contribution& from, Pass& pass) {
    if (!from.done) return;
    const std::size_t dims = x_.points.cols;
    for (std::size_t place = 0; place < from.points.size(); ++place) {
      const auto point = static_cast<std::size_t>(from.points[place]);
      mass_[point] += from.masses[place];
      drawn_[point] = true;
      const double* image = from.images.data() + place * dims;
      double* to = map_ + point * dims;
      for (std::size_t c = 0; c < dims; ++c) to[c] += image[c];
    }
    ++pass.done;
    pass.value += from.outer.value;
    result_.inner_gap = std::max(from.inner_gap, result_.inner_gap);  // NaN where all are
    result_.inner_error = std::max(result_.inner_error, from.inner_error);
    result_.inner_status = std::max(result_.inner_status, from.inner_status);
    result_.outer_gap = std::max(result_.outer_gap, from.outer.gap);
    result_.marginal_error = std::max(result_.marginal_error, from.outer.marginal_error);
    result_.outer_status = std::max(result_.outer_status, from.outer.status);
  }

  void fill() {
    const FillBatches batches(x_.weights, drawn_);
    result_.filled = batches.missing();
    const std::size_t per_iteration = x_.k * x_.m;
    const std::size_t first = options_.iterations;
    const bool replacement = options_.sampling == Sampling::with_replacement;
    run(first, (batches.missing() + per_iteration - 1) / per_iteration,
        [&](std::size_t t, Worker<T>& worker) {
          Random random(options_.seed, 2 * t);
          batches.draw((t - first) * x_.k, x_.k, x_.m, replacement, random, worker.scratch(),
                       worker.batches_x());
        });
  }

  void divide() {
    const std::size_t dims = x_.points.cols;
    for (std::size_t i = 0; i < x_.points.rows; ++i) {
      for (std::size_t c = 0; c < dims; ++c) {
        double& image = map_[i * dims + c];
        image = mass_[i] > 0.0 ? image / mass_[i] : std::numeric_limits<double>::quiet_NaN();
      }
    }
  }

  Side<T> x_;
  Side<T> y_;
  MapOptions options_;
  Sampler sampler_x_;
  Sampler sampler_y_;
  double* map_;
  double* mass_;
  std::vector<bool> drawn_;
  Monitor& monitor_;
  MapResult result_;
  std::vector<Contribution> block_;
  std::vector<std::unique_ptr<Worker<T>>> workers_;
};

}  // namespace

template <class T>
MapResult barycentric_map(const Side<T>& x, const Side<T>& y, const MapOptions& options,
                          double* map, double* mass, Monitor& monitor) {
  if (options.iterations == 0) throw InvalidArgument("iterations", "0", "at least 1");
  return MapBuilder<T>(x, y, options, map, mass, monitor).build();
}

template MapResult barycentric_map<float>(const Side<float>&, const Side<float>&, const MapOptions&,
                                          double*, double*, Monitor&);
template MapResult barycentric_map<double>(const Side<double>&, const Side<double>&,
                                           const MapOptions&, double*, double*, Monitor&);

}  // namespace otcore::minibatch
