"""The batches of a pyramid's pass, solved in one process or shared out to several."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from ._plan import Entries
from ._ranks import Ranks, balanced, require_same, worst
from .pyramid import Pass

Floats: TypeAlias = npt.NDArray[np.float64]
# Solves the batches of a pass, which carry the given parts of the mass.
Solver: TypeAlias = Callable[[Pass, Floats], _core.PassSolution]


@dataclass(frozen=True, eq=False)
class PassAnswer:
    """The B batches of a pass, and the plan that they make up, of total mass 1."""

    cost: Floats  # (B,), of batches of mass 1
    gap: Floats
    weight: Floats  # of sum 1
    inner_error: float
    status: str
    interrupted: bool
    entries: Entries  # of the plan, batch by batch
    complete: bool = True  # False: the entries are those of one rank's batches

    @cached_property
    def value(self) -> float:
        """Rounded once: the same whoever has solved the batches."""
        return math.fsum(self.weight * self.cost)

    def gathered(self, ranks: Ranks) -> PassAnswer:
        """The same with the plan of all ranks."""
        parts = ranks.share(lambda: self.entries)
        rows, cols, mass = (np.concatenate(each) for each in zip(*parts, strict=True))
        return replace(self, entries=(rows, cols, mass), complete=True)


def solve_pass(solver: Solver, parts: Pass, ranks: Ranks | None) -> PassAnswer:
    """All batches of a pass; each rank solves a run of them."""
    weight = _weights(parts)
    if ranks is None:
        solution = solver(parts, weight)
        return PassAnswer(
            cost=solution.cost,
            gap=solution.gap,
            weight=weight,
            inner_error=solution.inner_error,
            status=solution.status,
            interrupted=solution.interrupted,
            entries=(solution.rows, solution.cols, solution.mass),
        )
    require_same(ranks, parts, "tree, m, seed")
    sizes_x, sizes_y = np.diff(parts.offsets_x), np.diff(parts.offsets_y)
    bounds = balanced(sizes_x * sizes_y, ranks.size)
    start, stop = bounds[ranks.rank : ranks.rank + 2]
    mine: Entries = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))

    def work() -> tuple[Floats, Floats, float, str] | None:
        nonlocal mine
        if start == stop:
            return None
        solution = solver(_run(parts, start, stop), weight[start:stop])
        if solution.interrupted:
            raise KeyboardInterrupt
        mine = solution.rows, solution.cols, solution.mass
        return solution.cost, solution.gap, solution.inner_error, solution.status

    found = [answers for answers in ranks.share(work) if answers is not None]
    costs, gaps, errors, statuses = zip(*found, strict=True)
    return PassAnswer(
        cost=np.concatenate(costs),
        gap=np.concatenate(gaps),
        weight=weight,
        inner_error=max(errors),
        status=worst(statuses),
        interrupted=False,
        entries=mine,
        complete=False,
    )


def _weights(parts: Pass) -> Floats:
    """Which part of the mass of X each batch carries."""
    if parts.mass_x is None:
        masses = np.diff(parts.offsets_x).astype(np.float64)
    else:
        masses = np.add.reduceat(parts.mass_x, parts.offsets_x[:-1])
    return masses / masses.sum()  # type: ignore[no-any-return]


def _run(parts: Pass, start: int, stop: int) -> Pass:
    """The batches from start to stop as a pass of their own."""
    sides = []
    for offsets, index, mass in (parts[:3], parts[3:]):
        own = offsets[start : stop + 1]
        entries = slice(own[0], own[-1])
        sides += [own - own[0], index[entries], None if mass is None else mass[entries]]
    return Pass(*sides)
