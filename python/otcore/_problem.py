"""Transport problems on their way from the caller to the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._arrays import Array, Library, open_door
from ._options import Entropic
from ._shapes import column_potentials, contiguous_entries, core_weights, cost_matrices, point_pair
from ._sparse import SparseCosts, is_sparse, take_apart
from .cost import Metric, MetricLike, parse_metric

# The relative difference of the two total masses that is normalised: what rounding weights to the
# dtype may leave.
MASS_TOLERANCE = 1e-6
SINGLE_MASS_TOLERANCE = 1e-4


# Rows and columns of pairs.
Arcs: TypeAlias = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]


@dataclass(slots=True, eq=False)
class Problem:
    """B problems of n x m, or one (B = 1, batched False)."""

    library: Library
    sources: tuple[Array, ...]  # what the caller passed, in its library: data, then a, b. Points of
    # the line may lack the last axis of `data`; of a sparse matrix it is the stored entries.
    data: tuple[Any, ...]  # what the core takes: (M,) of shape (B, n, m), or SparseCosts, or
    # (X, Y) of (B, n, d) and (B, m, d)
    metric: Metric | None  # None for cost matrices
    a: npt.NDArray[np.float64] | None  # (n,) or (B, n); None is uniform of mass 1
    b: npt.NDArray[np.float64] | None
    mass_tolerance: float
    batched: bool
    start: npt.NDArray[np.float64] | None = None  # (m,): column potentials to start from
    entropic: Entropic | None = None  # None: an exact problem
    start_plan: Arcs | None = None  # where a plan to start from has mass

    @property
    def size(self) -> tuple[int, int, int]:
        """(B, n, m)."""
        first = self.data[0].shape
        return first[0], first[1], self.data[-1].shape[1 if self.metric else 2]

    @property
    def dtype(self) -> np.dtype[np.float32] | np.dtype[np.float64]:
        dtype: np.dtype[np.float32] | np.dtype[np.float64] = self.data[0].dtype
        return dtype


def matrix_problem(
    M: npt.ArrayLike,
    a: npt.ArrayLike | None,
    b: npt.ArrayLike | None,
    *,
    batched: bool,
    potentials_init: Any = None,
    entropic: Entropic | None = None,
) -> Problem:
    """The problem of given cost matrices, checked."""
    if is_sparse(M) and not batched:
        if entropic is not None:
            raise ValueError("M: a sparse matrix, expected a dense one in an entropic problem")
        return _sparse_problem(M, a, b, potentials_init)
    library, sources = open_door((("M", M),), (("a", a), ("b", b)))
    costs = cost_matrices(library.to_numpy(sources[0]), batched=batched)
    shape = costs.shape if batched else (1, *costs.shape)
    data = (costs.reshape(shape),)
    return _weighted(library, sources, data, shape[1:], None, batched, potentials_init, entropic)


def _sparse_problem(
    M: Any, a: npt.ArrayLike | None, b: npt.ArrayLike | None, potentials_init: Any
) -> Problem:
    stored = take_apart(M, "M")
    library, sources = open_door((("M", stored.entries),), (("a", a), ("b", b)))
    entries = contiguous_entries(library.to_numpy(sources[0]))
    costs = SparseCosts(stored.starts, stored.cols, entries, stored.shape[1])
    return _weighted(library, sources, (costs,), stored.shape, None, False, potentials_init)


def points_problem(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None,
    b: npt.ArrayLike | None,
    *,
    metric: MetricLike,
    batched: bool,
    potentials_init: Any = None,
    entropic: Entropic | None = None,
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
    data = (points_x, points_y)
    return _weighted(library, sources, data, sides, ground, batched, potentials_init, entropic)


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
    tolerance = MASS_TOLERANCE
    for name, source, length in zip("ab", sources, sides, strict=True):
        if source is None:
            weights.append(None)
            continue
        array, single = core_weights(library.to_numpy(source), name, dtype, batch, length)
        weights.append(array)
        if single:
            tolerance = SINGLE_MASS_TOLERANCE
    return weights, tolerance


def _weighted(
    library: Library,
    sources: list[Array],
    data: tuple[Any, ...],
    sides: tuple[int, ...],
    metric: Metric | None,
    batched: bool,
    potentials_init: Any,
    entropic: Entropic | None = None,
) -> Problem:
    batch = data[0].shape[0] if batched else None
    (a, b), tolerance = checked_weights(library, sources[-2:], data[0].dtype, batch, sides)
    start = None
    if potentials_init is not None:
        if entropic is not None and entropic.method == "ipot":
            raise ValueError("potentials_init: given, expected None with method='ipot'")
        start = column_potentials(potentials_init, sides)
    plan = planned_arcs(potentials_init) if entropic is None else None
    return Problem(
        library, tuple(sources), data, metric, a, b, tolerance, batched, start, entropic, plan
    )


def planned_arcs(potentials_init: Any) -> Arcs | None:
    """Where the plan of an exact result has mass; None of anything else."""
    answer = getattr(potentials_init, "_answer", None)
    arcs: Arcs | None = getattr(answer, "arcs", None)
    return arcs
