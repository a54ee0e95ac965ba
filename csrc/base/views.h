// Views of arrays somebody else owns: a pointer and its extents.
#pragma once

#include <cstddef>

namespace otcore {

// `rows` rows of `cols` contiguous numbers; row i starts at data + i * stride.
template <class T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;

  [[nodiscard]] T* row(std::size_t i) const { return data + i * stride; }
};

// `count` matrices of one shape; matrix b starts at data + b * batch_stride. A batch_stride of 0
// means that one matrix serves all.
template <class T>
struct BatchView {
  T* data = nullptr;
  std::size_t count = 0;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t batch_stride = 0;

  [[nodiscard]] MatrixView<T> operator[](std::size_t b) const {
    return {data + b * batch_stride, rows, cols, cols};
  }
};

}  // namespace otcore
