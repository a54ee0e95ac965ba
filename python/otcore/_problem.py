"""Transport problems on their way from the caller to the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import Array, Library, Real, open_door
from ._shapes import core_weights, cost_matrices, point_pair
from .cost import Metric, MetricLike, parse_metric

# The relative difference of the two total masses that is normalised: what rounding weights to the
# dtype may leave.
_MASS_TOLERANCE = 1e-6
_SINGLE_MASS_TOLERANCE = 1e-4


@dataclass(slots=True, eq=False)
class Problem:
    """B problems of n x m, or one (B = 1, batched False)."""

    library: Library
    sources: tuple[Array, ...]  # what the caller passed, in its library: data, then a, b. Points of
    # the line may lack the last axis of `data`.
    data: tuple[Real, ...]  # (M,) of shape (B, n, m), or (X, Y) of (B, n, d) and (B, m, d)
    metric: Metric | None  # None for cost matrices
    a: npt.NDArray[np.float64] | None  # (n,) or (B, n); None is uniform of mass 1
    b: npt.NDArray[np.float64] | None
    mass_tolerance: float
    batched: bool

    @property
    def size(self) -> tuple[int, int, int]:
        """(B, n, m)."""
        first = self.data[0].shape
        return first[0], first[1], self.data[-1].shape[1 if self.metric else 2]

    @property
    def dtype(self) -> np.dtype[np.float32] | np.dtype[np.float64]:
        return self.data[0].dtype


def matrix_problem(
    M: npt.ArrayLike, a: npt.ArrayLike | None, b: npt.ArrayLike | None, *, batched: bool
) -> Problem:
    """The problem of given cost matrices, checked."""
    library, sources = open_door((("M", M),), (("a", a), ("b", b)))
    costs = cost_matrices(library.to_numpy(sources[0]), batched=batched)
    shape = costs.shape if batched else (1, *costs.shape)
    return _weighted(library, sources, (costs.reshape(shape),), shape[1:], None, batched)


def points_problem(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None,
    b: npt.ArrayLike | None,
    *,
    metric: MetricLike,
    batched: bool,
) -> Problem:
    """The problem of transporting points, checked."""
    ground = parse_metric(metric)
    library, sources = open_door((("X", X), ("Y", Y)), (("a", a), ("b", b)))
    points_x, points_y = point_pair(
        library.to_numpy(sources[0]), library.to_numpy(sources[1]), batched=batched
    )
    if not batched:
        points_x, points_y = points_x[None], points_y[None]
    sides = points_x.shape[1], points_y.shape[1]
    return _weighted(library, sources, (points_x, points_y), sides, ground, batched)


def checked_weights(
    library: Library,
    sources: Sequence[Array | None],
    dtype: np.dtype[Any],
    batch: int | None,
    sides: Sequence[int],
) -> tuple[list[npt.NDArray[np.float64] | None], float]:
    """a and b as the core takes them, and the difference of their sums that is normalised.

    They are rounded to the data's `dtype`; a has sides[0] entries, b sides[1].
    """
    weights: list[npt.NDArray[np.float64] | None] = []
    tolerance = _MASS_TOLERANCE
    for name, source, length in zip("ab", sources, sides, strict=True):
        if source is None:
            weights.append(None)
            continue
        array, single = core_weights(library.to_numpy(source), name, dtype, batch, length)
        weights.append(array)
        if single:
            tolerance = _SINGLE_MASS_TOLERANCE
    return weights, tolerance


def _weighted(
    library: Library,
    sources: list[Array],
    data: tuple[Real, ...],
    sides: tuple[int, ...],
    metric: Metric | None,
    batched: bool,
) -> Problem:
    batch = len(data[0]) if batched else None
    (a, b), tolerance = checked_weights(library, sources[-2:], data[0].dtype, batch, sides)
    return Problem(library, tuple(sources), data, metric, a, b, tolerance, batched)
