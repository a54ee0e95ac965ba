"""Problems on the line on their way from the caller to the core."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ._arrays import FLOAT64, Array, Library, Real, contiguous, open_door, real_dtype, shape_error
from ._problem import checked_weights


class Lines(NamedTuple):
    """One problem (batch None) or a batch of them; rows of shape (n,) serve all of a batch."""

    library: Library
    sources: tuple[Array, ...]  # what the caller passed, in its library: x, y, a, b
    x: Real  # (n,) or (B, n)
    y: Real  # (m,) or (B, m)
    a: npt.NDArray[np.float64] | None  # (n,) or (B, n); None is uniform of mass 1
    b: npt.NDArray[np.float64] | None
    mass_tolerance: float
    batch: int | None


def check_lines(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    a: npt.ArrayLike | None,
    b: npt.ArrayLike | None,
    *,
    batched: bool | None = None,
) -> Lines:
    """The problems, checked; points of shape (B, n) if batched, (n,) if not, either if None."""
    library, sources = open_door((("x", x), ("y", y)), (("a", a), ("b", b)))
    arrays = [None if source is None else library.to_numpy(source) for source in sources]
    points_x, points_y = arrays[0], arrays[1]
    assert points_x is not None
    assert points_y is not None
    batch = _batch_of(arrays, batched)
    dtype = real_dtype(points_x, "x")
    if real_dtype(points_y, "y") != dtype:
        dtype = FLOAT64
    for name, points, length in (("x", points_x, "n"), ("y", points_y, "m")):
        _check_shape(name, points, length, batch, batched)
    sides = points_x.shape[-1], points_y.shape[-1]
    (weights_a, weights_b), tolerance = checked_weights(library, sources[2:], dtype, batch, sides)
    return Lines(
        library,
        tuple(sources),
        contiguous(points_x, dtype),
        contiguous(points_y, dtype),
        weights_a,
        weights_b,
        tolerance,
        batch,
    )


def _batch_of(arrays: list[npt.NDArray[Any] | None], batched: bool | None) -> int | None:
    """The number of problems: of rows of the first array of two dimensions."""
    if batched is False:
        return None
    rows = (array.shape[0] for array in arrays if array is not None and array.ndim == 2)
    return next(rows, None)


def _check_shape(
    name: str, points: npt.NDArray[Any], length: str, batch: int | None, batched: bool | None
) -> None:
    dims = {None: (1, 2), False: (1,), True: (2,)}[batched]
    wrong_batch = points.ndim == 2 and batch is not None and points.shape[0] != batch
    if points.ndim not in dims or not points.size or wrong_batch:
        count = "B" if batch is None or not wrong_batch else str(batch)
        shapes = {1: f"({length},)", 2: f"({count}, {length})"}
        expected = " or ".join(shapes[d] for d in dims)
        raise shape_error(name, points.shape, f"{expected}, not empty")
