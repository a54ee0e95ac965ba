"""Transport between points: one problem, or a batch."""

from __future__ import annotations

import numpy.typing as npt

from . import entropic, exact
from ._options import Unbalanced, entropic_options, solver_options
from ._problem import points_problem
from ._progress import Progress
from .cost import MetricLike
from .result import BatchResult, OTResult


def solve_sample(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    metric: MetricLike = "sqeuclidean",
    reg: float | None = None,
    method: str = "auto",
    unbalanced: Unbalanced | None = None,
    unbalanced_type: str = "kl",
    potentials_init: tuple[npt.ArrayLike, npt.ArrayLike] | OTResult | None = None,
    tol: float | None = None,
    inner_iter: int = 1,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: Progress = False,
    max_memory: int | None = None,
) -> OTResult:
    """Optimal transport between two sets of points.

    As `solve`, with the cost of each pair computed from its points: in float64 for exact problems,
    in the data's dtype for entropic ones. Large problems never have a cost matrix: costs are
    computed again when they are looked at, in O(n + m) memory. Exact ones end with a look at all
    n m pairs, which proves the optimum [1]_; entropic ones look at all pairs in every pass.

    Parameters
    ----------
    X : array_like, shape (n, d)
        The first points, with masses `a`. dtypes as in `solve`; of two, the wider counts.
    Y : array_like, shape (m, d)
        The second points, with masses `b`.
    a, b, reg, method, unbalanced, unbalanced_type, potentials_init
        As in `solve`.
    tol, inner_iter, scheme, max_iter, n_threads, time_limit, progress
        As in `solve`.
    max_memory
        Bytes that an exact problem may take beside its data; None: no limit. It is made to fit by
        fewer candidates for the plan, which takes longer and leaves the answer as certain. Without
        a limit a problem takes about 1200 + 40 d bytes a point, never n m.
    metric
        ``"sqeuclidean"``, ``"euclidean"``, ``"cityblock"``, ``"cosine"`` or ``("minkowski", p)``:
        defined in `otcore.cost.cost_matrix`.

    Returns
    -------
    OTResult
        As in `solve`; with ``distance``, the root of the value that makes it a metric, and
        ``barycentric_map()``. For tensors ``value`` is differentiable in X, Y, a and b, as in
        `solve`; where a cost has a kink (equal points under euclidean) its gradient is taken as 0.

    Raises
    ------
    ValueError, TypeError, SolveInterrupted
        As `solve`; also for an unknown metric, for zero vectors under cosine, and for a max_memory
        that the problem does not fit in, or that is given for an entropic problem.

    References
    ----------
    .. [1] B. Schmitzer, A sparse multiscale algorithm for dense optimal transport, Journal of
       Mathematical Imaging and Vision 56, 2016.

    Examples
    --------
    >>> import otcore
    >>> result = otcore.solve_sample([[0.0], [1.0]], [[3.0], [4.0]])
    >>> result.value, result.distance
    (9.0, 3.0)
    """
    regularised = entropic_options(
        method,
        reg,
        unbalanced=unbalanced,
        unbalanced_type=unbalanced_type,
        tol=tol,
        inner_iter=inner_iter,
        scheme=scheme,
    )
    options = solver_options(max_iter, n_threads, time_limit, progress, max_memory)
    if regularised is not None and max_memory is not None:
        raise ValueError(f"max_memory: {max_memory}, expected None for entropic problems")
    problem = points_problem(
        X,
        Y,
        a,
        b,
        metric=metric,
        batched=False,
        potentials_init=potentials_init,
        entropic=regularised,
    )
    if regularised is None:
        return exact.solve_one(problem, options)
    return entropic.solve_one(problem, options)


def solve_sample_batch(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    metric: MetricLike = "sqeuclidean",
    reg: float | None = None,
    method: str = "auto",
    unbalanced: Unbalanced | None = None,
    unbalanced_type: str = "kl",
    tol: float | None = None,
    inner_iter: int = 1,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: Progress = False,
) -> BatchResult:
    """Many pairs of point sets of one shape in one call; as `solve_sample` for each.

    Parameters
    ----------
    X : array_like, shape (B, n, d)
        The first points of B problems.
    Y : array_like, shape (B, m, d)
        The second points.
    a, b, reg, method, unbalanced, unbalanced_type, tol, inner_iter, scheme, max_iter
        As in `solve_batch`.
    n_threads, time_limit, progress
        As in `solve_batch`.
    metric
        As in `solve_sample`.

    Returns
    -------
    BatchResult
        As in `solve_batch`.

    Raises
    ------
    ValueError, TypeError, SolveInterrupted
        As `solve_sample`.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.zeros((3, 4, 2))
    >>> otcore.solve_sample_batch(X, X + 1.0).value
    array([2., 2., 2.])
    """
    regularised = entropic_options(
        method,
        reg,
        unbalanced=unbalanced,
        unbalanced_type=unbalanced_type,
        tol=tol,
        inner_iter=inner_iter,
        scheme=scheme,
    )
    options = solver_options(max_iter, n_threads, time_limit, progress)
    problem = points_problem(X, Y, a, b, metric=metric, batched=True, entropic=regularised)
    if regularised is None:
        return exact.solve_many(problem, options)
    return entropic.solve_many(problem, options)
