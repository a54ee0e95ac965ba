"""Sliced optimal transport: the mean, or the largest, of the costs of projections on lines.

Points are projected on many directions, and transport on each line is sorting, so n points in d
dimensions and L directions take L n (d + log n) steps. On the sphere, points are projected on
circles. The plans of slices are plans in space, too, and the best of them is often a good one.
"""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import contiguous
from ._options import check_power, check_threads, positive_int
from ._plan import SparsePlan
from ._sliced_result import MaxSlicedResult, SlicedPlanResult, SlicedResult
from ._slices import Features, Sampling, Slices, check_slices
from .cost import Metric, MetricLike, parse_metric
from .errors import ConvergenceWarning

__all__ = [
    "MaxSlicedResult",
    "SlicedPlanResult",
    "SlicedResult",
    "expected_sliced",
    "max_sliced_wasserstein",
    "min_pivot_sliced",
    "sliced_wasserstein",
    "sliced_wasserstein_sphere",
]

# How far from 1 the squared length of points on the sphere may be.
_SPHERE_TOLERANCE = 1e-4


def sliced_wasserstein(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    n_projections: int = 50,
    p: float = 2,
    projections: npt.ArrayLike | None = None,
    directions: str = "gaussian",
    seed: Any = None,
    features: Features | None = None,
    n_threads: int | None = None,
) -> SlicedResult:
    """The sliced Wasserstein cost between two clouds of points, or of a batch of pairs of clouds.

    The mean over directions theta of W_p^p between the projections <x, theta> and <y, theta>. It is
    not rooted: ``.distance`` is its p-th root, which is what ``ot.sliced_wasserstein_distance`` of
    POT returns.

    Parameters
    ----------
    X : array_like, shape (n, d) or (B, n, d)
        The first points: a numpy array, a list or a torch tensor on the CPU. float32 and float64
        are projected and sorted as they are; half floats become float32, integers and bool float64.
    Y : array_like, shape (m, d) or (B, m, d)
        The second points. Of two dtypes the wider counts. All problems of a batch share the
        directions.
    a : array_like, shape (n,) or (B, n), optional
        Masses of X, not negative, with a positive sum, which need not be 1. Rounded to the points'
        dtype. None is 1/n each.
    b : array_like, shape (m,) or (B, m), optional
        Masses of Y. The sums of a and b may differ by 1e-6 relative (1e-4 if the points or one of
        the masses are float32 or narrower); that is normalised.
    n_projections
        How many directions to draw.
    p
        The power, a finite number >= 1.
    projections : array_like, shape (d, L), optional
        The directions, as columns; taken as they are, of any length. `n_projections`, `directions`
        and `seed` are not used then.
    directions
        How to draw: ``"gaussian"``, independent; ``"orthogonal"``, independent blocks of d
        orthogonal ones; ``"quasi"``, a randomly shifted low-discrepancy sequence (equal angles in
        the plane). The value is an unbiased estimate of the mean over the sphere for all three;
        the last two have less variance.
    seed
        None, an int from 0 to 2^64 - 1, or a generator of numpy or torch.
    features
        A function from an array of points (of their library) to an array of features, (n, k) or
        (B, n, k), which are sliced in place of the points: a generalised sliced distance, say with
        polynomials or a network. With tensors the value is differentiable through it.
    n_threads
        At most so many threads; None is the default. The result is the same for any number.

    Returns
    -------
    SlicedResult
        With ``value``, ``distance``, ``costs`` of every direction, ``standard_error``,
        ``confidence_interval()`` and ``projections``. The values of tensors are differentiable
        (once) in X, Y, a, b and given projections. Memory beside the input is a few times n + m
        numbers for each thread, whatever the number of directions; gradients take their own size
        in float64 and a block of slices.

    Raises
    ------
    ValueError
        A wrong shape; NaN or infinity (with its index); projections or costs that overflow;
        negative masses, no mass, or masses that differ; p below 1; an unknown `directions`.
    TypeError
        Arrays of two libraries or devices (both named), or not of real numbers.

    References
    ----------
    .. [1] N. Bonneel, J. Rabin, G. Peyre, H. Pfister, Sliced and Radon Wasserstein barycenters of
       measures, J. Math. Imaging Vision 51, 2015.
    .. [2] M. Rowland et al., Orthogonal estimation of Wasserstein distances, AISTATS 2019.
    .. [3] S. Kolouri et al., Generalized sliced Wasserstein distances, NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> result = otcore.sliced.sliced_wasserstein(X, X + [3.0, 0.0, 0.0], seed=1)
    >>> round(result.value, 3)  # 9 / 3, up to the choice of directions
    2.74
    >>> result.costs.shape
    (50,)
    >>> sampled = otcore.sliced.sliced_wasserstein(X, 2 * X, directions="quasi", seed=1)
    >>> float(sampled.distance) == sampled.value ** 0.5
    True
    """
    power = check_power(p)
    sampling = Sampling(n_projections, directions, seed)
    slices = check_slices(X, Y, a, b, projections, sampling, features=features)
    return _solve(slices, power, n_threads, circles=False)


