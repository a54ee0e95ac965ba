"""POT's ``sinkhorn`` and ``sinkhorn2``: a plan or a cost by any of the methods' names."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from .._entropic import Settings
from ._answers import (
    COST_METHODS,
    METHODS,
    Call,
    cost_or_costs,
    known_method,
    plan_or_costs,
    scaling_iterations,
)

__all__ = ["sinkhorn", "sinkhorn2"]


def sinkhorn(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    method: str = "sinkhorn",
    numItermax: int = 1000,
    stopThr: float = 1e-9,
    verbose: bool = False,
    log: bool = False,
    warn: bool = True,
    warmstart: Any = None,
    **kwargs: Any,
) -> Any:
    """The plan that minimises <P, M> + reg sum P log P, as ``ot.sinkhorn``.

    Parameters
    ----------
    a : array_like, shape (n,)
        Masses of the rows; an empty list or None is 1/n each.
    b : array_like, shape (m,) or (m, k)
        Masses of the columns; an empty list or None is 1/m each. With two axes those of k targets,
        one in each column.
    M : array_like, shape (n, m)
        Costs: a numpy array, a list, or a torch tensor on the CPU.
    reg
        The weight of the entropy, positive.
    method
        ``"sinkhorn"``, ``"sinkhorn_log"``, ``"greenkhorn"``, ``"sinkhorn_stabilized"`` or
        ``"sinkhorn_epsilon_scaling"``, in any case. One solver, that of `otcore.solve`, answers for
        all: the name decides what is in the log and what `warmstart` is. For many targets the
        second, first and fourth only.
    numItermax
        At most so many iterations, each over all pairs; for ``"sinkhorn_epsilon_scaling"`` times
        numInnerItermax.
    stopThr
        Stop when the L1 error of the marginals is at most this, which bounds the L2 error that POT
        tests. float32 data stop where rounding does not allow more.
    verbose
        Print how it ended.
    log
        Also return a dictionary.
    warn
        Warn if the tolerance was not reached.
    warmstart
        log u and log v of shapes (n,) and (m,) to start from; under ``"sinkhorn_stabilized"`` and
        ``"sinkhorn_epsilon_scaling"`` reg times these (as in their logs). For many targets of
        shapes (n, k) and (m, k), but under ``"sinkhorn_log"`` a list of pairs.
    **kwargs
        POT's other settings of its methods, which make no difference; but see numItermax.

    Returns
    -------
    plan : array, shape (n, m)
        In the widest dtype of the arguments (float64 for integers). A backward pass through the
        plan of tensors that require a gradient raises.
    costs : array, shape (k,)
        For b of shape (m, k): <P, M> for each target.
    log : dict
        If `log`: what POT's method has in it, namely ``err`` (the L2 error of the columns' marginal
        at the end), ``niter`` or ``n_iter``, u and v or their logarithms or the duals reg log u and
        reg log v; and otcore's ``status`` and ``marginal_error``. For many targets arrays have a
        column for each.

    Raises
    ------
    ValueError
        What `otcore.solve` refuses: NaN, negative weights, masses that differ, reg that is not
        positive; an unknown method.
    TypeError
        Arrays of two libraries, or not of real numbers.

    Warns
    -----
    ConvergenceWarning
        A UserWarning: the tolerance was not reached.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.sinkhorn([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]], 1.0).round(4)
    array([[0.3655, 0.1345],
           [0.1345, 0.3655]])
    """
    name = known_method(method, METHODS)
    if name == "sinkhorn_epsilon_scaling":
        numItermax = scaling_iterations(numItermax, kwargs.get("numInnerItermax", 100))
    settings = Settings(numItermax, stopThr, warn, verbose)
    return plan_or_costs((("M", M),), a, b, reg, Call(name, settings, log, warmstart))


def sinkhorn2(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    reg: float,
    method: str = "sinkhorn",
    numItermax: int = 1000,
    stopThr: float = 1e-9,
    verbose: bool = False,
    log: bool = False,
    warn: bool = False,
    warmstart: Any = None,
    **kwargs: Any,
) -> Any:
    """The transport cost <P, M> of the plan of `sinkhorn`, as ``ot.sinkhorn2``.

    Parameters
    ----------
    a, b, M, reg, numItermax, stopThr, verbose, log, warn, warmstart, **kwargs
        As in `sinkhorn`.
    method
        ``"sinkhorn"``, ``"sinkhorn_log"`` or ``"sinkhorn_stabilized"``.

    Returns
    -------
    cost : scalar or array
        A 0-d tensor for tensors; for b of shape (m, k) an array (k,). It leaves out the entropy:
        ``ot.solve(M, a, b, reg)`` has both in ``value``.
    log : dict
        If `log`: as in `sinkhorn`.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> float(ot.sinkhorn2([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]], 1.0).round(4))
    0.2689
    """
    settings = Settings(numItermax, stopThr, warn, verbose)
    call = Call(known_method(method, COST_METHODS), settings, log, warmstart)
    return cost_or_costs((("M", M),), a, b, reg, call)
