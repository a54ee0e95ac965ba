"""Mini-batch transport with entropic inner problems: Sinkhorn, unbalanced, IPOT."""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.special import xlogy

import otcore
from checks import to_numpy
from entropic_problems import Rho
from entropic_reference import sinkhorn
from minibatch_cases import COUPLINGS, RNG, A, Array, B, X, Y, assert_same
from otcore.minibatch import barycentric_map, bomb_ot, m_ot
from problems import reference_costs

REG = 0.05
INNER: dict[str, dict[str, Any]] = {
    "sinkhorn": {"inner": "sinkhorn", "inner_reg": REG},
    "linear": {"inner": "sinkhorn", "inner_reg": REG, "inner_value": "linear"},
    "unbalanced": {"inner": "unbalanced", "inner_reg": REG, "inner_rho": 0.3},
    "one-sided": {"inner": "unbalanced", "inner_reg": REG, "inner_rho": (0.3, np.inf)},
    "linear unbalanced": {
        "inner": "unbalanced",
        "inner_reg": REG,
        "inner_rho": (0.2, 0.7),
        "inner_value": "linear",
    },
}
IPOT = {"inner": "ipot"}


class Solution(NamedTuple):
    plan: Array
    linear: float  # <P, C>
    objective: float  # with reg KL(P | a x b) and, where unbalanced, the marginals' terms


def solve_entropic(costs: Array, a: Array, b: Array, rho: Rho = (np.inf, np.inf)) -> Solution:
    """By nothing but Sinkhorn's iterations, in numpy."""
    steps = sinkhorn(costs, a, b, REG, rho)
    f, g = next(steps)
    for after in islice(steps, 20_000):
        change = np.abs(after[1] - g).max()
        f, g = after
        if change <= 1e-15 * np.abs(costs).max():
            break
    plan = np.outer(a, b) * np.exp((f[:, None] + g - costs) / REG)
    linear = float((plan * costs).sum())
    return Solution(plan, linear, linear + regularisation(plan, a, b, rho))


def regularisation(plan: Array, a: Array, b: Array, rho: Rho) -> float:
    """What the objective has beside <P, C>."""
    terms = REG * divergence(plan, np.outer(a, b))
    for strength, sums, weights in zip(rho, (plan.sum(1), plan.sum(0)), (a, b), strict=True):
        if np.isfinite(strength):
            terms += strength * divergence(sums, weights)
    return terms


