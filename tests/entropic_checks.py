"""One checker for every entropic result: it recomputes all that a result claims.

Nothing here uses the library: the plan is formed from the potentials by its definition,
P_ij = a_i b_j exp((f_i + g_j - C_ij) / reg), in float64, and everything else from that plan. The
tolerances follow from one number, the error of an exponent: the library adds costs and potentials
of the size of the costs in the data's precision, and divides by reg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import c_transform, is_torch, to_numpy
from entropic_problems import BALANCED, EntropicProblem, Rho, kl, objective
from problems import Metric, reference_costs

Array = NDArray[Any]

# docs/numerics.md: roundings of the largest cost in an exponent, and the default tolerances.
EXPONENT_ROUNDINGS = 16
TOLERANCE = 1e-6  # L1, relative to the mass
FLOOR_ROUNDINGS = 4  # float32's floor is so many 2^-24 * range / reg


@dataclass(frozen=True)
class Instance:
    """The problem as the checker sees it, in float64."""

    costs: Array
    a: Array
    b: Array
    reg: float
    rho: Rho
    unit: float  # unit roundoff of the data's dtype

    @property
    def mass(self) -> float:
        return max(math.fsum(self.a), math.fsum(self.b))


@dataclass(frozen=True)
class Plan:
    """The plan of two potentials, and how far rounding may have moved it."""

    P: Array
    rows: Array
    cols: Array
    relative: float  # of each entry
    exponent: Array  # (f_i + g_j - C_ij) / reg


def instance(data: Any, a: Any, b: Any, *, reg: float, metric: Metric, unbalanced: Any) -> Instance:
    if isinstance(data, tuple):
        X, Y = (to_numpy(points) for points in data)
        costs, dtype = reference_costs(X, Y, metric), np.promote_types(X.dtype, Y.dtype)
    else:
        matrix = to_numpy(data)
        costs, dtype = matrix.astype(np.float64), matrix.dtype

    def weights(w: Any, size: int) -> Array:
        if w is None:
            return np.full(size, 1 / size)
        return np.asarray(to_numpy(w).astype(dtype).astype(np.float64))

    left, right = (weights(w, size) for w, size in zip((a, b), costs.shape, strict=True))
    rho = BALANCED
    if unbalanced is None:
        right = right / math.fsum(right) * math.fsum(left)
    else:
        rho = unbalanced if isinstance(unbalanced, tuple) else (unbalanced, unbalanced)
    return Instance(costs, left, right, reg, rho, 2.0**-24 if dtype == np.float32 else 2.0**-53)


def plan_of(case: Instance, f: Array, g: Array) -> Plan:
    exponent = (f[:, None] + g - case.costs) / case.reg
    with np.errstate(under="ignore"):
        P = case.a[:, None] * case.b * np.exp(exponent)
    size = np.abs(case.costs).max() + np.abs(f).max() + np.abs(g).max()
    # Potentials are stated in float64 whatever the data: their own size counts in that precision
    # only where it is that of the costs, which an offset of all costs cannot exceed.
    relative = math.expm1(EXPONENT_ROUNDINGS * case.unit * size / case.reg + 8 * case.unit)
    return Plan(P, P.sum(1), P.sum(0), relative, exponent)


def targets(case: Instance, f: Array, g: Array) -> tuple[Array, Array]:
    """The marginals that the optimality conditions ask for: a, or a exp(-f / rho_a)."""
    a, b = case.a, case.b
    with np.errstate(over="ignore"):
        if case.rho[0] < np.inf:
            a = np.where(a > 0, a * np.exp(-f / case.rho[0]), 0.0)
        if case.rho[1] < np.inf:
            b = np.where(b > 0, b * np.exp(-g / case.rho[1]), 0.0)
    return a, b


def default_tolerance(case: Instance) -> float:
    if case.unit < 2.0**-50:
        return TOLERANCE
    return max(TOLERANCE, FLOOR_ROUNDINGS * case.unit * float(np.ptp(case.costs)) / case.reg)


def check_entropic(
    result: Any,
    data: Any,
    a: Any = None,
    b: Any = None,
    *,
    reg: float,
    metric: Metric = "sqeuclidean",
    unbalanced: Any = None,
    tol: float | None = None,
    status: str = "converged",
) -> Plan:
    """Asserts everything an entropic result of one problem promises; returns the plan.

    ``data`` is the cost matrix or the tuple (X, Y) with ``metric``; ``tol`` what was asked for. A
    result of another status may have any marginal error, but states it.
    """
    points = data[0] if isinstance(data, tuple) else data
    assert result.status == status
    assert isinstance(result.n_iter, int)
    assert result.n_iter >= 0
    for name in ("plan", "potential_a", "potential_b", "marginal_a", "marginal_b"):
        assert is_torch(getattr(result, name)) == is_torch(points), name

    case = instance(data, a, b, reg=reg, metric=metric, unbalanced=unbalanced)
    n, m = case.costs.shape
    f, g = to_numpy(result.potential_a), to_numpy(result.potential_b)
    assert f.dtype == g.dtype == np.float64
    assert f.shape == (n,)
    assert g.shape == (m,)
    assert np.isfinite(f).all()
    assert np.isfinite(g).all()
    plan = plan_of(case, f, g)
    _check_gauge(case, f, g)
    error = _check_marginals(result, case, plan, f, g)
    if status == "converged":
        asked = default_tolerance(case) if tol is None else tol
        assert error <= (asked + 2 * plan.relative) * case.mass
    _check_plan(result, plan)
    _check_values(result, case, plan, error, f, g)
    _check_gap(result, case, plan, g)
    _check_empty_rows(case, plan, f, g)
    return plan


def check_entropic_problem(result: Any, problem: EntropicProblem, tol: float | None = None) -> None:
    """check_entropic for a generated problem, its known value and plan included."""
    plan = check_entropic(
        result,
        problem.data,
        problem.a,
        problem.b,
        reg=problem.reg,
        metric=problem.metric,
        unbalanced=problem.unbalanced,
        tol=tol,
    )
    case = instance(
        problem.data,
        problem.a,
        problem.b,
        reg=problem.reg,
        metric=problem.metric,
        unbalanced=problem.unbalanced,
    )
    f, g = to_numpy(result.potential_a), to_numpy(result.potential_b)
    spread = float(np.ptp(case.costs)) + problem.reg
    # To first order the value changes by the potentials times what the marginals miss.
    missed = marginal_error(case, plan, f, g) * (spread + np.abs(f).max() + np.abs(g).max())
    rounding = plan.relative + EXPONENT_ROUNDINGS * case.unit
    rounding *= (case.reg + np.abs(case.costs).max()) * case.mass
    assert abs(float(result.value) - problem.value) <= problem.accuracy + missed + rounding
    if problem.plan is not None:
        far = plan_distance_bound(case, plan, f, g)
        assert np.abs(plan.P - problem.plan).sum() <= far


def marginal_error(case: Instance, plan: Plan, f: Array, g: Array) -> float:
    """The L1 distance of both marginals from what optimality asks for."""
    a, b = targets(case, f, g)
    return math.fsum(np.abs(plan.rows - a)) + math.fsum(np.abs(plan.cols - b))


def plan_distance_bound(case: Instance, plan: Plan, f: Array, g: Array) -> float:
    """How far, in L1, the optimal plan can be from one whose marginals are off.

    To first order P* = P exp(u + v), where (u, v) solves [diag(r), P; P^T, diag(c)] (u, v) =
    (a - r, b - c). Scaled to a unit diagonal, that matrix is [1, K; K^T, 1] with the singular
    values 1 >= s_2 >= ... of K, the first of which is the gauge: so |(u, v)| is at most
    |misfit| / (1 - s_2), and the L1 norm root(2 mass) times that. Twice, for the higher orders.
    """
    a, b = targets(case, f, g)
    some, used = case.a > 0, case.b > 0
    rows, cols = plan.rows[some], plan.cols[used]
    K = plan.P[some][:, used] / np.sqrt(np.outer(rows, cols))
    values = np.append(np.linalg.svd(K, compute_uv=False), 0.0)
    misfit = math.hypot(
        float(np.linalg.norm((rows - a[some]) / np.sqrt(rows))),
        float(np.linalg.norm((cols - b[used]) / np.sqrt(cols))),
    )
    noise = plan.relative * math.sqrt(2 * case.mass)
    return 2 * math.sqrt(2 * case.mass) * (misfit + noise) / (1 - float(values[1]))


def _check_gauge(case: Instance, f: Array, g: Array) -> None:
    """Balanced potentials may be shifted against each other: the b-weighted mean of g is 0."""
    if case.rho != BALANCED:
        return
    size = np.abs(case.costs).max() + np.abs(f).max() + np.abs(g).max()
    assert abs(math.fsum(g * case.b)) <= (len(g) + 8) * 2.0**-53 * size * case.mass


def _check_marginals(result: Any, case: Instance, plan: Plan, f: Array, g: Array) -> float:
    """The marginals are those of the potentials' plan, and their error is stated; returns it."""
    for stated, sums in ((result.marginal_a, plan.rows), (result.marginal_b, plan.cols)):
        assert np.abs(to_numpy(stated) - sums).sum() <= 2 * plan.relative * sums.sum()
    error = marginal_error(case, plan, f, g)
    noise = 2 * plan.relative * float(plan.P.sum())
    assert abs(float(result.marginal_error) - error) <= noise
    return error


