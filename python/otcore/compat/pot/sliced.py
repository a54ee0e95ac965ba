"""POT's ``ot.sliced``: sliced distances and plans, answered by `otcore.sliced`.

Distances are rooted here, as POT's are: ``value ** (1 / p)`` of otcore's values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import sliced
from ..._arrays import FLOAT64, Array, open_door
from ._arguments import Arguments, is_floating, read_arguments, widened
from ._coverage import missing
from ._directions import draw_normal, orthonormal_pairs, unit_columns
from ._result import coordinates, entries
from .lp.solver_1d import PlanTuple

__all__ = [
    "expected_sliced_plan",
    "max_sliced_wasserstein_distance",
    "min_sliced_transport_plan",
    "sliced_wasserstein_distance",
    "sliced_wasserstein_sphere",
]


def sliced_wasserstein_distance(
    X_s: npt.ArrayLike,
    X_t: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    n_projections: int = 50,
    p: float = 2,
    projections: npt.ArrayLike | None = None,
    seed: Any = None,
    log: bool = False,
    scaler: Any = None,
) -> Any:
    """The sliced Wasserstein distance, as ``ot.sliced_wasserstein_distance``.

    Parameters
    ----------
    X_s : array_like, shape (n, d)
        The first points.
    X_t : array_like, shape (m, d)
        The second points.
    a : array_like, shape (n,), optional
        Masses of X_s; None is 1/n each.
    b : array_like, shape (m,), optional
        Masses of X_t; None is 1/m each.
    n_projections
        How many directions to draw, as POT does.
    p
        The power, a finite number >= 1.
    projections : array_like, shape (d, L), optional
        The directions; `n_projections` and `seed` are not used then.
    seed
        None, an int, a ``numpy.random.RandomState`` (numpy) or a ``torch.Generator`` (torch): the
        directions are those that POT draws.
    log
        Also return a dictionary with the ``"projections"`` and the costs of the directions,
        ``"projected_emds"``, not rooted.
    scaler
        A function of points, or an object with a method ``transform``, applied to both sides.

    Returns
    -------
    cost : scalar
        The distance: the p-th root of the mean. Tensors are differentiable.
    log : dict
        If `log`.

    Raises
    ------
    ValueError, TypeError
        What `otcore.sliced.sliced_wasserstein` refuses: masses that differ, too.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> X = np.random.RandomState(0).normal(size=(20, 5))
    >>> float(ot.sliced_wasserstein_distance(X, X[::-1], seed=0))
    0.0
    """
    arguments, directions = _lines(X_s, X_t, a, b, n_projections, projections, seed, scaler)
    result = _slices(arguments, directions, p)
    return _with_log(arguments, result.distance, result.costs, directions, log)


def max_sliced_wasserstein_distance(
    X_s: npt.ArrayLike,
    X_t: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    n_projections: int = 50,
    p: float = 2,
    projections: npt.ArrayLike | None = None,
    seed: Any = None,
    log: bool = False,
    scaler: Any = None,
) -> Any:
    """The largest distance along the directions, as ``ot.max_sliced_wasserstein_distance``.

    `otcore.sliced.max_sliced_wasserstein` climbs from there to a maximum over all directions.

    Parameters
    ----------
    X_s, X_t, a, b, n_projections, p, projections, seed, log, scaler
        As in `sliced_wasserstein_distance`.

    Returns
    -------
    cost : scalar
        The p-th root of the largest cost. Tensors are differentiable.
    log : dict
        If `log`, as in `sliced_wasserstein_distance`.

    Raises
    ------
    ValueError, TypeError
        As `sliced_wasserstein_distance`.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> X = np.random.RandomState(0).normal(size=(20, 2))
    >>> axes = np.eye(2)
    >>> round(float(ot.max_sliced_wasserstein_distance(X, X + [1.0, 2.0], projections=axes)), 12)
    2.0
    """
    arguments, directions = _lines(X_s, X_t, a, b, n_projections, projections, seed, scaler)
    library = arguments.library
    fixed = replace(arguments, data=tuple(library.detach(points) for points in arguments.data))
    costs = _slices(fixed, directions, p).costs
    best = int(np.argmax(library.to_numpy(costs)))
    result = _slices(arguments, directions[:, best : best + 1], p)
    return _with_log(arguments, result.distance, costs, directions, log)


def sliced_wasserstein_sphere(
    X_s: npt.ArrayLike,
    X_t: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    n_projections: int = 50,
    p: float = 2,
    projections: npt.ArrayLike | None = None,
    seed: Any = None,
    log: bool = False,
) -> Any:
    """The spherical sliced Wasserstein distance, as ``ot.sliced_wasserstein_sphere``.

    Parameters
    ----------
    X_s : array_like, shape (n, d)
        Unit vectors.
    X_t : array_like, shape (m, d)
        The second ones.
    a : array_like, shape (n,), optional
        Masses of X_s; None is 1/n each.
    b : array_like, shape (m,), optional
        Masses of X_t; None is 1/m each.
    n_projections, p, seed, log
        As in `sliced_wasserstein_distance`.
    projections : array_like, shape (L, d, 2), optional
        An orthonormal basis of each plane.

    Returns
    -------
    cost : scalar
        The p-th root of the mean cost on the circles. Tensors are differentiable in the points.
    log : dict
        If `log`, as in `sliced_wasserstein_distance`.

    Raises
    ------
    ValueError, TypeError
        What `otcore.sliced.sliced_wasserstein_sphere` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> X = np.eye(3)
    >>> float(ot.sliced_wasserstein_sphere(X, X[::-1], seed=0))
    0.0
    """
    arguments = _points(X_s, X_t, a, b, None)
    library, (x, y) = arguments.library, arguments.data
    if projections is None:
        numbers = draw_normal(library, x, (n_projections, x.shape[1], 2), seed)
        planes = orthonormal_pairs(numbers)
    else:
        _, (_, planes) = open_door((("X_s", x), ("projections", projections)))
    arguments = _widened(arguments, planes)
    x, y = arguments.data
    result = sliced.sliced_wasserstein_sphere(
        x, y, arguments.a, arguments.b, p=p, projections=planes
    )
    return _with_log(arguments, result.distance, result.costs, planes, log)


def min_sliced_transport_plan(
    X_s: npt.ArrayLike,
    X_t: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    projections: npt.ArrayLike | None = None,
    metric: str = "sqeuclidean",
    p: float = 2,
    n_projections: int | None = None,
    seed: Any = None,
    batch_size: int | None = None,
    dense: bool = True,
    log: bool = False,
) -> Any:
    """The best plan of a slice, as ``ot.min_sliced_transport_plan``.

    Parameters
    ----------
    X_s, X_t, a, b, projections, n_projections, seed
        As in `sliced_wasserstein_distance`; one of `projections` and `n_projections` is needed.
    metric
        The ground cost: ``"sqeuclidean"``, ``"euclidean"``, ``"cityblock"``, or ``"minkowski"``,
        the p-norm, with p = 1 or 2.
    p
        The p of ``"minkowski"``.
    batch_size
        Makes no difference.
    dense
        False gives the plan as a scipy COO array (the extra ``otcore[sparse]``) or a torch sparse
        tensor.
    log
        Also return a dictionary with ``"projections"``, the ``"costs"`` of the directions, and the
        best direction with the projections on it: ``"min_projection"``, ``"X_min_projection"``,
        ``"Y_min_projection"``.

    Returns
    -------
    plan : array, shape (n, m), or sparse
    cost : scalar
        Its ground cost. Tensors are differentiable in the points, with the plan held fixed.
    log : dict
        If `log`.

    Raises
    ------
    AssertionError
        Neither directions nor their number, or a metric that POT does not have here.
    NotImplementedError
        ``"minkowski"`` with another p.
    ValueError, TypeError
        What `otcore.sliced.min_pivot_sliced` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> x, y = np.array([[3.0, 3.0], [1.0, 1.0]]), np.array([[2.0, 2.5], [3.0, 2.0]])
    >>> plan, cost = ot.min_sliced_transport_plan(x, y, projections=np.eye(2))
    >>> plan
    array([[0. , 0.5],
           [0.5, 0. ]])
    >>> float(cost)
    2.125
    """
    arguments, directions = _plan_arguments(X_s, X_t, a, b, n_projections, projections, seed)
    x, y = arguments.data
    result = sliced.min_pivot_sliced(
        x, y, arguments.a, arguments.b, metric=_metric(metric, p), projections=directions
    )
    cost = _scalar(arguments, result.value)
    plan = result.plan if dense else coordinates(result.sparse_plan)
    if not log:
        return plan, cost
    best = int(np.argmax(arguments.library.to_numpy(result.weights)))
    direction = directions[:, best]
    details = {
        "projections": directions,
        "costs": arguments.library.like(result.costs, x),
        "min_projection": direction,
        "X_min_projection": x @ direction,
        "Y_min_projection": y @ direction,
    }
    return plan, cost, details


def expected_sliced_plan(
    X_s: npt.ArrayLike,
    X_t: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    projections: npt.ArrayLike | None = None,
    metric: str = "sqeuclidean",
    p: float = 2,
    n_projections: int | None = None,
    beta: float = 0.0,
    seed: Any = None,
    dense: bool = True,
    batch_size: int | None = None,
    log: bool = False,
) -> Any:
    """The average of the plans of slices, as ``ot.expected_sliced_plan``.

    Parameters
    ----------
    X_s, X_t, a, b, projections, metric, p, n_projections, seed, dense, batch_size
        As in `min_sliced_transport_plan`.
    beta
        Plans are weighted in proportion to exp(-beta cost).
    log
        Also return a dictionary with ``"projections"``, ``"costs"``, the plans of the directions as
        ``"G"`` and their ``"weights"``.

    Returns
    -------
    plan : array, shape (n, m), or sparse
    cost : scalar
        Its ground cost, as in `min_sliced_transport_plan`.
    log : dict
        If `log`.

    Raises
    ------
    AssertionError, NotImplementedError, ValueError, TypeError
        As `min_sliced_transport_plan`; a negative beta.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> x, y = np.array([[3.0, 3.0], [1.0, 1.0]]), np.array([[2.0, 2.5], [3.0, 2.0]])
    >>> plan, cost = ot.expected_sliced_plan(x, y, projections=np.eye(2))
    >>> plan
    array([[0.25, 0.25],
           [0.25, 0.25]])
    >>> float(cost)
    2.625
    """
    arguments, directions = _plan_arguments(X_s, X_t, a, b, n_projections, projections, seed)
    ground = _metric(metric, p)
    x, y = arguments.data
    weights = arguments.a, arguments.b
    result = sliced.expected_sliced(
        x, y, *weights, metric=ground, beta=beta, projections=directions
    )
    cost = _scalar(arguments, result.value)
    plan = result.plan if dense else coordinates(result.sparse_plan)
    if not log:
        return plan, cost
    plans = [
        sliced.min_pivot_sliced(x, y, *weights, projections=directions[:, k : k + 1]).sparse_plan
        for k in range(directions.shape[1])
    ]
    details = {
        "projections": directions,
        "costs": arguments.library.like(result.costs, x),
        "G": [PlanTuple(*entries(each)) for each in plans],
        "weights": arguments.library.like(result.weights, x),
    }
    return plan, cost, details


def _points(X_s: Any, X_t: Any, a: Any, b: Any, scaler: Any) -> Arguments:
    if scaler is not None:
        transform = getattr(scaler, "transform", scaler)
        if not callable(transform):
            raise ValueError(
                f"scaler: {type(scaler).__name__}, expected None, a function, or an object with a "
                "method transform"
            )
        X_s, X_t = transform(X_s), transform(X_t)
    arguments = read_arguments((("X_s", X_s), ("X_t", X_t)), a, b)
    x, y = arguments.data
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"X_t: shape {tuple(y.shape)}, expected (m, {x.shape[1]}) beside X_s of shape "
            f"{tuple(x.shape)}"
        )
    library = arguments.library
    data = tuple(z if is_floating(library, z) else library.cast(z, FLOAT64) for z in (x, y))
    return replace(arguments, data=data)


def _lines(
    X_s: Any, X_t: Any, a: Any, b: Any, n_projections: int, projections: Any, seed: Any, scaler: Any
) -> tuple[Arguments, Array]:
    arguments = _points(X_s, X_t, a, b, scaler)
    x = arguments.data[0]
    if projections is None:
        numbers = draw_normal(arguments.library, x, (x.shape[1], n_projections), seed)
        directions = unit_columns(numbers)
    else:
        _, (_, directions) = open_door((("X_s", x), ("projections", projections)))
    return _widened(arguments, directions), directions


def _plan_arguments(
    X_s: Any, X_t: Any, a: Any, b: Any, n_projections: int | None, projections: Any, seed: Any
) -> tuple[Arguments, Array]:
    if projections is None and n_projections is None:
        raise AssertionError("n_projections: None, expected a number where projections is None")
    return _lines(X_s, X_t, a, b, n_projections or 1, projections, seed, None)


def _widened(arguments: Arguments, directions: Array) -> Arguments:
    """All in float64 where the directions or weights are: nothing is rounded."""
    library = arguments.library
    arguments = widened(arguments)
    if library.to_numpy(directions[:0]).dtype != FLOAT64:
        return arguments
    data = tuple(library.cast(points, FLOAT64) for points in arguments.data)
    return replace(arguments, data=data)


def _slices(arguments: Arguments, directions: Array, p: float) -> sliced.SlicedResult:
    x, y = arguments.data
    return sliced.sliced_wasserstein(x, y, arguments.a, arguments.b, p=p, projections=directions)


def _metric(metric: str, p: float) -> str:
    if metric == "minkowski" and p not in (1, 2):
        raise NotImplementedError(f"metric: 'minkowski' with p = {p}, expected p = 1 or 2")
    names = {"minkowski": "cityblock" if p == 1 else "euclidean"}
    if metric not in ("sqeuclidean", "euclidean", "cityblock", "minkowski"):
        raise AssertionError(
            f"metric: {metric!r}, expected 'sqeuclidean', 'euclidean', 'cityblock' or 'minkowski'"
        )
    return names.get(metric, metric)


def _scalar(arguments: Arguments, value: Any) -> Any:
    """The value in the dtype of the points: a numpy scalar, or a 0-d tensor."""
    points = arguments.data[0]
    return (
        points.dtype.type(value)
        if isinstance(value, float)
        else arguments.library.like(value, points)
    )


def _with_log(
    arguments: Arguments, distance: Any, costs: Array, directions: Array, log: bool
) -> Any:
    answer = _scalar(arguments, distance)
    if not log:
        return answer
    emds = arguments.library.like(costs, arguments.data[0])
    return answer, {"projections": directions, "projected_emds": emds}


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
