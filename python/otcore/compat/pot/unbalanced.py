"""POT's ``ot.unbalanced``: entropic transport whose marginals may differ from a and b."""

from __future__ import annotations

import warnings
from typing import Any

import numpy.typing as npt

from ._coverage import missing
from ._entropic import Settings
from ._relaxed_call import LOG_KEYS, UnbalancedProblem

__all__ = [
    "sinkhorn_knopp_unbalanced",
    "sinkhorn_stabilized_unbalanced",
    "sinkhorn_unbalanced",
    "sinkhorn_unbalanced2",
    "sinkhorn_unbalanced_translation_invariant",
]

_METHODS = (
    "sinkhorn",
    "sinkhorn_stabilized",
    "sinkhorn_translation_invariant",
    "sinkhorn_reg_scaling",
)


def sinkhorn_unbalanced(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    reg_m: Any,
    method: str = "sinkhorn",
    reg_type: str = "kl",
    c: npt.ArrayLike | None = None,
    warmstart: Any = None,
    numItermax: int = 1000,
    stopThr: float = 1e-6,
    verbose: bool = False,
    log: bool = False,
    **kwargs: Any,
) -> Any:
    """The plan of an unbalanced entropic problem, as ``ot.sinkhorn_unbalanced``.

    It minimises <P, M> + reg KL(P | c) + rho_a KL(P 1 | a) + rho_b KL(P^T 1 | b) with KL(P | Q) =
    sum P log(P / Q) - P + Q.

    Parameters
    ----------
    a : array_like, shape (n,)
        Masses of the rows, of any sum; an empty list or None is 1/n each.
    b : array_like, shape (m,) or (m, k)
        Masses of the columns; with two axes those of k targets, one in each column.
    M : array_like, shape (n, m)
        Costs: a numpy array, a list, or a torch tensor on the CPU.
    reg
        The weight of the regulariser, positive.
    reg_m
        rho_a and rho_b, positive: one number for both, or two; infinity keeps the marginal.
    method
        ``"sinkhorn"``, ``"sinkhorn_stabilized"``, ``"sinkhorn_translation_invariant"`` or
        ``"sinkhorn_reg_scaling"``, in any case: one solver answers for all.
    reg_type
        ``"kl"``, or ``"entropy"`` for c = 1. Many targets always have the latter, as in POT.
    c : array_like, shape (n, m), optional
        The reference measure of ``"kl"``, positive; None is the product of a and b.
    warmstart
        log u and log v to start from, as in the log.
    numItermax
        At most so many iterations.
    stopThr
        Stop when the L1 error of the optimality conditions is at most this part of the mass.
    verbose
        Print how it ended.
    log
        Also return a dictionary.
    **kwargs
        POT's other settings of its methods, which make no difference.

    Returns
    -------
    plan : array, shape (n, m)
        In the widest dtype of the arguments (float64 for integers). A backward pass through the
        plan of tensors that require a gradient raises.
    costs : array, shape (k,)
        For b of shape (m, k): <P, M> for each target.
    log : dict
        If `log`: ``err``, ``logu`` and ``logv`` (of u and v in P_ij = u_i c_ij exp(-M_ij / reg)
        v_j), for one target ``cost`` (<P, M>) and ``total_cost`` (the objective; under
        ``"entropy"`` without the constant sum Q), and otcore's ``status`` and ``marginal_error``.

    Raises
    ------
    ValueError
        What `otcore.solve` refuses: NaN, negative weights, reg or reg_m that is not positive; an
        unknown method or regulariser.
    TypeError
        Arrays of two libraries, or not of real numbers.

    Warns
    -----
    ConvergenceWarning
        A UserWarning: the tolerance was not reached.
    UserWarning
        c is given and not used.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> M = [[0.0, 1.0], [1.0, 0.0]]
    >>> ot.sinkhorn_unbalanced([0.5, 0.5], [0.5, 0.5], M, 1.0, 1.0).round(4)
    array([[0.3221, 0.1185],
           [0.1185, 0.3221]])
    """
    _check_method(method)
    problem = UnbalancedProblem(a, b, M, reg, reg_m, reg_type, c, warmstart)
    return problem.plan_or_costs(Settings(numItermax, stopThr, verbose=verbose), log)


