"""The proof of optimality of large problems, arc by arc.

A plan and potentials f, g are optimal when f_i + g_j <= M_ij for every arc and f_i + g_j = M_ij
where mass moves. Everything here is recomputed with numpy from what a result shows; neither the
library nor ``checks.py`` is used for it. u = 2^-53, S = max |M|, T = the total mass.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import otcore
from hostile import make, random_points, random_weights

Array = NDArray[Any]

U = 2.0**-53
BLOCK = 250  # rows at a time

PROBLEMS = {
    "plane": (3000, 3000, 2, False),
    "plane-weighted": (2500, 2500, 2, True),
    "wide": (1200, 3000, 3, False),
    "wide-weighted": (1700, 3000, 2, True),
    "tall-weighted": (3000, 1500, 5, True),
    "16-dimensional": (3000, 3000, 16, True),
}
HOSTILE = [
    "ties",
    "binary-weighted",
    "all-equal-weighted",
    "same-grid",
    "zero-weights",
    "far-clusters",
    "unstructured",
    "outliers",
    "costs-1e300",
    "costs-1e-300",
    "wide-weights",
    "heavy-row",
]


def exact_sum_of_products(x: Array, y: Array) -> float:
    """sum_k x_k y_k with one rounding: Dekker's products are exact pairs, fsum adds exactly.

    T. J. Dekker, "A floating-point technique for extending the available precision", Numerische
    Mathematik 18 (1971). The factors are first brought near 1 by powers of two.
    """

    def near_one(z: Array) -> tuple[Array, int]:
        exponent = math.frexp(float(np.abs(z).max()))[1]
        return np.ldexp(z, -exponent), exponent

    def split(z: Array) -> tuple[Array, Array]:
        shifted = z * (2.0**27 + 1)
        high = shifted - (shifted - z)
        return high, z - high

    if not len(x) or not x.any() or not y.any():
        return 0.0
    (x, exponent_x), (y, exponent_y) = near_one(x), near_one(y)
    product = x * y
    (x_high, x_low), (y_high, y_low) = split(x), split(y)
    error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low
    return math.ldexp(math.fsum([*product, *error]), exponent_x + exponent_y)


def is_forest(rows: Array, cols: Array, n: int, m: int) -> bool:
    """Whether the bipartite graph of these arcs has no cycle: union-find."""
    above = list(range(n + m))

    def root(node: int) -> int:
        while above[node] != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    for row, col in zip(rows.tolist(), (cols + n).tolist(), strict=True):
        left, right = root(row), root(col)
        if left == right:
            return False
        above[left] = right
    return True


def prove_optimal(M: Array, a: Array | None, b: Array | None, result: otcore.OTResult) -> None:
    n, m = M.shape
    f, g = result.potentials
    entries = result.sparse_plan.tocoo()
    rows, cols = entries.coords
    mass = entries.data.astype(np.float64)
    S = float(np.abs(M).max())
    size = S + float(np.abs(f).max()) + float(np.abs(g).max())

    # Every arc: two roundings in f + g against C, and two here.
    lowest = math.inf
    for start in range(0, n, BLOCK):
        block = M[start : start + BLOCK].astype(np.float64)
        lowest = min(lowest, float((block - f[start : start + BLOCK, None] - g).min()))
    assert lowest >= -4 * U * size

    # Complementary slackness: the simplex stops at -32 u S, and the last transform moves f by that.
    costs = M[rows, cols].astype(np.float64)
    slack = np.abs(costs - f[rows] - g[cols])
    assert slack.max() <= 32 * U * S + 8 * U * size

    # The plan: positive, a forest, with the marginals asked for. Masses are multiples of a quantum
    # of at most (n + 1) 2^-61 T; each is within three of them and some roundings of its weight.
    assert (mass > 0).all()
    assert len(mass) <= n + m - 1
    assert is_forest(rows, cols, n, m)
    unit = U if M.dtype == np.float64 else 2.0**-24
    left = np.full(n, 1 / n) if a is None else a.astype(np.float64)
    right = np.full(m, 1 / m) if b is None else b.astype(np.float64)
    T = math.fsum(left)
    right = right / math.fsum(right) * T
    quantum = (n + 1) * 2.0**-61 * T
    sums = [np.bincount(index, mass, size) for index, size in ((rows, n), (cols, m))]
    for total, wanted in zip(sums, (left, right), strict=True):
        assert (total[wanted == 0] == 0).all()
        assert (np.abs(total - wanted) <= 3 * quantum + 8 * unit * wanted).all()

    # The values: primal and dual of the plan's own marginals, with no rounding but the last.
    primal = exact_sum_of_products(mass, costs)
    dual = exact_sum_of_products(np.concatenate([mass, mass]), np.concatenate([f[rows], g[cols]]))
    assert abs(primal - dual) <= (32 * U * S + 8 * U * size) * T
    assert abs(result.value - primal) <= 4 * unit * exact_sum_of_products(mass, np.abs(costs))
    assert abs(result.gap) <= (32 * U * S + 8 * U * size) * T + 4 * unit * T * size


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", PROBLEMS)
def test_points(name: str, dtype: Any) -> None:
    n, m, d, weighted = PROBLEMS[name]
    rng = np.random.default_rng(n + m + d)
    M = random_points(rng, n, m, d).astype(dtype)
    weights = random_weights(rng, n, m) if weighted else (None, None)
    a, b = (w if w is None else w.astype(dtype) for w in weights)
    prove_optimal(M, a, b, otcore.solve(M, a, b))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    case = make(name)
    prove_optimal(case.M, case.a, case.b, otcore.solve(case.M, case.a, case.b))


@pytest.mark.parametrize("name", [name for name in HOSTILE if make(name).float32])
def test_hostile_float32(name: str) -> None:
    case = make(name).astype(np.float32)
    prove_optimal(case.M, case.a, case.b, otcore.solve(case.M, case.a, case.b))


def test_a_proof_fails_where_it_should() -> None:
    """Each part notices what it is for."""
    case = make("just-large")
    result = otcore.solve(case.M)
    cheaper = case.M.copy()
    cheaper[7, 9] -= 1.0
    with pytest.raises(AssertionError):  # an arc that the potentials do not allow
        prove_optimal(cheaper, None, None, result)
    dearer = case.M + np.where(result.plan > 0, 1e-9, 0.0)
    with pytest.raises(AssertionError):  # mass where there is slack
        prove_optimal(dearer, None, None, result)
    a, b = random_weights(np.random.default_rng(0), *case.M.shape)
    with pytest.raises(AssertionError):  # other marginals
        prove_optimal(case.M, a, b, result)
    square = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert not is_forest(*square, 2, 2)
    assert is_forest(square[0][:3], square[1][:3], 2, 2)
    assert exact_sum_of_products(np.array([1e16, 1.0, -1e16]), np.array([1.0, 0.5, 1.0])) == 0.5
