"""Points on the line as POT takes them, made into arguments of `otcore.oned`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import oned
from ..._arrays import Array, shape_error
from ._arguments import Arguments, balanced, check_sides, is_floating, read_arguments, widened
from ._result import OTResult

# The exponent of abs(x - y) by POT's names; minkowski has its own.
_POWERS = {"sqeuclidean": 2.0, "euclidean": 1.0, "cityblock": 1.0}


def line_power(metric: object, p: float | None = None) -> float:
    """The exponent that a metric is on the line; "minkowski" only with its p. Else ValueError."""
    powers = _POWERS if p is None else {**_POWERS, "minkowski": p}
    if not isinstance(metric, str) or metric not in powers:
        expected = ", ".join(map(repr, powers))
        raise ValueError(f"metric: {metric!r}, expected one of {expected}")
    return powers[metric]


def solve_line(
    x_a: npt.ArrayLike,
    x_b: npt.ArrayLike,
    a: npt.ArrayLike | None,
    b: npt.ArrayLike | None,
    p: float,
    *,
    check_marginals: bool = True,
) -> tuple[OTResult, Arguments]:
    """The solution for points of shape (n,) or (n, 1), in the dtype of the first."""
    arguments = read_arguments((("x_a", x_a), ("x_b", x_b)), a, b, ndim=None)
    points = []
    for name, array in zip(("x_a", "x_b"), arguments.data, strict=True):
        if array.ndim != 1 and tuple(array.shape[1:]) != (1,):
            raise AssertionError(f"{name}: shape {tuple(array.shape)}, expected (n,) or (n, 1)")
        points.append(array.reshape(-1))
    arguments = replace(arguments, data=tuple(points), like=_floating(arguments, points[:1]))
    check_sides(arguments)
    arguments = widened(balanced(arguments, check_marginals=check_marginals))
    x, y = arguments.data
    return OTResult(oned.solve(x, y, arguments.a, arguments.b, p=p), arguments), arguments


def read_columns(
    values: Sequence[tuple[str, Any]], a: Any, b: Any
) -> tuple[Arguments, tuple[int, ...]]:
    """Points of shape (n, ...) and (m, ...), weights of these shapes or (n,) and (m,).

    Returns arguments whose rows are the columns, in the widest of their dtypes, and the shape
    (...) of the batch.
    """
    arguments = read_arguments(values, a, b, ndim=None)
    first, second = arguments.data
    batch = tuple(first.shape[1:])
    for (name, _), array in zip(values, (first, second), strict=True):
        if array.ndim == 0 or 0 in array.shape:
            raise shape_error(name, array.shape, "(n,) or (n, ...), not empty")
    if tuple(second.shape[1:]) != batch:
        axes = "".join(f", {size}" for size in batch) or ","
        raise shape_error(values[1][0], second.shape, f"(m{axes}) beside {values[0][0]}")
    arrays = (arguments.a, arguments.b, first, second)
    for name, weights, side in zip("ab", arrays, arguments.sides, strict=False):
        if weights is not None and tuple(weights.shape) not in ((side,), (side, *batch)):
            raise shape_error(name, weights.shape, f"({side},) or {(side, *batch)}")
    rows = [array if array is None else _rows(array) for array in arrays]
    like = _floating(arguments, arrays)
    return replace(arguments, a=rows[0], b=rows[1], data=tuple(rows[2:]), like=like), batch


def solve_columns(arguments: Arguments, p: float) -> OTResult:
    """The solutions of the columns of `read_columns`, as a batch, also of one."""
    arguments = widened(arguments)
    x, y = (points.reshape(-1, points.shape[-1]) for points in arguments.data)
    return OTResult(oned.solve_batch(x, y, arguments.a, arguments.b, p=p), arguments)


def _rows(array: Array) -> Array:
    """(n,) as it is, (n, ...) as (size of the batch, n)."""
    return array if array.ndim == 1 else array.reshape(array.shape[0], -1).T


def _floating(arguments: Arguments, arrays: Sequence[Array | None]) -> Array:
    """The widest of the arrays of floating numbers; one of float64 where none is."""
    library = arguments.library
    floating = [x for x in arrays if x is not None and is_floating(library, x)]
    if not floating:
        return library.wrap(np.empty(0))
    return max(floating, key=lambda array: array.dtype.itemsize)
