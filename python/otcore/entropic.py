"""Entropic problems: from a checked problem to the core, and the Sinkhorn divergence.

`otcore.solve` and `otcore.solve_sample` solve entropic problems with ``reg=``. Here is what is
built of several: `sinkhorn_divergence`, which is 0 where the measures are equal, and its limits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import FLOAT64, Array, Library, require_finite
from ._core import EntropicSolution
from ._divergence import DivergenceResult, SelfTransport
from ._ending import tell
from ._mean_cost import mean_cost
from ._options import Entropic, Options, entropic_options, solver_options
from ._problem import Problem, points_problem
from ._progress import reporter
from .cost import MetricLike
from .result import BatchResult, OTResult

__all__ = [
    "DivergenceResult",
    "SelfTransport",
    "energy_distance",
    "mmd",
    "self_transport",
    "sinkhorn_divergence",
]


def sinkhorn_divergence(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    reg: float,
    metric: MetricLike = "sqeuclidean",
    unbalanced: float | None = None,
    self_x: SelfTransport | None = None,
    self_y: SelfTransport | None = None,
    tol: float | None = None,
    max_iter: int | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
) -> DivergenceResult:
    """The Sinkhorn divergence between two weighted sets of points.

    OT(X, Y) - OT(X, X) / 2 - OT(Y, Y) / 2 for the entropic values OT of `otcore.solve_sample`;
    with `unbalanced`, + reg / 2 (sum(a) - sum(b))^2. For the usual costs it is positive, and 0 only
    for equal measures [1]_ [2]_. From reg = 0 to infinity it goes from exact transport to `mmd`.

    Parameters
    ----------
    X : array_like, shape (n, d) or (B, n, d)
        The first points, or those of B problems; dtypes as in `otcore.solve`.
    Y : array_like, shape (m, d) or (B, m, d)
        The second points.
    a : array_like, shape (n,), or for a batch also (B, n), optional
        Masses of X; None is 1/n each.
    b : array_like, shape (m,), or for a batch also (B, m), optional
        Masses of Y.
    reg
        Strength of the regularisation, in the unit of the costs.
    metric
        As in `otcore.solve_sample`.
    unbalanced
        How much marginals cost that differ from a and b, the same for both sides; None: they may
        not.
    self_x, self_y
        What `self_transport` returned for (X, a) and (Y, b), to save solving it again.
    tol, max_iter, n_threads, time_limit
        As in `otcore.solve`, for each of the problems.

    Returns
    -------
    DivergenceResult
        ``value``, ``potentials``, ``status``, and the parts. For tensors ``value`` is
        twice differentiable in X, Y, a and b; gradients in weights as in `otcore.solve`.

    Raises
    ------
    ValueError, TypeError, SolveInterrupted
        As `otcore.solve_sample`; ValueError also where self_x or self_y is of another problem.

    Warns
    -----
    ConvergenceWarning
        One of the problems was stopped.

    References
    ----------
    .. [1] J. Feydy et al., Interpolating between optimal transport and MMD using Sinkhorn
       divergences, AISTATS 2019.
    .. [2] T. Sejourne et al., Sinkhorn divergences for unbalanced optimal transport, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> shifted = otcore.entropic.sinkhorn_divergence(X, X + [3.0, 4.0], reg=0.5, tol=1e-9)
    >>> round(shifted.value, 6)
    25.0

    Against many sets, one of which stays:

    >>> target = otcore.entropic.self_transport(X, reg=0.5)
    >>> round(otcore.entropic.sinkhorn_divergence(X + 1.0, X, reg=0.5, self_y=target).value, 3)
    2.0
    """
    model = _model("sinkhorn", reg, unbalanced, tol)
    options = solver_options(max_iter, n_threads, time_limit, False)
    cross = points_problem(X, Y, a, b, metric=metric, batched=np.ndim(X) == 3, entropic=model)
    symmetric = model._replace(method="symmetric")
    sides = [_side(cross, side, symmetric) for side in (0, 1)]
    for name, given, side in (("self_x", self_x, sides[0]), ("self_y", self_y, sides[1])):
        if given is not None:
            given.require(side, name)
    solve = solve_many if cross.batched else solve_one
    between = solve(cross, options)
    self_x = SelfTransport(solve(sides[0], options)) if self_x is None else self_x
    self_y = SelfTransport(solve(sides[1], options)) if self_y is None else self_y
    return DivergenceResult(between, self_x, self_y)


def self_transport(
    X: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    *,
    reg: float,
    metric: MetricLike = "sqeuclidean",
    unbalanced: float | None = None,
    tol: float | None = None,
    max_iter: int | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
) -> SelfTransport:
    """Entropic transport of a set to itself: a term of `sinkhorn_divergence`, to be used again.

    Parameters
    ----------
    X, a, reg, metric, unbalanced, tol, max_iter, n_threads, time_limit
        As in `sinkhorn_divergence`.

    Returns
    -------
    SelfTransport
        ``value`` and ``potential``. Both potentials of this problem are the same, and found faster
        than those of two different sets.

    Raises
    ------
    ValueError, TypeError, SolveInterrupted
        As `sinkhorn_divergence`.

    Warns
    -----
    ConvergenceWarning
        The problem was stopped.

    Examples
    --------
    >>> import otcore
    >>> otcore.entropic.self_transport([[0.0], [1.0]], reg=1e-3).value < 1e-3
    True
    """
    model = _model("symmetric", reg, unbalanced, tol)
    options = solver_options(max_iter, n_threads, time_limit, False)
    problem = points_problem(X, X, a, a, metric=metric, batched=np.ndim(X) == 3, entropic=model)
    solve = solve_many if problem.batched else solve_one
    return SelfTransport(solve(problem, options))


def mmd(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    metric: MetricLike = "sqeuclidean",
) -> Any:
    """Half the squared maximum mean discrepancy with the kernel -c: the divergence for reg -> inf.

    sum_ij a_i b_j c(x_i, y_j) - sum_ij a_i a_j c(x_i, x_j) / 2 - sum_ij b_i b_j c(y_i, y_j) / 2. It
    is no negative number where -c is conditionally positive definite, as for all ground costs but
    ``("minkowski", p)`` with p > 2. For sqeuclidean it is the squared distance of the means.

    Parameters
    ----------
    X : array_like, shape (n, d)
        The first points; dtypes as in `otcore.solve`. Costs are in the points' dtype, sums in
        float64, and O(n + m) are held at once.
    Y : array_like, shape (m, d)
        The second points.
    a : array_like, shape (n,), optional
        Masses of X; None is 1/n each.
    b : array_like, shape (m,), optional
        Masses of Y; of the same sum, up to rounding as in `otcore.solve`.
    metric
        As in `otcore.solve_sample`.

    Returns
    -------
    float or 0-d float64 tensor
        Differentiable (once) in points and weights.

    Raises
    ------
    ValueError, TypeError
        As `otcore.solve_sample`.

    Examples
    --------
    >>> import otcore
    >>> otcore.entropic.mmd([[0.0], [2.0]], [[4.0], [6.0]])
    16.0
    """
    problem = points_problem(X, Y, a, b, metric=metric, batched=False)
    library = problem.library
    assert problem.metric is not None
    points = [side[0] for side in problem.data]
    for side, name in zip(points, "XY", strict=True):
        require_finite(side, name)
    weights = _equal_masses(problem)
    parts = (
        mean_cost(
            library,
            (problem.sources[i], problem.sources[j]),
            (points[i], points[j]),
            problem.metric,
            weights[i],
            weights[j],
        )
        for i, j in ((0, 1), (0, 0), (1, 1))
    )
    cross, self_x, self_y = parts
    value = cross - (self_x + self_y) / 2
    if not np.isfinite(float(library.detach(value))):
        raise ValueError("X, Y: a ground cost overflows, expected points whose costs are finite")
    return library.scalar(value)


def energy_distance(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
) -> Any:
    """`mmd` for euclidean distances: E|x - y| - E|x - x'| / 2 - E|y - y'| / 2.

    This is half the energy distance of Szekely and Rizzo, and half the square of that of
    ``scipy.stats.energy_distance``.

    Parameters
    ----------
    X, Y, a, b
        As in `mmd`.

    Returns
    -------
    float or 0-d float64 tensor

    Raises
    ------
    ValueError, TypeError
        As `mmd`.

    Examples
    --------
    >>> import otcore
    >>> otcore.entropic.energy_distance([[0.0]], [[3.0]])
    3.0
    """
    return mmd(X, Y, a, b, metric="euclidean")


def solve_one(problem: Problem, options: Options) -> OTResult:
    """The solution of a problem that is no batch."""
    solution = _solve(problem, options)
    result = OTResult(problem, solution, problem.library.value(problem, solution), 0)
    tell(result, solution, "converged", _how_good)
    return result


def solve_many(problem: Problem, options: Options) -> BatchResult:
    """The solutions of a batch."""
    solution = _solve(problem, options)
    result = BatchResult(problem, solution, problem.library.value(problem, solution), slice(None))
    tell(result, solution, "converged", _how_good)
    return result


def _solve(problem: Problem, options: Options) -> EntropicSolution:
    model = problem.entropic
    assert model is not None
    with reporter(options.progress, model.method) as progress:
        arguments: dict[str, Any] = {
            "method": model.method,
            "reg": model.reg,
            "rho_a": model.rho[0],
            "rho_b": model.rho[1],
            "tol": model.tol,
            "inner_iter": model.inner_iter,
            "start": problem.start,
            "mass_tolerance": problem.mass_tolerance,
            "max_iter": options.max_iter,
            "n_threads": options.n_threads or problem.library.n_threads(),
            "time_limit": options.time_limit,
            "progress": progress,
        }
        first: Any = problem.data[0]
        if problem.metric is None:
            return _core.entropic_batch(first, problem.a, problem.b, **arguments)
        second: Any = problem.data[1]
        return _core.entropic_batch_points(
            first, second, problem.a, problem.b, *problem.metric, **arguments
        )


def _how_good(result: OTResult | BatchResult, solution: EntropicSolution) -> str:
    # Of a batch the problem that is furthest off.
    worst = int(np.argmax(solution.marginal_error / np.maximum(solution.tolerance, 1e-300)))
    model = result._problem.entropic
    exact = model is not None and model.method == "ipot"
    return (
        f"a marginal error of {'up to ' if isinstance(result, BatchResult) else ''}"
        f"{solution.marginal_error[worst]:.3g} (tolerance {solution.tolerance[worst]:.3g})"
        + (f" and a gap of {solution.gap[worst]:.3g}" if exact else "")
    )


def _model(method: str, reg: float, unbalanced: float | None, tol: float | None) -> Entropic:
    """The checked options of the divergence's problems."""
    model = entropic_options("sinkhorn", reg, unbalanced=unbalanced, tol=tol)
    assert model is not None
    if model.rho[0] != model.rho[1]:
        raise ValueError(f"unbalanced: {unbalanced!r}, expected one number for both sides")
    return model._replace(method=method)


