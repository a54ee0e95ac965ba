"""Whether an answer about points is optimal: recomputed from the points, in numpy, in float64.

Nothing of the solver is used. Over all n x m pairs the reduced costs C_ij - f_i - g_j are looked
at; where none is negative the potentials are feasible, and no plan costs less than their dual
value (weak duality). Squared Euclidean costs go through a matrix product that bounds each reduced
cost from below; pairs that the bound leaves open are computed as differences of coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Metric = str | tuple[str, float]

U = 2.0**-53
_ROWS, _COLS = 256, 1024  # of a tile: 2 MiB of float64
_COORDINATES = 1 << 20  # of single pairs that are held at once


@dataclass(frozen=True)
class Certificate:
    """What was found, each with the most that rounding explains."""

    smallest: float  # reduced cost of all pairs, where it is not positive
    smallest_rounding: float
    primal: float  # what the plan costs
    dual: float  # what the potentials are worth
    gap_allowed: float
    marginal_error: float  # L1, both sides together; the sums of the weights made equal
    marginal_rounding: float
    entries: int
    entries_allowed: int
    lightest: float  # mass of an entry
    value: float  # what the result says
    value_rounding: float
    gauge: float  # sum_j b_j g_j
    gauge_rounding: float
    reach: float  # max |f| + max |g|
    reach_allowed: float

    @property
    def gap(self) -> float:
        return self.primal - self.dual

    @property
    def faults(self) -> list[str]:
        """What is not as it should be; empty for an optimum."""
        if abs(self.gap) <= self.gap_allowed:
            return self.infeasibilities
        return [
            *self.infeasibilities,
            f"primal {self.primal} and dual {self.dual} differ by {self.gap}",
        ]

    @property
    def infeasibilities(self) -> list[str]:
        """What is not as it should be even in an answer that is not optimal."""
        checks = {
            f"the smallest reduced cost is {self.smallest}": (
                self.smallest >= -self.smallest_rounding
            ),
            f"the marginals are off by {self.marginal_error}": (
                self.marginal_error <= self.marginal_rounding
            ),
            f"the plan has {self.entries} entries": self.entries <= self.entries_allowed,
            f"the plan has an entry of mass {self.lightest}": self.lightest >= 0,
            f"the plan costs {self.primal}, not {self.value}": (
                abs(self.primal - self.value) <= self.value_rounding
            ),
            f"sum(b g) is {self.gauge}": abs(self.gauge) <= self.gauge_rounding,
            f"potentials reach {self.reach}": self.reach <= self.reach_allowed,
        }
        return [text for text, holds in checks.items() if not holds]

    def __str__(self) -> str:
        return (
            f"smallest reduced cost {self.smallest:.1e}, gap {self.gap:.1e} of {self.primal:.6g}, "
            f"marginals {self.marginal_error:.1e}, {self.entries} entries"
        )


def certify(
    result: Any,
    X: npt.NDArray[Any],
    Y: npt.NDArray[Any],
    a: npt.NDArray[Any] | None = None,
    b: npt.NDArray[Any] | None = None,
    *,
    metric: Metric = "sqeuclidean",
) -> Certificate:
    """The certificate of an exact result (numpy) of `solve_sample(X, Y, a, b, metric=metric)`.

    The weights are rounded to the points' dtype, as the library promises to do.
    """
    dtype = np.promote_types(X.dtype, Y.dtype)
    left, right = _weights(a, len(X), dtype), _weights(b, len(Y), dtype)
    right = right * (math.fsum(left) / math.fsum(right))
    x, y, metric, rounding, floor = _prepared(X, Y, metric)
    n, m = len(x), len(y)
    f, g = result.potentials
    plan = result.sparse_plan.tocoo()
    rows, cols = (np.asarray(index, np.int64) for index in plan.coords)
    mass = plan.data.astype(np.float64)
    plan_rounding = U if plan.dtype == np.float64 else 2.0**-24

    total = math.fsum(left)
    costs = _pair_costs(x, y, rows, cols, metric)
    largest = _largest_cost(x, y, metric) + floor
    reach = float(np.abs(f).max()) + float(np.abs(g).max())
    # A pair that is violated costs no more than `reach`. One rounding in C - g and the shift to the
    # gauge on both sides, beside that of the costs.
    pair_rounding = (4 * U + rounding) * reach + floor
    grid = (n + m) * 2.0**-52 * total  # masses are integer multiples of a quantum
    primal = math.fsum(mass * costs)
    error_a = np.bincount(rows, mass, n) - left
    error_b = np.bincount(cols, mass, m) - right
    marginal_error = float(np.abs(error_a).sum() + np.abs(error_b).sum())
    noise = marginal_error * reach + (4 * U * reach + pair_rounding) * total
    return Certificate(
        smallest=_smallest_reduced_cost(x, y, f, g, metric),
        smallest_rounding=pair_rounding,
        primal=primal,
        dual=math.fsum(f * left) + math.fsum(g * right),
        gap_allowed=1e-9 * primal + 64 * U * largest * total + noise,
        marginal_error=marginal_error,
        marginal_rounding=grid + 4 * plan_rounding * total,
        entries=plan.nnz,
        entries_allowed=n + m - 1,
        lightest=float(mass.min()),
        value=float(result.value),
        value_rounding=((n + m) * U + rounding + 2 * plan_rounding) * primal + floor * total,
        gauge=math.fsum(g * right),
        gauge_rounding=(m + 8) * U * total * reach,
        reach=reach,
        reach_allowed=16 * largest,
    )


def require_optimal(
    result: Any,
    X: npt.NDArray[Any],
    Y: npt.NDArray[Any],
    a: npt.NDArray[Any] | None = None,
    b: npt.NDArray[Any] | None = None,
    *,
    metric: Metric = "sqeuclidean",
) -> Certificate:
    """`certify`; AssertionError where anything is wrong."""
    found = certify(result, X, Y, a, b, metric=metric)
    faults = [f"status {result.status}"] if result.status != "optimal" else []
    faults += found.faults
    assert not faults, "; ".join(faults)
    return found


def _weights(weights: npt.NDArray[Any] | None, size: int, dtype: np.dtype[Any]) -> Values:
    if weights is None:
        return np.full(size, 1 / size)
    return weights.astype(dtype).astype(np.float64)


def _prepared(
    X: npt.NDArray[Any], Y: npt.NDArray[Any], metric: Metric
) -> tuple[Values, Values, Metric, float, float]:
    """Float64 points, the metric to compute with, and how far the library's costs may be from
    those computed here: relative and absolute (docs/numerics.md, with the checker's own)."""
    x, y = X.astype(np.float64), Y.astype(np.float64)
    d = x.shape[1]
    if metric == "cosine":
        # 1 - cos is half the squared distance of unit vectors, which keeps its digits.
        x = x / np.linalg.norm(x, axis=1, keepdims=True) / math.sqrt(2)
        y = y / np.linalg.norm(y, axis=1, keepdims=True) / math.sqrt(2)
        return x, y, "sqeuclidean", 33 * (d + 4) * U, 16 * U
    if metric in ("sqeuclidean", "euclidean"):
        return x, y, metric, (33 if d > 16 else 2) * (d + 4) * U, 0.0
    power = metric[1] if isinstance(metric, tuple) else 1.0
    return x, y, metric, 2 * (d + 2 * power + 4) * U, 0.0


def _costs(differences: Iterator[Values], metric: Metric) -> Values:
    """Costs from the absolute differences of each coordinate, added up one by one."""
    power = metric[1] if isinstance(metric, tuple) else {"cityblock": 1.0}.get(metric, 2.0)
    total = next(differences) ** power
    for difference in differences:
        total += difference**power
    return np.sqrt(total) if metric == "euclidean" else total


def _pair_costs(x: Values, y: Values, rows: Indices, cols: Indices, metric: Metric) -> Values:
    """The costs of some pairs."""
    costs = np.empty(len(rows))
    step = max(1, _COORDINATES // x.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        differences = np.abs(x[rows[part]] - y[cols[part]])
        costs[part] = _costs(iter(differences.T), metric)
    return costs


def _largest_cost(x: Values, y: Values, metric: Metric) -> float:
    """An upper bound of all costs: that of the corners of the box that holds all points."""
    extent = np.maximum(y.max(0) - x.min(0), x.max(0) - y.min(0))
    return float(_costs(iter(np.maximum(extent, 0.0)), metric))


def _tiles(n: int, m: int) -> Iterator[tuple[slice, slice]]:
    for i in range(0, n, _ROWS):
        for j in range(0, m, _COLS):
            yield slice(i, i + _ROWS), slice(j, j + _COLS)


def _smallest_reduced_cost(x: Values, y: Values, f: Values, g: Values, metric: Metric) -> float:
    """min(0, min_ij C_ij - f_i - g_j)."""
    if metric == "sqeuclidean":
        return _smallest_of_squares(x, y, f, g)
    smallest = 0.0
    for rows, cols in _tiles(len(x), len(y)):
        pairs = zip(x[rows].T, y[cols].T, strict=True)
        costs = _costs((np.abs(np.subtract.outer(u, v)) for u, v in pairs), metric)
        costs -= f[rows, None]
        costs -= g[cols]
        smallest = min(smallest, float(costs.min()))
    return smallest


def _smallest_of_squares(x: Values, y: Values, f: Values, g: Values) -> float:
    """The same for squared distances.

    With centred points, |x - y|^2 - f - g is an inner product of d + 2 terms. Its rounding error,
    and that of its parts, is at most (3 d + 12) U (|x|^2 + |f|) for the row and the same for the
    column; a little more is taken off the parts themselves, so that what comes out is a lower
    bound of the reduced cost. Only where it is negative can the reduced cost be.
    """
    d = x.shape[1]
    centre = (x.mean(0) + y.mean(0)) / 2

    def parts(points: Values, potential: Values) -> tuple[Values, Values]:
        centred = points - centre
        squares = np.einsum("ik,ik->i", centred, centred)
        return centred, squares - potential - 4 * (d + 8) * U * (squares + np.abs(potential))

    (centred_x, part_x), (centred_y, part_y) = parts(x, f), parts(y, g)
    left = np.column_stack([-2 * centred_x, part_x, np.ones(len(x))])
    right = np.column_stack([centred_y, np.ones(len(y)), part_y])
    smallest = 0.0
    for rows, cols in _tiles(len(x), len(y)):
        bounds = left[rows] @ right[cols].T
        open_rows, open_cols = np.nonzero(bounds < 0)
        if len(open_rows):
            i, j = open_rows + rows.start, open_cols + cols.start
            reduced = _pair_costs(x, y, i, j, "sqeuclidean") - f[i] - g[j]
            smallest = min(smallest, float(reduced.min()))
    return smallest
