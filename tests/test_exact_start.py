"""Warm starts: any potentials give the optimum, good ones sooner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

import otcore
import problems
from checks import check_result, same_value, to_numpy


def moved_problem(n: int, m: int) -> tuple[Any, ...]:
    """Points, the same moved a little, targets, and weights."""
    rng = np.random.default_rng(n)
    X, Y = rng.random((n, 2)), rng.random((m, 2))
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    a[0], b[-1] = 0.0, 0.0
    return X, X + 1e-3 * rng.normal(size=X.shape), Y, a / a.sum(), b / b.sum()


@pytest.mark.isa
@pytest.mark.parametrize(("n", "m"), [(60, 80), (300, 250), (700, 800)])
@pytest.mark.parametrize("points", [False, True])
def test_a_problem_that_moved_a_little(n: int, m: int, points: bool) -> None:
    X, moved, Y, a, b = moved_problem(n, m)
    data = (moved, Y) if points else (problems.reference_costs(moved, Y),)
    solve = otcore.solve_sample if points else otcore.solve
    before = otcore.solve_sample(X, Y, a, b)
    cold = solve(*data, a, b)
    for start in (before, before.potentials, [p.tolist() for p in before.potentials]):
        warm = solve(*data, a, b, potentials_init=start)
        check_result(warm, data if points else data[0], a, b)
        costs = problems.reference_costs(moved, Y)
        assert same_value(warm.value, cold.value, costs, 1.0)
        # Without a start large problems take most steps in an auction, which counts no pivots.
        assert warm.n_iter < (cold.n_iter / 2 if n < 700 else cold.n_iter)


@pytest.mark.parametrize("n", [8, 40, 700])
@pytest.mark.parametrize("kind", ["zeros", "noise", "huge", "opposite"])
def test_useless_potentials(n: int, kind: str) -> None:
    X, _, Y, a, b = moved_problem(n, n + 5)
    M = problems.reference_costs(X, Y)
    cold = otcore.solve(M, a, b)
    rng = np.random.default_rng(0)
    g = {
        "zeros": np.zeros(n + 5),
        "noise": rng.normal(size=n + 5),
        "huge": rng.normal(size=n + 5) * 1e307,
        "opposite": -10 * cold.potential_b,
    }[kind]
    result = otcore.solve(M, a, b, potentials_init=(np.zeros(n), g))
    check_result(result, M, a, b)
    assert same_value(result.value, cold.value, M, 1.0)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_extreme_costs(scale: float) -> None:
    X, _, Y, a, b = moved_problem(30, 40)
    M = problems.reference_costs(X, Y) * scale
    cold = otcore.solve(M, a, b)
    warm = otcore.solve(M, a, b, potentials_init=cold)
    check_result(warm, M, a, b)
    assert warm.n_iter < cold.n_iter / 2


def test_assignments_and_the_smallest_problems() -> None:
    """Augmenting paths have no use for potentials: the same answer."""
    M = np.random.default_rng(0).random((20, 20))
    cold = otcore.solve(M)
    check_result(otcore.solve(M, potentials_init=cold), M)
    for shape in [(1, 1), (1, 5), (5, 1), (2, 3)]:
        M = np.random.default_rng(1).random(shape)
        result = otcore.solve(M, potentials_init=(np.ones(shape[0]), np.ones(shape[1])))
        check_result(result, M)


def test_sparse_costs() -> None:
    X, moved, Y, _, _ = moved_problem(500, 500)
    before, after = (problems.reference_costs(x, Y) for x in (X, moved))
    near = (np.argsort(np.argsort(after, axis=1), axis=1) < 30) | np.eye(500, dtype=bool)
    rng = np.random.default_rng(4)
    plan = np.where(near, rng.random(near.shape), 0.0)
    a, b = plan.sum(axis=1), plan.sum(axis=0)
    M = scipy.sparse.csr_array(np.where(near, after, 0.0))
    first = otcore.solve(scipy.sparse.csr_array(np.where(near, before, 0.0)), a, b)
    cold = otcore.solve(M, a, b)
    warm = otcore.solve(M, a, b, potentials_init=first)
    check_result(warm, M, a, b)
    assert warm.value == pytest.approx(cold.value, rel=1e-9)
    assert warm.n_iter < cold.n_iter
    garbage = (np.zeros(500), rng.normal(size=500) * 1e300)
    check_result(otcore.solve(M, a, b, potentials_init=garbage), M, a, b)


def test_libraries_mix() -> None:
    """Potentials are a start and nothing else: of any library, without a gradient."""
    X, _, Y, a, b = moved_problem(60, 70)
    M = problems.reference_costs(X, Y)
    cold = otcore.solve(M, a, b)
    tensors = [torch.as_tensor(p).float().requires_grad_() for p in cold.potentials]
    check_result(otcore.solve(M, a, b, potentials_init=(tensors[0], tensors[1])), M, a, b)
    costs = torch.as_tensor(M).requires_grad_()
    result = otcore.solve(
        costs, torch.as_tensor(a), torch.as_tensor(b), potentials_init=cold.potentials
    )
    result.value.backward()
    assert np.array_equal(costs.grad.numpy(), to_numpy(result.plan))


@pytest.mark.parametrize(
    ("start", "kind", "message"),
    [
        (np.zeros((2, 3)), TypeError, "potentials_init: a ndarray, expected a pair"),
        ((np.zeros(3),), TypeError, "potentials_init: a tuple, expected a pair"),
        ((np.zeros(3), np.zeros(3)), ValueError, r"potentials_init: shape \(3,\), expected a pair"),
        ((np.zeros(2), np.zeros(4)), ValueError, r"potentials_init: shape \(2,\), expected a pair"),
        ((np.zeros(3), [0.0, 1, np.nan, 3]), ValueError, r"potentials_init: nan at \[2\]"),
        ((np.zeros(3), [0.0, 1, 2, np.inf]), ValueError, r"potentials_init: inf at \[3\]"),
        ((np.zeros(3), ["a"] * 4), TypeError, "potentials_init: dtype"),
    ],
)
def test_bad_input(start: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        otcore.solve(np.zeros((3, 4)), potentials_init=start)
    with pytest.raises(kind, match=message):
        otcore.solve_sample(np.zeros((3, 1)), np.zeros((4, 1)), potentials_init=start)


def cloud(seed: int) -> tuple[Any, ...]:
    """Points too many for a matrix, and weights of which some are zero."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(900, 3)), rng.normal(size=(700, 3))
    a, b = rng.random(900), rng.random(700)
    a[::7], b[::5] = 0.0, 0.0
    return X, Y, a / a.sum(), b / b.sum()


