"""Optimal transport on the line: sort both sides and couple them in order.

For the costs abs(x - y)^p with p >= 1 the monotone coupling is optimal, so values, plans and
potentials of n and m points take the time of sorting them.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from . import _core
from ._lines import Lines, check_lines
from ._options import check_power, check_threads
from ._problem import Problem
from .cost import Metric
from .result import BatchResult, OTResult

__all__ = ["solve", "solve_batch", "wasserstein"]


def wasserstein(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 2,
    n_threads: int | None = None,
) -> Any:
    """The transport cost between points of the line, for one problem or a batch of them.

    The least sum_ij P_ij abs(x_i - y_j)^p over the plans P with row sums a and column sums b: for
    masses of sum 1, the p-th power of the Wasserstein distance W_p.

    Parameters
    ----------
    x : array_like, shape (n,) or (B, n)
        The first points: a numpy array, a list or a torch tensor on the CPU. float32 and float64
        are read as they are (and computed with in float64), half floats become float32, integers
        and bool float64.
    y : array_like, shape (m,) or (B, m)
        The second points. Of two dtypes the wider counts.
    a : array_like, shape (n,) or (B, n), optional
        Masses of x, not negative, with a positive sum, which need not be 1. Rounded to the points'
        dtype. None is 1/n each.
    b : array_like, shape (m,) or (B, m), optional
        Masses of y. The sums of a and b may differ by 1e-6 relative (1e-4 if the points or one of
        the masses are float32 or narrower); that is normalised.
    p
        The power, a finite number >= 1.
    n_threads
        At most so many threads; None is the default (`otcore.set_num_threads`). The result is the
        same for any number.

    Returns
    -------
    float, or array of shape (B,)
        The transport costs, not rooted, in float64; for tensors, float64 tensors (of shape () for
        one problem). One problem is what four one-dimensional arguments are. Arguments of one
        dimension beside others of two serve all B problems: histograms on a common grid are x (n,)
        and a (B, n).

        Tensors are differentiable (once) in x, y, a and b. Where points meet under p = 1 the
        gradient is taken as 0; that in the masses is the potentials, centred to sum 0, because
        masses can only change with their total fixed.

    Raises
    ------
    ValueError
        A wrong shape; NaN or infinity (with its index); points so far apart that abs(x - y)^p
        overflows; negative masses, rows without mass, or masses that differ; p below 1.
    TypeError
        Arrays of two libraries or devices (both named), or not of real numbers.

    References
    ----------
    .. [1] F. Santambrogio, Optimal Transport for Applied Mathematicians, Birkhauser, 2015,
       section 2.2.

    Examples
    --------
    >>> import otcore
    >>> otcore.oned.wasserstein([0.0, 1.0, 3.0], [5.0, 6.0, 8.0], p=1)
    5.0
    >>> otcore.oned.wasserstein([[0.0, 1.0], [0.0, 4.0]], [1.0, 2.0, 3.0], [0.5, 0.5])
    array([2.5, 2. ])
    """
    power = check_power(p)
    threads = check_threads(n_threads)
    lines = check_lines(x, y, a, b)
    library = lines.library
    values = _core.line_values(
        lines.x,
        lines.y,
        lines.a,
        lines.b,
        power,
        mass_tolerance=lines.mass_tolerance,
        n_threads=threads or library.n_threads(),
        with_gradients=library.needs_gradient(lines.sources[:2]),
        with_potentials=library.needs_gradient(lines.sources[2:]),
    )
    value = library.line_value(values, lines.sources)
    return library.scalar(value[0]) if lines.batch is None else value


def solve(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 2,
    n_threads: int | None = None,
) -> OTResult:
    """Optimal transport between points of the line, with the plan and its certificate.

    Parameters
    ----------
    x : array_like, shape (n,)
        The first points; dtypes as in `wasserstein`.
    y : array_like, shape (m,)
        The second points.
    a : array_like, shape (n,), optional
        Masses of x, as in `wasserstein`.
    b : array_like, shape (m,), optional
        Masses of y.
    p, n_threads
        As in `wasserstein`. A single problem uses two threads at most.

    Returns
    -------
    OTResult
        As that of ``otcore.solve_sample(x[:, None], y[:, None], a, b, metric=("minkowski", p))``,
        with ``n_iter`` 0, and points without a second axis: ``barycentric_map()`` has shape (n,).
        Where several plans are optimal this is the monotone one, equal points in their order.

    Raises
    ------
    ValueError, TypeError
        As `wasserstein`.

    Examples
    --------
    >>> import otcore
    >>> result = otcore.oned.solve([0.0, 4.0], [1.0, 2.0, 3.0], [0.5, 0.5], [0.25, 0.5, 0.25], p=1)
    >>> result.value
    1.5
    >>> result.plan
    array([[0.25, 0.25, 0.  ],
           [0.  , 0.25, 0.25]])
    >>> result.barycentric_map()
    array([1.5, 2.5])
    """
    problem, solution = _solve(x, y, a, b, p, n_threads, batched=False)
    return OTResult(problem, solution, problem.library.value(problem, solution), 0)


def solve_batch(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    p: float = 2,
    n_threads: int | None = None,
) -> BatchResult:
    """Many problems on the line in one call; as `solve` for each.

    Parameters
    ----------
    x : array_like, shape (B, n)
        The first points of B problems.
    y : array_like, shape (B, m)
        The second points.
    a : array_like, shape (n,) or (B, n), optional
        Masses of x: the same for all problems, or each its own.
    b : array_like, shape (m,) or (B, m), optional
        Masses of y.
    p, n_threads
        As in `wasserstein`.

    Returns
    -------
    BatchResult
        The attributes of `OTResult` with a leading axis of B; ``result[b]`` is one `OTResult`.

    Raises
    ------
    ValueError, TypeError
        As `wasserstein`.

    Examples
    --------
    >>> import otcore
    >>> batch = otcore.oned.solve_batch([[0.0, 1.0], [2.0, 0.0]], [[1.0, 2.0], [0.0, 0.0]])
    >>> batch.value
    array([1., 2.])
    >>> batch.plan[0]
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    problem, solution = _solve(x, y, a, b, p, n_threads, batched=True)
    return BatchResult(problem, solution, problem.library.value(problem, solution), slice(None))


def _solve(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None,
    b: npt.ArrayLike | None,
    p: float,
    n_threads: int | None,
    *,
    batched: bool,
) -> tuple[Problem, _core.ExactSolution]:
    power = check_power(p)
    threads = check_threads(n_threads)
    lines = check_lines(x, y, a, b, batched=batched)
    solution = _core.line_batch(
        lines.x,
        lines.y,
        lines.a,
        lines.b,
        power,
        mass_tolerance=lines.mass_tolerance,
        n_threads=threads or lines.library.n_threads(),
    )
    return _problem_of(lines, power), solution


def _problem_of(lines: Lines, power: float) -> Problem:
    """The lines as points of one coordinate."""
    count = lines.batch or 1
    x, y = (side.reshape(count, -1, 1) for side in (lines.x, lines.y))
    return Problem(
        lines.library,
        lines.sources,
        (x, y),
        Metric("minkowski", power),
        lines.a,
        lines.b,
        lines.mass_tolerance,
        batched=lines.batch is not None,
    )
