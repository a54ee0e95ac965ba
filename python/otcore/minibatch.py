"""Mini-batch optimal transport: m-OT, BoMb-OT and eBoMb-OT.

Instead of one large problem, many small ones: k mini-batches of m points are drawn from each side
and transport is solved between batches. m-OT averages the pairs of batches; BoMb-OT (batch of
mini-batches) also finds out which batches belong together, by an optimal coupling of the batches
themselves [1]_.

References
----------
.. [1] K. Nguyen, D. Nguyen, Q. Nguyen, T. Pham, H. Bui, D. Phung, T. Le, N. Ho, On Transportation
   of Mini-batches: A Hierarchical Approach, ICML 2022.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from numbers import Real

import numpy.typing as npt

from . import _core
from ._batches import Count, Draw, choose_batches, core_sampling, count_pair
from ._minibatch_result import BarycentricMap, MiniBatchResult
from ._options import check_threads, positive_int
from ._problem import Problem, points_problem
from ._progress import Progress, reporter
from ._random import core_seed
from .cost import MetricLike
from .errors import ConvergenceWarning, SolveInterrupted

__all__ = ["BarycentricMap", "MiniBatchResult", "barycentric_map", "bomb_ot", "m_ot"]

# From warnings.warn up to the caller of the public function.
_STACK_LEVEL = 4
_FINISHED = ("optimal", "converged")


def m_ot(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    k: Count | None = None,
    m: Count | None = None,
    inner: str = "exact",
    metric: MetricLike = "sqeuclidean",
    pairs: str = "all",
    sampling: str = "independent",
    replacement: bool = False,
    labels_x: npt.ArrayLike | None = None,
    labels_y: npt.ArrayLike | None = None,
    batches: Sequence[npt.ArrayLike] | None = None,
    batch_weights: str = "uniform",
    root: bool = False,
    seed: object = None,
    n_threads: int | None = None,
) -> MiniBatchResult:
    """Mini-batch optimal transport (m-OT): the average over pairs of mini-batches.

    The value is the mean of the transport costs between the batches, the plan the mean of their
    plans (definition 1 of [1]_). It is positive also between equal measures: no metric.

    Parameters
    ----------
    X : array_like, shape (n, d)
        The first points: a numpy array, a list or a torch tensor on the CPU; dtypes as in
        `otcore.solve`. Only the points drawn are read.
    Y : array_like, shape (n', d)
        The second points.
    a : array_like, shape (n,), optional
        Weights of the x, not negative: within a batch masses are proportional to them. None: all
        the same.
    b : array_like, shape (n',), optional
        Weights of the y.
    k : int or (int, int)
        How many batches to draw, or how many of X and of Y.
    m : int or (int, int)
        How many points to draw for each batch, or how many of X and of Y.
    inner
        How transport between two batches is solved: ``"exact"``.
    metric
        The ground cost, as in `otcore.solve_sample`.
    pairs
        ``"all"``: every batch of X with every batch of Y, the estimator of [1]_. ``"diagonal"``:
        only batch i with batch i, as much code in use has it: another estimator of the same
        quantity, with fewer problems and a greater variance.
    sampling
        ``"independent"``: each batch is drawn anew. ``"disjoint"``: the batches are pieces of a
        random order of the points, k m of which must exist; all of them make a partition.
    replacement
        Whether independent batches may hold a point more than once.
    labels_x : array_like of int, shape (n,), optional
        Classes of the x: every batch takes the same number of points from each class, and one more
        from random ones where m does not divide evenly.
    labels_y : array_like of int, shape (n',), optional
        Classes of the y.
    batches : pair of array_like of int, shapes (kx, mx) and (ky, my), optional
        Rows of X and rows of Y to use as batches, in place of k, m and all that says how to draw.
    batch_weights
        What the batches weigh: ``"uniform"``, all the same, or ``"mass"``, the sum of their points'
        weights.
    root
        The costs between batches are W_p, the root of the transport cost, instead of W_p^p.
    seed : None, int, numpy.random.Generator or torch.Generator
        What decides the draws; None is the global generator of the data's library. A seed draws the
        same batches on every platform and for any number of threads.
    n_threads
        At most so many threads; None is the default (`otcore.set_num_threads`). The result is the
        same for any number.

    Returns
    -------
    MiniBatchResult
        ``value``, ``costs``, ``coupling``, ``batches_x``, ``batches_y``, ``sparse_plan``,
        ``barycentric_map()``, ... For tensors ``value`` is differentiable (once) in X, Y, a and b,
        for the batches drawn; where the root of a cost is 0 its gradient is taken as 0.

    Raises
    ------
    ValueError
        A wrong shape; in a point drawn a value that is not finite (with its index); batches larger
        than the data; a class with too few points; a batch without mass; options that are unknown
        or do not go together.
    TypeError
        Arrays of two libraries, not of real numbers, or numbers that are not integers.
    SolveInterrupted
        Ctrl-C; the costs of pairs not yet solved are NaN in its result.

    References
    ----------
    .. [1] K. Nguyen et al., On Transportation of Mini-batches: A Hierarchical Approach, ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.arange(20.0).reshape(10, 2)
    >>> result = otcore.minibatch.m_ot(X, X + 1.0, k=4, m=5, seed=0)
    >>> result.costs.shape
    (4, 4)
    >>> bool(np.isclose(result.value, result.costs.mean()))
    True
    """
    if pairs not in ("all", "diagonal"):
        raise ValueError(f"pairs: {pairs!r}, expected 'all' or 'diagonal'")
    draw = Draw(k, m, sampling, replacement, labels_x, labels_y, batches, seed)
    problem = points_problem(X, Y, a, b, metric=metric, batched=False)
    coupling = "diagonal" if pairs == "diagonal" else "product"
    return _solve(problem, draw, inner, coupling, 0.0, batch_weights, root, n_threads)


def bomb_ot(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    k: Count | None = None,
    m: Count | None = None,
    inner: str = "exact",
    metric: MetricLike = "sqeuclidean",
    outer_reg: float | None = None,
    sampling: str = "independent",
    replacement: bool = False,
    labels_x: npt.ArrayLike | None = None,
    labels_y: npt.ArrayLike | None = None,
    batches: Sequence[npt.ArrayLike] | None = None,
    batch_weights: str = "uniform",
    root: bool = False,
    seed: object = None,
    n_threads: int | None = None,
) -> MiniBatchResult:
    """Batch of mini-batches optimal transport (BoMb-OT), and its entropic form (eBoMb-OT).

    Transport costs C between all pairs of batches, then the optimal coupling of the batches under
    these costs: the value is sum_ij coupling_ij C_ij, the plan sum_ij coupling_ij plan_ij
    (definition 3 of [1]_). It is at most m-OT's value for the same batches.

    Parameters
    ----------
    outer_reg
        None: the optimal coupling, as sparse as a transport plan. A positive number lambda, in
        units of the costs: the coupling that minimises <coupling, C> + lambda KL(coupling | u x v)
        for the batches' weights u and v (equation 4 of [1]_, eBoMb-OT). Towards 0 it is BoMb-OT,
        towards infinity m-OT. The value does not include the KL term.
    X, Y, a, b, k, m, inner, metric, sampling, replacement, labels_x, labels_y
        As in `m_ot`.
    batches, batch_weights, root, seed, n_threads
        As in `m_ot`.

    Returns
    -------
    MiniBatchResult
        As `m_ot`. The value is differentiable through the coupling, too.

    Raises
    ------
    ValueError, TypeError, SolveInterrupted
        As `m_ot`; also for an `outer_reg` that is not positive and finite.

    Warns
    -----
    ConvergenceWarning
        The coupling for `outer_reg` did not reach a marginal error of 1e-9: states the error it
        has. Rounding allows 1e-9 down to an `outer_reg` of about 1e-6 of the range of C.

    References
    ----------
    .. [1] K. Nguyen et al., On Transportation of Mini-batches: A Hierarchical Approach, ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.array([[0.0], [1.0], [100.0], [101.0]])
    >>> batches = [[0, 1], [2, 3]], [[2, 3], [0, 1]]
    >>> otcore.minibatch.m_ot(X, X, batches=batches).value
    5000.0
    >>> result = otcore.minibatch.bomb_ot(X, X, batches=batches)
    >>> result.value
    0.0
    >>> result.coupling
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    reg = _outer_reg(outer_reg)
    draw = Draw(k, m, sampling, replacement, labels_x, labels_y, batches, seed)
    problem = points_problem(X, Y, a, b, metric=metric, batched=False)
    coupling = "exact" if outer_reg is None else "entropic"
    return _solve(problem, draw, inner, coupling, reg, batch_weights, root, n_threads)


def _solve(
    problem: Problem,
    draw: Draw,
    inner: str,
    coupling: str,
    outer_reg: float,
    batch_weights: str,
    root: bool,
    n_threads: int | None,
) -> MiniBatchResult:
    if inner != "exact":
        raise ValueError(f"inner: {inner!r}, expected 'exact'")
    by_mass = _by_mass(batch_weights)
    threads = check_threads(n_threads) or problem.library.n_threads()
    _, n_x, n_y = problem.size
    batches = choose_batches(draw, n_x, n_y, problem.library)
    assert problem.metric is not None
    solution = _core.minibatch_transport(
        problem.data[0][0],
        problem.data[1][0],
        problem.a,
        problem.b,
        *batches,
        *problem.metric,
        coupling=coupling,
        outer_reg=outer_reg,
        by_mass=by_mass,
        root=bool(root),
        n_threads=threads,
    )
    value = problem.library.minibatch_value(problem, solution)
    result = MiniBatchResult(problem, solution, value, batches, bool(root))
    if solution.interrupted:
        raise SolveInterrupted(result)
    if solution.status not in _FINISHED:
        _warn(f"{solution.status} after {solution.outer_iter} iterations", solution.outer_error)
    return result


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
        As `bomb_ot`, if it holds for any iteration.

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
    reg = _outer_reg(outer_reg)
    counts, sizes = count_pair(k, "k"), count_pair(m, "m")
    count = positive_int(iterations, "iterations")
    by_mass = _by_mass(batch_weights)
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
    if solution.status not in _FINISHED:
        _warn(f"{solution.status} in some iteration", solution.outer_error)
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


def _by_mass(batch_weights: str) -> bool:
    if batch_weights not in ("uniform", "mass"):
        raise ValueError(f"batch_weights: {batch_weights!r}, expected 'uniform' or 'mass'")
    return batch_weights == "mass"


def _outer_reg(outer_reg: float | None) -> float:
    """`outer_reg` as the core takes it, which reads it for the entropic coupling only."""
    if outer_reg is None:
        return 0.0
    if not isinstance(outer_reg, Real) or isinstance(outer_reg, bool):
        raise TypeError(f"outer_reg: {type(outer_reg).__name__}, expected a number or None")
    reg = float(outer_reg)
    if not (reg > 0 and math.isfinite(reg)):
        raise ValueError(f"outer_reg: {reg}, expected a positive, finite number, or None")
    return reg


def _warn(what: str, error: float) -> None:
    text = f"the coupling of the mini-batches stopped ({what}) with a marginal error of {error:.3g}"
    warnings.warn(text, ConvergenceWarning, stacklevel=_STACK_LEVEL)
