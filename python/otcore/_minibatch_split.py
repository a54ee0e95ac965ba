"""Mini-batch transport whose inner problems several processes share.

Each process, a rank, solves some columns of the table of costs; one exchange makes the table whole
on all of them, and each solves the outer problem, which is small, by itself. Columns, not rows: the
core centres points at the first x batch, so a pair's cost has the same bits on every rank as in
the table of one process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from ._batches import Indices
from ._plan import Entries
from ._ranks import Ranks, balanced, require_same, worst

Floats: TypeAlias = npt.NDArray[np.float64]
# Solves the pairs of some batches under a coupling.
Table: TypeAlias = Callable[[Indices, Indices, str], _core.MiniBatchAnswer]


@dataclass(frozen=True, eq=False)
class SplitTransport:
    """What `_core.MiniBatchAnswer` tells, of a problem that several ranks have solved."""

    cost: Floats
    coupling: Floats
    gap: Floats  # 0 for sliced inner problems
    value: float
    outer_gap: float
    outer_error: float
    outer_iter: int
    outer_status: str
    inner_error: float
    inner_status: str
    part: Part
    entries: Entries | None = None  # of the whole plan, where it has been gathered
    interrupted: bool = False

    @property
    def status(self) -> str:
        return worst((self.inner_status, self.outer_status))

    def gathered(self, ranks: Ranks) -> SplitTransport:
        """The same with the plan of all ranks, its entries in the order of the pairs."""
        parts = ranks.share(lambda: self.part.entries(self.coupling))
        rows = [part[i] for i in range(max(map(len, parts))) for part in parts if part]
        rows_of, cols_of, mass = (np.concatenate(each) for each in zip(*rows, strict=True))
        return replace(self, entries=(rows_of, cols_of, mass))


@dataclass(frozen=True, eq=False)
class Part:
    """A rank's columns of the table, or its pairs where only diagonal ones are solved."""

    span: slice
    extra: int  # pairs of the solution that are another rank's; they come first
    solution: _core.MiniBatchAnswer | None  # None: an empty part

    def answers(self) -> tuple[Floats, Floats, float, str] | None:
        """Costs, gaps, and the worst error and status."""
        solution = self.solution
        if solution is None:
            return None
        if solution.interrupted:
            raise KeyboardInterrupt
        cost = solution.cost
        gap = solution.gap if isinstance(solution, _core.MiniBatchSolution) else 0.0 * cost
        own = (..., slice(self.extra, None))
        return cost[own], gap[own], solution.inner_error, solution.inner_status

    def entries(self, coupling: Floats) -> list[Entries]:
        """For each x batch (of diagonal pairs: for all) the entries of this part of the plan."""
        solution = self.solution
        if solution is None:
            return []
        assert isinstance(solution, _core.MiniBatchSolution)
        weights = np.zeros_like(solution.cost)
        weights[..., self.extra :] = coupling[..., self.span]
        if weights.ndim == 1:
            return [solution.aggregate(weights)]
        only = np.eye(len(weights))[:, :, None]
        return [solution.aggregate(weights * row) for row in only]


def solve_split(
    ranks: Ranks,
    table: Table,
    batches: tuple[Indices, Indices],
    weights: tuple[Floats | None, Floats | None],
    coupling: str,
    outer_reg: float,
) -> SplitTransport:
    """The coupling of the batches, the same bit by bit on every rank as one process finds it.

    Parameters
    ----------
    ranks
        Who shares the work. Those beyond the number of y batches have none.
    table
        Solves inner problems.
    batches
        All batches of X and of Y.
    weights
        Of the points of X and of Y, where batches weigh as much as their points; None: all batches
        of that side weigh the same.
    coupling, outer_reg
        As `_core.couple_batches`.
    """
    require_same(ranks, batches, "batches, k, m, seed")
    bounds = balanced(np.ones(len(batches[1])), ranks.size)
    span = slice(bounds[ranks.rank], bounds[ranks.rank + 1])
    part: Part

    def work() -> Any:
        nonlocal part
        part = _solve_part(table, batches, span, coupling == "diagonal")
        return part.answers()

    found = [answers for answers in ranks.share(work) if answers is not None]
    costs, gaps, errors, statuses = zip(*found, strict=True)
    cost = np.ascontiguousarray(np.concatenate(costs, axis=-1))
    u, v = map(_batch_weights, weights, batches)
    outer = _core.couple_batches(cost, u, v, coupling=coupling, outer_reg=outer_reg)
    if outer.interrupted:
        raise KeyboardInterrupt
    return SplitTransport(
        cost=cost,
        coupling=outer.coupling,
        gap=np.ascontiguousarray(np.concatenate(gaps, axis=-1)),
        value=outer.value,
        outer_gap=outer.gap,
        outer_error=outer.marginal_error,
        outer_iter=outer.n_iter,
        outer_status=outer.status,
        inner_error=max(errors),
        inner_status=worst(statuses),
        part=part,
    )


def _solve_part(
    table: Table, batches: tuple[Indices, Indices], span: slice, diagonal: bool
) -> Part:
    x, y = batches
    if span.start == span.stop:
        return Part(span, 0, None)
    if not diagonal:
        return Part(span, 0, table(x, y[span], "product"))
    # The first x batch must be there, at whose mean points are centred.
    extra = min(span.start, 1)
    pairs = np.r_[:extra, span]
    return Part(span, extra, table(x[pairs], y[pairs], "diagonal"))


def _batch_weights(weights: Floats | None, batches: Indices) -> Floats | None:
    if weights is None:
        return None
    # Sums in order, as the core's.
    masses: Floats = np.cumsum(weights[batches], axis=1)[:, -1].copy()
    masses /= np.cumsum(masses)[-1]
    return masses
