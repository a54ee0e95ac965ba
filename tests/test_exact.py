"""The exact solvers: known answers, oracles, symmetries, certificates; alone and in batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import ot
import pytest
import torch
from hypothesis import given
from scipy.optimize import linear_sum_assignment

import otcore
import planted
import problems
from catalogue import LARGE, SMALL
from checks import (
    assert_same,
    check_cost_scaling,
    check_mass_scaling,
    check_problem,
    check_result,
    check_shift,
    check_symmetry,
    to_numpy,
)
from problems import Problem
from strategies import Instance, instances, make_weights

FLOAT32 = [problem for problem in SMALL + LARGE if problem.float32]


def solve(problem: Problem, **options: Any) -> otcore.OTResult:
    """The problem as it is given: by its matrix or by its points."""
    if problem.M is not None:
        return otcore.solve(problem.M, problem.a, problem.b, **options)
    return otcore.solve_sample(
        problem.X, problem.Y, problem.a, problem.b, metric=problem.metric, **options
    )


def solve_instance(case: Instance) -> otcore.OTResult:
    if isinstance(case.data, tuple):
        return otcore.solve_sample(*case.data, case.a, case.b, metric=case.metric)
    return otcore.solve(case.data, case.a, case.b)


# ---------------------------------------------------------------------------------------------
# Known answers


@pytest.mark.isa
@pytest.mark.parametrize("problem", SMALL + LARGE, ids=lambda p: p.name)
def test_known_answer(problem: Problem) -> None:
    check_problem(solve(problem), problem)


@pytest.mark.isa
@pytest.mark.parametrize("problem", FLOAT32, ids=lambda p: p.name)
def test_known_answer_float32(problem: Problem) -> None:
    """float32 data are read as they are: the value is as exact as from float64."""
    problem = problem.astype(np.float32)
    check_problem(solve(problem), problem)


@pytest.mark.parametrize(
    "problem", [p for p in SMALL + LARGE if p.X is not None], ids=lambda p: p.name
)
def test_points_and_matrix_agree(problem: Problem) -> None:
    matrix = problem.as_matrix()
    check_problem(solve(matrix), matrix)


@pytest.mark.isa
@pytest.mark.parametrize("n", [*range(1, 20), 31, 32, 33, 63, 64, 65, 127, 128, 129])
def test_every_remainder_of_a_vector(n: int) -> None:
    """Sizes on all sides of the vector lengths, square and not, with and without ties."""
    rng = np.random.default_rng(n)
    for problem in (
        planted.permutation(rng, n),
        planted.permutation(rng, n, ties=True),
        planted.planted(rng, n, n),
        planted.planted(rng, n, n + 1),
        planted.planted(rng, n + 2, n, ties=True),
    ):
        check_problem(solve(problem), problem)


# ---------------------------------------------------------------------------------------------
# Oracles


@pytest.mark.parametrize("n", [2, 5, 16, 60, 150])
@pytest.mark.parametrize("kind", ["normal", "ties", "points"])
def test_assignment_against_scipy(n: int, kind: str) -> None:
    rng = np.random.default_rng(n)
    if kind == "points":
        M = problems.reference_costs(rng.random((n, 2)), rng.random((n, 2)))
    else:
        M = rng.integers(0, 5, size=(n, n)) * 1.0 if kind == "ties" else rng.normal(size=(n, n))
    rows, cols = linear_sum_assignment(M)
    check_result(otcore.solve(M), M, expected_value=math.fsum(M[rows, cols]) / n)


@pytest.mark.parametrize(("n", "m"), [(3, 5), (40, 50), (120, 70), (1, 30)])
@pytest.mark.parametrize("weights", ["random", "zeros", "heavy", "wide", "integers"])
def test_general_weights_against_pot(n: int, m: int, weights: str) -> None:
    rng = np.random.default_rng(n)
    X, Y = rng.random((n, 3)), rng.random((m, 3))
    a, b = make_weights(rng, weights, n, m)
    M = problems.reference_costs(X, Y)
    expected = float(ot.emd2(a, b, M))
    check_result(otcore.solve(M, a, b), M, a, b, expected_value=expected)
    result = otcore.solve_sample(X, Y, a, b)
    check_result(result, (X, Y), a, b, expected_value=expected)


def test_one_larger_problem_against_pot() -> None:
    rng = np.random.default_rng(0)
    M = problems.reference_costs(rng.random((500, 2)), rng.random((400, 2)))
    a, b = problems.dyadic_weights(rng, 500), problems.dyadic_weights(rng, 400)
    check_result(otcore.solve(M, a, b), M, a, b, expected_value=float(ot.emd2(a, b, M)))


@given(case=instances())
def test_every_result_is_certified(case: Instance) -> None:
    check_result(solve_instance(case), case.data, case.a, case.b, metric=case.metric)


# ---------------------------------------------------------------------------------------------
# Symmetries

TAME = [p for p in SMALL if "1e" not in p.name]


@pytest.mark.parametrize("problem", TAME, ids=lambda p: p.name)
def test_symmetries(problem: Problem) -> None:
    rng = np.random.default_rng(3)
    n, m = problem.shape
    check_symmetry(otcore.solve, problem)
    check_mass_scaling(otcore.solve, problem, 3.0)
    check_shift(otcore.solve, problem, rng.normal(size=n), rng.normal(size=m))


@pytest.mark.parametrize("exponent", [-900, -3, 20, 900])
@pytest.mark.parametrize("name", ["permutation-2", "planted", "ties", "zeros", "negative"])
def test_costs_scaled_by_a_power_of_two(name: str, exponent: int) -> None:
    problem = next(problem for problem in SMALL if problem.name == name)
    check_cost_scaling(otcore.solve, problem, exponent)


@pytest.mark.parametrize("total", [1e-300, 1e-30, 1e-6, 1e6, 1e30, 1e300])
def test_any_total_mass(total: float) -> None:
    problem = next(problem for problem in SMALL if problem.name == "planted")
    check_mass_scaling(otcore.solve, problem, total)


# ---------------------------------------------------------------------------------------------
# Batches


def check_batch(batch: otcore.BatchResult, case: Instance, *, singles: bool = True) -> None:
    """Every member passes the checker and equals the problem solved alone, bit for bit."""
    points = isinstance(case.data, tuple)
    for k in range(len(batch)):
        data = tuple(p[k] for p in case.data) if points else case.data[k]
        a, b = (w if w is None or w.ndim == 1 else w[k] for w in (case.a, case.b))
        member = Instance(data, a, b, case.metric)
        check_result(batch[k], data, a, b, metric=case.metric)
        assert float(batch.value[k]) == float(batch[k].value)
        if singles:
            assert_same(batch[k], solve_instance(member))


def solve_instances(case: Instance) -> otcore.BatchResult:
    if isinstance(case.data, tuple):
        return otcore.solve_sample_batch(*case.data, case.a, case.b, metric=case.metric)
    return otcore.solve_batch(case.data, case.a, case.b)


@given(case=instances(max_size=25, batch=3))
def test_batch_equals_singles(case: Instance) -> None:
    batch = solve_instances(case)
    assert len(batch) == 3
    check_batch(batch, case)


def test_batch_arrays() -> None:
    """The batch's own attributes are its members', stacked."""
    M = np.random.default_rng(0).random((4, 5, 6))
    batch = otcore.solve_batch(M)
    for name in ("value", "gap", "n_iter", "plan", "potential_a", "potential_b", "marginal_error"):
        stacked = np.stack([getattr(batch[k], name) for k in range(4)])
        assert np.array_equal(getattr(batch, name), stacked), name
    assert [batch[k].status for k in range(4)] == list(batch.status)
    assert batch.plan.shape == (4, 5, 6)
    assert isinstance(batch.value, np.ndarray)
    assert batch.value.dtype == np.float64


def test_batch_torch_arrays() -> None:
    M = torch.rand((4, 5, 6), generator=torch.Generator().manual_seed(0))
    batch = otcore.solve_batch(M)
    assert batch.value.dtype == torch.float64
    assert batch.value.shape == (4,)
    assert batch.potential_a.shape == (4, 5)
    assert np.array_equal(to_numpy(batch.value), otcore.solve_batch(M.numpy()).value)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (10, 10), (50, 50), (50, 40)])
def test_many_problems(n: int, m: int) -> None:
    """Hundreds of problems with weights of their own, against the singles and the checker."""
    rng = np.random.default_rng(n)
    M = rng.random((200, n, m))
    a = np.stack([problems.dyadic_weights(rng, n) for _ in range(200)])
    b = np.stack([problems.dyadic_weights(rng, m) for _ in range(200)])
    check_batch(otcore.solve_batch(M, a, b), Instance(M, a, b, "sqeuclidean"))
    check_batch(otcore.solve_batch(M), Instance(M, None, None, "sqeuclidean"))


def test_one_side_shared_weights() -> None:
    rng = np.random.default_rng(0)
    M = rng.random((3, 4, 5))
    a, b = problems.dyadic_weights(rng, 4), rng.integers(1, 9, size=(3, 5)) * 1.0
    b /= b.sum(1, keepdims=True)
    check_batch(otcore.solve_batch(M, a, b), Instance(M, a, b, "sqeuclidean"))
    check_batch(otcore.solve_batch(M, None, b), Instance(M, None, b, "sqeuclidean"))


# ---------------------------------------------------------------------------------------------
# Stopped early


@pytest.mark.parametrize("max_iter", [1, 5, 40])
@pytest.mark.parametrize("weighted", [False, True])
def test_max_iter_gives_a_feasible_plan_and_says_so(max_iter: int, weighted: bool) -> None:
    rng = np.random.default_rng(1)
    M = rng.random((60, 60))
    a, b = (problems.dyadic_weights(rng, 60) if weighted else None for _ in "ab")
    with pytest.warns(otcore.ConvergenceWarning, match="gap"):
        result = otcore.solve(M, a, b, max_iter=max_iter)
    check_result(result, M, a, b, status="max_iter")
    assert result.n_iter <= max_iter
    assert result.value >= otcore.solve(M, a, b).value


@pytest.mark.parametrize("weighted", [False, True])
def test_max_iter_that_suffices_gives_the_optimum(weighted: bool) -> None:
    rng = np.random.default_rng(1)
    M = rng.random((30, 30))
    a, b = (problems.dyadic_weights(rng, 30) if weighted else None for _ in "ab")
    expected = otcore.solve(M, a, b).value
    check_result(otcore.solve(M, a, b, max_iter=10**9), M, a, b, expected_value=expected)


def test_batch_max_iter_warns_once_and_counts() -> None:
    M = np.random.default_rng(1).random((5, 40, 40))
    with pytest.warns(otcore.ConvergenceWarning) as caught:
        batch = otcore.solve_batch(M, max_iter=1)
    assert len(caught) == 1
    assert "5" in str(caught[0].message)
    assert list(batch.status) == ["max_iter"] * 5
