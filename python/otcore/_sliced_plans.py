"""Plans in space by the plans of slices: the best of them, and their average."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._options import check_threads
from ._plan import SparsePlan
from ._sliced_result import SlicedPlanResult
from ._slices import Sampling, Slices, check_slices
from .cost import Metric, MetricLike, parse_metric

__all__ = ["expected_sliced", "min_pivot_sliced"]


def min_pivot_sliced(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    metric: MetricLike = "sqeuclidean",
    n_projections: int = 50,
    projections: npt.ArrayLike | None = None,
    directions: str = "gaussian",
    seed: Any = None,
    n_threads: int | None = None,
) -> SlicedPlanResult:
    """The best plan in space among the plans of slices (min-pivot sliced, min-SWGG).

    Each direction orders both clouds, which couples them; of these plans the one with the least
    ground cost is taken. It has the right marginals and at most n + m - 1 entries, so its cost is
    an upper bound of the transport cost. POT: ``ot.min_sliced_transport_plan``.

    Parameters
    ----------
    X : array_like, shape (n, d)
        The first points; dtypes as in `sliced_wasserstein`.
    Y : array_like, shape (m, d)
        The second points.
    a : array_like, shape (n,), optional
        Masses of X, as in `sliced_wasserstein`.
    b : array_like, shape (m,), optional
        Masses of Y.
    metric
        The ground cost, as in `otcore.cost.cost_matrix`.
    n_projections, projections, directions, seed, n_threads
        As in `sliced_wasserstein`.

    Returns
    -------
    SlicedPlanResult
        With ``value``, ``sparse_plan``, ``plan``, ``apply``, ``barycentric_map`` and the ``costs``
        and ``weights`` of the directions: 1 for the one that was taken. Where points of one side
        have the same projection they keep their order.

    Raises
    ------
    ValueError, TypeError
        As `sliced_wasserstein` and `otcore.cost.cost_matrix`.

    References
    ----------
    .. [1] G. Mahey et al., Fast optimal transport through sliced generalized Wasserstein geodesics,
       NeurIPS 2023.
    .. [2] E. Tanguy, L. Chapel, J. Delon, Sliced transport plans, 2025, arXiv:2506.03661.

    Examples
    --------
    >>> import otcore
    >>> X, Y = [[3.0, 3.0], [1.0, 1.0]], [[2.0, 2.5], [3.0, 2.0]]
    >>> axes = [[1.0, 0.0], [0.0, 1.0]]
    >>> result = otcore.sliced.min_pivot_sliced(X, Y, projections=axes)
    >>> result.value
    2.125
    >>> result.plan
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    ground = parse_metric(metric)
    sampling = Sampling(n_projections, directions, seed)
    slices = check_slices(X, Y, a, b, projections, sampling, batches=False)
    costs = _plans(slices, ground, n_threads, with_plans=False).cost
    best = int(np.argmin(costs))
    one = slices._replace(directions=slices.directions[best : best + 1])
    weights = np.zeros(len(costs))
    weights[best] = 1.0
    plans = _plans(one, ground, n_threads, with_plans=True)
    return _plan_result(slices, ground, costs, weights, plans, weights[best : best + 1])


def expected_sliced(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    metric: MetricLike = "sqeuclidean",
    beta: float = 0.0,
    n_projections: int = 50,
    projections: npt.ArrayLike | None = None,
    directions: str = "gaussian",
    seed: Any = None,
    n_threads: int | None = None,
) -> SlicedPlanResult:
    """The average of the plans of slices, as a plan in space (expected sliced).

    POT: ``ot.expected_sliced_plan``.

    Parameters
    ----------
    X, Y, a, b, metric, n_projections, projections, directions, seed, n_threads
        As in `min_pivot_sliced`.
    beta
        An inverse temperature: plans are weighted in proportion to exp(-beta cost), so that 0 is
        the mean and infinity the best plan.

    Returns
    -------
    SlicedPlanResult
        As that of `min_pivot_sliced`; at most L (n + m - 1) entries, which take 16 bytes each
        while the plan is made.

    Raises
    ------
    ValueError, TypeError
        As `min_pivot_sliced`; a negative beta, or NaN.

    References
    ----------
    .. [1] X. Liu et al., Expected sliced transport plans, ICLR 2025.

    Examples
    --------
    >>> import otcore
    >>> X, Y = [[3.0, 3.0], [1.0, 1.0]], [[2.0, 2.5], [3.0, 2.0]]
    >>> axes = [[1.0, 0.0], [0.0, 1.0]]
    >>> otcore.sliced.expected_sliced(X, Y, projections=axes).plan
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    ground = parse_metric(metric)
    if not isinstance(beta, Real) or isinstance(beta, bool):
        raise TypeError(f"beta: {type(beta).__name__}, expected a number")
    if not beta >= 0:
        raise ValueError(f"beta: {beta}, expected a number >= 0")
    sampling = Sampling(n_projections, directions, seed)
    slices = check_slices(X, Y, a, b, projections, sampling, batches=False)
    plans = _plans(slices, ground, n_threads, with_plans=True)
    excess = plans.cost - plans.cost.min()
    with np.errstate(invalid="ignore"):
        weights = np.where(excess > 0, np.exp(-float(beta) * excess), 1.0)
    weights /= weights.sum()
    return _plan_result(slices, ground, plans.cost, weights, plans, weights)


def _plans(
    slices: Slices, ground: Metric, n_threads: int | None, *, with_plans: bool
) -> _core.SlicedPlans:
    threads = check_threads(n_threads)
    return _core.sliced_plans(
        slices.x,
        slices.y,
        slices.a,
        slices.b,
        slices.directions,
        ground.name,
        ground.p,
        mass_tolerance=slices.mass_tolerance,
        n_threads=threads or slices.library.n_threads(),
        with_plans=with_plans,
    )


def _plan_result(
    slices: Slices,
    ground: Metric,
    costs: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    plans: _core.SlicedPlans,
    shares: npt.NDArray[np.float64],
) -> SlicedPlanResult:
    """`shares` are the weights of the plans in `plans`."""
    n, m = slices.x.shape[1], slices.y.shape[1]
    assert plans.count is not None
    assert plans.rows is not None
    assert plans.cols is not None
    assert plans.mass is not None
    used = np.arange(n + m - 1) < plans.count[:, None]
    entries = plans.rows[used].astype(np.int64), plans.cols[used].astype(np.int64)
    mass = (plans.mass * shares[:, None])[used]
    library, sources = slices.library, slices.sources
    plan = SparsePlan(library, sources[:4], slices.x.dtype, None, n, m, *entries, mass)
    value = library.plan_value(float(costs @ weights), plan, ground, sources)
    return SlicedPlanResult(slices, value, costs, weights, plan)