def sliced_wasserstein_sphere(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    n_projections: int = 50,
    p: float = 2,
    projections: npt.ArrayLike | None = None,
    seed: Any = None,
    n_threads: int | None = None,
) -> SlicedResult:
    """The spherical sliced Wasserstein cost between points of a sphere.

    The mean over planes through the origin of W_p^p on the unit circle in each, of circumference 1,
    to which points go by projection and scaling; abs(x - y) is the shorter arc. It is not rooted,
    unlike that of POT's function of this name.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Unit vectors, d >= 2, up to 1e-4 in their squared length; dtypes as in `sliced_wasserstein`.
    Y : array_like, shape (m, d)
        The second ones.
    a : array_like, shape (n,), optional
        Masses of X, as in `sliced_wasserstein`.
    b : array_like, shape (m,), optional
        Masses of Y.
    n_projections
        How many planes to draw, independent and uniform.
    p
        The power, a finite number >= 1.
    projections : array_like, shape (L, d, 2), optional
        An orthonormal basis of each plane, taken as it is.
    seed, n_threads
        As in `sliced_wasserstein`.

    Returns
    -------
    SlicedResult
        As that of `sliced_wasserstein`; tensors are differentiable in X, Y and given projections,
        not in masses. A point in no direction of a plane goes to angle 0, with gradient 0.

    Raises
    ------
    ValueError
        As `sliced_wasserstein`, and for points that are not on the sphere (with their index).
    TypeError
        As `sliced_wasserstein`.

    References
    ----------
    .. [1] C. Bonet et al., Spherical sliced-Wasserstein, ICLR 2023.
    .. [2] J. Delon, J. Salomon, A. Sobolevski, Fast transport optimization for Monge costs on the
       circle, SIAM J. Appl. Math. 70, 2010.

    Examples
    --------
    >>> import otcore
    >>> planes = [[[1.0, 0.0], [0.0, 1.0]]]
    >>> X, Y = [[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [-1.0, 0.0]]
    >>> otcore.sliced.sliced_wasserstein_sphere(X, Y, p=1, projections=planes).value
    0.25
    """
    power = check_power(p)
    sampling = Sampling(n_projections, "gaussian", seed)
    slices = check_slices(X, Y, a, b, projections, sampling, planes=True, batches=False)
    for name, points in (("X", slices.x[0]), ("Y", slices.y[0])):
        _require_sphere(name, points)
    return _solve(slices, power, n_threads, circles=True)


