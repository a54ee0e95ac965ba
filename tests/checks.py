"""One checker for every exact result: it recomputes all that a result claims.

Nothing here uses the library: costs come from :func:`problems.reference_costs`, bounds from the
plan and the potentials that the result holds. The tolerances are the rounding errors of what the
library promises plus those of the checker itself; u = 2^-53 below, S = max |C|, T = the total mass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from problems import Metric, Problem, reference_costs

Array = NDArray[Any]

U = 2.0**-53
# docs/numerics.md: gap <= GAP_RELATIVE * |value| + GAP_ROUNDING * u * S * T.
GAP_RELATIVE = 1e-9
GAP_ROUNDING = 64
# Masses become integers: each weight is rounded to a grid, and the rounding of all of them is
# balanced. The L1 error of the marginals is at most MASS_GRID * T per row and column.
MASS_GRID = 2.0**-52


@dataclass(frozen=True)
class Bounds:
    """The instance as the checker sees it: float64 costs, weights of equal mass, error scales."""

    costs: Array  # +infinity for pairs that a sparse matrix does not store
    a: Array
    b: Array  # normalised to the mass of a
    b_given: Array
    cost_error: float  # of one entry of the library's cost matrix, relative to the entry
    cost_floor: float  # the same, absolute
    reach: float  # potentials are sums of so many costs at most, as the contract counts them

    @property
    def mass(self) -> float:
        return math.fsum(self.b)

    @property
    def scale(self) -> float:
        return float(np.abs(self.costs[np.isfinite(self.costs)]).max(initial=0.0))


def is_torch(array: Any) -> bool:
    return type(array).__module__.split(".")[0] == "torch"


def to_numpy(array: Any) -> Array:
    """A numpy array of a numpy array, a torch tensor (dense or sparse), or a scipy matrix."""
    if is_torch(array):
        return np.asarray(array.detach().to_dense().numpy())
    return np.asarray(array.toarray() if hasattr(array, "toarray") else array)


def is_sparse(data: Any) -> bool:
    """Whether this is a scipy sparse matrix or a torch sparse tensor."""
    return hasattr(data, "tocoo") or (is_torch(data) and str(data.layout) != "torch.strided")


def stored_costs(M: Any) -> Array:
    """A sparse matrix as a dense one, +infinity where nothing is stored; repetitions add up."""
    if is_torch(M):
        coo = M.detach().to_sparse_coo()
        (rows, cols), entries = coo._indices().numpy(), coo._values().double().numpy()
    else:
        coo = M.tocoo()
        rows, cols, entries = coo.row, coo.col, coo.data.astype(np.float64)
    costs = np.full(tuple(M.shape), np.inf)
    costs[rows, cols] = 0.0
    np.add.at(costs, (rows, cols), entries)
    return costs


def _bounds(data: Any, a: Any, b: Any, metric: Metric) -> Bounds:
    if isinstance(data, tuple):
        X, Y = (to_numpy(points) for points in data)
        costs = reference_costs(X, Y, metric)
        # d rounded squares and their sum, the root or the power; twice, for the checker's own.
        error = 2 * (X.shape[1] + 4) * U
        floor = 2 * (X.shape[1] + 8) * U if metric == "cosine" else 0.0
        dtype = np.promote_types(X.dtype, Y.dtype)
    elif is_sparse(data):
        costs, error, floor = stored_costs(data), 0.0, 0.0
        dtype = np.dtype(str(data.dtype).removeprefix("torch."))
    else:
        matrix = to_numpy(data)
        costs, error, floor, dtype = matrix.astype(np.float64), 0.0, 0.0, matrix.dtype
    n, m = costs.shape
    single = dtype in (np.float32, np.float16)  # weights are cast to the data's precision

    def weights(w: Any, size: int) -> Array:
        if w is None:
            return np.full(size, 1 / size)
        w = to_numpy(w)
        return np.asarray((w.astype(np.float32) if single else w).astype(np.float64))

    left, right = weights(a, n), weights(b, m)
    normalised = right / math.fsum(right) * math.fsum(left)
    reach = float(n + m) if is_sparse(data) else 1.0
    return Bounds(costs, left, normalised, right, error, floor, reach)


def c_transform(C: Array, g: Array) -> Array:
    """f_i = min_j C_ij - g_j: the best partner of g."""
    return np.asarray((C - g).min(axis=1))


def dual_value(C: Array, g: Array, a: Array, b: Array) -> float:
    """The dual value of (c-transform of g, g): a lower bound of every plan's cost."""
    bounded = a > 0  # rows that a sparse matrix stores nothing of have no best partner
    return math.fsum(c_transform(C[bounded], g) * a[bounded]) + math.fsum(g * b)