def divergence(p: Array, q: Array) -> float:
    """KL(p | q) = sum p log(p / q) - p + q, for q > 0 wherever p > 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=q > 0)
    return float((xlogy(p, ratio) - p + q).sum())


def strengths(options: dict[str, Any]) -> tuple[float, float]:
    rho = options.get("inner_rho", np.inf)
    return rho if isinstance(rho, tuple) else (rho, rho)


def pairs(result: Any) -> Any:
    """The places of the table and their batches (i, j)."""
    shape = result.coupling.shape
    return [(place, (place * 2)[:2]) for place in np.ndindex(*shape)]


@given(
    k=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    m=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    name=st.sampled_from(sorted(COUPLINGS)),
    inner=st.sampled_from(sorted(INNER)),
    weighted=st.tuples(st.booleans(), st.booleans()),
    dtype=st.sampled_from([np.float64, np.float32]),
    seed=st.integers(0, 2**64 - 1),
)
def test_equals_a_loop_over_the_pairs(
    k: tuple[int, int],
    m: tuple[int, int],
    name: str,
    inner: str,
    weighted: tuple[bool, bool],
    dtype: Any,
    seed: int,
) -> None:
    k = (k[0], k[0]) if name == "diagonal" else k
    x, y = X.astype(dtype), Y.astype(dtype)
    a = A.astype(dtype).astype(np.float64) if weighted[0] else np.ones(40)
    b = B.astype(dtype).astype(np.float64) if weighted[1] else np.ones(35)
    options = INNER[inner]
    tolerance = 1e-10 if dtype == np.float64 else 1e-5
    result = COUPLINGS[name](
        x,
        y,
        a if weighted[0] else None,
        b if weighted[1] else None,
        k=k,
        m=m,
        seed=seed,
        inner_tol=tolerance,
        **options,
    )
    assert result.status == "converged"
    assert result.inner_error <= 1.5 * tolerance
    ground = reference_costs(x, y, "sqeuclidean")
    costs, plan = np.zeros(result.costs.shape), np.zeros((40, 35))
    for place, (i, j) in pairs(result):
        rows, cols = result.batches_x[i], result.batches_y[j]
        solved = solve_entropic(
            ground[np.ix_(rows, cols)],
            a[rows] / a[rows].sum(),
            b[cols] / b[cols].sum(),
            strengths(options),
        )
        costs[place] = solved.linear if "inner_value" in options else solved.objective
        plan[np.ix_(rows, cols)] += result.coupling[place] * solved.plan
    np.testing.assert_allclose(result.costs, costs, rtol=100 * tolerance, atol=tolerance)
    np.testing.assert_allclose(result.plan, plan, atol=10 * tolerance)
    assert result.plan.dtype == dtype
    value = float((result.costs * result.coupling).sum())
    assert result.value == pytest.approx(value, rel=1e-12, abs=1e-15)


def test_the_two_readings_of_a_cost() -> None:
    """One plan, two values: the regularised one has the terms that the linear one leaves out."""
    options: dict[str, Any] = {"k": 1, "m": 12, "seed": 3, "inner_tol": 1e-12}
    for name in ("sinkhorn", "unbalanced", "one-sided"):
        rho = strengths(INNER[name])
        objective, linear = (
            m_ot(X, Y, **options, **INNER[name], inner_value=reading)
            for reading in ("objective", "linear")
        )
        assert np.array_equal(objective.plan, linear.plan)
        plan = linear.plan[np.ix_(linear.batches_x[0], linear.batches_y[0])]
        uniform = np.full(12, 1 / 12)
        terms = regularisation(plan, uniform, uniform, rho)
        assert objective.value == pytest.approx(linear.value + terms, rel=1e-10)
        assert linear.value == pytest.approx(
            (linear.plan * reference_costs(X, Y, "sqeuclidean")).sum(), rel=1e-12
        )


# ---------------------------------------------------------------------------------------------
# Limits and bounds


def test_small_inner_regularisations_give_exact_transport() -> None:
    options: dict[str, Any] = {"k": (4, 3), "m": 8, "seed": 1}
    exact = bomb_ot(X, Y, A, B, **options)
    for reg in (1e-2, 1e-3, 1e-4):
        near = bomb_ot(X, Y, A, B, inner="sinkhorn", inner_reg=reg, **options)
        assert near.status == "converged"
        excess = near.costs - exact.costs
        # reg KL(P | a x b) <= reg log(1 / min(a, b)) for the optimal plan.
        assert np.all(excess >= -1e-6)
        assert np.all(excess <= reg * np.log(1e3))
        linear = bomb_ot(
            X, Y, A, B, inner="sinkhorn", inner_reg=reg, inner_value="linear", **options
        )
        assert np.all(linear.costs - exact.costs <= near.inner_gap + 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("inner_iter", [1, 3])
def test_ipot_is_exact_transport(dtype: Any, inner_iter: int) -> None:
    options: dict[str, Any] = {"k": (4, 3), "m": (9, 7), "seed": 1}
    x, y = X.astype(dtype), Y.astype(dtype)
    exact = bomb_ot(x, y, A, B, **options)
    near = bomb_ot(x, y, A, B, inner="ipot", inner_iter=inner_iter, **options)
    assert near.status == "converged"
    np.testing.assert_allclose(near.costs, exact.costs, rtol=3e-3)
    assert 0 <= near.inner_gap <= 0.01 * exact.costs.max()
    assert near.inner_error <= 1.5e-4
    np.testing.assert_allclose(near.marginal_a, exact.marginal_a, atol=1e-4)
    rooted = bomb_ot(x, y, A, B, inner="ipot", inner_iter=inner_iter, root=True, **options)
    np.testing.assert_allclose(rooted.costs, np.sqrt(near.costs), rtol=1e-14)


def test_large_rho_gives_balanced_transport() -> None:
    options: dict[str, Any] = {"k": (4, 3), "m": 8, "seed": 1, "inner_reg": REG, "inner_tol": 1e-9}
    balanced = bomb_ot(X, Y, inner="sinkhorn", **options)
    for rho in (1e2, 1e4, np.inf):
        near = bomb_ot(X, Y, inner="unbalanced", inner_rho=rho, **options)
        np.testing.assert_allclose(near.costs, balanced.costs, rtol=1 / rho, atol=1e-7)
        np.testing.assert_allclose(near.plan, balanced.plan, atol=1 / rho + 1e-7)
        assert np.isnan(near.inner_gap) == np.isfinite(rho)


@given(
    inner=st.sampled_from(sorted(INNER)),
    k=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 1000),
)
def test_bomb_is_at_most_m_ot_and_outer_limits(inner: str, k: tuple[int, int], seed: int) -> None:
    options: dict[str, Any] = {"k": k, "m": 6, "seed": seed, **INNER[inner]}
    averaged, optimal = m_ot(X, Y, **options), bomb_ot(X, Y, **options)
    assert optimal.value <= averaged.value + 1e-12
    spread = np.ptp(averaged.costs) or 1.0
    loose, tight = (bomb_ot(X, Y, outer_reg=factor * spread, **options) for factor in (1e6, 1e-5))
    assert abs(loose.value - averaged.value) <= 1e-6 * spread
    np.testing.assert_allclose(loose.plan, averaged.plan, atol=1e-6)
    assert optimal.value - 1e-8 <= tight.value <= optimal.value + 1e-5 * spread * np.log(5) + 1e-8


@pytest.mark.parametrize("name", ["sinkhorn", "one-sided", "unbalanced"])
def test_masses(name: str) -> None:
    """A partition has the full marginals, but for what unbalanced plans leave out."""
    y = Y[np.r_[0:35, 0:5]]
    result = bomb_ot(X, y, k=5, m=8, sampling="disjoint", seed=0, inner_tol=1e-9, **INNER[name])
    full = np.full(40, 1 / 40)
    if name == "sinkhorn":
        np.testing.assert_allclose(result.marginal_a, full, atol=1e-9)
    if name != "unbalanced":
        np.testing.assert_allclose(result.marginal_b, full, atol=1e-9)
        assert result.plan.sum() == pytest.approx(1, abs=1e-8)
    else:
        assert 0.3 < result.plan.sum() < 0.99
    assert result.marginal_error <= 1e-9  # the coupling of the batches has its marginals


def test_nothing_is_worth_moving_far() -> None:
    """Where all mass stays, the plan is empty; no map divides by it."""
    options: dict[str, Any] = {"inner": "unbalanced", "inner_reg": 0.1, "inner_rho": 0.1}
    result = bomb_ot(X, Y + 1e4, k=2, m=5, seed=0, **options)
    assert result.plan.sum() == 0
    assert result.value == pytest.approx(0.1 + 0.1 + 0.1, rel=1e-6)  # rho a + rho b + reg a b
    moved = barycentric_map(X, Y + 1e4, k=2, m=5, iterations=2, seed=0, **options)
    assert np.isnan(moved.map).all()
    assert np.array_equal(moved.mass, np.zeros(40))


# ---------------------------------------------------------------------------------------------
# Maps, threads, libraries


@pytest.mark.parametrize("inner", [*INNER, "ipot"])
def test_map_equals_a_loop(inner: str) -> None:
    from otcore import _core

    options = INNER.get(inner, IPOT)
    result = barycentric_map(X, Y, A, B, k=3, m=(5, 4), iterations=40, seed=9, **options)
    image, mass = np.zeros(X.shape), np.zeros(len(X))
    for t in range(40):
        batches = [
            _core.sample_batches(
                n, 3, m, sampling="independent", labels=None, seed=9, stream=2 * t + s, side=side
            )
            for s, (n, m, side) in enumerate(((40, 5, "x"), (35, 4, "y")))
        ]
        one = bomb_ot(X, Y, A, B, batches=batches, **options)
        image += one.plan @ Y
        mass += one.plan.sum(1)
    assert result.n_filled == 0
    np.testing.assert_allclose(result.mass, mass, rtol=1e-9)
    np.testing.assert_allclose(result.map, image / mass[:, None], rtol=1e-9)
    assert result.status == "converged"
    assert 0 < result.inner_error < 1.5e-4


@pytest.mark.parametrize("n_threads", [2, 5])
@pytest.mark.parametrize("inner", [*INNER, "ipot"])
def test_bit_identical_for_any_threads(inner: str, n_threads: int) -> None:
    x, y = RNG.random((200, 5)), RNG.random((300, 5))
    options = INNER.get(inner, IPOT)
    for k, m in ((12, 9), (1, 150)):
        one, other = (
            bomb_ot(x, y, k=k, m=m, seed=4, n_threads=count, **options) for count in (1, n_threads)
        )
        assert_same(one, other)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_torch_and_numpy_agree_to_the_bit(dtype: Any) -> None:
    x, y = X.astype(dtype), Y.astype(dtype)
    for options in (*INNER.values(), IPOT):
        arrays = m_ot(x, y, k=2, m=6, seed=0, **options)
        tensors = m_ot(torch.as_tensor(x), torch.as_tensor(y), k=2, m=6, seed=0, **options)
        assert_same(arrays, tensors)
        assert to_numpy(tensors.plan).dtype == dtype


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine", ("minkowski", 3.0)])
def test_other_metrics(metric: Any) -> None:
    result = m_ot(X, Y, k=1, m=10, seed=0, metric=metric, inner_tol=1e-10, **INNER["sinkhorn"])
    ground = reference_costs(X, Y, metric)[np.ix_(result.batches_x[0], result.batches_y[0])]
    uniform = np.full(10, 0.1)
    expected = solve_entropic(ground, uniform, uniform).objective
    assert result.value == pytest.approx(expected, rel=1e-9)


# ---------------------------------------------------------------------------------------------
# Unfinished problems and bad input


def test_unfinished_inner_problems_say_so() -> None:
    options: dict[str, Any] = {"k": 2, "m": 10, "seed": 0, "inner_reg": 1e-3, "inner_max_iter": 3}
    with pytest.warns(otcore.ConvergenceWarning, match=r"inner problems stopped \(max_iter\) with"):
        result = bomb_ot(X, Y, inner="sinkhorn", **options)
    assert result.status == result.inner_status == "max_iter"
    assert result.inner_error > 1e-3
    assert np.isfinite(result.plan).all()
    with pytest.warns(otcore.ConvergenceWarning, match="inner problems stopped"):
        moved = barycentric_map(X, Y, iterations=3, inner="sinkhorn", **options)
    assert moved.status == "max_iter"
    assert moved.inner_error > 1e-3


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"inner": "emd"}, ValueError, "inner: 'emd', expected one of 'exact', 'sinkhorn', 'ipot'"),
    ({"inner": "sinkhorn"}, ValueError, "inner_reg: None, expected a positive number with inner="),
    ({"inner": "unbalanced", "inner_reg": 1.0}, ValueError, "inner_rho: None, expected a positive"),
    ({"inner_reg": 0.1}, ValueError, "inner_reg: 0.1, expected None with inner='exact'"),
    ({"inner_tol": 0.1}, ValueError, "inner_tol: 0.1, expected None with inner='exact'"),
    ({"inner_max_iter": 3}, ValueError, "inner_max_iter: 3, expected None with inner='exact'"),
    ({"inner_value": "linear"}, ValueError, "inner_value: 'linear', expected 'objective' with"),
    ({"inner_value": "dual"}, ValueError, "inner_value: 'dual', expected one of 'objective', 'lin"),
    (IPOT | {"inner_value": "linear"}, ValueError, "expected 'objective' with inner='ipot'"),
    (IPOT | {"inner_rho": 1.0}, ValueError, "inner_rho: 1.0, expected None with inner='ipot'"),
    (IPOT | {"inner_iter": 0}, ValueError, "inner_iter: 0, expected an integer from 1"),
    (IPOT | {"inner_reg": "1"}, TypeError, "inner_reg: str, expected a number"),
    (INNER["sinkhorn"] | {"inner_iter": 2}, ValueError, "inner_iter: 2, expected 1 with inner="),
    (INNER["sinkhorn"] | {"inner_reg": 0.0}, ValueError, "inner_reg: 0.0, expected a positive, f"),
    (INNER["sinkhorn"] | {"inner_reg": np.inf}, ValueError, "inner_reg: inf, expected a positive"),
    (INNER["sinkhorn"] | {"inner_reg": np.nan}, ValueError, "inner_reg: nan, expected a positive"),
    (INNER["sinkhorn"] | {"inner_tol": -1.0}, ValueError, "inner_tol: -1.0, expected a positive"),
    (INNER["sinkhorn"] | {"inner_max_iter": 0}, ValueError, "inner_max_iter: 0, expected an int"),
    (INNER["sinkhorn"] | {"root": True}, ValueError, "root: True for an inner problem whose value"),
    (INNER["unbalanced"] | {"inner_rho": -1.0}, ValueError, "inner_rho: -1.0, expected a positive"),
    (INNER["unbalanced"] | {"inner_rho": (1.0,)}, ValueError, r"inner_rho: \(1.0,\), expected one"),
    (INNER["linear unbalanced"] | {"root": True}, ValueError, "root: True for an inner problem"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    calls: list[tuple[Any, dict[str, Any]]] = [
        (m_ot, {}),
        (bomb_ot, {}),
        (barycentric_map, {"iterations": 1}),
    ]
    for call, more in calls:
        with pytest.raises(error, match=message):
            call(X, Y, k=2, m=3, **options, **more)


def test_float32_costs_that_overflow() -> None:
    x = np.full((5, 2), 1e25, dtype=np.float32)
    with pytest.raises(ValueError, match="X, Y: ground costs overflow float32"):
        m_ot(x, -x, k=1, m=5, **INNER["sinkhorn"])


def test_points_on_top_of_each_other() -> None:
    result = bomb_ot(np.zeros((6, 2)), np.zeros((6, 2)), k=2, m=3, seed=0, **INNER["sinkhorn"])
    assert result.value == pytest.approx(0, abs=1e-12)
    assert result.plan.sum() == pytest.approx(1)
