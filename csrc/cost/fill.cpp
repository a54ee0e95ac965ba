// The dense cost matrix, by tiles: both sides are packed in bounded pieces, and every tile goes
// straight into the output.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "base/error.h"
#include "base/sizes.h"
#include "base/thread_pool.h"
#include "cost/cost.h"
#include "cost/kernels.h"
#include "cost/tiles.h"
#include "cost/tuning.h"

namespace otcore::cost {
namespace {

// As many units as fit in `bytes`, at least one, at most `all`.
std::size_t units_in(std::size_t bytes, std::size_t unit_bytes, std::size_t all) {
  return std::clamp<std::size_t>(bytes / unit_bytes, 1, all);
}

std::size_t chunks_of(std::size_t size, std::size_t step) { return (size + step - 1) / step; }

template <class In, class Out>
class Filler {
 public:
  Filler(const Metric& metric, MatrixView<const In> x, MatrixView<const In> y, MatrixView<Out> out,
         int n_threads, Monitor* monitor)
      : form_(form_of(metric, x.cols)),
        x_(x),
        y_(y),
        out_(out),
        n_threads_(n_threads),
        monitor_(monitor),
        chunk_size_(tiles_.packed_rows_size(form_, kFillRows, x.cols)),
        panel_size_(tiles_.packed_cols_size(form_, kWidth, x.cols)),
        all_panels_(chunks_of(y.rows, kWidth)),
        piece_panels_(units_in(kFillPackedBytes, panel_size_ * sizeof(Out), all_panels_)),
        tile_panels_(units_in(kFillColumnBytes, kWidth * x.cols * sizeof(Out), piece_panels_)),
        piece_rows_(kFillRows * units_in(kFillPackedBytes, chunk_size_ * sizeof(Out),
                                         chunks_of(x.rows, kFillRows))),
        packed_rows_(aligned_array<Out>(
            tiles_.packed_rows_size(form_, std::min(piece_rows_, x.rows), x.cols), "X")),
        packed_cols_(aligned_array<Out>(checked_mul(piece_panels_, panel_size_, "Y"), "Y")),
        centre_(x.cols) {
    mean<In, Out>({y, nullptr, y.rows}, centre_.data());
  }

  void run() {
    for (std::size_t panel = 0; panel < all_panels_; panel += piece_panels_) {
      const std::size_t panels = std::min(piece_panels_, all_panels_ - panel);
      pack_piece_of_y(panel, panels);
      for (std::size_t row = 0; row < x_.rows; row += piece_rows_) {
        const std::size_t rows = std::min(piece_rows_, x_.rows - row);
        pack_piece_of_x(row, rows);
        fill_piece(row, rows, panel, panels);
      }
    }
  }

 private:
  static constexpr std::size_t kWidth = kColumnPadding<Out>;
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  // `count` rows of `points` from `first` on.
  Points<In> slice(MatrixView<const In> points, std::size_t first, std::size_t count) const {
    return {points.row(first), points.stride, nullptr, count, points.cols};
  }

  void parallel(std::size_t chunks, const std::function<void(std::size_t)>& body) const {
    parallel_for(
        chunks, n_threads_,
        [&](std::size_t chunk, int) {
          if (monitor_ == nullptr || monitor_->stopped() == Stop::none) body(chunk);
        },
        monitor_);
  }

  // Packs points first .. first + count in chunks of `step`; pack(chunk's points, offset) returns
  // what the kernels return.
  template <class Pack>
  void pack(const char* name, MatrixView<const In> points, std::size_t first, std::size_t count,
            std::size_t step, const Pack& pack_chunk) const {
    std::atomic<std::size_t> zero{kNone};
    parallel(chunks_of(count, step), [&](std::size_t chunk) {
      const std::size_t start = chunk * step;
      const std::ptrdiff_t found =
          pack_chunk(slice(points, first + start, std::min(step, count - start)), start);
      if (found < 0) return;
      const std::size_t row = first + start + static_cast<std::size_t>(found);
      std::size_t lowest = zero.load();
      while (row < lowest && !zero.compare_exchange_weak(lowest, row)) {
      }
    });
    if (zero.load() != kNone) {
      throw InvalidArgument(name, "row " + std::to_string(zero.load()) + " is a zero vector",
                            "vectors that have a direction (metric 'cosine')");
    }
  }

