#include "sliced/sliced.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/aligned.h"
#include "base/error.h"
#include "base/sizes.h"
#include "base/thread_pool.h"
#include "sliced/group.h"
#include "sliced/inputs.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::sliced {
namespace {

// Some slices of one problem.
struct Task {
  std::size_t problem;
  std::size_t slice;
  std::size_t count;
};

template <class T>
class Run {
 public:
  Run(const Clouds<T>& clouds, MatrixView<const T> directions, const Options& options,
      const Solutions& out, Monitor& monitor)
      : clouds_(clouds),
        directions_(directions),
        options_(options),
        out_(out),
        monitor_(monitor),
        rows_per_slice_(options.slices == Slices::lines ? 1 : 2),
        slices_(directions.rows / rows_per_slice_),
        n_(clouds.x.rows),
        m_(clouds.y.rows),
        padded_(round_up(directions.cols, kSumPadding)) {}

  void solve();

 private:
  // Where in its task's memory the answers of a task stand, in bytes; none where they are not
  // needed.
  struct Layout {
    std::size_t slopes_x = 0;
    std::size_t slopes_y = 0;
    std::size_t potentials_a = 0;
    std::size_t potentials_b = 0;
    std::size_t size = 0;
  };

  // Points start .. stop of one side of a problem, whose tasks are `first` to `end`; `memory` is
  // that of the first.
  struct Part {
    std::size_t first;
    std::size_t end;
    const std::byte* memory;
    bool is_x;
    std::size_t start;
    std::size_t stop;
  };

  void find_centres();
  void list_tasks();
  void lay_out();
  void solve_task(std::size_t task, std::byte* memory, int slot);
  void add_directions(const Task& task, const double* slopes, const T* points, std::size_t rows);
  void solve_block(std::size_t first, std::size_t end);
  void add_block(std::size_t first, std::size_t end);
  void add_points(const Part& part) const;
  void add_slopes(const Part& part, std::size_t index, const std::byte* slopes,
                  double* gradient) const;

  const Clouds<T>& clouds_;
  const MatrixView<const T> directions_;
  const Options& options_;
  const Solutions& out_;
  Monitor& monitor_;
  const std::size_t rows_per_slice_;
  const std::size_t slices_;
  const std::size_t n_;
  const std::size_t m_;
  const std::size_t padded_;
  std::vector<T> centres_;         // of each problem
  std::vector<double> scaled_;     // directions / slices, padded
  std::vector<T> scaled_columns_;  // the same, for slopes in columns
  std::vector<Task> tasks_;
  std::size_t largest_ = 0;  // slices of a task, at most
  Layout layout_;
  AlignedArray<std::byte> memory_;         // of the tasks of a block
  std::vector<unsigned char> in_columns_;  // of each task: how its slopes stand
  std::vector<std::optional<GroupSolver<T>>> solvers_;
};

template <class T>
void Run<T>::find_centres() {
  const std::size_t dims = directions_.cols;
  centres_.assign(clouds_.x.count * dims, T{0});
  if (options_.slices != Slices::lines) return;  // angles are seen from the origin
  for (std::size_t b = 0; b < clouds_.x.count; ++b) {
    find_centre(clouds_.x[b], centres_.data() + b * dims);
  }
}

template <class T>
void Run<T>::list_tasks() {
  std::size_t most = kGroup / rows_per_slice_;
  const std::size_t bytes = (n_ + m_) * sizeof(T) * rows_per_slice_;
  most = std::clamp<std::size_t>(kGroupBytes / bytes, 1, most);
  if (n_ + m_ >= kLongFrom) {
    const std::size_t all = slices_ * clouds_.x.count;
    most = std::clamp<std::size_t>((all + kTasksOfLong - 1) / kTasksOfLong, 1, most);
  }
  const std::size_t groups = (slices_ + most - 1) / most;
  for (std::size_t b = 0; b < clouds_.x.count; ++b) {
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t start = g * slices_ / groups;
      const std::size_t end = (g + 1) * slices_ / groups;
      tasks_.push_back({b, start, end - start});
      largest_ = std::max(largest_, end - start);
    }
  }
}

template <class T>
void Run<T>::lay_out() {
  const auto take = [this](bool needed, std::size_t bytes) {
    const std::size_t start = layout_.size;
    if (needed) layout_.size += round_up(bytes, kCacheLine);
    return start;
  };
  const bool directions = out_.gradient_directions != nullptr;
  const auto slopes = [&](std::size_t points) {
    const std::size_t rows = largest_ * rows_per_slice_;
    const std::size_t columns = round_up(rows, project_kernels<T>().lanes);
    return std::max(rows * points * sizeof(double),
                    columns * round_up(points, kColumnPadding) * sizeof(T));
  };
  const std::size_t potentials = largest_ * sizeof(double);
  layout_.slopes_x = take(directions || out_.gradient_x != nullptr, slopes(n_));
  layout_.slopes_y = take(directions || out_.gradient_y != nullptr, slopes(m_));
  layout_.potentials_a = take(out_.potential_a != nullptr, potentials * n_);
  layout_.potentials_b = take(out_.potential_b != nullptr, potentials * m_);
}