def check_result(
    result: Any,
    data: Any,
    a: Any = None,
    b: Any = None,
    *,
    metric: Metric = "sqeuclidean",
    expected_value: float | None = None,
    status: str = "optimal",
) -> None:
    """Asserts everything an exact result of one problem promises.

    ``data`` is the cost matrix, dense or sparse, or the tuple (X, Y) with ``metric``. A result
    whose status is not "optimal" must still be a feasible plan with an honest gap; only the size of
    the gap is free. On sparse costs the plan may then miss mass, and has an infinite gap.
    """
    points = data[0] if isinstance(data, tuple) else data
    assert result.status == status
    assert isinstance(result.n_iter, int)
    assert result.n_iter >= 0

    # Kinds: the library that came in goes out, potentials are float64 always.
    for name in ("plan", "potential_a", "potential_b", "marginal_a", "marginal_b"):
        assert is_torch(getattr(result, name)) == is_torch(points), name
    if is_torch(points):
        assert tuple(result.value.shape) == ()
        assert str(result.value.dtype) == "torch.float64"
    else:
        assert type(result.value) is float
    value, plan = float(result.value), to_numpy(result.plan)
    f, g = to_numpy(result.potential_a), to_numpy(result.potential_b)
    assert f.dtype == g.dtype == np.float64

    # The plan: a sparse vertex of the polytope with the right marginals.
    case = _bounds(data, a, b, metric)
    n, m = case.costs.shape
    assert plan.shape == (n, m)
    assert f.shape == (n,)
    assert g.shape == (m,)
    assert (plan >= 0).all()
    entries = np.argwhere(plan)
    assert len(entries) <= n + m - 1
    sparse = to_numpy(result.sparse_plan)
    assert sparse.dtype == plan.dtype
    assert np.array_equal(sparse, plan)
    rows, cols = (plan.astype(np.float64).sum(axis) for axis in (1, 0))
    plan_unit = U if plan.dtype == np.float64 else 2.0**-24
    S, T = case.scale, case.mass
    grid = (n + m) * MASS_GRID * T
    marginal_tolerance = grid + 4 * plan_unit * T
    missing = math.isinf(float(result.gap))
    if missing:
        assert is_sparse(data)
        assert status != "optimal"
        assert (rows <= case.a + marginal_tolerance).all()
        assert (cols <= case.b + marginal_tolerance).all()
    else:
        assert np.abs(rows - case.a).sum() + np.abs(cols - case.b).sum() <= marginal_tolerance
    marginal_error = float(np.abs(rows - case.a).sum() + np.abs(cols - case.b_given).sum())
    assert abs(float(result.marginal_error) - marginal_error) <= marginal_tolerance
    assert np.abs(to_numpy(result.marginal_a) - rows).sum() <= marginal_tolerance
    assert np.abs(to_numpy(result.marginal_b) - cols).sum() <= marginal_tolerance

    # The value: what the plan costs, on pairs that are there.
    assert np.isfinite(case.costs[plan > 0]).all()
    products = [float(plan[i, j]) * float(case.costs[i, j]) for i, j in entries]
    spread = math.fsum(abs(product) for product in products)
    cost = math.fsum(products)
    sum_error = (n + m) * U + case.cost_error + 2 * plan_unit
    cost_tolerance = sum_error * spread + case.cost_floor * T
    assert abs(value - cost) <= cost_tolerance
    assert float(result.value_linear) == value

    # The potentials: feasible, gauged, and of the size of the costs.
    assert np.isfinite(f).all()
    assert np.isfinite(g).all()
    size = S + float(np.abs(f).max()) + float(np.abs(g).max())
    # One rounding each in C - g, in the shift to the gauge (both sides) and in the checker's sums.
    pair_tolerance = (4 * U + case.cost_error) * size + case.cost_floor
    assert (case.costs - f[:, None] - g).min() >= -pair_tolerance
    # c-transforms vary by at most the range of the costs (<= 2 S), and b-weighted means fix the
    # gauge; columns without mass may not hide at minus infinity either.
    assert size <= 16 * case.reach * (S + case.cost_floor)
    assert abs(math.fsum(g * case.b)) <= (m + 8) * U * T * size

    if missing:
        return
    # The gap: honest, and within the contract when optimal. The dual is linear in the weights, so
    # the rounding of the masses enters with the size of the potentials.
    noise = (n + m + 8) * U * T * size + grid * size + case.cost_error * S * T
    noise += case.cost_floor * T
    dual = math.fsum(f * case.a) + math.fsum(g * case.b)
    assert abs(float(result.gap) - (value - dual)) <= noise
    best_dual = dual_value(case.costs, g, case.a, case.b)
    assert best_dual - dual <= noise + pair_tolerance * T, "f is not the c-transform of g"
    gap = value - best_dual
    assert gap >= -noise - pair_tolerance * T
    limit = GAP_RELATIVE * abs(value) + GAP_ROUNDING * case.reach * U * S * T + noise
    if status == "optimal":
        assert gap <= limit
        assert float(result.gap) <= limit
    if expected_value is not None:
        assert abs(value - expected_value) <= limit


