"""POT's many targets: one problem for each column of b."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..._arrays import shape_error
from ._arguments import Arguments
from ._entropic_result import EntropicResult

Solve = Callable[[Arguments, int], EntropicResult]


def has_targets(arguments: Arguments) -> bool:
    """Whether b has a column for each of many targets."""
    return arguments.b is not None and arguments.b.ndim > 1


def costs_to_targets(arguments: Arguments, solve: Solve, keys: Sequence[str] | None) -> Any:
    """The transport costs (k,) of what `solve` makes of each target; with keys also a log.

    Arrays in the log have a column for each target; errors and iterations are of all.
    """
    targets: Any = arguments.b
    if targets.ndim > 2 or targets.shape[1] == 0:
        raise shape_error("b", targets.shape, f"({arguments.sides[1]}, k), a target in a column")
    results = [solve(replace(arguments, b=targets[:, k]), k) for k in range(targets.shape[1])]
    costs = arguments.library.stack([result.value_linear for result in results], 0)
    if keys is None:
        return costs
    entries = [result.log_entries(keys) for result in results]
    log = {key: _joined(key, [one[key] for one in entries], results) for key in entries[0]}
    return costs, log


def start_of_target(start: Any, k: int) -> Any:
    """Target k's column of a pair of arrays to start from, if they have columns."""
    if start is None:
        return None
    sides = [np.asarray(side) if isinstance(side, (list, tuple)) else side for side in start]
    return tuple(side if side.ndim == 1 else side[:, min(k, side.shape[1] - 1)] for side in sides)


def _joined(key: str, entries: list[Any], results: list[EntropicResult]) -> Any:
    stack = results[0].library.stack
    match key:
        case "err":
            return [sum(error * error for (error,) in entries) ** 0.5]
        case "niter" | "n_iter":
            return max(entries)
        case "warmstart":
            return tuple(stack(side, 1) for side in zip(*entries, strict=True))
        case "status" | "marginal_error":
            return entries
        case _:
            return stack(entries, 1)
