"""Exact problems: from a checked problem to the core, and what to say when it stopped early."""

from __future__ import annotations

import warnings

from . import _core
from ._core import ExactSolution
from ._options import Options
from ._problem import Problem
from ._progress import reporter
from .errors import ConvergenceWarning, SolveInterrupted
from .result import BatchResult, OTResult

# From warnings.warn up to the caller of otcore.solve.
_STACK_LEVEL = 4


def solve_one(problem: Problem, options: Options) -> OTResult:
    """The solution of a problem that is no batch."""
    solution = _solve(problem, options)
    result = OTResult(problem, solution, problem.library.value(problem, solution), 0)
    _tell(result, solution)
    return result


def solve_many(problem: Problem, options: Options) -> BatchResult:
    """The solutions of a batch."""
    solution = _solve(problem, options)
    values = problem.library.value(problem, solution)
    result = BatchResult(problem, solution, values, slice(None))
    _tell(result, solution)
    return result


def _solve(problem: Problem, options: Options) -> ExactSolution:
    n_threads = options.n_threads or problem.library.n_threads()
    with reporter(options.progress, "exact") as progress:
        if problem.metric is None:
            return _core.exact_batch(
                problem.data[0],
                problem.a,
                problem.b,
                mass_tolerance=problem.mass_tolerance,
                max_iter=options.max_iter,
                n_threads=n_threads,
                time_limit=options.time_limit,
                progress=progress,
            )
        return _core.exact_batch_points(
            problem.data[0],
            problem.data[1],
            problem.a,
            problem.b,
            problem.metric.name,
            problem.metric.p,
            mass_tolerance=problem.mass_tolerance,
            max_iter=options.max_iter,
            n_threads=n_threads,
            time_limit=options.time_limit,
            progress=progress,
        )


def _tell(result: OTResult | BatchResult, solution: ExactSolution) -> None:
    """Raise SolveInterrupted after Ctrl-C; warn where a problem is not optimal."""
    if solution.interrupted:
        raise SolveInterrupted(result)
    if not solution.unfinished:
        return
    stopped = [status for status in solution.status if status != "optimal"]
    if isinstance(result, OTResult):
        text = (
            f"stopped ({stopped[0]}) after {result.n_iter} iterations with a gap of "
            f"{result.gap:.3g} (value {float(solution.value[0]):.6g}) and a marginal error of "
            f"{result.marginal_error:.3g}"
        )
    else:
        text = (
            f"{len(stopped)} of {len(result)} problems stopped early "
            f"({', '.join(sorted(set(stopped)))}), with a gap of up to "
            f"{float(solution.gap.max()):.3g} and a marginal error of up to "
            f"{float(result.marginal_error.max()):.3g}"
        )
    warnings.warn(text, ConvergenceWarning, stacklevel=_STACK_LEVEL)