def sinkhorn_unbalanced2(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    reg_m: Any,
    method: str = "sinkhorn",
    reg_type: str = "kl",
    c: npt.ArrayLike | None = None,
    warmstart: Any = None,
    returnCost: str = "linear",
    numItermax: int = 1000,
    stopThr: float = 1e-6,
    verbose: bool = False,
    log: bool = False,
    **kwargs: Any,
) -> Any:
    """The cost of an unbalanced entropic problem, as ``ot.sinkhorn_unbalanced2``.

    Parameters
    ----------
    a, b, M, reg, reg_m, method, reg_type, c, warmstart, numItermax, stopThr, verbose, log, **kwargs
        As in `sinkhorn_unbalanced`.
    returnCost
        ``"linear"`` for <P, M>, ``"total"`` for the objective; of many targets always the former.

    Returns
    -------
    cost : scalar, or array of shape (k,)
        0-d tensors for tensors.
    log : dict
        If `log`: as in `sinkhorn_unbalanced`.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn_unbalanced`.

    Warns
    -----
    UserWarning
        As `sinkhorn_unbalanced`; also many targets under ``"kl"``, which get ``"entropy"``.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> M = [[0.0, 1.0], [1.0, 0.0]]
    >>> float(ot.sinkhorn_unbalanced2([0.5, 0.5], [0.5, 0.5], M, 1.0, 1.0).round(4))
    0.237
    """
    _check_method(method)
    if returnCost not in ("linear", "total"):
        raise ValueError(f"returnCost: {returnCost!r}, expected 'linear' or 'total'")
    problem = UnbalancedProblem(a, b, M, reg, reg_m, reg_type, c, warmstart)
    settings = Settings(numItermax, stopThr, verbose=verbose)
    if problem.many:
        if reg_type == "kl":
            text = "reg_type: 'kl' is not there for many targets, which get 'entropy'"
            warnings.warn(text, UserWarning, stacklevel=2)
        return problem.plan_or_costs(settings, log)
    result = problem.solve(settings)
    cost = result.value_linear if returnCost == "linear" else result.value
    return (cost, result.log_entries(LOG_KEYS)) if log else cost


def sinkhorn_knopp_unbalanced(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    reg_m: Any,
    reg_type: str = "kl",
    c: npt.ArrayLike | None = None,
    warmstart: Any = None,
    numItermax: int = 1000,
    stopThr: float = 1e-6,
    verbose: bool = False,
    log: bool = False,
    **kwargs: Any,
) -> Any:
    """As `sinkhorn_unbalanced` with ``method="sinkhorn"``.

    Parameters
    ----------
    a, b, M, reg, reg_m, reg_type, c, warmstart, numItermax, stopThr, verbose, log
        As in `sinkhorn_unbalanced`.
    **kwargs
        Make no difference.

    Returns
    -------
    plan or costs, log
        As `sinkhorn_unbalanced`.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn_unbalanced`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> M = [[0.0, 1.0], [1.0, 0.0]]
    >>> ot.unbalanced.sinkhorn_knopp_unbalanced([], [], M, 1.0, 1.0).round(4)
    array([[0.3221, 0.1185],
           [0.1185, 0.3221]])
    """
    problem = UnbalancedProblem(a, b, M, reg, reg_m, reg_type, c, warmstart)
    return problem.plan_or_costs(Settings(numItermax, stopThr, verbose=verbose), log)


def sinkhorn_stabilized_unbalanced(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    reg_m: Any,
    reg_type: str = "kl",
    c: npt.ArrayLike | None = None,
    warmstart: Any = None,
    tau: float = 1e5,
    numItermax: int = 1000,
    stopThr: float = 1e-6,
    verbose: bool = False,
    log: bool = False,
    **kwargs: Any,
) -> Any:
    """As `sinkhorn_unbalanced` with ``method="sinkhorn_stabilized"``.

    Parameters
    ----------
    a, b, M, reg, reg_m, reg_type, c, warmstart, numItermax, stopThr, verbose, log
        As in `sinkhorn_unbalanced`.
    tau, **kwargs
        Make no difference.

    Returns
    -------
    plan or costs, log
        As `sinkhorn_unbalanced`.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn_unbalanced`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> M = [[0.0, 1.0], [1.0, 0.0]]
    >>> ot.unbalanced.sinkhorn_stabilized_unbalanced([], [], M, 1.0, 1.0).round(4)
    array([[0.3221, 0.1185],
           [0.1185, 0.3221]])
    """
    problem = UnbalancedProblem(a, b, M, reg, reg_m, reg_type, c, warmstart)
    return problem.plan_or_costs(Settings(numItermax, stopThr, verbose=verbose), log)


def sinkhorn_unbalanced_translation_invariant(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    reg_m: Any,
    reg_type: str = "kl",
    c: npt.ArrayLike | None = None,
    warmstart: Any = None,
    numItermax: int = 1000,
    stopThr: float = 1e-6,
    verbose: bool = False,
    log: bool = False,
    **kwargs: Any,
) -> Any:
    """As `sinkhorn_unbalanced` with ``method="sinkhorn_translation_invariant"``.

    Parameters
    ----------
    a, b, M, reg, reg_m, reg_type, c, warmstart, numItermax, stopThr, verbose, log
        As in `sinkhorn_unbalanced`.
    **kwargs
        Make no difference.

    Returns
    -------
    plan or costs, log
        As `sinkhorn_unbalanced`.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn_unbalanced`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> M = [[0.0, 1.0], [1.0, 0.0]]
    >>> ot.unbalanced.sinkhorn_unbalanced_translation_invariant([], [], M, 1.0, 1.0).round(4)
    array([[0.3221, 0.1185],
           [0.1185, 0.3221]])
    """
    problem = UnbalancedProblem(a, b, M, reg, reg_m, reg_type, c, warmstart)
    return problem.plan_or_costs(Settings(numItermax, stopThr, verbose=verbose), log)


def _check_method(method: str) -> None:
    if method.lower() not in _METHODS:
        expected = ", ".join(map(repr, _METHODS))
        raise ValueError(f"method: Unknown method {method!r}, expected one of {expected}")


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
