// Points on their way to the kernels: some rows of one or two clouds, packed block by block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "base/monitor.h"
#include "base/sizes.h"
#include "base/views.h"
#include "pyramid/kernels.h"
#include "pyramid/tuning.h"

namespace otcore::pyramid {

// Rows index[0..count) of a cloud.
template <class T>
struct Members {
  MatrixView<const T> points;
  const std::int32_t* index = nullptr;
  std::size_t count = 0;

  [[nodiscard]] const T* row(std::size_t i) const {
    return points.row(static_cast<std::size_t>(index[i]));
  }
};

// Coordinates as the kernels see them: x * scale - origin. The scale is a power of two that brings
// all coordinates of a problem to about 1, so that no square overflows or is lost; an origin among
// the points keeps the rounding of scores small.
template <class T>
struct Frame {
  T scale = T{1};
  const T* origin = nullptr;
};

// What a thread works with; grows as it is needed.
template <class T>
struct Workspace {
  AlignedArray<T> block;  // panels of one block
  std::size_t block_size = 0;
  AlignedArray<T> kept;  // all panels of a small set
  std::size_t kept_size = 0;
  std::vector<const T*> rows;
  std::vector<std::int32_t> before, now;  // labels of a block, whole panels

  static T* room(AlignedArray<T>& array, std::size_t& size, std::size_t needed) {
    if (size < needed) {
      array = aligned_array<T>(needed, "X");
      size = needed;
    }
    return array.get();
  }
};

// The threads that a piece of work may use, each with its workspace, and who may stop them (null
// where others look after that).
template <class T>
struct Crew {
  Workspace<T>* workspaces;
  int threads;
  Monitor* monitor;
};

// Two sets of members as one, `first` before `second`, cut into blocks of whole panels. What blocks
// hold depends on the set alone.
template <class T>
class Blocks {
 public:
  Blocks(const Members<T>& first, const Members<T>& second, const Frame<T>& frame)
      : first_(first), second_(second), frame_(frame) {
    const std::size_t panel_bytes = kPanel<T> * dims() * sizeof(T);
    per_block_ = std::clamp<std::size_t>(kBlockBytes / panel_bytes, 1, kBlockPanels) * kPanel<T>;
  }

  [[nodiscard]] std::size_t dims() const { return first_.points.cols; }
  [[nodiscard]] std::size_t size() const { return first_.count + second_.count; }
  [[nodiscard]] std::size_t count() const { return (size() + per_block_ - 1) / per_block_; }
  [[nodiscard]] std::size_t start(std::size_t block) const { return block * per_block_; }
  [[nodiscard]] std::size_t length(std::size_t block) const {
    return std::min(per_block_, size() - start(block));
  }
  // Of a block, in T.
  [[nodiscard]] std::size_t packed_size(std::size_t length) const {
    return round_up(length, kPanel<T>) * dims();
  }
  // Whether all blocks together are small enough to be kept.
  [[nodiscard]] bool small() const { return packed_size(size()) * sizeof(T) <= kKeepBytes; }

  [[nodiscard]] const T* row(std::size_t i) const {
    return i < first_.count ? first_.row(i) : second_.row(i - first_.count);
  }
  [[nodiscard]] const Frame<T>& frame() const { return frame_; }

  // Packs a block to `out`, of packed_size().
  void pack(std::size_t block, Workspace<T>& workspace, T* out) const {
    const std::size_t n = length(block);
    workspace.rows.resize(per_block_);
    for (std::size_t i = 0; i < n; ++i) workspace.rows[i] = row(start(block) + i);
    point_kernels<T>().pack(workspace.rows.data(), n, dims(), frame_.origin, frame_.scale, out);
  }

  // The block as panels: those kept, or packed in the workspace where `kept` is null.
  [[nodiscard]] Panels<T> read(std::size_t block, const T* kept, Workspace<T>& workspace) const {
    const std::size_t panels = round_up(length(block), kPanel<T>) / kPanel<T>;
    if (kept != nullptr) return {kept + start(block) * dims(), panels, dims()};
    T* out = workspace.room(workspace.block, workspace.block_size, per_block_ * dims());
    pack(block, workspace, out);
    return {out, panels, dims()};
  }

 private:
  Members<T> first_;
  Members<T> second_;
  Frame<T> frame_;
  std::size_t per_block_;
};

// Centres as the kernels read them.
template <class T>
struct PackedCentres {
  std::vector<T> blocks;
  std::vector<T> half_squares;
  std::size_t count = 0;

  // `count` rows of `dims` coordinates, less the origin.
  void pack(const T* centres, std::size_t count, std::size_t dims, const T* origin);
};

}  // namespace otcore::pyramid
