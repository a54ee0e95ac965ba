#include "entropic/sweep.h"

#include <utility>

#include "entropic/passes.h"

namespace otcore::entropic {

template <class T>
Sweep<T>::Sweep(MatrixView<const T> costs, int n_threads, Monitor* monitor)
    : impl_(std::make_unique<Impl>(Source<T>(costs), n_threads, monitor)) {}

template <class T>
Sweep<T>::Sweep(MatrixView<const T> x, MatrixView<const T> y, const cost::Metric& metric,
                int n_threads, Monitor* monitor)
    : impl_(std::make_unique<Impl>(Source<T>(x, y, metric), n_threads, monitor)) {}

template <class T>
Sweep<T>::~Sweep() = default;
template <class T>
Sweep<T>::Sweep(Sweep&&) noexcept = default;
template <class T>
Sweep<T>& Sweep<T>::operator=(Sweep&&) noexcept = default;

template <class T>
void Sweep<T>::reset(MatrixView<const T> costs) {
  impl_->source.reset(costs);
  impl_->kept.valid = false;
}

template <class T>
void Sweep<T>::reset(MatrixView<const T> x, MatrixView<const T> y) {
  impl_->source.reset(x, y);
  impl_->kept.valid = false;
}

template <class T>
std::size_t Sweep<T>::rows() const {
  return impl_->rows;
}

template <class T>
std::size_t Sweep<T>::cols() const {
  return impl_->cols;
}

template <class T>
double Sweep<T>::range() const {
  return impl_->source.range();
}

template <class T>
double Sweep<T>::hidden_error(double eps) const {
  constexpr double kPrecision = sizeof(T) == sizeof(float) ? 0x1p-24 : 0x1p-53;
  return impl_->from_kept ? kPrecision * range() / eps : 0.0;
}

template <class T>
void Sweep<T>::forget_kernel() {
  impl_->kept.valid = false;
}

// Instantiates what is defined here; the passes are in files of their own.
template class Sweep<float>;
template class Sweep<double>;

}  // namespace otcore::entropic
