"""POT's algorithms by name, each answered by the same solver: what differs is the log."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from .._entropic import Settings
from ._answers import Call, plan_or_costs, scaling_iterations

__all__ = [
    "greenkhorn",
    "sinkhorn_epsilon_scaling",
    "sinkhorn_knopp",
    "sinkhorn_log",
    "sinkhorn_stabilized",
]


def sinkhorn_knopp(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    numItermax: int = 1000,
    stopThr: float = 1e-9,
    verbose: bool = False,
    log: bool = False,
    warn: bool = True,
    warmstart: Any = None,
    **kwargs: Any,
) -> Any:
    """As `sinkhorn` with ``method="sinkhorn"``.

    Parameters
    ----------
    a, b, M, reg, stopThr, verbose, log, warn, warmstart
        As in `sinkhorn`.
    numItermax
        At most so many iterations.
    **kwargs
        Make no difference.

    Returns
    -------
    plan or costs
        As `sinkhorn`.
    log : dict
        If `log`: ``err``, ``niter``, ``u``, ``v``.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.bregman.sinkhorn_knopp([], [], [[0.0, 1.0], [1.0, 0.0]], 1.0).round(4)
    array([[0.3655, 0.1345],
           [0.1345, 0.3655]])
    """
    settings = Settings(numItermax, stopThr, warn, verbose)
    return plan_or_costs((("M", M),), a, b, reg, Call("sinkhorn", settings, log, warmstart))


def sinkhorn_log(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    numItermax: int = 1000,
    stopThr: float = 1e-9,
    verbose: bool = False,
    log: bool = False,
    warn: bool = True,
    warmstart: Any = None,
    **kwargs: Any,
) -> Any:
    """As `sinkhorn` with ``method="sinkhorn_log"``.

    Parameters
    ----------
    a, b, M, reg, stopThr, verbose, log, warn, warmstart
        As in `sinkhorn`.
    numItermax
        At most so many iterations.
    **kwargs
        Make no difference.

    Returns
    -------
    plan or costs
        As `sinkhorn`.
    log : dict
        If `log`: ``err``, ``niter``, ``log_u``, ``log_v``, ``u``, ``v``; for many targets
        the last four.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.bregman.sinkhorn_log([], [], [[0.0, 1.0], [1.0, 0.0]], 1.0).round(4)
    array([[0.3655, 0.1345],
           [0.1345, 0.3655]])
    """
    settings = Settings(numItermax, stopThr, warn, verbose)
    return plan_or_costs((("M", M),), a, b, reg, Call("sinkhorn_log", settings, log, warmstart))


def greenkhorn(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    numItermax: int = 10000,
    stopThr: float = 1e-9,
    verbose: bool = False,
    log: bool = False,
    warn: bool = True,
    warmstart: Any = None,
) -> Any:
    """As `sinkhorn` with ``method="greenkhorn"``.

    Parameters
    ----------
    a, b, M, reg, stopThr, verbose, log, warn, warmstart
        As in `sinkhorn`, for one target.
    numItermax
        At most so many iterations, each over all pairs, where POT's are over one row or column.

    Returns
    -------
    plan or costs
        As `sinkhorn`.
    log : dict
        If `log`: ``n_iter``, ``u``, ``v``.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.bregman.greenkhorn([], [], [[0.0, 1.0], [1.0, 0.0]], 1.0).round(4)
    array([[0.3655, 0.1345],
           [0.1345, 0.3655]])
    """
    settings = Settings(numItermax, stopThr, warn, verbose)
    return plan_or_costs((("M", M),), a, b, reg, Call("greenkhorn", settings, log, warmstart))


def sinkhorn_stabilized(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    numItermax: int = 1000,
    tau: float = 1e3,
    stopThr: float = 1e-9,
    warmstart: Any = None,
    verbose: bool = False,
    print_period: int = 20,
    log: bool = False,
    warn: bool = True,
    **kwargs: Any,
) -> Any:
    """As `sinkhorn` with ``method="sinkhorn_stabilized"``.

    Parameters
    ----------
    a, b, M, reg, stopThr, verbose, log, warn, warmstart
        As in `sinkhorn`.
    numItermax
        At most so many iterations.
    tau, print_period, **kwargs
        Make no difference.

    Returns
    -------
    plan or costs
        As `sinkhorn`.
    log : dict
        If `log`: ``err``, ``n_iter``, ``logu``, ``logv``, ``alpha``, ``beta``, ``warmstart``,
        which is the pair (alpha, beta).

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.bregman.sinkhorn_stabilized([], [], [[0.0, 1.0], [1.0, 0.0]], 1.0).round(4)
    array([[0.3655, 0.1345],
           [0.1345, 0.3655]])
    """
    settings = Settings(numItermax, stopThr, warn, verbose)
    return plan_or_costs(
        (("M", M),), a, b, reg, Call("sinkhorn_stabilized", settings, log, warmstart)
    )


def sinkhorn_epsilon_scaling(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    numItermax: int = 100,
    epsilon0: float = 1e4,
    numInnerItermax: int = 100,
    tau: float = 1e3,
    stopThr: float = 1e-9,
    warmstart: Any = None,
    verbose: bool = False,
    print_period: int = 10,
    log: bool = False,
    warn: bool = True,
    **kwargs: Any,
) -> Any:
    """As `sinkhorn` with ``method="sinkhorn_epsilon_scaling"``.

    Parameters
    ----------
    a, b, M, reg, stopThr, verbose, log, warn, warmstart
        As in `sinkhorn`, for one target.
    numItermax, numInnerItermax
        At most max(35, numItermax) numInnerItermax iterations.
    epsilon0, tau, print_period, **kwargs
        Make no difference.

    Returns
    -------
    plan or costs
        As `sinkhorn`.
    log : dict
        If `log`: ``err``, ``niter``, ``alpha``, ``beta``, ``warmstart``.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.bregman.sinkhorn_epsilon_scaling([], [], [[0.0, 1.0], [1.0, 0.0]], 1.0).round(4)
    array([[0.3655, 0.1345],
           [0.1345, 0.3655]])
    """
    iterations = scaling_iterations(numItermax, numInnerItermax)
    settings = Settings(iterations, stopThr, warn, verbose)
    return plan_or_costs(
        (("M", M),), a, b, reg, Call("sinkhorn_epsilon_scaling", settings, log, warmstart)
    )
