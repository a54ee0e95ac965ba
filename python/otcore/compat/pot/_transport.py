"""From POT's arguments to otcore's solvers."""

from __future__ import annotations

import warnings
from typing import Any

from ... import InfeasibleError, solve, solve_sample
from ._arguments import (
    Arguments,
    balanced,
    check_sides,
    iteration_limit,
    thread_limit,
    warn_of_integers,
    widened,
)
from ._result import OTResult

# From warnings.warn up to the caller of a function that calls one of these.
_STACK_LEVEL = 3


def transport(
    arguments: Arguments,
    *,
    metric: str | None = None,
    numItermax: object,
    numThreads: int | str | None = 1,
    check_marginals: bool = True,
    potentials_init: Any = None,
) -> OTResult:
    """The solution for a cost matrix, or for points and a ground cost.

    Where there is no plan, one that misses mass, with a warning.
    """
    warn_of_integers(arguments, _STACK_LEVEL)
    max_iter, n_threads = iteration_limit(numItermax), thread_limit(numThreads)
    check_sides(arguments)
    arguments = widened(balanced(arguments, check_marginals=check_marginals))
    a, b = arguments.a, arguments.b
    options: Any = {
        "potentials_init": potentials_init,
        "max_iter": max_iter,
        "n_threads": n_threads,
    }
    try:
        if metric is None:
            (M,) = arguments.data
            result = solve(M, a, b, **options)
        else:
            X, Y = arguments.data
            result = solve_sample(X, Y, a, b, metric=metric, **options)
    except InfeasibleError as error:
        warnings.warn(f"Problem infeasible. {error}", UserWarning, stacklevel=_STACK_LEVEL)
        result = error.result
    return OTResult(result, arguments)
