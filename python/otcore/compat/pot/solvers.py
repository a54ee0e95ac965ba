"""POT's ``ot.solvers``: ``solve`` and ``solve_sample``, exact and entropic."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from ..._arrays import Named
from ._arguments import DEFAULT_ITERATIONS, read_arguments
from ._costs import Metric, costs_of_points
from ._coverage import check_choice, missing, refuse
from ._lines import line_power, read_columns, solve_columns
from ._regularised import Regularised, iteration_settings
from ._result import OTResult
from ._transport import transport

__all__ = ["solve", "solve_sample"]

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
    """Transport for a cost matrix, exact or entropic, as ``ot.solve``.

    Parameters
    ----------
    M : array_like, shape (n, m)
        Costs, as in `otcore.compat.pot.emd`.
    a : array_like, shape (n,), optional
        Masses of the rows. None is 1/n each.
    b : array_like, shape (m,), optional
        Masses of the columns. None is 1/m each.
    reg
        The weight of the regulariser. None or 0: exact transport.
    c : array_like, shape (n, m), optional
        The reference measure of the regulariser in unbalanced problems under ``"KL"``; None is the
        product of a and b.
    reg_type
        What reg multiplies: ``"KL"`` is sum P log(P / ab), ``"entropy"`` is sum P log P. Between
        fixed marginals they differ in the value alone. In unbalanced problems ``"KL"`` is sum P
        log(P / c) - P + c and ``"entropy"`` sum P log P - P.
    unbalanced
        The weights of KL(P 1 | a) and KL(P^T 1 | b), one for both or two; infinity keeps the
        marginal, None keeps both. Finite ones need reg.
    unbalanced_type
        ``"KL"``.
    method
        None; with reg also any of POT's names, which make no difference.
    n_threads
        As numThreads in `otcore.compat.pot.emd`.
    max_iter
        As numItermax in `otcore.compat.pot.emd`, or in `otcore.compat.pot.sinkhorn` with reg; None
        is no limit, or otcore's own with reg.
    potentials_init
        Potentials of shapes (n,) and (m,) to start from, as in a result.
    tol
        With reg, as stopThr in `otcore.compat.pot.sinkhorn` (`sinkhorn_unbalanced` in unbalanced
        problems); None is 1e-9.
    verbose
        With reg, print how it ended.
    grad
        With reg: under ``"envelope"`` and ``"detach"`` plans of tensors are constants, under the
        latter values, too.
    plan_init
        Makes no difference.

    Returns
    -------
    OTResult
        ``value``, ``value_linear``, ``plan``, ``sparse_plan``, ``potentials`` (with reg: log u and
        log v), ``marginals``, ``status``. For tensors ``value`` is differentiable (once) in M, a
        and b.

    Raises
    ------
    NotImplementedError
        An unbalanced problem without reg, another regulariser or divergence, or another method.
    AssertionError, ValueError, TypeError
        As `otcore.compat.pot.emd`, or as `otcore.compat.pot.sinkhorn` with reg.

    Warns
    -----
    ConvergenceWarning
        A UserWarning: max_iter came before the optimum or the tolerance.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.solve(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.25, 0.75])).value
    0.25
    >>> smooth = ot.solve(np.array([[0.0, 1.0], [1.0, 0.0]]), reg=1.0, reg_type="entropy")
    >>> float(smooth.value.round(4))
    -1.0064
    """
    if reg is not None and reg != 0:
        check_choice("method", method, (None, *_SOLVE_METHODS), ())
        settings = iteration_settings(max_iter, tol, verbose, n_threads, grad)
        problem = Regularised(
            reg, reg_type, unbalanced, unbalanced_type, c, settings, potentials_init
        )
        return problem.solve((("M", M),), a, b)
    _refuse_unbalanced(unbalanced)
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
    """Transport between two sets of points, exact or entropic, as ``ot.solve_sample``.

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
        ``"euclidean"`` or ``"cityblock"``; the result is a batch of d. With reg any of those of
        `solve`; a name makes the result lazy.
    a, b, reg, c, reg_type, unbalanced, unbalanced_type, n_threads, max_iter, potentials_init
        As in `solve`.
    tol, verbose, grad
        As in `solve`.
    lazy
        With reg and fixed marginals, add POT's ``log`` and ``lazy_plan``. Else it makes no
        difference.
    debias
        True: the values less half of those of each side against itself (exact transport from a
        measure to itself costs nothing under a metric, or a power of one, so there it makes no
        difference); ``"split"`` is not covered.
    scaler
        Not covered: expected None.
    batch_size, plan_init, rank, scaling, X_init, random_state, n_projections, projections
        Make no difference.

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
    data: Named = (("X_a", X_a), ("X_b", X_b))
    check_choice("debias", debias, (False, True), ("split",))
    refuse("None", scaler=scaler)
    if reg is not None and reg != 0 and method != "1d":
        check_choice("method", method, (None, *_SOLVE_METHODS), _SAMPLE_METHODS)
        settings = iteration_settings(max_iter, tol, verbose, n_threads, grad)
        problem = Regularised(
            reg, reg_type, unbalanced, unbalanced_type, c, settings, potentials_init
        )
        solver = problem.solve_debiased if debias else problem.solve_points
        return solver(data, a, b, metric, lazy=lazy or method is not None)
    _refuse_unbalanced(unbalanced)
    check_choice("method", method, (None, "1d"), _SAMPLE_METHODS)
    if method == "1d":
        arguments, _ = read_columns(data, a, b)
        return solve_columns(arguments, line_power(metric))
    data, name = costs_of_points(("X_a", "X_b"), (X_a, X_b), metric)
    return transport(
        read_arguments(data, a, b),
        metric=name,
        numItermax=DEFAULT_ITERATIONS if max_iter is None else max_iter,
        numThreads=n_threads,
        potentials_init=potentials_init,
    )


def _refuse_unbalanced(unbalanced: Any) -> None:
    if unbalanced is None:
        return
    relaxations = unbalanced if hasattr(unbalanced, "__len__") else (unbalanced,)
    if not all(math.isinf(relaxation) for relaxation in relaxations):
        refuse("None or infinity without reg", unbalanced=unbalanced)


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
