"""POT's ``ot.batch``: many problems of one shape, each solved to the optimum."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ... import solve_batch as core_solve_batch
from ... import solve_sample_batch as core_solve_sample_batch
from ..._arrays import Named
from ...cost import MetricLike
from ._arguments import read_arguments, warn_of_integers, widened
from ._coverage import check_choice, missing, refuse
from ._result import OTResult

__all__ = ["solve_batch", "solve_sample_batch"]

_COVERED_METHODS = ("auto", "proximal")
_OTHER_METHODS = ("sinkhorn", "log_sinkhorn")


def solve_batch(
    M: npt.ArrayLike,
    reg: float | None = None,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    max_iter: int = 1000,
    tol: float = 1e-5,
    method: str = "auto",
    inner_iter: int = 1,
    inner_reg: float = 1e-3,
    reg_type: str = "entropy",
    grad: str = "envelope",
) -> OTResult:
    """Exact transport for many cost matrices, as ``ot.solve_batch`` without regularisation.

    POT approaches the optimum by proximal points; here every problem is solved to the optimum.

    Parameters
    ----------
    M : array_like, shape (B, n, m)
        The costs of B problems.
    reg
        None or 0, which is all that is covered.
    a : array_like, shape (B, n) or (n,), optional
        Masses of the rows. None is 1/n each.
    b : array_like, shape (B, m) or (m,), optional
        Masses of the columns. None is 1/m each.
    method
        ``"auto"`` or ``"proximal"``.
    max_iter, tol, inner_iter, inner_reg, reg_type, grad
        Settings of POT's iterations, which make no difference here.

    Returns
    -------
    OTResult
        As of `otcore.compat.pot.solve`, with a leading axis of B.

    Raises
    ------
    NotImplementedError
        A regularised problem, or a method for one.
    ValueError, TypeError
        As `otcore.solve_batch`.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.solve_batch(np.array([[[0.0, 1.0], [1.0, 0.0]], [[3.0, 1.0], [1.0, 2.0]]])).value
    array([0., 1.])
    """
    return _solve((("M", M),), a, b, None, reg, method)


def solve_sample_batch(
    X_a: npt.ArrayLike,
    X_b: npt.ArrayLike,
    reg: float | None = None,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    metric: str = "sqeuclidean",
    p: float = 2,
    max_iter: int = 1000,
    tol: float = 1e-5,
    method: str = "auto",
    inner_iter: int = 1,
    inner_reg: float = 1e-3,
    reg_type: str = "entropy",
    grad: str = "envelope",
) -> OTResult:
    """Exact transport between many pairs of point sets, as ``ot.solve_sample_batch``.

    Parameters
    ----------
    X_a : array_like, shape (B, n, d)
        The first points of B problems.
    X_b : array_like, shape (B, m, d)
        The second points.
    metric
        ``"sqeuclidean"`` or ``"euclidean"``.
    p
        Makes no difference for these metrics.
    reg, a, b, method, max_iter, tol, inner_iter, inner_reg, reg_type, grad
        As in `solve_batch`.

    Returns
    -------
    OTResult
        As in `solve_batch`.

    Raises
    ------
    NotImplementedError, ValueError, TypeError
        As `solve_batch`; NotImplementedError also for POT's other metrics.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> X = np.zeros((3, 4, 2))
    >>> ot.solve_sample_batch(X, X + 1.0).value
    array([2., 2., 2.])
    """
    check_choice("metric", metric, ("sqeuclidean", "euclidean"), ("minkowski", "kl"))
    return _solve((("X_a", X_a), ("X_b", X_b)), a, b, metric, reg, method)


def _solve(
    data: Named, a: Any, b: Any, metric: MetricLike | None, reg: float | None, method: str
) -> OTResult:
    if reg is not None and reg != 0:
        refuse("None or 0", reg=reg)
    check_choice("method", method, _COVERED_METHODS, _OTHER_METHODS)
    arguments = read_arguments(data, a, b, ndim=3)
    warn_of_integers(arguments, stacklevel=3)
    arguments = widened(arguments)
    a, b = arguments.a, arguments.b
    if metric is None:
        (M,) = arguments.data
        return OTResult(core_solve_batch(M, a, b), arguments)
    X, Y = arguments.data
    return OTResult(core_solve_sample_batch(X, Y, a, b, metric=metric), arguments)


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
