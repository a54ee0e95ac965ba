"""POT's ground costs: its metrics over those of `otcore.cost`, and scipy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..._arrays import NUMPY, Array, Named, open_door
from ..._extras import import_extra
from ...cost import cost_matrix

Metric: TypeAlias = str | Callable[[Any, Any], float]

_CORE_METRICS = ("sqeuclidean", "euclidean", "cityblock", "cosine")

# POT's metrics that otcore solves from the points, without a cost matrix.
_POINT_METRICS = {name: name for name in _CORE_METRICS}
_POINT_METRICS["minkowski"] = "euclidean"  # where nothing says p, it is 2


def costs_of_points(
    names: tuple[str, str], points: tuple[Any, Any], metric: Metric
) -> tuple[Named, str | None]:
    """What to solve: the points and otcore's metric, or the cost matrix M and None."""
    name = _POINT_METRICS.get(metric) if isinstance(metric, str) else None
    if name is None:
        return (("M", dist(*points, metric)),), None
    return tuple(zip(names, points, strict=True)), name


def dist(
    x1: npt.ArrayLike,
    x2: npt.ArrayLike | None = None,
    metric: Metric = "sqeuclidean",
    p: float = 2,
    w: npt.ArrayLike | None = None,
    backend: str = "auto",
    nx: Any = None,
    use_tensor: bool = False,
) -> Array:
    """Ground costs between all pairs of two sets of points, as ``ot.dist``.

    Parameters
    ----------
    x1 : array_like, shape (n, d)
        The first points.
    x2 : array_like, shape (m, d), optional
        The second points; None takes the first.
    metric
        ``"sqeuclidean"``, ``"euclidean"``, ``"cityblock"``, ``"cosine"`` and ``"correlation"``
        (``"cosine"`` of points less their own mean); ``"minkowski"``, the p-th root of the sum of
        abs(x_k - y_k)^p; for numpy also whatever `scipy.spatial.distance.cdist` takes, functions
        among them (the extra ``otcore[sparse]`` brings scipy).
    p
        The exponent of ``"minkowski"``.
    w : array_like, shape (d,), optional
        Weights of the coordinates, under ``"minkowski"`` only: w_k abs(x_k - y_k)^p.
    backend
        ``"scipy"`` lets `cdist` compute every metric; anything else is ``"auto"``.
    nx, use_tensor
        Make no difference: the library is that of the points, and nothing large is formed.

    Returns
    -------
    array, shape (n, m)
        In the dtype of the points; float64 for integers. A tensor is differentiable (once) in the
        points, with gradient 0 where the cost has a kink.

    Raises
    ------
    ValueError
        Wrong shapes, values that are not finite, an unknown metric, zero vectors under cosine.
    TypeError
        Arrays of two libraries, or not of real numbers.
    NotImplementedError
        One of scipy's metrics for tensors.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.dist(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]]))
    array([[ 0.],
           [25.]])
    """
    library, (x, y) = open_door((("x1", x1), ("x2", x1 if x2 is None else x2)))
    if backend != "scipy":
        if metric in _CORE_METRICS:
            return cost_matrix(x, y, metric=metric)
        if metric == "correlation":
            x, y = (points - points.mean(1)[:, None] for points in (x, y))
            return cost_matrix(x, y, metric="cosine")
        if metric == "minkowski" and 1 <= p < float("inf"):
            if w is not None:
                scale = open_door((("x1", x), ("w", w)))[1][1] ** (1 / p)
                x, y = (library.like(points * scale, points) for points in (x, y))
            return library.root(cost_matrix(x, y, metric=("minkowski", p)), p)
    if library is not NUMPY:
        raise NotImplementedError(
            f"metric: {metric!r}, expected for tensors one of "
            f"{', '.join(map(repr, (*_CORE_METRICS, 'correlation', 'minkowski')))} (with p >= 1), "
            "and backend='auto'"
        )
    cdist = import_extra("scipy.spatial.distance", extra="sparse", purpose=f"metric={metric!r}")
    options = {"p": p, "w": w} if metric == "minkowski" else {}
    return cdist.cdist(x, y, metric=metric, **options)


def dist0(n: int, method: str = "lin_square") -> npt.NDArray[np.float64]:
    """Squared differences of the positions 0, 1, ..., n - 1.

    Parameters
    ----------
    n
        How many.
    method
        ``"lin_square"``.

    Returns
    -------
    ndarray, shape (n, n)

    Raises
    ------
    ValueError
        Another method.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.utils.dist0(3)
    array([[0., 1., 4.],
           [1., 0., 1.],
           [4., 1., 0.]])
    """
    if method != "lin_square":
        raise ValueError(f"method: {method!r}, expected 'lin_square'")
    positions = np.arange(n, dtype=np.float64)
    return np.square(positions[:, None] - positions)


def euclidean_distances(
    X: npt.ArrayLike, Y: npt.ArrayLike, squared: bool = False, nx: Any = None
) -> Array:
    """Euclidean distances between all pairs of points, or their squares; see `dist`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.utils.euclidean_distances([[0.0, 0.0]], [[3.0, 4.0]])
    array([[5.]])
    """
    return dist(X, Y, "sqeuclidean" if squared else "euclidean")
