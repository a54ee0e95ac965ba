"""Sinkhorn's answers: problems with closed forms, limits in reg, and identities that hold for any
data, over dtypes and ways to give the costs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import entropic_reference as reference
import otcore
from checks import to_numpy
from entropic_checks import check_entropic, check_entropic_problem
from entropic_problems import CATALOGUE, EntropicProblem, kl, one_point, planted
from problems import Metric, gaussian, reference_costs

DTYPES = [np.float64, np.float32]
METRICS: list[Metric] = ["sqeuclidean", "euclidean", "cityblock", ("minkowski", 3.0), "cosine"]


def solve(problem: EntropicProblem, **options: Any) -> Any:
    arguments = {"reg": problem.reg, "unbalanced": problem.unbalanced, **options}
    if problem.M is not None:
        return otcore.solve(problem.M, problem.a, problem.b, **arguments)
    return otcore.solve_sample(
        problem.X, problem.Y, problem.a, problem.b, metric=problem.metric, **arguments
    )


# ---------------------------------------------------------------------------------------------
# Closed forms


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", CATALOGUE, ids=lambda p: p.name)
def test_closed_forms(problem: EntropicProblem, dtype: Any) -> None:
    cast = problem.astype(dtype)
    check_entropic_problem(solve(cast), cast)


@pytest.mark.parametrize("problem", CATALOGUE, ids=lambda p: p.name)
def test_closed_forms_to_many_digits(problem: EntropicProblem) -> None:
    """To 1e-12, or as near as rounding lets the marginals of so small a reg come."""
    floor = 2.0**-49 * float(np.ptp(problem.costs())) / problem.reg
    tol = max(1e-12, floor)
    check_entropic_problem(solve(problem, tol=tol), problem, tol=tol)


@pytest.mark.parametrize("problem", [p for p in CATALOGUE if p.X is not None], ids=lambda p: p.name)
def test_points_and_their_matrix_agree(problem: EntropicProblem) -> None:
    points = solve(problem, tol=1e-10)
    matrix = otcore.solve(problem.costs(), problem.a, problem.b, reg=problem.reg, tol=1e-10)
    scale = float(np.abs(problem.costs()).max())
    assert abs(points.value - matrix.value) <= 1e-9 * scale
    assert np.abs(points.plan - matrix.plan).sum() <= 1e-8


@pytest.mark.parametrize("unbalanced", [None, 1.0])
def test_a_batch_is_its_problems(unbalanced: float | None) -> None:
    rng = np.random.default_rng(5)
    rho = (np.inf, np.inf) if unbalanced is None else (unbalanced, unbalanced)
    made = [planted(rng, 13, 9, reg=0.5, rho=rho) for _ in range(6)]
    M, a, b = (np.stack([getattr(p, name) for p in made]) for name in ("M", "a", "b"))
    batch = otcore.solve_batch(M, a, b, reg=0.5, unbalanced=unbalanced, tol=1e-11)
    for i, problem in enumerate(made):
        check_entropic_problem(batch[i], problem, tol=1e-11)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("metric", METRICS)
def test_every_ground_cost(metric: Metric, dtype: Any) -> None:
    rng = np.random.default_rng(6)
    X, Y = (rng.normal(size=(size, 3)).astype(dtype) for size in (31, 22))
    result = otcore.solve_sample(X, Y, metric=metric, reg=0.3)
    check_entropic(result, (X, Y), reg=0.3, metric=metric)


def test_plain_iterations_step_by_step() -> None:
    """scheme="plain" is what the textbook says, from g = 0; it ends with an update of f."""
    problem = planted(np.random.default_rng(7), 20, 15, sharp=0.8)
    C, (a, b) = problem.costs(), problem.weights()
    for iterations in (1, 2, 10):
        with pytest.warns(otcore.ConvergenceWarning):
            result = solve(problem, scheme="plain", tol=0, max_iter=iterations)
        assert result.n_iter == iterations
        f, g = reference.solve(C, a, b, problem.reg, iterations=iterations)
        np.testing.assert_allclose(result.potential_a, f, rtol=0, atol=1e-13 * np.abs(C).max())
        np.testing.assert_allclose(result.potential_b, g, rtol=0, atol=1e-13 * np.abs(C).max())


# ---------------------------------------------------------------------------------------------
# Limits


def test_small_reg_comes_to_the_exact_plan() -> None:
    """The linear value exceeds the exact one by at most reg times the entropy of the exact plan:
    <P, C> + reg KL(P) <= <P*, C> + reg KL(P*), and KL(P* | a x b) <= log n."""
    rng = np.random.default_rng(8)
    X, Y = rng.random((2, 40, 2))
    exact = otcore.solve_sample(X, Y)
    for reg in (1e-1, 1e-2, 1e-3, 1e-4):
        result = otcore.solve_sample(X, Y, reg=reg)
        check_entropic(result, (X, Y), reg=reg)
        room = reg * math.log(40)
        missed = 2 * result.marginal_error * 2.0  # of costs at most 2
        assert -missed <= result.value_linear - exact.value <= room + missed
        assert -missed <= result.value - exact.value <= room + missed
        # The gap is an upper bound of the distance from the exact optimum.
        assert result.value_linear - exact.value <= result.gap + missed


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", range(-6, 7, 2))
def test_any_reg_beside_the_range_of_the_costs(exponent: int, dtype: Any) -> None:
    """Never NaN, never silent. Small reg may stall or take too long, and then says so."""
    rng = np.random.default_rng(9)
    M = (rng.random((30, 40)) * 3 - 1).astype(dtype)
    reg = 10.0**exponent * float(np.ptp(M))
    if exponent >= -2:
        result = otcore.solve(M, reg=reg)
        check_entropic(result, M, reg=reg)
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = otcore.solve(M, reg=reg, max_iter=2000)
    assert [each.category for each in caught] == (
        [] if result.status == "converged" else [otcore.ConvergenceWarning]
    )
    check_entropic(result, M, reg=reg, status=result.status)


def test_large_reg_comes_to_the_product() -> None:
    rng = np.random.default_rng(10)
    C, a, b = rng.random((30, 20)), rng.dirichlet(np.ones(30)), rng.dirichlet(np.ones(20))
    result = otcore.solve(C, a, b, reg=1e6, tol=1e-12)
    check_entropic(result, C, a, b, reg=1e6, tol=1e-12)
    np.testing.assert_allclose(result.plan, np.outer(a, b), rtol=1e-5)
    # The next term is half the variance of the centred costs, over reg.
    assert result.value == pytest.approx(a @ C @ b, abs=1e-6)


# ---------------------------------------------------------------------------------------------
# Identities


def test_translations_add_their_square() -> None:
    """|x - y - t|^2 - |x - y|^2 is separable and costs t^2 + 2 <t, E y - E x> in every plan."""
    rng = np.random.default_rng(11)
    X, Y, t = gaussian(rng, (25, 3)), gaussian(rng, (30, 3)), np.array([1.0, -2.0, 0.5])
    base = otcore.solve_sample(X, Y, reg=0.5, tol=1e-11)
    moved = otcore.solve_sample(X, Y + t, reg=0.5, tol=1e-11)
    extra = t @ t + 2 * t @ (Y.mean(0) - X.mean(0))
    assert moved.value == pytest.approx(base.value + extra, abs=1e-9)
    np.testing.assert_allclose(moved.plan, base.plan, rtol=1e-8)


def test_far_from_the_origin() -> None:
    """float32 points far away have the plan of the same points at home."""
    rng = np.random.default_rng(12)
    X, Y = (np.round(rng.random((50, 3)) * 64).astype(np.float32) / 64 for _ in range(2))
    home = otcore.solve_sample(X, Y, reg=0.1)
    away = otcore.solve_sample(X + 512, Y + 512, reg=0.1)  # exact in float32
    assert away.value == pytest.approx(home.value, rel=1e-5)
    assert np.abs(away.plan - home.plan).sum() <= 1e-4


def test_points_of_several_parts() -> None:
    """A point listed three times, with parts of its mass, is one point."""
    rng = np.random.default_rng(13)
    X, Y = rng.normal(size=(2, 12, 2))
    a = rng.dirichlet(np.ones(12))
    parts = np.array([0.5, 0.3, 0.2])
    split_X = np.concatenate([X, X[:1], X[:1]])
    split_a = np.concatenate([parts[:1] * a[0], a[1:], parts[1:] * a[0]])
    whole = otcore.solve_sample(X, Y, a, reg=0.2, tol=1e-11)
    split = otcore.solve_sample(split_X, Y, split_a, reg=0.2, tol=1e-11)
    assert split.value == pytest.approx(whole.value, abs=1e-9)
    copies = [0, 12, 13]
    np.testing.assert_allclose(
        split.plan[copies], parts[:, None] * whole.plan[0], rtol=1e-7, atol=1e-15
    )


def test_points_without_mass_change_nothing() -> None:
    rng = np.random.default_rng(14)
    problem = planted(rng, 14, 10)
    M, (a, b) = problem.costs(), problem.weights()
    wide = np.concatenate([M, rng.normal(size=(3, 10))])
    result = otcore.solve(wide, np.append(a, np.zeros(3)), b, reg=problem.reg, tol=1e-11)
    check_entropic(result, wide, np.append(a, np.zeros(3)), b, reg=problem.reg, tol=1e-11)
    assert result.value == pytest.approx(problem.value, abs=1e-9)
    assert not result.plan[14:].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_of_1e_30(dtype: Any) -> None:
    rng = np.random.default_rng(15)
    X, Y = (rng.normal(size=(size, 2)).astype(dtype) for size in (20, 25))
    a, b = (10.0 ** rng.uniform(-30, 0, size=size) for size in (20, 25))
    a, b = (w.astype(dtype) for w in (a / a.sum(), b / b.sum()))
    check_entropic(otcore.solve_sample(X, Y, a, b, reg=0.5), (X, Y), a, b, reg=0.5)


def test_transposition_and_scaling() -> None:
    problem = planted(np.random.default_rng(16), 18, 11, reg=0.5)
    C, (a, b) = problem.costs(), problem.weights()
    base = otcore.solve(C, a, b, reg=0.5, tol=1e-11)
    flipped = otcore.solve(C.T.copy(), b, a, reg=0.5, tol=1e-11)
    assert flipped.value == pytest.approx(base.value, abs=1e-9)
    np.testing.assert_allclose(flipped.plan, base.plan.T, rtol=1e-7)
    scaled = otcore.solve(4 * C, a, b, reg=2.0, tol=1e-11)  # powers of two: exact
    assert scaled.value == pytest.approx(4 * base.value, rel=1e-13)
    np.testing.assert_allclose(scaled.plan, base.plan, rtol=1e-12)


def test_plan_is_applied_without_being_formed() -> None:
    rng = np.random.default_rng(17)
    X, Y, V, W = (rng.normal(size=shape) for shape in ((30, 3), (20, 3), (20, 4), (30, 4)))
    result = otcore.solve_sample(X, Y, reg=0.4)
    np.testing.assert_allclose(result.apply(V), result.plan @ V, atol=1e-13)
    np.testing.assert_allclose(result.apply_t(W), result.plan.T @ W, atol=1e-13)
    mean = result.plan @ Y / result.plan.sum(1)[:, None]
    np.testing.assert_allclose(result.barycentric_map(), mean, atol=1e-12)


# ---------------------------------------------------------------------------------------------
# Unbalanced


def test_large_rho_comes_to_the_balanced_problem() -> None:
    """The value is smaller, by what moving the marginals gains: of the order 1 / rho."""
    problem = planted(np.random.default_rng(18), 15, 15)
    balanced = solve(problem, tol=1e-11)
    lost = []
    for rho in (1e2, 1e4):
        result = solve(problem, unbalanced=rho, tol=1e-11)
        check_entropic(
            result, *(problem.M, problem.a, problem.b), reg=1.0, unbalanced=rho, tol=1e-11
        )
        lost.append(balanced.value - result.value)
    assert 0 <= lost[1] <= lost[0] / 50


def test_small_rho_moves_what_the_penalty_pays_for() -> None:
    """rho -> 0: the marginals are free, and P = a b exp(-C / reg) is left."""
    problem = planted(np.random.default_rng(19), 10, 12)
    C, (a, b) = problem.costs(), problem.weights()
    result = solve(problem, unbalanced=1e-8, tol=1e-11)
    np.testing.assert_allclose(result.plan, np.outer(a, b) * np.exp(-C), rtol=1e-6)


def test_one_point_gains_or_loses_mass() -> None:
    """With one row the plan is p_j = b_j exp(...): the optimum is a fixed point of one number."""
    problem = one_point(np.random.default_rng(20), 9, reg=0.7)
    assert problem.X is not None
    assert problem.Y is not None
    result = solve(problem, unbalanced=(2.0, 3.0), tol=1e-12)
    check_entropic(
        result, (problem.X, problem.Y), problem.a, problem.b,
        reg=0.7, unbalanced=(2.0, 3.0), tol=1e-12,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------
# The divergence


def divergence(*arguments: Any, **options: Any) -> float:
    return float(otcore.entropic.sinkhorn_divergence(*arguments, **options).value)


def test_divergence_of_a_translation_is_its_square() -> None:
    """OT(a, a + t) = OT(a, a) + t^2 for squared distances, whatever reg is."""
    rng = np.random.default_rng(21)
    X, w, t = rng.normal(size=(30, 2)), rng.dirichlet(np.ones(30)), np.array([0.7, -1.1])
    for reg in (0.1, 1.0, 100.0):
        value = divergence(X, X + t, w, w, reg=reg, tol=1e-8)
        assert value == pytest.approx(t @ t, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_divergence_of_equal_measures_is_zero(metric: Metric) -> None:
    rng = np.random.default_rng(22)
    X, order = rng.normal(size=(25, 3)), rng.permutation(25)
    w = rng.dirichlet(np.ones(25))
    value = divergence(X, X[order], w, w[order], reg=0.3, metric=metric, tol=1e-8)
    assert abs(value) <= 1e-7


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
def test_divergence_is_positive_and_symmetric(metric: Metric) -> None:
    rng = np.random.default_rng(23)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(25, 2)) * 1.1
    for reg in (0.05, 0.5, 5.0):
        value = divergence(X, Y, reg=reg, metric=metric, tol=1e-8)
        assert value > 1e-3
        back = divergence(Y, X, reg=reg, metric=metric, tol=1e-8)
        assert back == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_large_reg_comes_to_half_the_squared_mmd(metric: Metric) -> None:
    """With the kernel -C: the energy distance for euclidean, (E x - E y)^2 for sqeuclidean."""
    rng = np.random.default_rng(24)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(25, 2)) + 0.5
    a, b = rng.dirichlet(np.ones(20)), rng.dirichlet(np.ones(25))
    limit = a @ reference_costs(X, Y, metric) @ b
    limit -= (a @ reference_costs(X, X, metric) @ a + b @ reference_costs(Y, Y, metric) @ b) / 2
    value = divergence(X, Y, a, b, reg=1e6, metric=metric, tol=1e-12)
    assert value == pytest.approx(limit, abs=1e-4)
    if metric == "sqeuclidean":
        assert limit == pytest.approx(np.sum((a @ X - b @ Y) ** 2), rel=1e-12)


def test_small_reg_comes_to_the_transport_cost() -> None:
    rng = np.random.default_rng(25)
    X, Y = rng.random((2, 30, 2))
    exact = otcore.solve_sample(X, Y).value
    errors = [abs(divergence(X, Y, reg=reg) - exact) for reg in (1e-2, 1e-3, 1e-4)]
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] <= 1e-4 * math.log(30)


def test_unbalanced_divergence() -> None:
    """0 for equal measures of any mass, positive for others, mass alone included."""
    rng = np.random.default_rng(26)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(25, 2))
    a, b = rng.random(20), rng.random(25)
    options = {"reg": 0.5, "unbalanced": 1.0, "tol": 1e-11}
    assert abs(divergence(X, X, a, a, **options)) <= 1e-9
    assert divergence(X, X, a, 2 * a, **options) > 1e-2
    value = divergence(X, Y, a, b, **options)
    assert value > 0
    parts = []
    for left, right, u, v in ((X, Y, a, b), (X, X, a, a), (Y, Y, b, b)):
        C = reference_costs(left, right)
        f, g = reference.solve(C, u, v, 0.5, (1.0, 1.0), iterations=300)
        P = np.outer(u, v) * np.exp((f[:, None] + g - C) / 0.5)
        parts.append(
            np.sum(P * C) + 0.5 * kl(P, np.outer(u, v)) + kl(P.sum(1), u) + kl(P.sum(0), v)
        )
    mass = 0.5 / 2 * (a.sum() - b.sum()) ** 2
    assert value == pytest.approx(parts[0] - (parts[1] + parts[2]) / 2 + mass, abs=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_torch_gives_the_same(dtype: Any) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(27)
    X, Y = (rng.normal(size=(size, 2)).astype(dtype) for size in (20, 25))
    array = otcore.solve_sample(X, Y, reg=0.5)
    tensor = otcore.solve_sample(torch.as_tensor(X), torch.as_tensor(Y), reg=0.5)
    assert float(tensor.value) == array.value
    assert np.array_equal(to_numpy(tensor.plan), array.plan)


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_reg_keeps_the_digits_of_the_costs(dtype: Any) -> None:
    """reg = 1e6 of the range: the linear value is that of the product of the marginals."""
    M = np.random.default_rng(28).random((30, 40)).astype(dtype)
    result = otcore.solve(M, reg=1e6)
    product = float(M.mean(dtype=np.float64))
    assert result.value_linear == pytest.approx(product, rel=1e-5)
    if dtype == np.float64:
        assert result.value == pytest.approx(product, rel=1e-5)
