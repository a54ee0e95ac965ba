"""Shapes of points, weights and cost matrices as users pass them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import (
    FLOAT32,
    FLOAT64,
    Real,
    contiguous,
    open_door,
    real_dtype,
    require_finite,
    shape_error,
)


def cost_matrices(array: npt.NDArray[Any], *, batched: bool) -> Real:
    """(n, m), or (B, n, m) where batched, ready for the core."""
    dtype = real_dtype(array, "M")
    if array.ndim != (3 if batched else 2) or not array.size:
        expected = "(B, n, m)" if batched else "(n, m)"
        raise shape_error("M", array.shape, f"{expected}, no side empty")
    return contiguous(array, dtype)


def point_pair(x: npt.NDArray[Any], y: npt.NDArray[Any], *, batched: bool) -> tuple[Real, Real]:
    """(n, d) and (m, d), or (B, n, d) and (B, m, d), of one dtype and ready for the core."""
    dtype = real_dtype(x, "X")
    if real_dtype(y, "Y") != dtype:
        dtype = FLOAT64
    for name, array, side in (("X", x, "n"), ("Y", y, "m")):
        if array.ndim != (3 if batched else 2) or not array.size:
            expected = f"(B, {side}, d)" if batched else f"({side}, d)"
            hint = ""
            if array.ndim == 1 and not batched:
                hint = f"; points on a line are {name}.reshape(-1, 1)"
            raise shape_error(name, array.shape, f"{expected}, no side empty{hint}")
    if x.shape[-1] != y.shape[-1] or x.shape[:-2] != y.shape[:-2]:
        expected = f"(B, m, d) = ({len(x)}, m, {x.shape[-1]})" if batched else f"(m, {x.shape[1]})"
        raise shape_error("Y", y.shape, f"{expected} as X has shape {x.shape}")
    return contiguous(x, dtype), contiguous(y, dtype)


def contiguous_entries(array: npt.NDArray[Any]) -> Real:
    """The stored entries of a sparse cost matrix, ready for the core."""
    return contiguous(array, real_dtype(array, "M"))


def column_potentials(potentials_init: Any, sides: Sequence[int]) -> npt.NDArray[np.float64]:
    """g out of a pair (f, g) or a result, checked; of any library, as it is only a start."""
    pair = getattr(potentials_init, "potentials", potentials_init)
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(
            f"potentials_init: a {type(potentials_init).__name__}, "
            "expected a pair (f, g) of potentials, or an OTResult"
        )
    arrays = []
    for potential, side in zip(pair, sides, strict=True):
        library, (source,) = open_door((("potentials_init", potential),))
        array = library.to_numpy(source)
        real_dtype(array, "potentials_init")
        if array.shape != (side,):
            expected = f"a pair of shapes ({sides[0]},) and ({sides[1]},)"
            raise shape_error("potentials_init", array.shape, expected)
        arrays.append(np.ascontiguousarray(array, np.float64))
        require_finite(arrays[-1], "potentials_init")
    return arrays[1]


def core_weights(
    array: npt.NDArray[Any], name: str, data: np.dtype[Any], batch: int | None, length: int
) -> tuple[npt.NDArray[np.float64], bool]:
    """Weights as the core takes them, and whether they are only as good as float32.

    They are rounded to the data's dtype first. Shape (length,), or (batch, length) too where the
    problem is a batch.
    """
    dtype = real_dtype(array, name)
    if array.shape != (length,) and (batch is None or array.shape != (batch, length)):
        expected = f"({length},)" + ("" if batch is None else f" or ({batch}, {length})")
        raise shape_error(name, array.shape, expected)
    single = dtype == FLOAT32 or data == FLOAT32
    weights: Any = contiguous(contiguous(array, data), FLOAT64)
    return weights, single
