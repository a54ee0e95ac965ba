"""The proximal point method: step by step beside the plain algorithm, and what results promise."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import entropic_reference as reference
import otcore
from catalogue import SMALL
from checks import c_transform, is_torch, to_numpy
from problems import Metric, Problem, dyadic_weights, reference_costs

DTYPES = [np.float64, np.float32]


def steps(
    count: int, *arguments: Any, sample: bool = False, inner_iter: int = 1, **options: Any
) -> Any:
    """The result of exactly so many steps, which says that it was stopped."""
    solve = otcore.solve_sample if sample else otcore.solve
    with pytest.warns(otcore.ConvergenceWarning):
        return solve(
            *arguments,
            method="ipot",
            tol=0,
            inner_iter=inner_iter,
            max_iter=count * inner_iter,
            **options,
        )


def check_ipot(
    result: Any,
    data: Any,
    a: Any = None,
    b: Any = None,
    *,
    metric: Metric = "sqeuclidean",
    expected_value: float | None = None,
    status: str = "converged",
) -> None:
    """Asserts what a result promises: it is an approximate plan with an honest certificate."""
    assert result.status == status
    assert result.n_iter >= 1
    points = data[0] if isinstance(data, tuple) else data
    assert is_torch(result.plan) == is_torch(points)
    unit = 2.0**-24 if str(points.dtype).endswith("float32") else 2.0**-53
    C = (
        reference_costs(to_numpy(data[0]), to_numpy(data[1]), metric)
        if isinstance(data, tuple)
        else to_numpy(data).astype(np.float64)
    )
    n, m = C.shape
    left, right = (
        np.full(size, 1 / size) if w is None else to_numpy(w).astype(np.float64)
        for w, size in ((a, n), (b, m))
    )
    right = right * (math.fsum(left) / math.fsum(right))
    mass, scale = math.fsum(left), float(np.abs(C).max())

    P = to_numpy(result.plan).astype(np.float64)
    assert P.shape == C.shape
    assert (P >= 0).all()
    noise = 64 * unit * mass
    error = np.abs(P.sum(1) - left).sum() + np.abs(P.sum(0) - right).sum()
    # The plan comes in the data's dtype; its entries are exponentials of what costs of that size
    # add up to, so relative errors of the marginals are those of the exponents.
    loose = noise + 1e-3 * error + (1e-3 * mass if unit > 2.0**-50 else 1e-9 * mass)
    assert abs(float(result.marginal_error) - error) <= loose
    assert abs(float(result.value_linear) - np.sum(P * C)) <= loose * scale
    assert float(result.value) == float(result.value_linear)

    g = to_numpy(result.potential_b)
    assert abs(math.fsum(g * right)) <= (m + 8) * 2.0**-53 * (np.abs(g).max() + scale) * mass
    used = right > 0
    dual = math.fsum(c_transform(C[:, used], g[used]) * left) + math.fsum(g * right)
    assert abs(float(result.gap) - (float(result.value) - dual)) <= 16 * loose * scale
    best = float(otcore.solve(C, left, right).value) if expected_value is None else expected_value
    assert dual <= best + 64 * 2.0**-53 * scale * mass
    missed = float(result.marginal_error) * 2 * float(np.ptp(C)) + 16 * loose * scale
    assert best - missed <= float(result.value) <= best + float(result.gap) + missed


# ---------------------------------------------------------------------------------------------
# The algorithm


@pytest.mark.parametrize("inner_iter", [1, 3])
@pytest.mark.parametrize("shape", [(12, 12), (15, 9), (1, 6)])
def test_plain_and_accumulated_form_agree_step_by_step(
    inner_iter: int, shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(40)
    C = rng.random(shape)
    a, b = (dyadic_weights(rng, size) for size in shape)
    plans = reference.ipot(C, a, b, 0.3, inner_iter=inner_iter)
    for count in range(1, 31):
        plan = next(plans)
        if count in (1, 2, 3, 7, 30):
            result = steps(count, C, a, b, reg=0.3, inner_iter=inner_iter)
            np.testing.assert_allclose(result.plan, plan, rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
def test_points_go_the_same_way(metric: Metric) -> None:
    rng = np.random.default_rng(41)
    X, Y = rng.random((20, 3)), rng.random((25, 3))
    C = reference_costs(X, Y, metric)
    plans = reference.ipot(C, np.full(20, 1 / 20), np.full(25, 1 / 25), 0.2)
    for _ in range(10):
        plan = next(plans)
    result = steps(10, X, Y, reg=0.2, metric=metric, sample=True)
    np.testing.assert_allclose(result.plan, plan, rtol=1e-9, atol=1e-300)


def test_a_batch_goes_the_same_way() -> None:
    rng = np.random.default_rng(42)
    M = rng.random((5, 8, 11))
    options: dict[str, Any] = {"method": "ipot", "reg": 0.2, "tol": 0, "max_iter": 12}
    with pytest.warns(otcore.ConvergenceWarning):
        batch = otcore.solve_batch(M, **options)
    for i in range(5):
        plans = reference.ipot(M[i], np.full(8, 1 / 8), np.full(11, 1 / 11), 0.2)
        for _ in range(12):
            plan = next(plans)
        np.testing.assert_allclose(batch[i].plan, plan, rtol=1e-10, atol=1e-300)


def test_the_default_beta_is_a_part_of_the_range() -> None:
    rng = np.random.default_rng(43)
    C = rng.random((9, 9)) + 5.0
    chosen = steps(5, C, reg=0.03 * float(np.ptp(C)))
    np.testing.assert_allclose(steps(5, C).plan, chosen.plan, rtol=1e-10)


# ---------------------------------------------------------------------------------------------
# What it comes to


@pytest.mark.parametrize(
    "problem", [p for p in SMALL if not p.name.startswith("costs-1e")], ids=lambda p: p.name
)
def test_exact_problems(problem: Problem) -> None:
    """Converged or not, the certificate holds; where it converged the value is near."""
    C, (a, b) = problem.costs(), problem.weights()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", otcore.ConvergenceWarning)
        result = otcore.solve(C, a, b, method="ipot", max_iter=3000)
    check_ipot(result, C, a, b, expected_value=problem.value, status=result.status)
    if result.status == "converged":
        spread = float(np.ptp(C)) * math.fsum(a)
        assert abs(result.value - problem.value) <= 1e-3 * spread + 1e-12 * math.fsum(a)


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform_points_to_four_digits(dtype: Any) -> None:
    """The setting of the paper's figure 3: 16-D uniform points."""
    rng = np.random.default_rng(44)
    X, Y = rng.random((2, 64, 16)).astype(dtype)
    exact = otcore.solve_sample(X.astype(np.float64), Y.astype(np.float64)).value
    result = steps(150, X, Y, sample=True)
    assert result.value == pytest.approx(exact, rel=1e-3)
    assert steps(400, X, Y, sample=True).value == pytest.approx(exact, rel=1e-4)


def test_beta_sets_the_speed_and_not_the_answer() -> None:
    rng = np.random.default_rng(45)
    X, Y = rng.random((2, 40, 2))
    exact = otcore.solve_sample(X, Y).value
    for beta in (0.02, 0.1, 0.5):
        result = steps(4000, X, Y, reg=beta, sample=True)
        assert result.value == pytest.approx(exact, rel=1e-3)


def test_zero_weights() -> None:
    rng = np.random.default_rng(46)
    C, a, b = rng.random((10, 12)), dyadic_weights(rng, 7), dyadic_weights(rng, 12)
    wide = np.insert(a, [0, 3, 7], 0.0)
    result = steps(20, C, wide, b, reg=0.3)
    smaller = steps(20, C[wide > 0], a, b, reg=0.3)
    np.testing.assert_allclose(result.plan[wide > 0], smaller.plan, rtol=1e-10)
    assert not result.plan[wide == 0].any()
