"""Sliced problems on their way from the caller to the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import Array, Library, Real, contiguous, open_door, real_dtype, shape_error
from ._options import positive_int
from ._problem import checked_weights
from ._random import core_seed
from ._shapes import point_pair

Features = Callable[[Any], Any]


class Slices(NamedTuple):
    """B problems that share their directions; one problem where batch is None."""

    library: Library
    sources: tuple[Array | None, ...]  # in the caller's library: X, Y, a, b, projections
    x: Real  # (B, n, d)
    y: Real  # (B, m, d)
    a: npt.NDArray[np.float64] | None  # (n,) or (B, n); None is uniform of mass 1
    b: npt.NDArray[np.float64] | None
    mass_tolerance: float
    directions: Real  # (L, d), or (2 L, d) for planes
    projections: Array  # the same as users see them: (d, L), or (L, d, 2)
    batch: int | None


class Sampling(NamedTuple):
    """What directions to draw where none are given."""

    count: Any
    kind: str
    seed: Any


def check_slices(
    X: Any,
    Y: Any,
    a: Any,
    b: Any,
    projections: Any,
    sampling: Sampling,
    *,
    features: Features | None = None,
    planes: bool = False,
    batches: bool = True,
) -> Slices:
    """The problem, checked; directions are drawn where `projections` is None."""
    if features is not None:
        if not callable(features):
            raise TypeError(f"features: {type(features).__name__}, expected a function of points")
        _, (X, Y) = open_door((("X", X), ("Y", Y)))
        X, Y = features(X), features(Y)
    library, sources = open_door(
        (("X", X), ("Y", Y)), (("a", a), ("b", b), ("projections", projections))
    )
    first = library.to_numpy(sources[0])
    batched = batches and first.ndim == 3
    x, y = point_pair(first, library.to_numpy(sources[1]), batched=batched)
    batch = len(x) if batched else None
    sides = x.shape[-2], y.shape[-2]
    (weights_a, weights_b), tolerance = checked_weights(
        library, sources[2:4], x.dtype, batch, sides
    )
    dims = x.shape[-1]
    if projections is None:
        rows = _draw(dims, sampling, library, planes)
        shown = rows.reshape(-1, 2, dims).swapaxes(1, 2) if planes else rows.T
        visible = library.wrap(np.ascontiguousarray(shown, x.dtype))
    else:
        visible = sources[4]
        rows = _rows(library.to_numpy(visible), dims, planes)
    return Slices(
        library,
        tuple(sources),
        x if batched else x[None],
        y if batched else y[None],
        weights_a,
        weights_b,
        tolerance,
        contiguous(rows, x.dtype),
        visible,
        batch,
    )


def _draw(dims: int, sampling: Sampling, library: Library, planes: bool) -> npt.NDArray[np.float64]:
    count = positive_int(sampling.count, "n_projections", most=2**31 - 1)
    if not planes:
        if sampling.kind not in ("gaussian", "orthogonal", "quasi"):
            raise ValueError(
                f"directions: {sampling.kind!r}, expected 'gaussian', 'orthogonal' or 'quasi'"
            )
        seed = core_seed(sampling.seed, library)
        return _core.sample_directions(dims, count, sampling=sampling.kind, seed=seed)
    if dims < 2:
        raise ValueError(f"X: points of {dims} coordinate, expected at least 2 on a sphere")
    return _core.sample_planes(dims, count, seed=core_seed(sampling.seed, library))


def _rows(projections: npt.NDArray[Any], dims: int, planes: bool) -> npt.NDArray[Any]:
    real_dtype(projections, "projections")
    shape = projections.shape
    if planes:
        if len(shape) != 3 or shape[1:] != (dims, 2) or not projections.size:
            raise shape_error("projections", shape, f"(L, {dims}, 2), not empty")
        rows: npt.NDArray[Any] = projections.swapaxes(1, 2).reshape(-1, dims)
        return rows
    return direction_rows(projections, dims, "projections")


def direction_rows(projections: npt.NDArray[Any], dims: int, name: str) -> npt.NDArray[Any]:
    """Directions (d, L), as users give them, as rows (L, d)."""
    real_dtype(projections, name)
    shape = projections.shape
    if len(shape) != 2 or shape[0] != dims or not projections.size:
        raise shape_error(name, shape, f"(d, L) = ({dims}, L), not empty")
    columns: npt.NDArray[Any] = projections.T
    return columns
