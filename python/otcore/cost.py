"""Ground costs: what it costs to move a unit of mass from one point to another."""

from __future__ import annotations

import math
from numbers import Real
from typing import NamedTuple, TypeAlias

import numpy.typing as npt

from . import _core
from ._arrays import Array, open_door, require_finite
from ._options import check_threads
from ._shapes import point_pair

__all__ = ["MetricLike", "cost_matrix"]

MetricLike: TypeAlias = str | tuple[str, float]


class Metric(NamedTuple):
    """A ground cost, checked: its name and, for minkowski, its exponent."""

    name: str
    p: float = 2.0

    @property
    def power(self) -> float | None:
        """The power of a metric that this cost is; None where it is none (cosine)."""
        return self.p if self.name == "minkowski" else _POWERS[self.name]

    @property
    def written(self) -> MetricLike:
        """As users write it."""
        return (self.name, self.p) if self.name == "minkowski" else self.name


_POWERS = {"sqeuclidean": 2.0, "euclidean": 1.0, "cityblock": 1.0, "cosine": None}
_PLAIN = {name: Metric(name) for name in _POWERS}


def parse_metric(metric: MetricLike) -> Metric:
    """The metric a user named; ValueError for an unknown one."""
    if isinstance(metric, str) and metric in _PLAIN:
        return _PLAIN[metric]
    expected = ", ".join(map(repr, _PLAIN)) + " or ('minkowski', p)"
    if not (isinstance(metric, tuple) and len(metric) == 2 and metric[0] == "minkowski"):
        raise ValueError(f"metric: {metric!r}, expected one of {expected}")
    p = metric[1]
    if not isinstance(p, Real) or isinstance(p, bool) or not (p >= 1 and math.isfinite(p)):
        raise ValueError(f"metric: {metric!r}, expected a finite exponent p >= 1")
    return Metric("minkowski", float(p))


def cost_matrix(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    *,
    metric: MetricLike = "sqeuclidean",
    n_threads: int | None = None,
) -> Array:
    """Ground costs between all pairs of two sets of points.

    Parameters
    ----------
    X : array_like, shape (n, d)
        The first points: a numpy array, a list or a torch tensor. float32 and float64 stay, half
        floats become float32, integers float64; the wider of the two sides' dtypes counts.
    Y : array_like, shape (m, d)
        The second points.
    metric
        With x a row of X and y a row of Y:

        - ``"sqeuclidean"``: the sum of (x_k - y_k)^2,
        - ``"euclidean"``: its root,
        - ``"cityblock"``: the sum of abs(x_k - y_k),
        - ``("minkowski", p)``: the sum of abs(x_k - y_k)^p, not rooted, p >= 1,
        - ``"cosine"``: 1 - <x, y> / (norm(x) norm(y)); zero vectors are an error.
    n_threads
        At most so many threads; None is the default of `otcore.set_num_threads`.

    Returns
    -------
    array, shape (n, m)
        In the dtype of the points and of their library. A tensor is differentiable (once) in X and
        Y; where a cost has a kink (equal points under euclidean, equal coordinates under cityblock)
        the gradient is 0.

    Raises
    ------
    ValueError
        Wrong shapes, values that are not finite, an unknown metric, zero vectors under cosine.
    TypeError
        Arrays of two libraries, or not of real numbers.

    Examples
    --------
    >>> import otcore
    >>> otcore.cost.cost_matrix([[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0]], metric="euclidean")
    array([[0.],
           [5.]])
    """
    ground = parse_metric(metric)
    threads = check_threads(n_threads)
    library, (x, y) = open_door((("X", X), ("Y", Y)))
    points_x, points_y = point_pair(library.to_numpy(x), library.to_numpy(y), batched=False)
    require_finite(points_x, "X")
    require_finite(points_y, "Y")
    matrix = _core.cost_matrix(points_x, points_y, *ground, threads or library.n_threads())
    return library.cost(matrix, x, y, ground)
