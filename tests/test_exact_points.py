"""Exact transport between large point clouds: an independent certificate, and other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
import ot
import pytest
import torch
from scipy.optimize import linear_sum_assignment

import otcore
import random_clouds
from checks import check_problem
from comparison.optimality import require_optimal
from hostile import KNOWN, known
from points_cases import CASES, FLOAT64_ONLY, OBLONG, Clouds, make, normal
from problems import Metric

METRICS: list[Metric] = [
    "sqeuclidean",
    "euclidean",
    "cityblock",
    "cosine",
    ("minkowski", 1.0),
    ("minkowski", 1.5),
    ("minkowski", 2.0),
    ("minkowski", 3.0),
    ("minkowski", 2.7),
]
HARD_FOR_ANY_METRIC = ["duplicated", "zero-weights", "ring-and-bar", "far-clusters"]


def check(clouds: Clouds, metric: Metric = "sqeuclidean", **options: Any) -> otcore.OTResult:
    """Solved; optimal by its certificate, of the known value, and that of the cost matrix."""
    result = clouds.solve(metric=metric, **options)
    require_optimal(result, clouds.X, clouds.Y, clouds.a, clouds.b, metric=metric)
    costs = clouds.costs(metric)
    # Costs are in float64 whatever the points; weights of float32 points add up to 1 less exactly.
    relative = 1e-9 if clouds.X.dtype == np.float64 else 1e-6
    rounding = 1e-13 * float(costs.max())
    if clouds.value is not None:
        assert result.value == pytest.approx(clouds.value, rel=relative, abs=rounding)
    by_costs = otcore.solve(costs, clouds.a, clouds.b)
    assert result.value == pytest.approx(by_costs.value, rel=relative, abs=rounding)
    return result


# ---------------------------------------------------------------------------------------------
# Every kind of cloud, cost and dtype


@pytest.mark.parametrize("name", CASES)
def test_certified(name: str) -> None:
    check(make(name))


@pytest.mark.parametrize("name", [name for name in CASES if name not in FLOAT64_ONLY])
def test_certified_float32(name: str) -> None:
    check(make(name).astype(np.float32))


@pytest.mark.isa
@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_metric(metric: Metric, dtype: Any) -> None:
    check(normal(600, 700, 3, weighted=True)(np.random.default_rng(1)).astype(dtype), metric)


@pytest.mark.parametrize(
    "metric", ["euclidean", "cityblock", "cosine", ("minkowski", 3.0)], ids=str
)
@pytest.mark.parametrize("name", HARD_FOR_ANY_METRIC)
def test_hard_clouds_under_every_metric(name: str, metric: Metric) -> None:
    check(make(name), metric)


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine"])
@pytest.mark.parametrize("d", [1, 17, 100])
def test_dimensions(d: int, metric: Metric) -> None:
    check(normal(600, 650, d)(np.random.default_rng(d)), metric)


@pytest.mark.parametrize("name", OBLONG)
def test_few_against_many(name: str) -> None:
    clouds = make(name)
    result = clouds.solve()
    require_optimal(result, clouds.X, clouds.Y, clouds.a, clouds.b)


@pytest.mark.parametrize(("d", "weighted"), [(2, True), (3, False), (16, True)])
def test_three_thousand_points(d: int, weighted: bool) -> None:
    check(normal(3000, 2500, d, weighted=weighted)(np.random.default_rng(d)))


@pytest.mark.parametrize("first", ["X", "Y"])
def test_mixed_dtypes(first: str) -> None:
    """The wider of the two dtypes counts, and the narrower points are read as they are."""
    clouds = normal(600, 700, 3)(np.random.default_rng(2))
    single = {first: getattr(clouds, first).astype(np.float32)}
    mixed = Clouds(**{"X": clouds.X, "Y": clouds.Y} | single)
    result = check(mixed)
    assert result.marginal_a.dtype == np.float64


@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed"])
def test_layout_of_memory(layout: str) -> None:
    clouds = normal(600, 700, 3)(np.random.default_rng(3))
    X = clouds.X
    if layout == "fortran":
        X = np.asfortranarray(X)
    elif layout == "strided":
        X = np.full((1200, 6), np.nan)[::2, ::2]
        X[:] = clouds.X
    else:
        X = np.ascontiguousarray(X[::-1])[::-1]
    assert not X.flags.c_contiguous
    result = otcore.solve_sample(X, clouds.Y)
    assert np.array_equal(result.potential_b, clouds.solve().potential_b)


# 84 and 216: a solver that looks at all pairs and one that looks at candidates may differ by a
# rounding on whether an arc is violated, and must not ask each other for ever.
@pytest.mark.parametrize("number", [*range(16), 84, 216])
def test_random_clouds(number: int) -> None:
    case = random_clouds.instance(number)
    check(case.clouds, case.metric, potentials_init=case.start, time_limit=60.0)


# ---------------------------------------------------------------------------------------------
# Known answers and oracles


@pytest.mark.parametrize("name", [name for name in KNOWN if known(name).X is not None])
def test_known_answer(name: str) -> None:
    problem = known(name)
    result = otcore.solve_sample(problem.X, problem.Y, problem.a, problem.b, metric=problem.metric)
    check_problem(result, problem)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_one_dimension_meets_the_line(p: float) -> None:
    clouds = make("line")
    line = otcore.oned.solve(clouds.X[:, 0], clouds.Y[:, 0], clouds.a, clouds.b, p=p)
    result = clouds.solve(metric=("minkowski", p))
    assert result.value == pytest.approx(line.value, rel=1e-9)
    assert result.distance == pytest.approx(line.distance, rel=1e-9)


@pytest.mark.parametrize(
    "name",
    ["plane-weighted", "16-dimensional", "scaled", "rotated", "far-clusters", "zero-weights"],
)
def test_against_pot(name: str) -> None:
    clouds = make(name)
    sizes = len(clouds.X), len(clouds.Y)
    a, b = (
        ot.unif(size) if w is None else w
        for w, size in zip((clouds.a, clouds.b), sizes, strict=True)
    )
    expected = float(ot.emd2(a, b, clouds.costs(), numItermax=10**8))
    assert clouds.solve().value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock"])
def test_assignments_against_scipy(metric: Metric) -> None:
    """A plan between as many points of equal masses is a permutation."""
    clouds = normal(800, 800, 4)(np.random.default_rng(4))
    costs = clouds.costs(metric)
    rows, cols = linear_sum_assignment(costs)
    result = clouds.solve(metric=metric)
    assert result.value == pytest.approx(costs[rows, cols].mean(), rel=1e-9)
    assert result.sparse_plan.nnz == 800
    assert np.array_equal(np.sort(result.sparse_plan.tocoo().coords[1]), np.arange(800))


# ---------------------------------------------------------------------------------------------
# Symmetries


def test_exchanged() -> None:
    clouds = make("plane-weighted")
    flipped = Clouds(clouds.Y, clouds.X, clouds.b, clouds.a)
    assert check(flipped).value == pytest.approx(clouds.solve().value, rel=1e-9)


def test_isometries_change_nothing() -> None:
    """A shift, a rotation and a reflection of both clouds."""
    clouds = make("plane-weighted")
    turn = np.linalg.qr(np.random.default_rng(6).normal(size=(2, 2)))[0]
    turned = Clouds(clouds.X @ turn + 5.0, clouds.Y @ turn + 5.0, clouds.a, clouds.b)
    assert check(turned).value == pytest.approx(clouds.solve().value, rel=1e-9)


@pytest.mark.parametrize("factor", [2.0**-100, 2.0**-3, 2.0**40, 2.0**100])
def test_scaled_by_a_power_of_two(factor: float) -> None:
    """Costs scale by its square, exactly: nothing rounds, so the same steps are taken."""
    clouds = make("just-large")
    base, scaled = clouds.solve(), Clouds(clouds.X * factor, clouds.Y * factor).solve()
    assert scaled.value == base.value * factor**2
    assert np.array_equal(scaled.potential_b, base.potential_b * factor**2)


@pytest.mark.parametrize("factor", [2.0**-500, 2.0**500])
def test_scaled_to_the_ends_of_the_range(factor: float) -> None:
    clouds = make("just-large")
    scaled = check(Clouds(clouds.X * factor, clouds.Y * factor))
    assert scaled.value == pytest.approx(clouds.solve().value * factor**2, rel=1e-12)


@pytest.mark.parametrize("total", [1e-30, 1e30])
def test_any_total_mass(total: float) -> None:
    clouds = make("plane-weighted")
    assert clouds.a is not None
    assert clouds.b is not None
    heavier = Clouds(clouds.X, clouds.Y, clouds.a * total, clouds.b * total)
    result = heavier.solve()
    require_optimal(result, heavier.X, heavier.Y, heavier.a, heavier.b)
    assert result.value == pytest.approx(clouds.solve().value * total, rel=1e-9)


# ---------------------------------------------------------------------------------------------
# Tensors, batches, bad input


def test_gradients_of_tensors() -> None:
    """By the envelope theorem: twice the plan's displacements, and centred potentials."""
    clouds = make("plane-weighted")
    X, Y, a, b = (
        torch.tensor(array, requires_grad=True)
        for array in (clouds.X, clouds.Y, clouds.a, clouds.b)
    )
    result = otcore.solve_sample(X, Y, a, b)
    result.value.backward()
    plain = clouds.solve()
    expected = 2 * (plain.marginal_a[:, None] * clouds.X - plain.apply(clouds.Y))
    np.testing.assert_allclose(X.grad.numpy(), expected, atol=1e-12)
    f = plain.potential_a
    np.testing.assert_allclose(a.grad.numpy(), f - f.mean(), atol=1e-12)