def _check_plan(result: Any, plan: Plan) -> None:
    dense = to_numpy(result.plan)
    assert dense.shape == plan.P.shape
    assert (dense >= 0).all()
    smallest = 4 * float(np.finfo(dense.dtype).tiny)  # below it entries lose digits, or are zero
    distance = np.abs(dense - plan.P)
    assert (distance <= 2 * plan.relative * plan.P + smallest).all()


def _check_values(
    result: Any, case: Instance, plan: Plan, error: float, f: Array, g: Array
) -> None:
    size = np.abs(case.costs) * plan.P
    noise = 2 * plan.relative * float(size.sum()) + 8 * case.unit * float(size.sum())
    linear = float(np.sum(plan.P * case.costs))
    assert abs(float(result.value_linear) - linear) <= noise
    # Where the plan's marginals are off, a value may be taken at the plan or at the potentials:
    # they differ by the potentials times what is missed.
    value = objective(plan.P, case.costs, case.a, case.b, case.reg, case.rho)
    entropies = case.reg * float(np.abs(plan.exponent * plan.P).sum() + plan.P.sum())
    for weights, sums, rho in ((case.a, plan.rows, case.rho[0]), (case.b, plan.cols, case.rho[1])):
        if rho < np.inf:
            entropies += rho * (abs(kl(sums, weights)) + sums.sum() + weights.sum())
    noise += 2 * (plan.relative + 8 * 2.0**-53) * (entropies + case.reg * case.mass**2)
    potentials = np.abs(f).max() + np.abs(g).max() + case.reg
    assert abs(float(result.value) - value) <= noise + 2 * error * potentials


