"""POT's ``ot.batch``: many problems of one shape, exact or entropic."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ... import solve_batch as core_solve_batch
from ... import solve_sample_batch as core_solve_sample_batch
from ..._arrays import Named
from ...cost import MetricLike
from ._arguments import read_arguments, warn_of_integers, widened
from ._coverage import check_choice, missing
from ._entropic import Settings, balanced_entropic, promoted
from ._result import OTResult

__all__ = ["solve_batch", "solve_sample_batch"]

_METHODS = ("auto", "proximal", "log_sinkhorn", "sinkhorn")
_REGULARISERS = ("kl", "entropy")


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
    """Transport for many cost matrices, exact or entropic, as ``ot.solve_batch``.

    Without regularisation POT approaches the optimum by proximal points; here every problem is
    solved to the optimum.

    Parameters
    ----------
    M : array_like, shape (B, n, m)
        The costs of B problems.
    reg
        The weight of the regulariser. None or 0: exact transport.
    a : array_like, shape (B, n) or (n,), optional
        Masses of the rows. None is 1/n each.
    b : array_like, shape (B, m) or (m,), optional
        Masses of the columns. None is 1/m each.
    max_iter
        With reg, at most so many iterations.
    tol
        With reg, stop when the L1 error of every problem's marginals is at most this.
    method
        ``"auto"``, ``"proximal"``, ``"log_sinkhorn"``, or, with reg, ``"sinkhorn"``: one solver
        answers for all. The potentials of the last are u and v.
    reg_type
        ``"entropy"`` for sum P log P in the value, ``"kl"`` for sum P log(P / ab).
    grad
        With reg: under ``"envelope"`` and ``"detach"`` plans of tensors are constants, under the
        latter values, too. All values are differentiated by the envelope theorem.
    inner_iter, inner_reg
        Settings of POT's proximal points, which make no difference.

    Returns
    -------
    OTResult
        As of `otcore.compat.pot.solve`, with a leading axis of B.

    Raises
    ------
    ValueError, TypeError
        As `otcore.solve_batch`.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.solve_batch(np.array([[[0.0, 1.0], [1.0, 0.0]], [[3.0, 1.0], [1.0, 2.0]]])).value
    array([0., 1.])
    """
    settings = Settings(max_iter, tol, grad=grad)
    return _solve((("M", M),), a, b, None, reg, method, reg_type, settings)


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
    """Transport between many pairs of point sets, exact or entropic, as ``ot.solve_sample_batch``.

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
    NotImplementedError
        One of POT's other metrics.
    ValueError, TypeError
        As `solve_batch`.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> X = np.zeros((3, 4, 2))
    >>> ot.solve_sample_batch(X, X + 1.0).value
    array([2., 2., 2.])
    """
    check_choice("metric", metric, ("sqeuclidean", "euclidean"), ("minkowski", "kl"))
    settings = Settings(max_iter, tol, grad=grad)
    data = (("X_a", X_a), ("X_b", X_b))
    return _solve(data, a, b, metric, reg, method, reg_type, settings)


def _solve(
    data: Named,
    a: Any,
    b: Any,
    metric: MetricLike | None,
    reg: float | None,
    method: str,
    reg_type: str,
    settings: Settings,
) -> OTResult:
    check_choice("method", method, _METHODS, ())
    check_choice("reg_type", reg_type, _REGULARISERS, ())
    regularised = reg is not None and reg != 0
    if method in ("log_sinkhorn", "sinkhorn") and not regularised:
        raise ValueError(f"reg: {reg}, expected a positive number with method={method!r}")
    arguments = read_arguments(data, a, b, ndim=3)
    if regularised:
        arguments = promoted(arguments)
        result = balanced_entropic(arguments, reg, settings, metric=metric, reg_type=reg_type)
        if method == "sinkhorn":
            result = result.with_exponentials()
        result.log = {"n_iter": int(arguments.library.to_numpy(result.result.n_iter).max())}
        return result
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
