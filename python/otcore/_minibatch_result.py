"""Results of mini-batch transport: immutable, in the library that the data came in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ._arrays import Array, Real
from ._batches import Indices
from ._core import MiniBatchAnswer, MiniBatchMap, MiniBatchSolution
from ._minibatch_split import SplitTransport
from ._plan import Entries, SparsePlan
from ._point_plan import PointPlan, refuse_part
from ._problem import Problem
from ._ranks import Ranks

__all__ = ["BarycentricMap", "MiniBatchResult"]


@dataclass(frozen=True, eq=False, repr=False)
class MiniBatchResult(PointPlan):
    """A mini-batch transport problem, solved.

    The plan is sum_ij coupling_ij plan_ij; sliced inner problems have none, and what is made of it
    raises AttributeError then. Immutable; arrays are of the library that the data came in. Made by
    `m_ot` and `bomb_ot`, not by hand. It refers to the caller's data, so leave those unchanged
    while it is in use.
    """

    _problem: Problem
    _solution: MiniBatchAnswer | SplitTransport
    _value: Array
    _batches: tuple[Indices, Indices]
    _root: bool
    _directions: Real | None = None  # (L, d), of sliced inner problems

    @cached_property
    def _plan(self) -> SparsePlan:
        problem = self._problem
        _, n, m = problem.size
        rows, cols, mass = self._entries()
        return SparsePlan(
            problem.library, problem.sources, problem.dtype, None, n, m, rows, cols, mass
        )

    def _entries(self) -> Entries:
        solution = self._solution
        if self._directions is not None:
            raise AttributeError(
                "inner='sliced' couples projections, not points: there is no plan, and nothing "
                "made of it; use inner='exact'"
            )
        if isinstance(solution, SplitTransport):
            return solution.entries if solution.entries is not None else refuse_part()
        assert isinstance(solution, MiniBatchSolution)
        return solution.aggregate(solution.coupling)

    def _gathered(self, ranks: Ranks) -> MiniBatchResult:
        solution = self._solution
        if self._directions is not None or not isinstance(solution, SplitTransport):
            return self
        if solution.entries is not None:
            return self
        return replace(self, _solution=solution.gathered(ranks))

    @property
    def value(self) -> Any:
        """sum_ij coupling_ij costs_ij: a float, or a 0-d float64 tensor.

        The KL term of the outer regularisation is not part of it. A tensor is differentiable (once)
        in every input that requires a gradient, with the batches held fixed.
        """
        return self._problem.library.scalar(self._value)

    @property
    def distance(self) -> Any:
        """`value` rooted, where the ground cost is a power of a metric; `value` with ``root=True``.

        Raises
        ------
        AttributeError
            For cosine, which is no power of a metric.
        """
        if self._root:
            return self.value
        metric = self._problem.metric
        assert metric is not None
        if metric.power is None:
            raise AttributeError(f"distance: {metric.name} is not a power of a metric; use .value")
        return self._problem.library.root(self.value, metric.power)

    @property
    def costs(self) -> Array:
        """Costs of the inner problems, float64 (kx, ky); with diagonal pairs (k,).

        Like all but `value` and `distance` not differentiable: where the inputs require a gradient,
        a backward pass through it raises; ``.detach()`` cuts it off.
        """
        return self._wrap(self._solution.cost)

    @property
    def coupling(self) -> Array:
        """How much each pair of batches counts, float64, of sum 1 and of the shape of `costs`."""
        return self._wrap(self._solution.coupling)

    @property
    def batches_x(self) -> Array:
        """The rows of X in each batch, int64 (kx, mx)."""
        return self._problem.library.wrap(self._batches[0])

    @property
    def batches_y(self) -> Array:
        """The rows of Y in each batch, int64 (ky, my)."""
        return self._problem.library.wrap(self._batches[1])

    @property
    def projections(self) -> Array | None:
        """The directions of sliced inner problems, as they were given or drawn: (d, L); or None."""
        if self._directions is None:
            return None
        return self._problem.library.wrap(np.ascontiguousarray(self._directions.T))

    @property
    def status(self) -> str:
        """ "optimal", or the worse of the coupling's and `inner_status`.

        The coupling is "optimal", for outer_reg "converged", "stalled" or "max_iter"; both may be
        "interrupted".
        """
        return self._solution.status

    @property
    def inner_status(self) -> str:
        """The worst of the inner problems: "optimal" if they are exact, or as in `otcore.solve`."""
        return self._solution.inner_status

    @property
    def inner_gap(self) -> float:
        """How much more than exact transport an inner plan costs, at most (of W_p^p).

        The certificate of exact inner problems and IPOT's; what the regularisation costs, for
        Sinkhorn; NaN for unbalanced problems; 0 for sliced ones, which are sorted.
        """
        if self._directions is not None:
            return 0.0
        assert isinstance(self._solution, MiniBatchSolution | SplitTransport)
        return float(self._solution.gap.max())

    @property
    def inner_error(self) -> float:
        """The largest L1 error of an inner problem's marginals; 0 for exact ones.

        Of unbalanced problems the error of the optimality conditions, P 1 = a exp(-f / rho) for the
        potential f and the same for the columns.
        """
        return self._solution.inner_error

    @property
    def outer_gap(self) -> float:
        """How much cheaper than `value` a coupling of the batches could be, at most.

        The certificate of BoMb-OT; for eBoMb-OT what the regularisation costs; 0 for m-OT, which
        does not optimise its coupling.
        """
        return self._solution.outer_gap

    @property
    def marginal_error(self) -> float:
        """How far the coupling's marginals are from the batches' weights: both L1 distances."""
        return self._solution.outer_error

    @property
    def n_iter(self) -> int:
        """Iterations of the outer solver; 0 for m-OT."""
        return self._solution.outer_iter

    def __repr__(self) -> str:
        (k_x, m_x), (k_y, m_y) = (batches.shape for batches in self._batches)
        return (
            f"MiniBatchResult(value={self._solution.value:.6g}, status={self.status!r}, "
            f"{k_x} x {k_y} batches of {m_x} x {m_y} points)"
        )


@dataclass(frozen=True, eq=False, repr=False)
class BarycentricMap:
    """The map of `barycentric_map`. Immutable; arrays are of the library that the data came in."""

    _problem: Problem
    _solution: MiniBatchMap

    @property
    def map(self) -> Array:
        """The images of the x, in the data's dtype, (n, d); not differentiable.

        NaN for points without mass: those of weight 0 and, after an interrupt, those not drawn.
        """
        images = self._solution.map.astype(self._problem.dtype, copy=False)
        return self._problem.library.wrap(images, self._problem.sources)

    @property
    def mass(self) -> Array:
        """How much mass each x moved in all iterations, float64 (n,).

        Each iteration moves 1 in all; unbalanced inner problems move less or more.
        """
        return self._problem.library.wrap(self._solution.mass, self._problem.sources)

    @property
    def n_filled(self) -> int:
        """How many points no iteration had drawn, which a further pass then mapped."""
        return self._solution.filled

    @property
    def iterations(self) -> int:
        """Iterations done, without the further pass."""
        return self._solution.iterations

    @property
    def value(self) -> float:
        """The mean over the iterations of the mini-batch transport cost."""
        return self._solution.value

    @property
    def status(self) -> str:
        """The worst status of any iteration, as `MiniBatchResult.status`."""
        return self._solution.status

    @property
    def inner_gap(self) -> float:
        """The largest `MiniBatchResult.inner_gap` of any iteration."""
        return self._solution.inner_gap

    @property
    def inner_error(self) -> float:
        """The largest `MiniBatchResult.inner_error` of any iteration."""
        return self._solution.inner_error

    @property
    def outer_gap(self) -> float:
        """The largest `MiniBatchResult.outer_gap` of any iteration."""
        return self._solution.outer_gap

    def __repr__(self) -> str:
        n, d = self._solution.map.shape
        return (
            f"BarycentricMap({n} points in {d} dimensions, iterations={self.iterations}, "
            f"n_filled={self.n_filled}, status={self.status!r})"
        )
