"""What a result of an entropic problem says: its plan is that of its potentials, never held."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from . import _core
from ._answer import RoundedPlan
from ._arrays import Array
from ._core import EntropicSolution
from ._mean_cost import plan_cost
from ._plan import Entries, check_operand
from ._problem import Problem

# Entries of a plan below this part of the smaller of their weights are no part of `sparse_plan`.
SPARSE_THRESHOLD = 1e-9


@dataclass(frozen=True, eq=False)
class EntropicPlan:
    """P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps). See `otcore._plan.Plan`."""

    problem: Problem
    solution: EntropicSolution
    index: int | slice

    def dense(self) -> npt.NDArray[Any]:
        if isinstance(self.index, int):
            return core_plan(self.problem, self.solution, self.index).dense()
        plans: npt.NDArray[Any] = np.empty(self.problem.size, self.problem.dtype)
        for b in range(len(plans)):
            plans[b] = core_plan(self.problem, self.solution, b).dense()
        return plans

    def entries(self) -> Entries:
        assert isinstance(self.index, int)
        plan = core_plan(self.problem, self.solution, self.index)
        starts, cols, mass = plan.entries(SPARSE_THRESHOLD)
        rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        return rows, cols.astype(np.int64), mass

    def sparse(self) -> Any:
        rows, cols, mass = self.entries()
        problem = self.problem
        entries: Any = mass.astype(problem.dtype, copy=False)
        return problem.library.sparse(rows, cols, entries, problem.size[1:], problem.sources)

    def row_sums(self) -> npt.NDArray[np.float64]:
        return self.solution.marginal_a[self.index]

    def col_sums(self) -> npt.NDArray[np.float64]:
        return self.solution.marginal_b[self.index]

    def apply(self, V: npt.ArrayLike) -> Array:
        return self._times(V, transposed=False)

    def apply_t(self, V: npt.ArrayLike) -> Array:
        return self._times(V, transposed=True)

    def _times(self, V: npt.ArrayLike, *, transposed: bool) -> Array:
        batch, n, m = self.problem.size
        lead = () if isinstance(self.index, int) else (batch,)
        operand = check_operand(V, self.problem.sources[0], lead, n if transposed else m)
        found = operand.library.differentiable(self.problem, self.solution, self.index)
        if found is not None:
            return found.product(operand.values, transposed=transposed)
        return operand.library.linear(
            lambda values: self._product(values, transposed=transposed),
            lambda values: self._product(values, transposed=not transposed),
            operand.values,
            self.problem.sources,
        )

    def _product(self, values: npt.NDArray[Any], *, transposed: bool) -> npt.NDArray[Any]:
        """The plan, or its transpose, times values of any shape that `apply` takes, in numpy."""
        batch, n, m = self.problem.size
        single = isinstance(self.index, int)
        problems = [self.index] if isinstance(self.index, int) else range(batch)
        size, out_size = (n, m) if transposed else (m, n)
        stacked = np.ascontiguousarray(values, np.float64).reshape(len(problems), size, -1)
        out = np.empty((len(problems), out_size, stacked.shape[-1]), values.dtype)
        for b, part, image in zip(problems, stacked, out, strict=True):
            plan = core_plan(self.problem, self.solution, b)
            image[...] = plan.apply_t(part) if transposed else plan.apply(part)
        columns = values.shape[1:] if single else values.shape[2:]
        return out.reshape(*(() if single else (batch,)), out_size, *columns)


@dataclass(frozen=True, eq=False)
class EntropicAnswer:
    """See `otcore._answer.Answer`."""

    finished: ClassVar[str] = "converged"
    certificate: ClassVar[str] = "marginal_error"

    problem: Problem
    solution: EntropicSolution
    index: int | slice

    @cached_property
    def plan(self) -> EntropicPlan:
        return EntropicPlan(self.problem, self.solution, self.index)

    def dense(self) -> Array:
        found = self._differentiable()
        return self._wrap(self._dense) if found is None else found.plan()

    def potentials(self) -> tuple[Array, Array]:
        found, solution, index = self._differentiable(), self.solution, self.index
        if found is not None:
            return found.potentials()  # type: ignore[no-any-return]
        return self._wrap(solution.potential_a[index]), self._wrap(solution.potential_b[index])

    def marginals(self) -> tuple[Array, Array]:
        found = self._differentiable()
        if found is not None:
            return found.marginals()  # type: ignore[no-any-return]
        return self._wrap(self.plan.row_sums()), self._wrap(self.plan.col_sums())

    @property
    def marginal_errors(self) -> npt.NDArray[np.float64]:
        return np.asarray(self.solution.marginal_error[self.index])

    def linear(self, values: Array) -> Array:
        assert self.problem.entropic is not None
        if self.problem.entropic.method == "ipot":
            return values
        return self.problem.library.linear_cost(self.problem, self.solution)

    def rounded(self) -> RoundedPlan:
        """J. Altschuler, J. Weed, P. Rigollet, Near-linear time approximation algorithms for
        optimal transport via Sinkhorn iteration, NeurIPS 2017, algorithm 2."""
        problem, index = self.problem, self.index
        assert isinstance(index, int)
        assert problem.entropic is not None
        if not problem.entropic.balanced:
            raise ValueError(
                "rounded: an unbalanced problem, expected a balanced one, whose plans have the "
                "marginals a and b"
            )
        a, b = plan_weights(problem, index)
        plan = self.plan.dense().astype(np.float64)
        plan *= _at_most_one(a, plan.sum(axis=1))[:, None]
        plan *= _at_most_one(b, plan.sum(axis=0))
        missing_a = np.maximum(a - plan.sum(axis=1), 0.0)
        missing_b = np.maximum(b - plan.sum(axis=0), 0.0)
        plan += missing_a[:, None] * (missing_b / (missing_b.sum() or 1.0))
        rounded = plan.astype(problem.dtype, copy=False)
        value = plan_cost(problem, index, plan)
        return RoundedPlan(problem.library.wrap(rounded, problem.sources), value)

    @cached_property
    def _dense(self) -> npt.NDArray[Any]:
        return self.plan.dense()

    def _differentiable(self) -> Any:
        return self.problem.library.differentiable(self.problem, self.solution, self.index)

    def _wrap(self, array: npt.NDArray[Any]) -> Array:
        return self.problem.library.wrap(array, self.problem.sources)


class PlanFormula(Protocol):
    """What of the solution of B problems their plans are made of."""

    @property
    def potential_a(self) -> npt.NDArray[np.float64]:
        """(B, n)."""

    @property
    def potential_b(self) -> npt.NDArray[np.float64]:
        """(B, m)."""

    @property
    def eps(self) -> npt.NDArray[np.float64]:
        """(B,)."""


def core_plan(problem: Problem, solution: PlanFormula, b: int) -> _core.EntropicPlan:
    """The core's plan of problem b."""
    arrays = *plan_weights(problem, b), solution.potential_a[b], solution.potential_b[b]
    eps, n_threads = float(solution.eps[b]), problem.library.n_threads()
    first: Any = problem.data[0][b]
    if problem.metric is None:
        return _core.entropic_plan(first, *arrays, eps=eps, n_threads=n_threads)
    second: Any = problem.data[1][b]
    return _core.entropic_plan_points(
        first, second, *arrays, *problem.metric, eps=eps, n_threads=n_threads
    )


def plan_weights(
    problem: Problem, index: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The weights that the plan of a problem is made of: b normalised where it is balanced."""
    assert problem.entropic is not None
    a, b = (
        np.full(length, 1.0 / length)
        if weights is None
        else weights
        if weights.ndim == 1
        else weights[index]
        for weights, length in zip((problem.a, problem.b), problem.size[1:], strict=True)
    )
    return (a, b * (a.sum() / b.sum())) if problem.entropic.balanced else (a, b)


def _at_most_one(
    target: npt.NDArray[np.float64], mass: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    ratio: npt.NDArray[np.float64] = np.divide(target, mass, out=np.ones_like(mass), where=mass > 0)
    return np.minimum(ratio, 1.0)