template <class T>
void Run<T>::solve_task(std::size_t index, std::byte* memory, int slot) {
  if (monitor_.stopped() != Stop::none) return;
  const Task& task = tasks_[index];
  auto& solver = solvers_[static_cast<std::size_t>(slot)];
  if (!solver) solver.emplace(clouds_, options_);
  const std::size_t dims = directions_.cols;
  const MatrixView<const T> rows{directions_.row(task.slice * rows_per_slice_),
                                 task.count * rows_per_slice_, dims, directions_.stride};
  const bool directions = out_.gradient_directions != nullptr;
  const auto doubles = [memory](std::size_t at) { return reinterpret_cast<double*>(memory + at); };
  GroupAnswers<T> answers;
  answers.cost = out_.cost + task.problem * slices_ + task.slice;
  if (directions || out_.gradient_x != nullptr) answers.slopes_x = doubles(layout_.slopes_x);
  if (directions || out_.gradient_y != nullptr) answers.slopes_y = doubles(layout_.slopes_y);
  if (!directions) {
    answers.columns_x = reinterpret_cast<T*>(answers.slopes_x);
    answers.columns_y = reinterpret_cast<T*>(answers.slopes_y);
  }
  if (out_.potential_a != nullptr) {
    answers.potentials_a = doubles(layout_.potentials_a);
    answers.potentials_b = doubles(layout_.potentials_b);
  }
  try {
    in_columns_[index] =
        solver->solve(task.problem, centres_.data() + task.problem * dims, rows, answers) ? 1 : 0;
  } catch (const InvalidArgument& error) {
    if (clouds_.x.count == 1) throw;
    throw error.in_batch(task.problem);
  }
  if (directions) {
    add_directions(task, answers.slopes_x, clouds_.x[task.problem].data, n_);
    add_directions(task, answers.slopes_y, clouds_.y[task.problem].data, m_);
  }
  monitor_.add_done(1);
}

// The chain rule: d <x, theta> / d theta = x. On lines the slopes of both sides add up to 0, so the
// centre may stay subtracted, which keeps the sums small.
template <class T>
void Run<T>::add_directions(const Task& task, const double* slopes, const T* points,
                            std::size_t rows) {
  const std::size_t dims = directions_.cols;
  const T* centre = centres_.data() + task.problem * dims;
  const std::size_t count = task.count * rows_per_slice_;
  const std::size_t first = task.slice * rows_per_slice_;
  double* gradient = out_.gradient_directions + (task.problem * directions_.rows + first) * dims;
  for (std::size_t i = 0; i < rows; ++i) {
    const T* x = points + i * dims;
    for (std::size_t l = 0; l < count; ++l) {
      const double slope = slopes[l * rows + i];
      double* to = gradient + l * dims;
      for (std::size_t k = 0; k < dims; ++k) to[k] += slope * static_cast<double>(x[k] - centre[k]);
    }
  }
}

// The slopes of a task, times its directions.
template <class T>
void Run<T>::add_slopes(const Part& part, std::size_t index, const std::byte* slopes,
                        double* gradient) const {
  const Task& task = tasks_[index];
  const std::size_t dims = directions_.cols;
  const std::size_t points = part.is_x ? n_ : m_;
  const std::size_t rows = part.stop - part.start;
  const std::size_t count = task.count * rows_per_slice_;
  const std::size_t first = task.slice * rows_per_slice_ * padded_;
  if (in_columns_[index] == 0) {
    const SlopeView<double> view{reinterpret_cast<const double*>(slopes) + part.start, 1, points,
                                 count, 0};
    sum_kernels<double>().add_slopes(view, rows, scaled_.data() + first, count, dims, gradient);
    return;
  }
  const std::size_t lanes = project_kernels<T>().lanes;
  const auto* columns = reinterpret_cast<const T*>(slopes) + part.start * lanes;
  const SlopeView<T> view{columns, lanes, 1, lanes, lanes * round_up(points, kColumnPadding)};
  sum_kernels<T>().add_slopes(view, rows, scaled_columns_.data() + first, count, dims, gradient);
}