def _side(cross: Problem, side: int, model: Entropic) -> Problem:
    """The problem of one side against itself."""
    points, weights = cross.sources[side], cross.sources[2 + side]
    masses = (cross.a, cross.b)[side]
    return Problem(
        cross.library,
        (points, points, weights, weights),
        (cross.data[side], cross.data[side]),
        cross.metric,
        masses,
        masses,
        cross.mass_tolerance,
        cross.batched,
        entropic=model,
    )


def _equal_masses(problem: Problem) -> list[Array]:
    """The weights as float64 arrays of the problem's library, b normalised to the mass of a."""
    arrays = []
    sums = []
    for name, given, source, length in zip(
        "ab", (problem.a, problem.b), problem.sources[2:], problem.size[1:], strict=True
    ):
        if given is None:
            arrays.append(problem.library.wrap(np.full(length, 1.0 / length)))
            sums.append(1.0)
            continue
        require_finite(given, name)
        if (given < 0).any():
            i = int(np.argmax(given < 0))
            raise ValueError(f"{name}: {given[i]} at [{i}], expected weights >= 0")
        if not given.sum() > 0:
            raise ValueError(f"{name}: weights sum to 0, expected a positive sum")
        arrays.append(_double(problem.library, source, problem.dtype))
        sums.append(float(given.sum()))
    if abs(sums[0] - sums[1]) > problem.mass_tolerance * max(sums):
        raise ValueError(
            f"a, b: sum(a) = {sums[0]:.6g} and sum(b) = {sums[1]:.6g} differ, expected equal masses"
        )
    return [arrays[0], arrays[1] * (sums[0] / sums[1])]


def _double(library: Library, weights: Array, dtype: np.dtype[Any]) -> Array:
    """Weights rounded to the data's dtype, as float64."""
    return library.cast(library.cast(weights, dtype), FLOAT64)