def check_problem(result: Any, problem: Problem) -> None:
    """check_result for a generated problem, its known value included."""
    check_result(
        result,
        problem.data,
        problem.a,
        problem.b,
        metric=problem.metric,
        expected_value=problem.value,
    )


def same_value(left: float, right: float, costs: Array, mass: float) -> bool:
    """Whether two certified values of one instance agree: each is within its gap of the optimum."""
    gaps = 2 * GAP_RELATIVE * max(abs(left), abs(right))
    rounding = 2 * (GAP_ROUNDING + sum(costs.shape)) * U * float(np.abs(costs).max()) * mass
    return abs(left - right) <= gaps + rounding


def assert_same(left: Any, right: Any) -> None:
    """Two results are the same bit for bit."""
    assert left.status == right.status
    assert left.n_iter == right.n_iter
    for name in ("value", "gap", "plan", "potential_a", "potential_b"):
        assert np.array_equal(to_numpy(getattr(left, name)), to_numpy(getattr(right, name))), name


Solve = Callable[..., Any]


def check_symmetry(solve: Solve, problem: Problem) -> None:
    """Transposing the costs and exchanging the weights transposes the problem."""
    C, (a, b) = problem.costs(), problem.weights()
    flipped = solve(C.T.copy(), b, a)
    check_result(flipped, C.T, b, a)
    assert same_value(flipped.value, solve(C, a, b).value, C, math.fsum(a))


def check_cost_scaling(solve: Solve, problem: Problem, exponent: int) -> None:
    """Costs times 2^k scale value and potentials by exactly 2^k: nothing rounds."""
    C, (a, b), factor = problem.costs(), problem.weights(), 2.0**exponent
    base, scaled = solve(C, a, b), solve(C * factor, a, b)
    check_result(scaled, C * factor, a, b)
    assert scaled.value == base.value * factor
    assert np.array_equal(scaled.plan, base.plan)
    assert np.array_equal(scaled.potential_b, base.potential_b * factor)


def check_mass_scaling(solve: Solve, problem: Problem, factor: float) -> None:
    """Masses times c scale the value by c."""
    C, (a, b) = problem.costs(), problem.weights()
    scaled = solve(C, a * factor, b * factor)
    check_result(scaled, C, a * factor, b * factor)
    assert same_value(scaled.value, solve(C, a, b).value * factor, C, math.fsum(a) * factor)


def check_shift(solve: Solve, problem: Problem, u: Array, v: Array) -> None:
    """Adding u_i + v_j to the costs adds <u, a> + <v, b> to the value: the plans stay optimal."""
    C, (a, b) = problem.costs(), problem.weights()
    shifted = C + u[:, None] + v
    result = solve(shifted, a, b)
    check_result(result, shifted, a, b)
    moved = math.fsum(u * a) + math.fsum(v * b)
    size = np.abs(C) + np.abs(u)[:, None] + np.abs(v)
    assert same_value(result.value, solve(C, a, b).value + moved, size, math.fsum(a))
