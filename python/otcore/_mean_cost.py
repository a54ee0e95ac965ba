"""Sums of ground costs over all pairs of points, without holding them all."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import FLOAT64, Array, Library, Real
from .cost import Metric

# Pairs whose costs are held at once.
_PAIRS_AT_ONCE = 1 << 20


def mean_cost(
    library: Library,
    sources: tuple[Array, Array],
    points: tuple[Real, Real],
    metric: Metric,
    u: Array,
    v: Array,
) -> Any:
    """sum_ij u_i v_j c(x_i, y_j) in float64, differentiable in the points, u and v.

    `sources` are the points (n, d) and (m, d) in their library, `points` what the core takes of
    them; u and v are float64 arrays of the library.
    """
    (source_x, source_y), (x, y) = sources, points
    step = max(1, _PAIRS_AT_ONCE // len(y))
    total = 0.0
    for start in range(0, len(x), step):
        block = slice(start, start + step)
        matrix = _core.cost_matrix(x[block], y, *metric, library.n_threads())
        costs = library.cost(matrix, source_x[block], source_y, metric)
        total = total + u[block] @ (library.cast(costs, FLOAT64) @ v)
    return total


def bilinear(M: Real, u: npt.NDArray[np.float64], v: npt.NDArray[np.float64]) -> float:
    """sum_ij u_i v_j M_ij in float64."""
    step = max(1, _PAIRS_AT_ONCE // M.shape[1])
    blocks = (slice(start, start + step) for start in range(0, len(M), step))
    return float(sum(u[block] @ (M[block].astype(FLOAT64, copy=False) @ v) for block in blocks))
