"""The tests' own tools: the generators' answers against independent oracles, and a checker that
lets no wrong result pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import ot
import pytest
from scipy.optimize import linear_sum_assignment, linprog
from scipy.spatial.distance import cdist

import planted
import problems
from catalogue import LARGE, SMALL
from checks import U, c_transform, check_problem, check_result, dual_value
from problems import Problem

ALL = SMALL + LARGE


def lp_optimum(C: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """The value by SciPy's linear programming, in costs of scale 1 and masses of scale 1."""
    n, m = C.shape
    scale, mass = np.abs(C).max() or 1.0, math.fsum(a)
    rows = np.kron(np.eye(n), np.ones(m))
    cols = np.kron(np.ones(n), np.eye(m))
    equations = np.vstack([rows, cols])[:-1]  # one is redundant
    found = linprog(
        (C / scale).ravel(),
        A_eq=equations,
        b_eq=np.concatenate([a, b])[:-1] / mass,
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    assert found.status == 0, found.message
    return float(found.fun) * scale * mass


@pytest.mark.parametrize("problem", ALL, ids=lambda p: p.name)
def test_planted_plan_attains_the_value(problem: Problem) -> None:
    C, (a, b) = problem.costs(), problem.weights()
    assert abs(math.fsum(a) - math.fsum(b)) <= 4 * U * math.fsum(a)
    if problem.plan is None:
        return  # every plan is optimal: the potentials' test covers it
    assert (problem.plan >= 0).all()
    assert np.allclose(problem.plan.sum(1), a, rtol=1e-15, atol=0)
    assert np.allclose(problem.plan.sum(0), b, rtol=1e-15, atol=0)
    cost = (problem.plan * C).sum()
    assert cost == pytest.approx(problem.value, rel=1e-14, abs=1e-15 * np.abs(C).max())


@pytest.mark.parametrize("problem", [p for p in ALL if p.potentials], ids=lambda p: p.name)
def test_planted_potentials_prove_the_value(problem: Problem) -> None:
    C, (a, b) = problem.costs(), problem.weights()
    assert problem.potentials is not None
    f, g = problem.potentials
    assert (f[:, None] + g <= C).all()  # dyadic numbers: exact
    dual = math.fsum(f * a) + math.fsum(g * b)
    size = np.abs(C).max() + np.abs(f).max() + np.abs(g).max()
    assert abs(dual - problem.value) <= 4 * sum(C.shape) * U * size * math.fsum(a)


@pytest.mark.parametrize("problem", SMALL, ids=lambda p: p.name)
def test_values_against_linear_programming(problem: Problem) -> None:
    C, (a, b) = problem.costs(), problem.weights()
    tolerance = 1e-9 * np.abs(C).max() * math.fsum(a)  # HiGHS's own
    assert abs(lp_optimum(C, a, b) - problem.value) <= tolerance


@pytest.mark.parametrize("problem", LARGE, ids=lambda p: p.name)
def test_values_against_peers(problem: Problem) -> None:
    C, (a, b) = problem.costs(), problem.weights()
    if problem.a is None and C.shape[0] == C.shape[1]:
        rows, cols = linear_sum_assignment(C)
        value = C[rows, cols].mean()
    else:
        value = ot.emd2(a, b * (a.sum() / b.sum()), C)
    assert value == pytest.approx(problem.value, rel=1e-12, abs=1e-12 * np.abs(C).max())


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", "cosine"])
def test_reference_costs_against_scipy(metric: str) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(6, 4)), rng.normal(size=(5, 4))
    expected = cdist(X, Y, metric)  # type: ignore[call-overload]
    np.testing.assert_allclose(problems.reference_costs(X, Y, metric), expected, rtol=1e-14)


def test_reference_costs_minkowski() -> None:
    costs = problems.reference_costs(
        np.array([[0.0, 1.0]]), np.array([[2.0, -1.0]]), ("minkowski", 3)
    )
    assert costs == [[16.0]]


