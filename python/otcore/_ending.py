"""What a solver says when it was stopped before it was done."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from ._core import EntropicSolution, ExactSolution
from .errors import ConvergenceWarning, SolveInterrupted
from .result import BatchResult, OTResult

AnyResult: TypeAlias = OTResult | BatchResult
Solution = TypeVar("Solution", ExactSolution, EntropicSolution)

# From warnings.warn up to the caller of otcore.solve.
_STACK_LEVEL = 4


def tell(
    result: AnyResult,
    solution: Solution,
    finished: str,
    describe: Callable[[AnyResult, Solution], str],
) -> None:
    """Raise SolveInterrupted after Ctrl-C; warn of the problems whose status is not `finished`.

    `describe` says how good the answer is, of a batch the worst; it ends the sentence "stopped ...
    with". To be called by what the public function calls.
    """
    if solution.interrupted:
        raise SolveInterrupted(result)
    if not solution.unfinished:
        return
    how_good = describe(result, solution)
    stopped = [status for status in solution.status if status != finished]
    if isinstance(result, OTResult):
        text = f"stopped ({stopped[0]}) after {result.n_iter} iterations with {how_good}"
    else:
        text = (
            f"{len(stopped)} of {len(result)} problems stopped early "
            f"({', '.join(sorted(set(stopped)))}), with {how_good}"
        )
    warnings.warn(text, ConvergenceWarning, stacklevel=_STACK_LEVEL)
