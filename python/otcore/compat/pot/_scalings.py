"""Between otcore's potentials f, g and POT's scalings u, v of the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..._arrays import FLOAT64, Array, open_door, shape_error
from ._arguments import Arguments

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Conventions:
    """What a result's scalings are made of: log u = base_a + f / reg."""

    reg: float
    bases: tuple[Floats, Floats]
    centred: bool  # balanced problems leave a constant free
    grad: str = "autodiff"  # as in Settings
    exponentials: bool = False  # potentials are u and v, not their logarithms


def log_weights(arguments: Arguments) -> tuple[Floats, Floats]:
    """log a and log b; -inf where there is no mass."""
    library = arguments.library
    n, m = arguments.sides_of_each
    pair = []
    for weights, length in ((arguments.a, n), (arguments.b, m)):
        if weights is None:
            pair.append(np.full(length, -np.log(length)))
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            pair.append(np.log(library.to_numpy(weights).astype(np.float64)))
    return pair[0], pair[1]


def start_potentials(
    start: Any, bases: tuple[Floats, Floats], reg: float, *, duals: bool = False
) -> Any:
    """log u and log v as otcore's potentials, 0 where there is no mass; None stays None.

    `duals`: they are given as alpha = reg log u and beta.
    """
    if start is None:
        return None
    if not isinstance(start, (tuple, list)) or len(start) != 2:
        raise TypeError("warmstart: expected a pair of arrays, one for the rows and the columns")
    pair = []
    for given, base in zip(start, bases, strict=True):
        library, (array,) = open_door((("warmstart", given),))
        log = library.to_numpy(array).astype(np.float64) / (reg if duals else 1.0)
        if log.shape != base.shape:
            raise shape_error("warmstart", log.shape, f"{base.shape}")
        finite = base > -np.inf
        pair.append(reg * np.subtract(log, base, out=np.zeros_like(base), where=finite))
    return tuple(pair)


def x_log_x(arguments: Arguments, weights: Array | None, length: int) -> Any:
    """sum x log x over the last axis, differentiable; weights of None are 1 / length each."""
    if weights is None:
        return -float(np.log(length))
    weights = arguments.library.cast(weights, FLOAT64)
    total = (weights * log_of(weights + (weights == 0))).sum(-1)
    return float(total) if isinstance(total, np.float64) else total


def log_of(array: Array) -> Array:
    """The logarithm, differentiable for a tensor."""
    return array.log() if hasattr(array, "log") else np.log(array)