@pytest.mark.parametrize("change", ["nothing", "scale", "weights"])
def test_a_plan_that_stays_nearly_optimal_takes_few_pivots(change: str) -> None:
    X, Y, a, b = cloud(0)
    before = otcore.solve_sample(X, Y, a, b)
    if change == "scale":
        X = 1.1 * X
    elif change == "weights":
        a = a * (1 + 0.01 * np.random.default_rng(1).random(900))
        a /= a.sum()
    cold = otcore.solve_sample(X, Y, a, b)
    warm = otcore.solve_sample(X, Y, a, b, potentials_init=before)
    check_result(warm, (X, Y), a, b)
    assert same_value(warm.value, cold.value, problems.reference_costs(X, Y), 1.0)
    assert warm.n_iter <= cold.n_iter / 10


@pytest.mark.parametrize(
    ("moved", "weighted"), [(1e-4, False), (1e-4, True), (1e-3, False), (1e-3, True), (1e-2, False)]
)
def test_a_plan_of_points_that_moved(moved: float, weighted: bool) -> None:
    """By the auction where it is worth it, or by the plan as it is."""
    rng = np.random.default_rng(0)
    X, Y, DX, DY = rng.normal(size=(4, 2000, 3))
    a, b = rng.random((2, 2000)) if weighted else np.ones((2, 2000))
    a, b = a / a.sum(), b / b.sum()
    before = otcore.solve_sample(X, Y, a, b)
    X, Y = X + moved * DX, Y + moved * DY
    cold = otcore.solve_sample(X, Y, a, b)
    warm = otcore.solve_sample(X, Y, a, b, potentials_init=before)
    check_result(warm, (X, Y), a, b)
    assert same_value(warm.value, cold.value, problems.reference_costs(X, Y), 1.0)
    assert warm.n_iter < cold.n_iter


@pytest.mark.parametrize("change", ["other weights", "reversed", "three times as large"])
def test_a_plan_that_is_far_from_optimal_is_not_used(change: str) -> None:
    X, Y, a, b = cloud(0)
    before = otcore.solve_sample(X, Y, a, b)
    if change == "other weights":
        _, _, a, b = cloud(1)
    elif change == "reversed":
        X = X[::-1].copy()
    else:
        X, a, b = 3 * X, None, None
    cold = otcore.solve_sample(X, Y, a, b)
    warm = otcore.solve_sample(X, Y, a, b, potentials_init=before)
    check_result(warm, (X, Y), a, b)
    assert warm.value == cold.value
    assert warm.n_iter <= cold.n_iter


def test_a_plan_of_a_batch_entry_and_of_a_matrix() -> None:
    X, Y, a, b = cloud(0)
    batch = otcore.solve_sample_batch(X[None], Y[None], a, b)
    matrix = otcore.solve(problems.reference_costs(X, Y), a, b)
    for before in (batch[0], matrix):
        assert otcore.solve_sample(X, Y, a, b, potentials_init=before).n_iter <= 10