@pytest.mark.parametrize("masses", ["equal", "integer", "wide", "heavy"])
@pytest.mark.parametrize("seed", range(5))
def test_planted_supports_are_forests(masses: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = planted.planted(rng, 8, 11, components=3, masses=masses, float32=False)
    assert made.plan is not None
    assert np.count_nonzero(made.plan) == 8 + 11 - 3
    assert (made.plan.sum(1) > 0).all()
    assert (made.plan.sum(0) > 0).all()


def test_catalogue_is_reproducible_and_named_uniquely() -> None:
    assert len({problem.name for problem in SMALL}) == len(SMALL)
    again = planted.planted(np.random.default_rng(1), 5, 6)
    assert np.array_equal(again.costs(), planted.planted(np.random.default_rng(1), 5, 6).costs())


def test_astype_refuses_to_lose_digits() -> None:
    wide = next(problem for problem in SMALL if problem.name == "wide-weights")
    with pytest.raises(AssertionError):
        wide.astype(np.float32)


# ---------------------------------------------------------------------------------------------
# The checker


@dataclass(frozen=True)
class Claim:
    """A result as the checker reads it, made from a planted problem: right until replaced."""

    value: Any
    plan: Any
    sparse_plan: Any
    potential_a: Any
    potential_b: Any
    marginal_a: Any
    marginal_b: Any
    marginal_error: float
    gap: float
    status: str = "optimal"
    n_iter: int = 3

    @property
    def value_linear(self) -> Any:
        return self.value


def claim(problem: Problem) -> Claim:
    assert problem.plan is not None
    assert problem.potentials is not None
    C, (a, b) = problem.costs(), problem.weights()
    g = problem.potentials[1]
    g = g - math.fsum(g * b) / math.fsum(b)
    f = c_transform(C, g)
    return Claim(
        value=problem.value,
        plan=problem.plan,
        sparse_plan=problem.plan,
        potential_a=f,
        potential_b=g,
        marginal_a=problem.plan.sum(1),
        marginal_b=problem.plan.sum(0),
        marginal_error=0.0,
        gap=problem.value - dual_value(C, g, a, b),
    )


PLANTED = [problem for problem in ALL if problem.plan is not None and problem.potentials]


@pytest.mark.parametrize("problem", PLANTED, ids=lambda p: p.name)
def test_checker_accepts_right_results(problem: Problem) -> None:
    check_problem(claim(problem), problem)


def bump(array: np.ndarray, index: Any, amount: float) -> np.ndarray:
    changed = array.copy()
    changed[index] += amount
    return changed


def with_plan(right: Claim, plan: np.ndarray, C: np.ndarray) -> Claim:
    """Another plan, everything else restated honestly."""
    cost = float((plan * C).sum())
    return replace(
        right, plan=plan, sparse_plan=plan, value=cost, gap=right.gap + cost - right.value
    )


def swapped(plan: np.ndarray, amount: float = 1.0) -> np.ndarray:
    """A feasible plan that moves mass around a cycle of two entries of the support."""
    support = np.argwhere(plan)
    i, j = support[0]
    k, h = next((k, h) for k, h in support if k != i and h != j)
    moved = amount * min(plan[i, j], plan[k, h])
    changed = plan.copy()
    changed[i, j] -= moved
    changed[k, h] -= moved
    changed[i, h] += moved
    changed[k, j] += moved
    return changed


WRONG: dict[str, Callable[[Claim, np.ndarray], Claim]] = {
    "value off by 1e-12": lambda r, C: replace(r, value=r.value * (1 + 1e-12)),
    "value of another type": lambda r, C: replace(r, value=np.float64(r.value)),
    "suboptimal plan": lambda r, C: with_plan(r, swapped(r.plan), C),
    "suboptimal plan, gap hidden": lambda r, C: replace(with_plan(r, swapped(r.plan), C), gap=0.0),
    "plan that misses mass": lambda r, C: with_plan(r, r.plan * (1 - 1e-9), C),
    "plan of wrong marginals": lambda r, C: with_plan(r, np.roll(r.plan, 1, axis=0), C),
    "negative entry": lambda r, C: with_plan(r, swapped(r.plan, 1.5), C),
    "too many entries": lambda r, C: with_plan(r, r.plan + 1e-18, C),
    "sparse plan differs": lambda r, C: replace(r, sparse_plan=swapped(r.plan)),
    "infeasible potentials": lambda r, C: replace(r, potential_a=r.potential_a + 1e-12),
    "loose potentials": lambda r, C: replace(r, potential_a=r.potential_a - 1e-6),
    "one loose potential": lambda r, C: replace(
        r, potential_a=bump(r.potential_a, 0, -1e-3), gap=r.gap
    ),
    "loose potentials, gap honest": lambda r, C: replace(
        r, potential_a=r.potential_a - 1e-6, gap=r.gap + 1e-6 * r.plan.sum()
    ),
    "gauge": lambda r, C: replace(
        r, potential_a=r.potential_a - 1e-9, potential_b=r.potential_b + 1e-9
    ),
    "gap understated": lambda r, C: replace(r, gap=r.gap - 1e-9),
    "potentials of float32": lambda r, C: replace(r, potential_a=r.potential_a.astype("f4")),
    "marginal error": lambda r, C: replace(r, marginal_error=1e-9),
    "marginals": lambda r, C: replace(r, marginal_b=bump(r.marginal_b, 0, 1e-9)),
    "status": lambda r, C: replace(r, status="max_iter"),
    "n_iter": lambda r, C: replace(r, n_iter=-1),
    "transposed plan": lambda r, C: replace(r, plan=r.plan.T, sparse_plan=r.plan.T),
    "not a number": lambda r, C: replace(r, value=math.nan),
}


@pytest.mark.parametrize("name", WRONG)
def test_checker_catches(name: str) -> None:
    problem = next(problem for problem in SMALL if problem.name == "planted-forest")
    right, C = claim(problem), problem.costs()
    check_problem(right, problem)
    with pytest.raises(AssertionError):
        check_problem(WRONG[name](right, C), problem)


def test_checker_catches_an_honest_suboptimal_result() -> None:
    """Without the known value too: the gap alone gives it away, and max_iter may say so."""
    problem = next(problem for problem in SMALL if problem.name == "planted-forest")
    wrong = with_plan(claim(problem), swapped(claim(problem).plan), problem.costs())
    with pytest.raises(AssertionError):
        check_result(wrong, problem.data, problem.a, problem.b)
    stopped = replace(wrong, status="max_iter")
    check_result(stopped, problem.data, problem.a, problem.b, status="max_iter")
