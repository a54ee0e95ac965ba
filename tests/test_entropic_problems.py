"""The tests' own tools for entropic problems: the closed forms against plain iterations, and a
checker that lets no wrong result pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import entropic_reference as reference
from checks import c_transform
from entropic_checks import (
    check_entropic_problem,
    instance,
    marginal_error,
    plan_distance_bound,
    plan_of,
)
from entropic_problems import BALANCED, CATALOGUE, EntropicProblem, kl, objective, planted


def reached(problem: EntropicProblem, tolerance: float = 1e-12) -> tuple[Any, Any]:
    """The potentials of plain iterations, once their plan's marginals are right."""
    C, (a, b) = problem.costs(), problem.weights()
    case = instance(C, a, b, reg=problem.reg, metric="sqeuclidean", unbalanced=problem.unbalanced)
    iterations = reference.sinkhorn(C, a, b, problem.reg, problem.rho)
    for count, (f, g) in enumerate(iterations, start=1):
        plan = plan_of(case, f, g)
        error = marginal_error(case, plan, f, g)
        if error <= (tolerance + plan.relative) * case.mass or count == 20000:
            break
    assert error <= (tolerance + plan.relative) * case.mass
    shift = g @ b / b.sum() if problem.rho == BALANCED else 0.0
    return f + shift, g - shift


@pytest.mark.parametrize("problem", CATALOGUE, ids=lambda p: p.name)
def test_plain_iterations_come_to_the_closed_form(problem: EntropicProblem) -> None:
    check_entropic_problem(claim(problem), problem, tol=2e-12)


@pytest.mark.parametrize(
    "problem", [p for p in CATALOGUE if p.plan is not None], ids=lambda p: p.name
)
def test_no_plan_nearby_is_better(problem: EntropicProblem) -> None:
    """The objective of the known plan, and of plans with the same marginals or, where those are
    free, others."""
    assert problem.plan is not None
    C, (a, b), P = problem.costs(), problem.weights(), problem.plan
    best = objective(P, C, a, b, problem.reg, problem.rho)
    assert abs(best - problem.value) <= problem.accuracy
    if min(P.shape) == 1:
        return
    rng = np.random.default_rng(0)
    for _ in range(10):
        i, k = rng.choice(len(a), 2, replace=False)
        j, h = rng.choice(len(b), 2, replace=False)
        moved = 0.01 * P[[i, i, k, k], [j, h, j, h]].min()
        other = P.copy()
        other[[i, k], [j, h]] += moved
        other[[i, k], [h, j]] -= moved
        assert objective(other, C, a, b, problem.reg, problem.rho) >= best - problem.accuracy
        if problem.rho == BALANCED:
            continue
        free = other * np.exp(
            0.01 * rng.normal(size=len(a))[:, None] * (problem.rho[0] < np.inf)
            + 0.01 * rng.normal(size=len(b)) * (problem.rho[1] < np.inf)
        )
        if math.isinf(max(problem.rho)):
            continue  # scaling one side's sums changes the other's, which are fixed
        assert objective(free, C, a, b, problem.reg, problem.rho) > best


def test_kl_of_measures_of_different_mass() -> None:
    assert kl(np.array([0.0, 2.0]), np.array([1.0, 1.0])) == pytest.approx(2 * math.log(2))
    assert kl(np.zeros(3), np.ones(3)) == 3.0


@pytest.mark.parametrize("inner_iter", [1, 3])
def test_reference_ipot_finds_an_exact_plan(inner_iter: int) -> None:
    rng = np.random.default_rng(1)
    C = rng.random((6, 6)) + 2 * (1 - np.eye(6))[rng.permutation(6)]
    uniform = np.full(6, 1 / 6)
    plans = reference.ipot(C, uniform, uniform, 0.5, inner_iter=inner_iter)
    for _ in range(300):
        plan = next(plans)
    best = c_transform(C, np.zeros(6)).mean()  # the cheapest entries are a permutation
    assert np.sum(plan * C) == pytest.approx(best, rel=1e-9)


# ---------------------------------------------------------------------------------------------
# The checker


