"""Transport between all points by the batches of a pyramid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import Array
from ._minibatch_options import (
    Slicing,
    inner_options,
    refuse_gradients,
    warn_unfinished_pass,
)
from ._minibatch_pass import PassAnswer, solve_pass
from ._options import check_choice, check_threads, positive_int
from ._plan import SparsePlan
from ._point_plan import PointPlan, refuse_part
from ._problem import Problem, points_problem
from ._progress import Progress, reporter
from ._random import core_seed
from ._ranks import Ranks
from .cost import MetricLike
from .errors import SolveInterrupted
from .pyramid import Pass, PyramidTree

__all__ = ["PyramidResult", "pmb_ot"]

_INNER = ("exact", "sinkhorn", "ipot")


@dataclass(frozen=True, eq=False, repr=False)
class PyramidResult(PointPlan):
    """Transport by the mini-batches of a pyramid: a plan between all points, and what it costs.

    The plan has the marginals of the problem, up to rounding (for entropic inner problems up to
    their tolerance), as parts of a total of 1. Immutable; arrays are of the library that the data
    came in. Made by `pmb_ot`, not by hand.
    """

    _problem: Problem
    _solution: PassAnswer
    _pass: Pass
    _value: Array
    tree: PyramidTree
    """The tree that the batches came from."""

    @cached_property
    def _plan(self) -> SparsePlan:
        if not self._solution.complete:
            refuse_part()
        return _plan_of(self._problem, self._solution)

    def _gathered(self, ranks: Ranks) -> PyramidResult:
        if self._solution.complete:
            return self
        return replace(self, _solution=self._solution.gathered(ranks))

    @property
    def value(self) -> Any:
        """What the plan costs: the mean of `costs` with `weights`. A float, or a 0-d tensor.

        An upper bound of the transport cost where the inner problems are exact. float64; a tensor
        is differentiable (once) in X and Y, with the plan held fixed.
        """
        return self._problem.library.scalar(self._value)

    @property
    def distance(self) -> Any:
        """`value` rooted, where the ground cost is a power of a metric: a bound of W_p.

        Raises
        ------
        AttributeError
            For cosine, which is no power of a metric.
        """
        return self._problem.library.root(self.value, self._power("distance"))

    @property
    def mean_root(self) -> float:
        """The mean with `weights` of the rooted costs of the batches: at most `distance`.

        What the paper that `pmb_ot` cites reports: it is no bound of W_p. A float, which is not
        differentiable.

        Raises
        ------
        AttributeError
            For cosine.
        """
        roots = np.maximum(self._solution.cost, 0.0) ** (1.0 / self._power("mean_root"))
        return float(self._solution.weight @ roots)

    @property
    def costs(self) -> Array:
        """Transport costs within the batches, each of mass 1: float64 (B,), not differentiable."""
        return self._wrap(self._solution.cost)

    @property
    def weights(self) -> Array:
        """Which part of the mass each batch carries: float64 (B,), of sum 1."""
        return self._wrap(self._solution.weight)

    def batches(self) -> Iterator[tuple[Array, Array]]:
        """The batches: rows of X and rows of Y, as `PyramidTree.batches` has them."""
        wrap = self._problem.library.wrap
        parts = self._pass
        for b in range(len(parts.offsets_x) - 1):
            yield (
                wrap(parts.index_x[parts.offsets_x[b] : parts.offsets_x[b + 1]]),
                wrap(parts.index_y[parts.offsets_y[b] : parts.offsets_y[b + 1]]),
            )

    @property
    def status(self) -> str:
        """The worst of the inner problems: "optimal" if they are exact, or as in `otcore.solve`."""
        return self._solution.status

    @property
    def inner_gap(self) -> float:
        """How much more than exact transport within the batches the plan costs, at most."""
        return float(self._solution.weight @ self._solution.gap)

    @property
    def inner_error(self) -> float:
        """The largest L1 error of an inner problem's marginals; 0 for exact ones."""
        return self._solution.inner_error

    def _power(self, name: str) -> float:
        metric = self._problem.metric
        assert metric is not None
        if metric.power is None:
            raise AttributeError(f"{name}: {metric.name} is not a power of a metric; use .value")
        return metric.power

    def __repr__(self) -> str:
        _, n, m = self._problem.size
        return (
            f"PyramidResult(value={self._solution.value:.6g}, status={self.status!r}, "
            f"{n} x {m} points in {len(self._solution.cost)} batches)"
        )


