"""The barycentric map of mini-batch transport, over many iterations."""

from __future__ import annotations

import numpy.typing as npt

from . import _core
from ._batches import Count, core_sampling, count_pair
from ._minibatch_options import (
    Slicing,
    Strengths,
    inner_options,
    outer_strength,
    warn_unfinished,
    weigh_by_mass,
)
from ._minibatch_result import BarycentricMap
from ._options import check_threads, positive_int
from ._problem import points_problem
from ._progress import Progress, reporter
from ._random import core_seed
from .cost import MetricLike
from .errors import SolveInterrupted

__all__ = ["barycentric_map"]


def barycentric_map(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    k: Count,
    m: Count,
    iterations: int,
    method: str = "bomb",
    outer_reg: float | None = None,
    inner: str = "exact",
    inner_reg: float | None = None,
    inner_rho: Strengths | None = None,
    inner_value: str = "objective",
    inner_tol: float | None = None,
    inner_max_iter: int | None = None,
    inner_iter: int = 1,
    metric: MetricLike = "sqeuclidean",
    pairs: str = "all",
    sampling: str = "independent",
    replacement: bool = False,
    batch_weights: str = "uniform",
    root: bool = False,
    seed: object = None,
    n_threads: int | None = None,
    progress: Progress = False,
) -> BarycentricMap:
    """Map X to Y by the mean of many mini-batch plans (algorithm 3 of [1]_, colour transfer).

    Every iteration draws batches and couples them as `bomb_ot` or `m_ot` does; the masses that the
    plans move, and the y they move them to, are added up over all iterations and divided at the
    end. Points that no iteration has drawn are mapped by a further pass: iterations whose x batches
    hold all of them, completed by other points, and which count like the rest.

    Parameters
    ----------
    X, Y, a, b, k, m, metric, sampling, replacement, batch_weights, root, n_threads
        As in `m_ot`; k, m and the options hold for each iteration.
    inner, inner_reg, inner_rho, inner_value, inner_tol, inner_max_iter, inner_iter
        As in `m_ot`, but for ``"sliced"``, which has no plan to map by.
    iterations
        How many to run. The first one's batches are those of `bomb_ot` with the same seed.
    method
        ``"bomb"`` for the coupling of `bomb_ot`, ``"m"`` for that of `m_ot`.
    outer_reg
        As in `bomb_ot`; only for ``method="bomb"``.
    pairs
        As in `m_ot`; only for ``method="m"``.
    seed
        As in `m_ot`.
    progress
        True for a bar (the extra ``otcore[cli]``), or a function that is called with (done, total),
        about 20 times a second, counting iterations.

    Returns
    -------
    BarycentricMap
        ``map`` (n, d), ``mass`` (n,), ``n_filled``, ``iterations``, ``value``. The same for any
        number of threads. Memory does not grow with the number of iterations.

    Raises
    ------
    ValueError, TypeError
        As `bomb_ot`.
    SolveInterrupted
        Ctrl-C; carries the map of the iterations done, NaN for points not yet drawn.

    Warns
    -----
    ConvergenceWarning
        As `m_ot` and `bomb_ot`, if it holds for any iteration.

    References
    ----------
    .. [1] K. Nguyen et al., On Transportation of Mini-batches: A Hierarchical Approach, ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.arange(12.0).reshape(12, 1)
    >>> result = otcore.minibatch.barycentric_map(X, X + 100.0, k=3, m=4, iterations=50, seed=0)
    >>> result.map.shape
    (12, 1)
    >>> result.n_filled
    0
    """
    coupling = _map_coupling(method, outer_reg, pairs)
    reg = outer_strength(outer_reg)
    options = inner_options(
        inner, inner_reg, inner_rho, inner_value, inner_tol, inner_max_iter, inner_iter
    )
    if isinstance(options, Slicing):
        raise ValueError("inner: 'sliced', which has no plan to map by; expected one that has")
    counts, sizes = count_pair(k, "k"), count_pair(m, "m")
    count = positive_int(iterations, "iterations")
    by_mass = weigh_by_mass(batch_weights)
    drawn = core_sampling(sampling, replacement)
    problem = points_problem(X, Y, a, b, metric=metric, batched=False)
    threads = check_threads(n_threads) or problem.library.n_threads()
    assert problem.metric is not None
    with reporter(progress, "mini-batches") as report:
        solution = _core.minibatch_map(
            problem.data[0][0],
            problem.data[1][0],
            problem.a,
            problem.b,
            *problem.metric,
            k=counts,
            m=sizes,
            iterations=count,
            sampling=drawn,
            inner=options,
            coupling=coupling,
            outer_reg=reg,
            by_mass=by_mass,
            root=bool(root),
            seed=core_seed(seed, problem.library),
            n_threads=threads,
            progress=report,
        )
    result = BarycentricMap(problem, solution)
    if solution.interrupted:
        raise SolveInterrupted(result)
    warn_unfinished(solution, " in some iteration", 2)
    return result


def _map_coupling(method: str, outer_reg: float | None, pairs: str) -> str:
    if method not in ("bomb", "m"):
        raise ValueError(f"method: {method!r}, expected 'bomb' or 'm'")
    if pairs not in ("all", "diagonal"):
        raise ValueError(f"pairs: {pairs!r}, expected 'all' or 'diagonal'")
    if method == "bomb":
        if pairs == "diagonal":
            raise ValueError("pairs: 'diagonal', expected 'all' with method='bomb'")
        return "exact" if outer_reg is None else "entropic"
    if outer_reg is not None:
        raise ValueError(f"outer_reg: {outer_reg!r}, expected None with method='m'")
    return "diagonal" if pairs == "diagonal" else "product"
