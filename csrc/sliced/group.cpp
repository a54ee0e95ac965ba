#include "sliced/group.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "base/sizes.h"
#include "sliced/kernels.h"
#include "sliced/tuning.h"

namespace otcore::sliced {
namespace {

[[noreturn]] void throw_overflow() {
  throw InvalidArgument("X, Y, projections", "the projections or their costs overflow",
                        "points whose projections are finite, with costs below 2^1020");
}

// The angle of (u, v) in turns, in [0, 1); 0 where there is none.
template <class T>
void find_positions(const T* u, const T* v, std::size_t count, double* positions) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(u[i]) || !std::isfinite(v[i])) throw_overflow();
    const double turns = std::atan2(double{v[i]}, double{u[i]}) / (2.0 * std::numbers::pi);
    const double position = turns < 0.0 ? turns + 1.0 : turns;
    positions[i] = position < 1.0 ? position : 0.0;
  }
}

// d value / d u and d value / d v out of d value / d position, which stands in slopes_u.
template <class T>
void turn_slopes(const T* u, const T* v, std::size_t count, double* slopes_u, double* slopes_v) {
  for (std::size_t i = 0; i < count; ++i) {
    const double x = u[i];
    const double y = v[i];
    const double square = x * x + y * y;
    const double scaled = square > 0.0 ? slopes_u[i] / (2.0 * std::numbers::pi * square) : 0.0;
    slopes_u[i] = -scaled * y;
    slopes_v[i] = scaled * x;
  }
}

}  // namespace

template <class T>
bool GroupSolver<T>::solve(std::size_t b, const T* centre, MatrixView<const T> directions,
                           const GroupAnswers<T>& answers) {
  group_.assign(directions.cols * kGroup, T{0});
  for (std::size_t l = 0; l < directions.rows; ++l) {
    for (std::size_t k = 0; k < directions.cols; ++k) {
      group_[k * kGroup + l] = directions.row(l)[k];
    }
  }
  if (fit_columns(b, answers) && solve_columns(b, centre, directions.rows, answers)) return true;
  const std::size_t n = clouds_.x.rows;
  const std::size_t m = clouds_.y.rows;
  projected_x_ = numbers(checked_mul(directions.rows, n + m, "X"));
  projected_y_ = projected_x_ + directions.rows * n;
  project(clouds_.x[b].data, n, centre, directions.rows, projected_x_);
  project(clouds_.y[b].data, m, centre, directions.rows, projected_y_);
  if (options_.slices == Slices::lines) {
    solve_lines(b, directions.rows, answers);
  } else {
    solve_circles(b, directions.rows / 2, answers);
  }
  return false;
}

template <class T>
T* GroupSolver<T>::numbers(std::size_t count) {
  if (capacity_ < count) {
    projections_ = aligned_array<T>(count, "X");
    capacity_ = count;
  }
  return projections_.get();
}

// Values, and slopes in columns, of clouds that are alike and not long.
template <class T>
bool GroupSolver<T>::fit_columns(std::size_t b, const GroupAnswers<T>& answers) const {
  const bool slopes = answers.slopes_x != nullptr || answers.slopes_y != nullptr;
  const bool columns = answers.columns_x != nullptr || answers.columns_y != nullptr;
  const bool offered =
      slopes == columns && answers.potentials_a == nullptr && answers.mass == nullptr;
  const bool alike =
      clouds_.x.rows == clouds_.y.rows && clouds_.a.of(b) == nullptr && clouds_.b.of(b) == nullptr;
  return offered && alike && options_.slices == Slices::lines &&
         (options_.p == 1.0 || options_.p == 2.0) &&
         clouds_.x.rows <= project_kernels<T>().columns_up_to;
}

