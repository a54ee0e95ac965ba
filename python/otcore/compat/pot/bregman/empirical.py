"""POT's ``empirical_sinkhorn`` functions: entropic transport between points."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ...._arrays import Array
from .._arguments import read_arguments
from .._costs import Metric, costs_of_points
from .._entropic import Settings, promoted
from .._entropic_result import EntropicResult
from .._lazy import lazy_log
from ._answers import (
    COST_METHODS,
    METHODS,
    Call,
    cost_or_costs,
    known_method,
    one,
    plan_or_costs,
)

__all__ = ["empirical_sinkhorn", "empirical_sinkhorn2", "empirical_sinkhorn_divergence"]

_NAMES = ("X_s", "X_t")


def empirical_sinkhorn(
    X_s: npt.ArrayLike,
    X_t: npt.ArrayLike,
    reg: float,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    metric: Metric = "sqeuclidean",
    numIterMax: int = 10000,
    stopThr: float = 1e-9,
    isLazy: bool = False,
    batchSize: int | tuple[int, int] = 100,
    verbose: bool = False,
    log: bool = False,
    warn: bool = True,
    warmstart: Any = None,
    **kwargs: Any,
) -> Any:
    """The entropic plan between points, as ``ot.bregman.empirical_sinkhorn``.

    Parameters
    ----------
    X_s : array_like, shape (n, d)
        The first points, with masses `a`.
    X_t : array_like, shape (m, d)
        The second points, with masses `b`.
    a, b, reg, stopThr, verbose, log, warn, warmstart
        As in `sinkhorn`.
    metric
        As in `otcore.compat.pot.dist`. No cost matrix is formed for ``"sqeuclidean"``,
        ``"euclidean"``, ``"cityblock"``, ``"cosine"`` and ``"minkowski"``.
    numIterMax
        As numItermax in `sinkhorn`.
    isLazy
        Return log u and log v in place of the plan.
    batchSize
        Makes no difference: a positive integer, or two of them.
    **kwargs
        ``method`` as in `sinkhorn`; the rest makes no difference.

    Returns
    -------
    plan : array, shape (n, m)
        Unless `isLazy`.
    log_u, log_v : array, shapes (n,) and (m,)
        If `isLazy`.
    log : dict
        If `log`: as in `sinkhorn`; if `isLazy` with ``err``, ``u`` and ``v`` (log u and log v),
        ``niter`` and ``lazy_plan``, a `otcore.compat.pot.utils.LazyTensor`.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.bregman.empirical_sinkhorn([[0.0], [1.0]], [[0.0], [1.0]], 1.0).round(4)
    array([[0.3655, 0.1345],
           [0.1345, 0.3655]])
    """
    settings = Settings(numIterMax, stopThr, warn, verbose)
    if isLazy:
        result, entries = _lazy(X_s, X_t, reg, a, b, metric, settings, batchSize, warmstart)
        return (*result.potentials, entries) if log else result.potentials
    data, name = costs_of_points(_NAMES, (X_s, X_t), metric)
    method = known_method(kwargs.get("method", "sinkhorn"), METHODS)
    return plan_or_costs(data, a, b, reg, Call(method, settings, log, warmstart, name))


def empirical_sinkhorn2(
    X_s: npt.ArrayLike,
    X_t: npt.ArrayLike,
    reg: float,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    metric: Metric = "sqeuclidean",
    numIterMax: int = 10000,
    stopThr: float = 1e-9,
    isLazy: bool = False,
    batchSize: int | tuple[int, int] = 100,
    verbose: bool = False,
    log: bool = False,
    warn: bool = True,
    warmstart: Any = None,
    **kwargs: Any,
) -> Any:
    """The transport cost of the plan of `empirical_sinkhorn`.

    Parameters
    ----------
    X_s, X_t, reg, a, b, metric, numIterMax, stopThr, batchSize, verbose, log, warn, warmstart
        As in `empirical_sinkhorn`.
    isLazy
        Makes a difference to the log only.
    **kwargs
        ``method`` as in `sinkhorn2`; the rest makes no difference.

    Returns
    -------
    cost : scalar
        <P, M>, without the entropy; a 0-d tensor for tensors.
    log : dict
        If `log`: as in `empirical_sinkhorn`.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> cost = ot.bregman.empirical_sinkhorn2([[0.0], [1.0]], [[0.0], [1.0]], 1.0)
    >>> float(cost.round(4))
    0.2689
    """
    settings = Settings(numIterMax, stopThr, warn, verbose)
    if isLazy:
        result, entries = _lazy(X_s, X_t, reg, a, b, metric, settings, batchSize, warmstart)
        return (result.value_linear, entries) if log else result.value_linear
    data, name = costs_of_points(_NAMES, (X_s, X_t), metric)
    method = known_method(kwargs.get("method", "sinkhorn"), COST_METHODS)
    return cost_or_costs(data, a, b, reg, Call(method, settings, log, warmstart, name))


def empirical_sinkhorn_divergence(
    X_s: npt.ArrayLike,
    X_t: npt.ArrayLike,
    reg: float,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    metric: Metric = "sqeuclidean",
    numIterMax: int = 10000,
    stopThr: float = 1e-9,
    verbose: bool = False,
    log: bool = False,
    warn: bool = True,
    warmstart: Any = None,
    **kwargs: Any,
) -> Any:
    """POT's Sinkhorn divergence: S(s, t) - (S(s, s) + S(t, t)) / 2 for S `empirical_sinkhorn2`.

    It is made of transport costs without their entropy, and 0 where that would be negative; the
    divergence that is positive by itself is `otcore.entropic.sinkhorn_divergence`.

    Parameters
    ----------
    X_s, X_t, reg, a, b, metric, numIterMax, stopThr, verbose, warn
        As in `empirical_sinkhorn`.
    log
        Also return a dictionary.
    warmstart
        log u and log v to start from; each of them twice for the points against themselves.
    **kwargs
        As in `empirical_sinkhorn2`.

    Returns
    -------
    divergence : scalar
        A 0-d tensor for tensors.
    log : dict
        If `log`: the costs ``sinkhorn_loss_ab``, ``sinkhorn_loss_a`` and ``sinkhorn_loss_b``, and
        their logs ``log_sinkhorn_ab``, ``log_sinkhorn_a`` and ``log_sinkhorn_b``.

    Raises
    ------
    ValueError, TypeError
        As `sinkhorn`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> X = [[0.0], [1.0]]
    >>> float(ot.bregman.empirical_sinkhorn_divergence(X, X, 1.0))
    0.0
    """
    starts = (None, None, None)
    if warmstart is not None:
        u, v = warmstart
        starts = (warmstart, (u, u), (v, v))  # type: ignore[assignment]
    pairs = {"ab": (X_s, X_t, a, b), "a": (X_s, X_s, a, a), "b": (X_t, X_t, b, b)}
    costs, logs = {}, {}
    for (name, (X, Y, weights_x, weights_y)), start in zip(pairs.items(), starts, strict=True):
        costs[name], logs[name] = empirical_sinkhorn2(
            X,
            Y,
            reg,
            weights_x,
            weights_y,
            metric,
            numIterMax,
            stopThr,
            verbose=verbose,
            log=True,
            warn=warn,
            warmstart=start,
            **kwargs,
        )
    difference = costs["ab"] - 0.5 * (costs["a"] + costs["b"])
    divergence = difference * (difference > 0)
    if not log:
        return divergence
    entries = {f"sinkhorn_loss_{name}": cost for name, cost in costs.items()}
    entries.update({f"log_sinkhorn_{name}": entry for name, entry in logs.items()})
    return divergence, entries


def _lazy(
    X_s: Any,
    X_t: Any,
    reg: Any,
    a: Any,
    b: Any,
    metric: Metric,
    settings: Settings,
    batchSize: object,
    warmstart: Any,
) -> tuple[EntropicResult, dict[str, Any]]:
    """The solution, and the log of POT's lazy solver."""
    sizes = batchSize if isinstance(batchSize, tuple) else (batchSize, batchSize)
    if len(sizes) != 2 or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(f"batchSize: {batchSize!r}, expected a positive integer or two of them")
    data, name = costs_of_points(_NAMES, (X_s, X_t), metric)
    arguments = promoted(read_arguments(data, a, b))
    call = Call("sinkhorn_log", settings, metric=name)
    result = one(arguments, reg, call, warmstart)
    points: tuple[Array, ...] = read_arguments((("X_s", X_s), ("X_t", X_t)), None, None).data
    return result, lazy_log(result, points, metric)