@dataclass(frozen=True)
class Claim:
    """A result as the checker reads it: right until replaced."""

    value: float
    value_linear: float
    plan: Any
    potential_a: Any
    potential_b: Any
    marginal_a: Any
    marginal_b: Any
    marginal_error: float
    gap: float
    status: str = "converged"
    n_iter: int = 3


def claim(problem: EntropicProblem, tolerance: float = 1e-12) -> Claim:
    return stated(problem, *reached(problem, tolerance))


def stated(problem: EntropicProblem, f: Any, g: Any) -> Claim:
    """Everything that potentials entail, stated honestly."""
    C, (a, b) = problem.costs(), problem.weights()
    case = instance(C, a, b, reg=problem.reg, metric="sqeuclidean", unbalanced=problem.unbalanced)
    plan = plan_of(case, f, g)
    linear = float(np.sum(plan.P * C))
    return Claim(
        value=objective(plan.P, C, a, b, problem.reg, problem.rho),
        value_linear=linear,
        plan=plan.P,
        potential_a=f,
        potential_b=g,
        marginal_a=plan.rows,
        marginal_b=plan.cols,
        marginal_error=marginal_error(case, plan, f, g),
        gap=linear - math.fsum(c_transform(C, g) * a) - math.fsum(g * b),
    )


def bump(array: np.ndarray, amount: float) -> np.ndarray:
    changed = array.copy()
    changed[0] += amount
    return changed


WRONG: dict[str, Callable[[Claim, EntropicProblem], Claim]] = {
    "value": lambda r, p: replace(r, value=r.value + 1e-9),
    "value without the entropy": lambda r, p: replace(r, value=r.value_linear),
    "linear value": lambda r, p: replace(r, value_linear=r.value_linear + 1e-9),
    "entry of the plan": lambda r, p: replace(r, plan=bump(r.plan, 1e-9)),
    "transposed plan": lambda r, p: replace(r, plan=r.plan.T),
    "marginals": lambda r, p: replace(r, marginal_b=bump(r.marginal_b, 1e-9)),
    "marginal error": lambda r, p: replace(r, marginal_error=1e-9),
    "gap": lambda r, p: replace(r, gap=r.gap - 1e-9),
    "gauge": lambda r, p: replace(
        r, potential_a=r.potential_a + 1e-9, potential_b=r.potential_b - 1e-9
    ),
    "not converged": lambda r, p: stated(p, r.potential_a + 1e-3, r.potential_b),
    "other potentials": lambda r, p: replace(r, potential_a=bump(r.potential_a, 1e-6)),
    "float32 potentials": lambda r, p: replace(r, potential_a=r.potential_a.astype("f4")),
    "status": lambda r, p: replace(r, status="max_iter"),
    "not a number": lambda r, p: replace(r, value=math.nan),
    "n_iter": lambda r, p: replace(r, n_iter=-1),
}


@pytest.mark.parametrize("name", WRONG)
def test_checker_catches(name: str) -> None:
    problem = planted(np.random.default_rng(3), 9, 9)
    right = claim(problem)
    check_entropic_problem(right, problem)
    with pytest.raises(AssertionError):
        check_entropic_problem(WRONG[name](right, problem), problem)


def test_checker_catches_the_answer_to_another_problem() -> None:
    """Right in itself, for half the regularisation."""
    problem = planted(np.random.default_rng(3), 9, 9)
    other = claim(replace(problem, reg=problem.reg / 2))
    with pytest.raises(AssertionError):
        check_entropic_problem(other, problem)


def test_bound_on_the_distance_of_plans() -> None:
    """It holds for plans far from convergence, and is not much larger than the distance."""
    problem = planted(np.random.default_rng(4), 12, 12, sharp=0.9)
    C, (a, b) = problem.costs(), problem.weights()
    case = instance(C, a, b, reg=problem.reg, metric="sqeuclidean", unbalanced=None)
    for iterations in (20, 40, 80):
        f, g = reference.solve(C, a, b, problem.reg, iterations=iterations)
        plan = plan_of(case, f, g)
        distance = np.abs(plan.P - problem.plan).sum()
        bound = plan_distance_bound(case, plan, f, g)
        assert distance <= bound <= 50 * distance