// False where the order of the points is to be found in another way.
template <class T>
bool GroupSolver<T>::solve_columns(std::size_t b, const T* centre, std::size_t count,
                                   const GroupAnswers<T>& answers) {
  const std::size_t n = clouds_.x.rows;
  const std::size_t dims = clouds_.x.cols;
  const Points<T> x{clouds_.x[b].data, n, dims, centre};
  const Points<T> y{clouds_.y[b].data, n, dims, centre};
  const bool squares = options_.p == 2.0;
  const bool slopes = answers.columns_x != nullptr || answers.columns_y != nullptr;
  T* memory = numbers(2 * kGroup * round_up(n, kColumnPadding));
  const ProjectKernels<T>& kernels = project_kernels<T>();
  if (slopes) {
    const Order order = kernels.line_slopes(x, y, group_.data(), count, squares, memory,
                                            {answers.cost, answers.columns_x, answers.columns_y});
    if (order == Order::too_close) return false;
    if (order == Order::not_finite) throw_overflow();
  } else if (!kernels.line_columns(x, y, group_.data(), count, squares, memory, answers.cost)) {
    throw_overflow();
  }
  // Slopes are up to 2 sqrt(sum), and sums of them must not overflow T either.
  const double most = 0x1p-8 * static_cast<double>(std::numeric_limits<T>::max());
  for (std::size_t l = 0; l < count; ++l) {
    if (slopes && squares && std::sqrt(answers.cost[l]) > most) return false;
    answers.cost[l] /= static_cast<double>(n);
    if (!std::isfinite(answers.cost[l])) throw_overflow();
  }
  return true;
}

template <class T>
void GroupSolver<T>::project(const T* points, std::size_t rows, const T* centre, std::size_t count,
                             T* out) {
  const Points<T> view{points, rows, clouds_.x.cols, centre};
  project_kernels<T>().project(view, group_.data(), count, out, rows);
}

template <class T>
void GroupSolver<T>::solve_lines(std::size_t b, std::size_t count, const GroupAnswers<T>& answers) {
  const std::size_t n = clouds_.x.rows;
  const std::size_t m = clouds_.y.rows;
  const oned::Lines<T> lines{count,
                             {projected_x_, n, n},
                             {projected_y_, m, m},
                             {clouds_.a.of(b), n, 0},
                             {clouds_.b.of(b), m, 0}};
  oned::Solutions out;
  out.value = answers.cost;
  out.gradient_x = answers.slopes_x;
  out.gradient_y = answers.slopes_y;
  out.potential_a = answers.potentials_a;
  out.potential_b = answers.potentials_b;
  out.count = answers.count;
  out.rows = answers.rows;
  out.cols = answers.cols;
  out.mass = answers.mass;
  if (lines_) {
    lines_->rebind(lines, out);
  } else {
    lines_.emplace(lines, oned::Options{options_.p, 1, options_.mass_tolerance}, out);
  }
  for (std::size_t l = 0; l < count; ++l) {
    try {
      lines_->solve(l);
    } catch (const InvalidArgument& error) {
      // The weights were looked at before.
      throw_overflow();
    }
  }
}

template <class T>
void GroupSolver<T>::solve_circles(std::size_t b, std::size_t count,
                                   const GroupAnswers<T>& answers) {
  const std::size_t n = clouds_.x.rows;
  const std::size_t m = clouds_.y.rows;
  const double* weights_a = clouds_.a.of(b);
  const double* weights_b = clouds_.b.of(b);
  if (!circle_ || circle_a_ != weights_a || circle_b_ != weights_b) {
    if (!circle_) circle_.emplace(n, m, options_.p);
    circle_->set_masses(weights_a, weights_b, options_.mass_tolerance);
    circle_a_ = weights_a;
    circle_b_ = weights_b;
  }
  positions_.resize(n + m);
  const auto row = [](double* rows, std::size_t l, std::size_t length) {
    return rows == nullptr ? nullptr : rows + l * length;
  };
  for (std::size_t l = 0; l < count; ++l) {
    const T* x = projected_x_ + 2 * l * n;
    const T* y = projected_y_ + 2 * l * m;
    find_positions(x, x + n, n, positions_.data());
    find_positions(y, y + m, m, positions_.data() + n);
    double* slopes_x = row(answers.slopes_x, 2 * l, n);
    double* slopes_y = row(answers.slopes_y, 2 * l, m);
    answers.cost[l] = circle_->solve(positions_.data(), positions_.data() + n, slopes_x, slopes_y);
    if (slopes_x != nullptr) turn_slopes(x, x + n, n, slopes_x, slopes_x + n);
    if (slopes_y != nullptr) turn_slopes(y, y + m, m, slopes_y, slopes_y + m);
  }
}

template class GroupSolver<float>;
template class GroupSolver<double>;

}  // namespace otcore::sliced
