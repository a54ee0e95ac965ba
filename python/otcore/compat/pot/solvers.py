"""POT's ``ot.solvers``: ``solve`` and ``solve_sample``, for exact and balanced transport."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from ..._arrays import Named
from ._arguments import DEFAULT_ITERATIONS, read_arguments
from ._costs import Metric, dist
from ._coverage import check_choice, missing, refuse
from ._lines import line_power, read_columns, solve_columns
from ._result import OTResult
from ._transport import transport

__all__ = ["solve", "solve_sample"]

# POT's metrics that are otcore's: solved from the points, without a cost matrix.
_POINT_METRICS = {name: name for name in ("sqeuclidean", "euclidean", "cityblock", "cosine")}
_POINT_METRICS["minkowski"] = "euclidean"  # solve_sample has no p: it is 2
_SOLVE_METHODS = ("sinkhorn", "sinkhorn_log", "mm", "lbfgsb")
_SAMPLE_METHODS = (
    *_SOLVE_METHODS,
    "gaussian",
    "gaussian_hd",
    "lowrank",
    "nystroem",
    "factored",
    "geomloss",
    "geomloss_auto",
    "geomloss_tensorized",
    "geomloss_online",
    "geomloss_multiscale",
    "sliced",
    "max_sliced",
    "bsp",
)


def solve(
    M: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    reg: float | None = None,
    c: npt.ArrayLike | None = None,
    reg_type: Any = "KL",
    unbalanced: Any = None,
    unbalanced_type: str = "KL",
    method: str | None = None,
    n_threads: int | str | None = 1,
    max_iter: int | None = None,
    plan_init: npt.ArrayLike | None = None,
    potentials_init: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    tol: float | None = None,
    verbose: bool = False,
    grad: str = "autodiff",
) -> OTResult:
    """Exact transport for a cost matrix, as ``ot.solve``.

    Parameters
    ----------
    M : array_like, shape (n, m)
        Costs, as in `otcore.compat.pot.emd`.
    a : array_like, shape (n,), optional
        Masses of the rows. None is 1/n each.
    b : array_like, shape (m,), optional
        Masses of the columns. None is 1/m each.
    reg
        None or 0: no regularisation, which is all that is covered.
    unbalanced
        None or infinite: masses are kept, which is all that is covered.
    method
        None.
    n_threads
        As numThreads in `otcore.compat.pot.emd`.
    max_iter
        As numItermax in `otcore.compat.pot.emd`; None is no limit.
    potentials_init
        Potentials (u, v) of shapes (n,) and (m,) to start from; only v is used.
    c, reg_type, unbalanced_type, plan_init, tol, verbose, grad
        POT's exact solver has no use for these, and neither has this one.

    Returns
    -------
    OTResult
        ``value``, ``value_linear``, ``plan``, ``sparse_plan``, ``potentials``, ``marginals``,
        ``status``. For tensors ``value`` is differentiable (once) in M, a and b; nothing else is.

    Raises
    ------
    NotImplementedError
        A regularised or unbalanced problem, or another method.
    AssertionError, ValueError, TypeError
        As `otcore.compat.pot.emd`.

    Warns
    -----
    ConvergenceWarning
        A UserWarning: max_iter came before the optimum.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.solve(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.25, 0.75])).value
    0.25
    """
    _refuse_other_problems(reg, unbalanced)
    check_choice("method", method, (None,), _SOLVE_METHODS)
    return transport(
        read_arguments((("M", M),), a, b),
        numItermax=DEFAULT_ITERATIONS if max_iter is None else max_iter,
        numThreads=n_threads,
        potentials_init=potentials_init,
    )


def solve_sample(
    X_a: npt.ArrayLike,
    X_b: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    metric: Metric = "sqeuclidean",
    reg: float | None = None,
    c: npt.ArrayLike | None = None,
    reg_type: Any = "KL",
    unbalanced: Any = None,
    unbalanced_type: str = "KL",
    lazy: bool = False,
    batch_size: int | None = None,
    method: str | None = None,
    n_threads: int | str | None = 1,
    max_iter: int | None = None,
    plan_init: npt.ArrayLike | None = None,
    rank: int = 100,
    scaling: float = 0.95,
    potentials_init: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    X_init: npt.ArrayLike | None = None,
    tol: float | None = None,
    verbose: bool = False,
    grad: str = "autodiff",
    random_state: Any = None,
    debias: bool | str = False,
    n_projections: int = 50,
    projections: npt.ArrayLike | None = None,
    scaler: Any = None,
) -> OTResult:
    """Exact transport between two sets of points, as ``ot.solve_sample``.

    Parameters
    ----------
    X_a : array_like, shape (n, d)
        The first points, with masses `a`.
    X_b : array_like, shape (m, d)
        The second points, with masses `b`.
    metric
        As in `otcore.compat.pot.dist`. No cost matrix is given to the solver for
        ``"sqeuclidean"``, ``"euclidean"``, ``"cityblock"``, ``"cosine"`` and ``"minkowski"``.
    method
        None, or ``"1d"`` for one problem on the line for each coordinate, under ``"sqeuclidean"``,
        ``"euclidean"`` or ``"cityblock"``; the result is a batch of d.
    a, b, reg, unbalanced, n_threads, max_iter, potentials_init
        As in `solve`.
    lazy
        Makes no difference.
    debias
        True makes no difference, as exact transport from a measure to itself costs nothing (under
        a metric, or a power of one); ``"split"`` is not covered.
    scaler
        Not covered: expected None.
    c, reg_type, unbalanced_type, batch_size, plan_init, rank, scaling, X_init, tol, verbose
        POT's exact solver has no use for these, and neither has this one.
    grad, random_state, n_projections, projections
        The same.

    Returns
    -------
    OTResult
        As in `solve`; for tensors ``value`` is differentiable in the points, too.

    Raises
    ------
    NotImplementedError, AssertionError, ValueError, TypeError
        As `solve`.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.solve_sample(np.array([[0.0], [1.0]]), np.array([[3.0], [4.0]])).value
    9.0
    """
    _refuse_other_problems(reg, unbalanced)
    check_choice("method", method, (None, "1d"), _SAMPLE_METHODS)
    check_choice("debias", debias, (False, True), ("split",))
    refuse("None", scaler=scaler)
    data: Named = (("X_a", X_a), ("X_b", X_b))
    if method == "1d":
        arguments, _ = read_columns(data, a, b)
        return solve_columns(arguments, line_power(metric))
    name = _POINT_METRICS.get(metric) if isinstance(metric, str) else None
    if name is None:
        data = (("M", dist(X_a, X_b, metric)),)
    return transport(
        read_arguments(data, a, b),
        metric=name,
        numItermax=DEFAULT_ITERATIONS if max_iter is None else max_iter,
        numThreads=n_threads,
        potentials_init=potentials_init,
    )


def _refuse_other_problems(reg: float | None, unbalanced: Any) -> None:
    if reg is not None and reg != 0:
        refuse("None or 0", reg=reg)
    if unbalanced is None:
        return
    relaxations = unbalanced if hasattr(unbalanced, "__len__") else (unbalanced,)
    if not all(math.isinf(relaxation) for relaxation in relaxations):
        refuse("None or infinity", unbalanced=unbalanced)


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
