"""What a result of an exact problem says: its plan is a list of entries that is optimal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ._answer import RoundedPlan
from ._arrays import Array
from ._core import ExactSolution
from ._plan import SparsePlan, stacked_entries
from ._problem import Arcs, Problem


@dataclass(frozen=True, eq=False)
class ExactAnswer:
    """See `otcore._answer.Answer`."""

    finished: ClassVar[str] = "optimal"
    certificate: ClassVar[str] = "gap"

    problem: Problem
    solution: ExactSolution
    index: int | slice

    @cached_property
    def plan(self) -> SparsePlan:
        problem, solution, index = self.problem, self.solution, self.index
        _, n, m = problem.size
        if isinstance(index, int):
            batch = None
            used = slice(int(solution.count[index]))
            rows = solution.rows[index, used].astype(np.int64)
            cols = solution.cols[index, used].astype(np.int64)
            mass = solution.mass[index, used]
        else:
            batch = len(solution.count)
            rows, cols, mass = stacked_entries(solution, n, m)
        return SparsePlan(
            problem.library, problem.sources, problem.dtype, batch, n, m, rows, cols, mass
        )

    @property
    def arcs(self) -> Arcs:
        """Where the plan of one problem has mass: a start for the next."""
        solution = self.solution
        used = slice(int(solution.count[self.index]))
        return solution.rows[self.index, used], solution.cols[self.index, used]

    def dense(self) -> Array:
        return self._wrap(self._dense)

    def potentials(self) -> tuple[Array, Array]:
        solution, index = self.solution, self.index
        return self._wrap(solution.potential_a[index]), self._wrap(solution.potential_b[index])

    def marginals(self) -> tuple[Array, Array]:
        return self._wrap(self.plan.row_sums()), self._wrap(self.plan.col_sums())

    @cached_property
    def marginal_errors(self) -> npt.NDArray[np.float64]:
        _, n, m = self.problem.size
        a, b = self._weights(self.problem.a, n), self._weights(self.problem.b, m)
        error_a = np.abs(self.plan.row_sums() - a).sum(axis=-1)
        return error_a + np.abs(self.plan.col_sums() - b).sum(axis=-1)  # type: ignore[no-any-return]

    def linear(self, values: Array) -> Array:
        return values

    def rounded(self) -> RoundedPlan:
        return RoundedPlan(self._wrap(self.plan.dense()), float(self.solution.value[self.index]))

    @cached_property
    def _dense(self) -> npt.NDArray[Any]:
        return self.plan.dense()

    def _wrap(self, array: npt.NDArray[Any]) -> Array:
        return self.problem.library.wrap(array, self.problem.sources)

    def _weights(
        self, weights: npt.NDArray[np.float64] | None, length: int
    ) -> npt.NDArray[np.float64] | float:
        if weights is None:
            return 1.0 / length
        return weights if weights.ndim == 1 else weights[self.index]