def test_a_batch_equals_its_problems() -> None:
    rng = np.random.default_rng(7)
    X, Y = rng.normal(size=(3, 600, 3)), rng.normal(size=(3, 700, 3))
    batch = otcore.solve_sample_batch(X, Y)
    for k in range(3):
        require_optimal(batch[k], X[k], Y[k])
        assert batch[k].value == pytest.approx(otcore.solve_sample(X[k], Y[k]).value, rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["X", "Y"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_coordinates_that_are_not_finite(side: str, bad: float, dtype: Any) -> None:
    clouds = normal(600, 700, 3)(np.random.default_rng(8)).astype(dtype)
    getattr(clouds, side)[401, 2] = bad
    with pytest.raises(ValueError, match=rf"{side}: {side}\[401, 2\] is {bad}"):
        clouds.solve()


def test_costs_that_overflow() -> None:
    clouds = normal(600, 700, 3)(np.random.default_rng(9))
    with pytest.raises(ValueError, match="X, Y: a ground cost overflows"):
        Clouds(clouds.X * 1e160, clouds.Y).solve()


def test_zero_vectors_under_cosine() -> None:
    clouds = normal(600, 700, 3)(np.random.default_rng(10))
    clouds.Y[650] = 0.0
    with pytest.raises(ValueError, match="Y: row 650 is a zero vector"):
        clouds.solve(metric="cosine")


def test_weights_that_do_not_fit() -> None:
    clouds = normal(600, 700, 3, weighted=True)(np.random.default_rng(11))
    assert clouds.a is not None
    with pytest.raises(ValueError, match=r"a, b: sum\(a\) = 2"):
        Clouds(clouds.X, clouds.Y, 2 * clouds.a, clouds.b).solve()
    clouds.a[5] = -1e-3
    with pytest.raises(ValueError, match=r"a: a\[5\] is -0.001"):
        clouds.solve()