  void pack_piece_of_x(std::size_t row, std::size_t rows) const {
    pack("X", x_, row, rows, kFillRows, [&](const Points<In>& points, std::size_t start) {
      return pack_.rows(form_, points, centre_.data(),
                        packed_rows_.get() + start / kFillRows * chunk_size_);
    });
  }

  void pack_piece_of_y(std::size_t panel, std::size_t panels) const {
    const std::size_t first = panel * kWidth;
    pack("Y", y_, first, std::min(panels * kWidth, y_.rows - first), tile_panels_ * kWidth,
         [&](const Points<In>& points, std::size_t start) {
           return pack_.cols(form_, points, centre_.data(),
                             packed_cols_.get() + start / kWidth * panel_size_);
         });
  }

  void fill_piece(std::size_t row, std::size_t rows, std::size_t panel, std::size_t panels) const {
    const std::size_t across = chunks_of(panels, tile_panels_);
    parallel(chunks_of(rows, kFillRows) * across, [&](std::size_t chunk) {
      const std::size_t i = chunk / across * kFillRows;
      const std::size_t j = chunk % across * tile_panels_;
      fill_tile(packed_rows_.get() + chunk / across * chunk_size_, row + i,
                std::min(kFillRows, rows - i), packed_cols_.get() + j * panel_size_,
                (panel + j) * kWidth, std::min(tile_panels_, panels - j) * kWidth);
    });
  }

  // The output has no padding: a last panel that is not full goes through a buffer.
  void fill_tile(const Out* x, std::size_t row, std::size_t rows, const Out* y, std::size_t col,
                 std::size_t padded_cols) const {
    const std::size_t cols = std::min(padded_cols, y_.rows - col);
    const std::size_t rest = cols % kWidth;
    const std::size_t whole = cols - rest;
    tiles_.tile(form_, x, rows, y, whole, x_.cols, out_.row(row) + col, out_.stride);
    if (rest == 0) return;
    alignas(kCacheLine) Out edge[kFillRows * kWidth];
    tiles_.tile(form_, x, rows, y + whole / kWidth * panel_size_, rest, x_.cols, edge, kWidth);
    for (std::size_t i = 0; i < rows; ++i) {
      std::copy_n(edge + i * kWidth, rest, out_.row(row + i) + col + whole);
    }
  }

  const Form form_;
  const MatrixView<const In> x_;
  const MatrixView<const In> y_;
  const MatrixView<Out> out_;
  const int n_threads_;
  Monitor* const monitor_;
  const TileKernels<Out>& tiles_ = tile_kernels<Out>(kernels());
  const PackKernels<In, Out>& pack_ = pack_kernels<In, Out>(kernels());
  const std::size_t chunk_size_;  // kFillRows packed rows
  const std::size_t panel_size_;
  const std::size_t all_panels_;
  const std::size_t piece_panels_;  // packed at a time
  const std::size_t tile_panels_;
  const std::size_t piece_rows_;  // packed at a time
  const AlignedArray<Out> packed_rows_;
  const AlignedArray<Out> packed_cols_;
  std::vector<Out> centre_;
};

}  // namespace

template <class In, class Out>
void fill(const Metric& metric, MatrixView<const In> x, MatrixView<const In> y, MatrixView<Out> out,
          int n_threads, Monitor* monitor) {
  if (x.cols != y.cols) {
    throw InvalidArgument("Y", "has " + std::to_string(y.cols) + " columns",
                          "as many as X: " + std::to_string(x.cols));
  }
  if (x.cols == 0) throw InvalidArgument("X", "has no columns", "at least one");
  if (out.rows != x.rows || out.cols != y.rows || out.stride < out.cols) {
    throw InvalidArgument("out",
                          "is " + std::to_string(out.rows) + " x " + std::to_string(out.cols),
                          std::to_string(x.rows) + " x " + std::to_string(y.rows));
  }
  if (x.rows == 0 || y.rows == 0) return;
  Filler<In, Out>(metric, x, y, out, n_threads, monitor).run();
}

template void fill<float, float>(const Metric&, MatrixView<const float>, MatrixView<const float>,
                                 MatrixView<float>, int, Monitor*);
template void fill<float, double>(const Metric&, MatrixView<const float>, MatrixView<const float>,
                                  MatrixView<double>, int, Monitor*);
template void fill<double, double>(const Metric&, MatrixView<const double>,
                                   MatrixView<const double>, MatrixView<double>, int, Monitor*);

}  // namespace otcore::cost
