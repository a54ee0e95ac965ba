"""Sums of costs over all pairs, without holding the costs of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import FLOAT64, Array, Library, Real
from ._problem import Problem
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
    total = 0.0
    for rows in _blocks(len(x), len(y)):
        matrix = _core.cost_matrix(x[rows], y, *metric, library.n_threads())
        costs = library.cost(matrix, source_x[rows], source_y, metric)
        total = total + u[rows] @ (library.cast(costs, FLOAT64) @ v)
    return total


def plan_cost(problem: Problem, index: int, plan: npt.NDArray[np.float64]) -> float:
    """sum_ij plan_ij C_ij of problem `index`."""
    total = 0.0
    for rows in _blocks(*plan.shape):
        costs: Any = problem.data[0][index][rows]
        if problem.metric is not None:
            targets: Any = problem.data[1][index]
            n_threads = problem.library.n_threads()
            costs = _core.cost_matrix(costs, targets, *problem.metric, n_threads)
        total += float(np.einsum("ij,ij->", plan[rows], costs, dtype=FLOAT64))
    return total


def _blocks(n: int, m: int) -> Iterator[slice]:
    """Rows 0..n - 1, so many of m pairs at a time."""
    step = max(1, _PAIRS_AT_ONCE // m)
    return (slice(start, start + step) for start in range(0, n, step))