def max_sliced_wasserstein(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    n_projections: int = 50,
    p: float = 2,
    projections: npt.ArrayLike | None = None,
    directions: str = "gaussian",
    seed: Any = None,
    max_iter: int = 200,
    tol: float = 1e-9,
    n_threads: int | None = None,
) -> MaxSlicedResult:
    """The max-sliced Wasserstein cost: W_p^p along the direction where it is largest.

    Directions are drawn, and the eight best are followed uphill. The maximum is a local one, the
    best that was found. (POT's ``max_sliced_wasserstein_distance`` takes the largest cost among the
    directions drawn, rooted, and does not climb.)

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
    n_projections
        How many directions to draw.
    p
        The power, a finite number >= 1.
    projections : array_like, shape (d, L), optional
        The directions to choose the starts from, as columns; their lengths do not matter.
    directions, seed, n_threads
        As in `sliced_wasserstein`.
    max_iter
        At most so many steps.
    tol
        A direction is done when a step gains less than this part of its cost.

    Returns
    -------
    MaxSlicedResult
        With ``value``, ``distance``, ``direction``, ``n_iter`` and ``status``. The value of tensors
        is differentiable (once) in X, Y, a and b.

    Raises
    ------
    ValueError
        As `sliced_wasserstein`, and for a direction of length 0.
    TypeError
        As `sliced_wasserstein`.

    Warns
    -----
    ConvergenceWarning
        `max_iter` came first.

    References
    ----------
    .. [1] I. Deshpande et al., Max-sliced Wasserstein distance and its use for GANs, CVPR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> result = otcore.sliced.max_sliced_wasserstein(X, X + [0.0, 3.0, 4.0], seed=0)
    >>> round(result.value, 6)
    25.0
    >>> np.abs(result.direction).round(3)
    array([0. , 0.6, 0.8])
    """
    power = check_power(p)
    limit = positive_int(max_iter, "max_iter")
    tolerance = _check_tolerance(tol)
    threads = check_threads(n_threads)
    sampling = Sampling(n_projections, directions, seed)
    slices = check_slices(X, Y, a, b, projections, sampling, batches=False)
    library = slices.library
    _, direction, n_iter, converged = _core.sliced_maximum(
        slices.x,
        slices.y,
        slices.a,
        slices.b,
        slices.directions,
        power,
        mass_tolerance=slices.mass_tolerance,
        max_iter=limit,
        tolerance=tolerance,
        n_threads=threads or library.n_threads(),
    )
    row = contiguous(direction[None], slices.x.dtype)
    best = slices._replace(sources=(*slices.sources[:4], None), directions=row)
    values = _values(best, power, n_threads, circles=False)
    if not converged:
        warnings.warn(
            f"max_iter: {limit} steps did not bring the gain of a step below tol = {tolerance:.2g}",
            ConvergenceWarning,
            stacklevel=2,
        )
    status = "converged" if converged else "max_iter"
    value = library.sliced_value(values, best.sources)
    return MaxSlicedResult(best, value, direction, power, n_iter, status)


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


def _check_tolerance(tol: object) -> float:
    if not isinstance(tol, Real) or isinstance(tol, bool):
        raise TypeError(f"tol: {type(tol).__name__}, expected a number")
    if not float(tol) >= 0:
        raise ValueError(f"tol: {tol}, expected a number >= 0")
    return float(tol)


def _require_sphere(name: str, points: npt.NDArray[Any]) -> None:
    squares = np.einsum("ik,ik->i", points, points, dtype=np.float64)
    off = ~(np.abs(squares - 1) <= _SPHERE_TOLERANCE)
    if off.any():
        i = int(np.argmax(off))
        raise ValueError(
            f"{name}: row {i} has squared length {squares[i]:.6g}, expected unit vectors (up to "
            f"{_SPHERE_TOLERANCE:g})"
        )


def _values(
    slices: Slices, power: float, n_threads: int | None, *, circles: bool
) -> _core.SlicedValues:
    threads = check_threads(n_threads)
    library, sources = slices.library, slices.sources
    return _core.sliced_values(
        slices.x,
        slices.y,
        slices.a,
        slices.b,
        slices.directions,
        power,
        circles=circles,
        mass_tolerance=slices.mass_tolerance,
        n_threads=threads or library.n_threads(),
        with_x=library.needs_gradient(sources[:1]),
        with_y=library.needs_gradient(sources[1:2]),
        with_directions=library.needs_gradient(sources[4:]),
        with_potentials=not circles and library.needs_gradient(sources[2:4]),
    )


def _solve(slices: Slices, power: float, n_threads: int | None, *, circles: bool) -> SlicedResult:
    values = _values(slices, power, n_threads, circles=circles)
    value = slices.library.sliced_value(values, slices.sources)
    return SlicedResult(slices, values.cost, value, power)


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