template <class T>
void Run<T>::add_points(const Part& part) const {
  const std::size_t points = part.is_x ? n_ : m_;
  const std::size_t problem = tasks_[part.first].problem;
  double* gradient = part.is_x ? out_.gradient_x : out_.gradient_y;
  double* potential = part.is_x ? out_.potential_a : out_.potential_b;
  const std::size_t slopes = part.is_x ? layout_.slopes_x : layout_.slopes_y;
  const std::size_t potentials = part.is_x ? layout_.potentials_a : layout_.potentials_b;
  for (std::size_t t = part.first; t < part.end; ++t) {
    const std::byte* memory = part.memory + (t - part.first) * layout_.size;
    if (gradient != nullptr) {
      add_slopes(part, t, memory + slopes,
                 gradient + (problem * points + part.start) * directions_.cols);
    }
    if (potential == nullptr) continue;
    const auto* rows = reinterpret_cast<const double*>(memory + potentials);
    for (std::size_t l = 0; l < tasks_[t].count; ++l) {
      for (std::size_t i = part.start; i < part.stop; ++i) {
        potential[problem * points + i] += rows[l * points + i] / static_cast<double>(slices_);
      }
    }
  }
}

template <class T>
void Run<T>::add_block(std::size_t first, std::size_t end) {
  std::vector<Part> parts;
  for (std::size_t t = first; t < end;) {
    std::size_t next = t;
    while (next < end && tasks_[next].problem == tasks_[t].problem) ++next;
    for (const bool is_x : {true, false}) {
      const std::size_t points = is_x ? n_ : m_;
      for (std::size_t start = 0; start < points; start += kPointsPerSum) {
        parts.push_back({t, next, memory_.get() + (t - first) * layout_.size, is_x, start,
                         std::min(points, start + kPointsPerSum)});
      }
    }
    t = next;
  }
  parallel_for(parts.size(), options_.n_threads,
               [&](std::size_t part, int) { add_points(parts[part]); });
}

template <class T>
void Run<T>::solve_block(std::size_t first, std::size_t end) {
  parallel_for(
      end - first, options_.n_threads,
      [&](std::size_t t, int slot) {
        solve_task(first + t, memory_.get() + t * layout_.size, slot);
      },
      &monitor_);
  if (monitor_.stopped() == Stop::none && layout_.size > 0) add_block(first, end);
}

template <class T>
void Run<T>::solve() {
  find_centres();
  list_tasks();
  lay_out();
  const auto clear = [](double* array, std::size_t numbers) {
    if (array != nullptr) std::fill_n(array, numbers, 0.0);
  };
  const std::size_t dims = directions_.cols;
  clear(out_.gradient_x, clouds_.x.count * n_ * dims);
  clear(out_.gradient_y, clouds_.x.count * m_ * dims);
  clear(out_.gradient_directions, clouds_.x.count * directions_.rows * dims);
  clear(out_.potential_a, clouds_.x.count * n_);
  clear(out_.potential_b, clouds_.x.count * m_);
  std::size_t per_block = tasks_.size();
  if (layout_.size > 0) {
    per_block = std::clamp<std::size_t>(kBlockBytes / layout_.size, 1, per_block);
    memory_ = aligned_array<std::byte>(checked_mul(per_block, layout_.size, "X"), "X");
    scaled_.assign(directions_.rows * padded_, 0.0);
    for (std::size_t l = 0; l < directions_.rows; ++l) {
      for (std::size_t k = 0; k < dims; ++k) {
        scaled_[l * padded_ + k] =
            static_cast<double>(directions_.row(l)[k]) / static_cast<double>(slices_);
      }
    }
    scaled_columns_.assign(scaled_.begin(), scaled_.end());
  }
  in_columns_.resize(tasks_.size());
  solvers_.resize(static_cast<std::size_t>(slots_for(tasks_.size(), options_.n_threads)));
  monitor_.set_total(tasks_.size());
  for (std::size_t first = 0; first < tasks_.size(); first += per_block) {
    if (monitor_.stopped() != Stop::none) break;
    solve_block(first, std::min(tasks_.size(), first + per_block));
  }
  monitor_.finish();
}

}  // namespace

template <class T>
void solve(const Clouds<T>& clouds, MatrixView<const T> directions, const Options& options,
           const Solutions& out, Monitor& monitor) {
  check_inputs(clouds, directions, options);
  Run<T>(clouds, directions, options, out, monitor).solve();
}

template void solve(const Clouds<float>&, MatrixView<const float>, const Options&, const Solutions&,
                    Monitor&);
template void solve(const Clouds<double>&, MatrixView<const double>, const Options&,
                    const Solutions&, Monitor&);

}  // namespace otcore::sliced
