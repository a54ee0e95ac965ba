// K-means: Lloyd's iterations from k-means++ seeds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "pyramid/points.h"

namespace otcore::pyramid {

// Solves one problem after another, keeping its memory. The results depend on the points, their
// order and the random numbers alone, not on the crew.
template <class T>
class KMeans {
 public:
  // At most so many centres and iterations.
  KMeans(std::size_t centres, std::size_t iterations) : most_(centres), iterations_(iterations) {}

  // Finds centres of the points: min(centres, distinct points) of them, or fewer where clusters
  // come out empty, which is then the case for good. labels[i] is the centre nearest to point i;
  // each is somebody's.
  void run(const Blocks<T>& points, Random& random, const Crew<T>& crew, std::int32_t* labels);

  // Rows of centres, in the coordinates of the frame's origin (x * scale).
  [[nodiscard]] const std::vector<T>& centres() const { return centres_; }
  [[nodiscard]] std::size_t count() const { return packed_.count; }

  // labels[i] = the centre nearest to each of some other points of the same frame.
  void assign(const Blocks<T>& points, const Crew<T>& crew, std::int32_t* labels) const;

 private:
  // Sums over the points of a task: what moved in an iteration.
  struct Part {
    std::vector<double> sums;
    std::vector<std::int64_t> counts;
    std::size_t moved = 0;
  };

  std::size_t iterate(const Blocks<T>& points, const T* kept, bool with_sums, const Crew<T>& crew,
                      std::int32_t* labels);
  void run_task(const Blocks<T>& points, const T* kept, bool with_sums, std::size_t task,
                Workspace<T>& workspace, std::int32_t* labels);
  void update_centres(const T* origin, std::size_t dims);
  void drop_empty(std::int32_t* labels, std::size_t size, const T* origin, std::size_t dims);
  [[nodiscard]] std::size_t count_tasks(const Blocks<T>& points) const;

  std::size_t most_;
  std::size_t iterations_;
  std::vector<T> centres_;
  PackedCentres<T> packed_;
  std::vector<Part> parts_;
  std::vector<double> sums_;
  std::vector<std::int64_t> counts_;
};

}  // namespace otcore::pyramid
