#include "cost/cost.h"

#include <cmath>
#include <string>

#include "base/error.h"
#include "cost/kernels.h"
#include "cost/tuning.h"

namespace otcore::cost {

double Metric::power() const {
  switch (kind) {
    case Kind::sqeuclidean:
      return 2.0;
    case Kind::euclidean:
    case Kind::cityblock:
      return 1.0;
    case Kind::minkowski:
      return p;
    case Kind::cosine:
      break;
  }
  return 0.0;
}

Metric parse_metric(std::string_view name, double p) {
  if (name == "sqeuclidean") return {Kind::sqeuclidean, 2.0};
  if (name == "euclidean") return {Kind::euclidean, 2.0};
  if (name == "cityblock") return {Kind::cityblock, 1.0};
  if (name == "cosine") return {Kind::cosine, 2.0};
  if (name == "minkowski") {
    if (!std::isfinite(p) || p < 1.0) {
      throw InvalidArgument("metric", "minkowski power p = " + std::to_string(p),
                            "a finite p >= 1");
    }
    return {Kind::minkowski, p};
  }
  throw InvalidArgument("metric", "'" + std::string(name) + "'",
                        "'sqeuclidean', 'euclidean', 'cityblock', 'cosine' or 'minkowski' with its "
                        "power p");
}

Form form_of(const Metric& metric, std::size_t dims) {
  const Terms distance = dims < kGramDims ? Terms::squares : Terms::products;
  switch (metric.kind) {
    case Kind::sqeuclidean:
      break;
    case Kind::euclidean:
      return {distance, Finish::root, false, 2.0};
    case Kind::cityblock:
      return {Terms::moduli, Finish::none, false, 1.0};
    case Kind::minkowski:
      if (metric.p == 1.0) return {Terms::moduli, Finish::none, false, 1.0};
      if (metric.p == 2.0) break;
      return {Terms::powers, Finish::none, false, metric.p};
    case Kind::cosine:
      return {distance, Finish::half, true, 2.0};
  }
  return {distance, Finish::none, false, 2.0};
}

}  // namespace otcore::cost