def _check_gap(result: Any, case: Instance, plan: Plan, g: Array) -> None:
    """The linear value minus the dual value of the potentials' c-transform, weights without mass
    left out: a bound, and not a looser one than that of g."""
    if case.rho != BALANCED:
        return
    used = case.b > 0
    linear = float(np.sum(plan.P * case.costs))
    f = c_transform(case.costs[:, used], g[used])
    dual = math.fsum(f * case.a) + math.fsum(g * case.b)
    size = np.abs(case.costs).max() + np.abs(g).max()
    noise = (4 * plan.relative + (sum(case.costs.shape) + 8) * 2.0**-53) * size * case.mass
    noise += 16 * case.unit * size * case.mass
    assert abs(float(result.gap) - (linear - dual)) <= noise


def _check_empty_rows(case: Instance, plan: Plan, f: Array, g: Array) -> None:
    """Potentials of points without mass are the formula's, as far as the others have settled."""
    if case.rho != BALANCED:
        return
    with np.errstate(divide="ignore"):
        row_ratio = np.log(plan.rows[case.a > 0] / case.a[case.a > 0])
        col_ratio = np.log(plan.cols[case.b > 0] / case.b[case.b > 0])
    unsettled = case.reg * (np.abs(row_ratio).max() + np.abs(col_ratio).max())
    noise = unsettled + 2 * case.reg * math.log1p(plan.relative)
    for weights, C, mine, theirs, other in (
        (case.a, case.costs, f, g, case.b),
        (case.b, case.costs.T, g, f, case.a),
    ):
        empty, used = weights == 0, other > 0
        if empty.any():
            exponent = (theirs[used] - C[empty][:, used]) / case.reg + np.log(other[used])
            top = exponent.max(axis=1)
            soft = -case.reg * (top + np.log(np.exp(exponent - top[:, None]).sum(axis=1)))
            assert np.abs(mine[empty] - soft).max() <= noise
