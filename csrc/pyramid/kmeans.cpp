#include "pyramid/kmeans.h"

#include <algorithm>
#include <limits>

#include "base/thread_pool.h"
#include "pyramid/seeding.h"

namespace otcore::pyramid {

// As many tasks as their sums have room for.
template <class T>
std::size_t KMeans<T>::count_tasks(const Blocks<T>& points) const {
  const std::size_t bytes = packed_.count * points.dims() * sizeof(double);
  const std::size_t most = std::clamp<std::size_t>(kTaskBytes / bytes, 1, kTasks);
  return std::min(most, points.count());
}

template <class T>
void KMeans<T>::run(const Blocks<T>& points, Random& random, const Crew<T>& crew,
                    std::int32_t* labels) {
  const std::size_t dims = points.dims();
  const T* origin = points.frame().origin;
  T* kept = nullptr;
  if (points.small()) {
    Workspace<T>& own = crew.workspaces[0];
    kept = own.room(own.kept, own.kept_size, points.packed_size(points.size()));
    parallel_for(
        points.count(), crew.threads,
        [&](std::size_t block, int slot) {
          points.pack(block, crew.workspaces[slot], kept + points.start(block) * dims);
        },
        crew.monitor);
  }
  centres_ = find_seeds(points, kept, std::min(most_, points.size()), random);
  packed_.pack(centres_.data(), centres_.size() / dims, dims, origin);
  std::fill_n(labels, points.size(), -1);
  sums_.assign(packed_.count * dims, 0.0);
  counts_.assign(packed_.count, 0);
  for (std::size_t i = 0;; ++i) {
    const bool stopped = crew.monitor != nullptr && crew.monitor->stopped() != Stop::none;
    const bool last = i == iterations_ || stopped;
    if (iterate(points, kept, !last, crew, labels) == 0 || last) break;
    update_centres(origin, dims);
  }
  drop_empty(labels, points.size(), origin, dims);
}

template <class T>
std::size_t KMeans<T>::iterate(const Blocks<T>& points, const T* kept, bool with_sums,
                               const Crew<T>& crew, std::int32_t* labels) {
  const std::size_t tasks = count_tasks(points);
  if (parts_.size() < tasks) parts_.resize(tasks);
  parallel_for(
      tasks, crew.threads,
      [&](std::size_t task, int slot) {
        run_task(points, kept, with_sums, task, crew.workspaces[slot], labels);
      },
      crew.monitor);
  std::size_t moved = 0;
  for (std::size_t task = 0; task < tasks; ++task) {
    const Part& part = parts_[task];
    moved += part.moved;
    for (std::size_t c = 0; c < counts_.size(); ++c) counts_[c] += part.counts[c];
    for (std::size_t i = 0; with_sums && i < sums_.size(); ++i) sums_[i] += part.sums[i];
  }
  return moved;
}

template <class T>
void KMeans<T>::run_task(const Blocks<T>& points, const T* kept, bool with_sums, std::size_t task,
                         Workspace<T>& workspace, std::int32_t* labels) {
  const std::size_t tasks = count_tasks(points);
  Part& part = parts_[task];
  part.moved = 0;
  part.counts.assign(packed_.count, 0);
  if (with_sums) part.sums.assign(packed_.count * points.dims(), 0.0);
  const std::size_t end = (task + 1) * points.count() / tasks;
  for (std::size_t block = task * points.count() / tasks; block < end; ++block) {
    const Panels<T> panels = points.read(block, kept, workspace);
    const std::size_t length = points.length(block);
    std::int32_t* own = labels + points.start(block);
    workspace.before.assign(panels.count * kPanel<T>, -1);
    workspace.now.resize(panels.count * kPanel<T>);
    std::copy_n(own, length, workspace.before.data());
    std::int32_t* now = workspace.now.data();
    point_kernels<T>().assign(panels, packed_.blocks.data(), packed_.half_squares.data(),
                              packed_.count, now);
    std::fill(workspace.now.begin() + static_cast<std::ptrdiff_t>(length), workspace.now.end(), -1);
    const std::size_t moved_before = part.moved;
    for (std::size_t i = 0; i < length; ++i) {
      if (now[i] == own[i]) continue;
      ++part.moved;
      ++part.counts[static_cast<std::size_t>(now[i])];
      if (own[i] >= 0) --part.counts[static_cast<std::size_t>(own[i])];
      own[i] = now[i];
    }
    if (with_sums && part.moved > moved_before) {
      point_kernels<T>().add_moves(panels, workspace.before.data(), now, packed_.count,
                                   part.sums.data());
    }
  }
}

// Centres are rounded as points are, and the kernels see the rounded ones: points that are assigned
// once more, with nothing but the centres at hand, come to the same.
template <class T>
void KMeans<T>::update_centres(const T* origin, std::size_t dims) {
  for (std::size_t c = 0; c < packed_.count; ++c) {
    if (counts_[c] == 0) continue;  // stays where it was
    for (std::size_t k = 0; k < dims; ++k) {
      const double mean = sums_[c * dims + k] / static_cast<double>(counts_[c]);
      centres_[c * dims + k] = static_cast<T>(mean + static_cast<double>(origin[k]));
    }
  }
  packed_.pack(centres_.data(), packed_.count, dims, origin);
}

template <class T>
void KMeans<T>::drop_empty(std::int32_t* labels, std::size_t size, const T* origin,
                           std::size_t dims) {
  std::vector<std::int32_t> renamed(packed_.count, -1);
  std::size_t left = 0;
  for (std::size_t c = 0; c < packed_.count; ++c) {
    if (counts_[c] == 0) continue;
    renamed[c] = static_cast<std::int32_t>(left);
    std::copy_n(centres_.data() + c * dims, dims, centres_.data() + left * dims);
    ++left;
  }
  if (left == packed_.count) return;
  for (std::size_t i = 0; i < size; ++i) labels[i] = renamed[static_cast<std::size_t>(labels[i])];
  centres_.resize(left * dims);
  packed_.pack(centres_.data(), left, dims, origin);
}

template <class T>
void KMeans<T>::assign(const Blocks<T>& points, const Crew<T>& crew, std::int32_t* labels) const {
  parallel_for(
      points.count(), crew.threads,
      [&](std::size_t block, int slot) {
        Workspace<T>& workspace = crew.workspaces[slot];
        const Panels<T> panels = points.read(block, nullptr, workspace);
        workspace.now.resize(panels.count * kPanel<T>);
        point_kernels<T>().assign(panels, packed_.blocks.data(), packed_.half_squares.data(),
                                  packed_.count, workspace.now.data());
        std::copy_n(workspace.now.data(), points.length(block), labels + points.start(block));
      },
      crew.monitor);
}

template class KMeans<float>;
template class KMeans<double>;

}  // namespace otcore::pyramid