def pmb_ot(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    m: int,
    mode: str = "joint",
    tree: PyramidTree | None = None,
    branching: int | None = None,
    depth: int | None = None,
    leaf_size: int | None = None,
    n_samples: int | None = None,
    inner: str = "exact",
    inner_reg: float | None = None,
    inner_value: str = "objective",
    inner_tol: float | None = None,
    inner_max_iter: int | None = None,
    inner_iter: int = 1,
    metric: MetricLike = "sqeuclidean",
    seed: object = None,
    n_threads: int | None = None,
    ranks: Ranks | None = None,
    progress: Progress = False,
) -> PyramidResult:
    """Transport by Pyramid Mini-Batching (PMB): one pass of a tree's batches, each solved exactly.

    A tree of clusters that X and Y share hands out all points in batches that hold near points of
    both sides; what the batches' plans make up together is a plan between all points, with the
    right marginals. Its cost bounds the transport cost from above. Nothing of the size n x n' is
    made: for n = n' there are n / m problems of m x m.

    Parameters
    ----------
    X : array_like, shape (n, d)
        The first points: a numpy array (also a memory map), a list or a torch tensor on the CPU;
        dtypes as in `otcore.solve`. Points are converted when their batch is solved.
    Y : array_like, shape (n', d)
        The second points.
    a : array_like, shape (n,), optional
        Weights of the x, not negative. They count as parts of their sum. None: all the same.
    b : array_like, shape (n',), optional
        Weights of the y; their sum is that of a, up to 1e-6 relative (1e-4 in float32).
    m
        How many points of each side a batch has. With weights, or if n is not n', at most so many,
        and points are split between batches (see `otcore.pyramid.PyramidTree.mass_batches`).
    mode
        ``"joint"`` or ``"interleaving"``: which points make the centres, as in
        `otcore.pyramid.PyramidTree`.
    tree
        A tree of these points (with these weights, so `a` and `b` are None then, and the other
        arguments of trees are left at their defaults). None: one is built.
    branching, depth, leaf_size, n_samples
        As in `otcore.pyramid.PyramidTree`; None are its defaults.
    inner, inner_reg, inner_value, inner_tol, inner_max_iter, inner_iter
        As in `m_ot`: ``"exact"``, ``"sinkhorn"`` or ``"ipot"``. The values of the last two bound
        the transport cost only as far as their marginals are right, and the objective of
        ``"sinkhorn"`` is more than what the plan costs.
    metric
        The ground cost, as in `otcore.solve_sample`. The tree is built for Euclidean distances.
    seed
        As in `m_ot`, of the tree and of the pass: those of ``PyramidTree(X, Y, a, b, seed=seed)``
        and of its ``batches(m, seed=seed)``.
    n_threads
        At most so many threads; None is the default. The result is the same for any number.
    ranks
        As in `m_ot`. Rank 0 builds the tree; every rank solves a run of its batches.
    progress
        True for a bar (the extra ``otcore[cli]``), or a function that is called with (done, total),
        about 20 times a second, counting batches (of this rank).

    Returns
    -------
    PyramidResult
        ``value``, ``distance``, ``mean_root``, ``costs``, ``weights``, ``sparse_plan``,
        ``barycentric_map()``, ... For tensors ``value`` is differentiable (once) in X and Y, with
        the plan held fixed. Memory beside the input: the plan (24 bytes an entry, of which there
        are n without weights for n = n'), the tree, and m x m costs for each thread.

    Raises
    ------
    ValueError
        A wrong shape; NaN or infinity (with its index); weights that are negative, have no mass, or
        another mass than the other side; weights that require a gradient; options that are unknown
        or do not go together.
    TypeError
        Arrays of two libraries, not of real numbers, or a `tree` that is none.
    SolveInterrupted
        Ctrl-C; the costs of batches not yet solved are NaN in its result.

    Warns
    -----
    ConvergenceWarning
        An inner problem did not reach its tolerance: states the largest error.

    Notes
    -----
    Points that a node's clusters hold too many of are left to its ancestors, and matched far away.
    Where the two sides differ as a whole (one is shifted), such leftovers may cost more than random
    batches do: `PyramidTree.statistics` says how much mass is taken at which level. An outer
    coupling (`bomb_ot` with the tree's batches) repairs what the tree matched badly.

    References
    ----------
    .. [1] Pyramid Mini-Batch Optimal Transport.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X, Y = np.random.default_rng(0).normal(size=(2, 1000, 2))
    >>> result = otcore.minibatch.pmb_ot(X, Y, m=50, seed=0)
    >>> result
    PyramidResult(value=0.120914, status='optimal', 1000 x 1000 points in 20 batches)
    >>> random = otcore.minibatch.m_ot(
    ...     X, Y, k=20, m=50, sampling="disjoint", pairs="diagonal", seed=0
    ... )
    >>> otcore.solve_sample(X, Y).value < result.value < random.value
    True
    """
    size = positive_int(m, "m")
    check_choice("inner", inner, _INNER)
    options = inner_options(
        inner, inner_reg, None, inner_value, inner_tol, inner_max_iter, inner_iter
    )
    assert not isinstance(options, Slicing)
    problem = points_problem(X, Y, a, b, metric=metric, batched=False)
    library = problem.library
    if library.needs_gradient(problem.sources[2:]):
        raise ValueError(
            "a, b: require a gradient, expected weights that do not: the batches depend on them; "
            "cut them off with .detach()"
        )
    threads = check_threads(n_threads) or library.n_threads()
    number = core_seed(seed, library)
    if ranks is not None:
        refuse_gradients(problem)
    of_tree = {
        "branching": branching,
        "depth": depth,
        "leaf_size": leaf_size,
        "n_samples": n_samples,
    }
    given: dict[str, Any] = {name: value for name, value in of_tree.items() if value is not None}
    if tree is None:
        x, y = (library.detach(source) for source in problem.sources[:2])

        def grow() -> tuple[PyramidTree, int]:
            whole = PyramidTree(x, y, a, b, mode=mode, seed=number, n_threads=n_threads, **given)
            return whole, number

        tree, number = grow() if ranks is None else ranks.first(grow)
    else:
        weights = {name: True for name, side in (("a", a), ("b", b)) if side is not None}
        _check_tree(tree, given | weights | ({"mode": mode} if mode != "joint" else {}), problem)
        if ranks is not None:
            number = ranks.first(lambda: number)
    parts = tree._pass(size, number)
    ground = problem.metric
    assert ground is not None
    with reporter(progress, "mini-batches") as report:

        def solver(some: Pass, weight: npt.NDArray[np.float64]) -> _core.PassSolution:
            return _core.minibatch_pass(
                problem.data[0][0],
                problem.data[1][0],
                *some,
                weight,
                *ground,
                inner=options,
                n_threads=threads,
                progress=report,
            )

        solution = solve_pass(solver, parts, ranks)
    plan = _plan_of(problem, solution)
    value = library.plan_value(solution.value, plan, ground, problem.sources)
    result = PyramidResult(problem, solution, parts, value, tree)
    if solution.interrupted:
        raise SolveInterrupted(result)
    warn_unfinished_pass(solution, 2)
    return result


def _check_tree(tree: object, given: dict[str, Any], problem: Problem) -> None:
    if not isinstance(tree, PyramidTree):
        raise TypeError(f"tree: {type(tree).__name__}, expected a PyramidTree")
    if given:
        raise ValueError(f"{min(given)}: given, expected nothing beside tree, which has its own")
    _, n, m = problem.size
    if tree._core.shape != (n, m):
        n_tree, m_tree = tree._core.shape
        raise ValueError(
            f"tree: over {n_tree} and {m_tree} points, expected one over the {n} of X and the {m} "
            "of Y"
        )


def _plan_of(problem: Problem, solution: PassAnswer) -> SparsePlan:
    _, n, m = problem.size
    return SparsePlan(
        problem.library, problem.sources, problem.dtype, None, n, m, *solution.entries
    )
