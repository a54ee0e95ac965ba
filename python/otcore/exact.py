"""Exact problems: from a checked problem to the core, and what to say when it stopped early."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from ._core import ExactSolution
from ._ending import tell
from ._options import Options
from ._problem import Problem
from ._progress import reporter
from ._sparse import SparseCosts
from .errors import InfeasibleError
from .result import BatchResult, OTResult

# Rows and columns of a set that shows that there is no plan, and their masses.
Shortage: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], float, float]


def solve_one(problem: Problem, options: Options) -> OTResult:
    """The solution of a problem that is no batch."""
    solution, shortage = _solve(problem, options)
    if shortage is not None:
        values = problem.library.wrap(solution.value, problem.sources)
        raise InfeasibleError(*shortage, OTResult(problem, solution, values, 0))
    result = OTResult(problem, solution, problem.library.value(problem, solution), 0)
    tell(result, solution, "optimal", _how_good)
    return result


def solve_many(problem: Problem, options: Options) -> BatchResult:
    """The solutions of a batch."""
    solution, _ = _solve(problem, options)
    values = problem.library.value(problem, solution)
    result = BatchResult(problem, solution, values, slice(None))
    tell(result, solution, "optimal", _how_good)
    return result


def _solve(problem: Problem, options: Options) -> tuple[ExactSolution, Shortage | None]:
    n_threads = options.n_threads or problem.library.n_threads()
    costs: Any = problem.data[0]
    with reporter(options.progress, "exact") as progress:
        if isinstance(costs, SparseCosts):
            return _core.exact_sparse(
                costs.starts,
                costs.cols,
                costs.entries,
                costs.m,
                problem.a,
                problem.b,
                start=problem.start,
                mass_tolerance=problem.mass_tolerance,
                max_iter=options.max_iter,
                time_limit=options.time_limit,
                progress=progress,
            )
        if problem.metric is None:
            solution = _core.exact_batch(
                costs,
                problem.a,
                problem.b,
                start=problem.start,
                mass_tolerance=problem.mass_tolerance,
                max_iter=options.max_iter,
                n_threads=n_threads,
                time_limit=options.time_limit,
                progress=progress,
            )
            return solution, None
        targets: Any = problem.data[1]
        rows, cols = problem.start_plan or (None, None)
        solution = _core.exact_batch_points(
            costs,
            targets,
            problem.a,
            problem.b,
            problem.metric.name,
            problem.metric.p,
            start=problem.start,
            mass_tolerance=problem.mass_tolerance,
            max_iter=options.max_iter,
            n_threads=n_threads,
            time_limit=options.time_limit,
            progress=progress,
            max_memory=options.max_memory,
            start_rows=rows,
            start_cols=cols,
        )
        return solution, None


def _how_good(result: OTResult | BatchResult, solution: ExactSolution) -> str:
    if isinstance(result, OTResult):
        return (
            f"a gap of {result.gap:.3g} (value {float(solution.value[0]):.6g}) and a marginal "
            f"error of {result.marginal_error:.3g}"
        )
    return (
        f"a gap of up to {float(solution.gap.max()):.3g} and a marginal error of up to "
        f"{float(result.marginal_error.max()):.3g}"
    )
