"""Any entropic problem: drawn by hypothesis, hard cases, the whole range of reg, threads."""

from __future__ import annotations

import warnings
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given

import otcore
from entropic_cases import DTYPES, EACH_KIND
from entropic_checks import check_entropic
from problems import Metric, reference_costs
from strategies import LIBRARIES, METRICS


@st.composite
def calls(draw: st.DrawFn) -> tuple[Any, Any, Any, dict[str, Any]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    dtype = draw(st.sampled_from(DTYPES))
    make: Any = torch.as_tensor if draw(st.sampled_from(LIBRARIES)) == "torch" else np.asarray
    arguments: dict[str, Any] = {"reg": 10.0 ** draw(st.floats(-1, 1))}
    a, b = (rng.random(size) + 1e-3 for size in (n, m))
    if draw(st.booleans()):
        arguments["unbalanced"] = 10.0 ** draw(st.floats(-1, 1))
    else:
        b *= a.sum() / b.sum()
    if draw(st.booleans()):
        a[rng.integers(n)] *= 0.0 if n > 1 else 1.0
        b *= a.sum() / b.sum()
    if draw(st.booleans()):
        metric: Metric = draw(st.sampled_from(METRICS))
        d = draw(st.integers(1, 20))
        data: Any = tuple(make(rng.normal(size=(size, d)).astype(dtype)) for size in (n, m))
        arguments["metric"] = metric
    else:
        data = make(rng.normal(size=(n, m)).astype(dtype))
    return data, make(a.astype(dtype)), make(b.astype(dtype)), arguments


@given(calls())
def test_any_problem(call: tuple[Any, Any, Any, dict[str, Any]]) -> None:
    data, a, b, arguments = call
    solve: Any = otcore.solve_sample if isinstance(data, tuple) else otcore.solve
    arrays = data if isinstance(data, tuple) else (data,)
    result = solve(*arrays, a, b, **arguments)
    check_entropic(result, data, a, b, **{"unbalanced": None} | arguments)


@pytest.mark.parametrize("dtype", DTYPES)
@EACH_KIND
def test_threads_give_the_same_bits(kind: dict[str, Any], dtype: Any) -> None:
    rng = np.random.default_rng(58)
    x, y = (rng.random((size, 3)).astype(dtype) for size in (700, 600))
    arguments = kind | {"max_iter": 30}

    def solve(n_threads: int) -> list[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", otcore.ConvergenceWarning)
            one = otcore.solve_sample(x, y, n_threads=n_threads, **arguments)
            many = otcore.solve_sample_batch(
                x.reshape(10, 70, 3), y.reshape(10, 60, 3), n_threads=n_threads, **arguments
            )
        return [
            array
            for result in (one, many)
            for array in (result.value, *result.potentials, *result.marginals, result.plan)
        ]

    first = solve(1)
    for n_threads in (2, 3):
        assert all(map(np.array_equal, first, solve(n_threads)))


def check_is_sound(result: Any, said: list[warnings.WarningMessage]) -> None:
    """Finite, in the right range, and not silent where it has not converged."""
    assert [each.category for each in said] == (
        [] if result.status == "converged" else [otcore.ConvergenceWarning]
    )
    for name in ("value", "value_linear", "marginal_error", "plan", "potentials", "marginals"):
        for array in np.atleast_1d(getattr(result, name)) if name == "value" else (
            getattr(result, name) if isinstance(getattr(result, name), tuple)
            else (getattr(result, name),)
        ):  # fmt: skip
            assert np.isfinite(array).all(), name
    assert (result.plan >= 0).all()


def hard_cases() -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(59)
    points = rng.random((40, 2))
    twice = np.concatenate([points[:20], points[:20]])
    weights = rng.dirichlet(np.ones(40))
    tiny, none = weights.copy(), weights.copy()
    tiny[::2], none[::2] = 1e-30, 0.0
    costs = rng.random((40, 40))
    return {
        "zero-weights": {"data": (points, points[::-1]), "a": none / none.sum(), "reg": 0.1},
        "tiny-weights": {"data": (points, points[::-1]), "a": tiny / tiny.sum(), "reg": 0.1},
        "costs-1e-20": {"data": (1e-20 * costs,), "reg": 1e-21},
        "costs-1e20": {"data": (1e20 * costs,), "reg": 1e19},
        "constant-costs": {"data": (np.full((5, 7), 3.0),), "reg": 0.1},
        "zero-costs": {"data": (np.zeros((5, 7)),), "reg": 0.1},
        "duplicates": {"data": (twice, twice), "reg": 0.01},
        "the-same": {"data": (points, points.copy()), "a": weights, "b": weights, "reg": 0.01},
        "one-row": {"data": (points[:1], points), "reg": 0.01},
        "one-column": {"data": (points, points[:1]), "reg": 0.01},
        "one-pair": {"data": (points[:1], points[1:2]), "reg": 1e-3},
        "offset": {"data": (costs + 1e4,), "reg": 0.1},
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", ["sinkhorn", "ipot", "unbalanced"])
@pytest.mark.parametrize("name", hard_cases())
def test_hard_cases(name: str, method: str, dtype: Any) -> None:
    case = hard_cases()[name]
    data = [array.astype(dtype) for array in case["data"]]
    weights = [w if w is None else w.astype(dtype) for w in (case.get("a"), case.get("b"))]
    arguments: dict[str, Any] = {"method": method, "reg": case["reg"]}
    if method == "unbalanced":
        arguments = {"reg": case["reg"], "unbalanced": 10 * case["reg"]}
    solve: Any = otcore.solve if len(data) == 1 else otcore.solve_sample
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = solve(*data, *weights, max_iter=2000, **arguments)
    check_is_sound(result, said)
    if method == "sinkhorn":
        assert result.status == "converged"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", range(-6, 7))
@pytest.mark.parametrize("form", ["matrix", "points", "unbalanced"])
def test_any_reg_of_the_range(form: str, exponent: int, dtype: Any) -> None:
    rng = np.random.default_rng(60)
    x, y = (rng.random((size, 2)).astype(dtype) for size in (50, 40))
    costs = reference_costs(x, y).astype(dtype)
    reg = 10.0**exponent * float(np.ptp(costs))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if form == "matrix":
            result = otcore.solve(costs, reg=reg, max_iter=2000)
        else:
            rho = {"unbalanced": 1.0} if form == "unbalanced" else {}
            result = otcore.solve_sample(x, y, reg=reg, max_iter=2000, **rho)
    check_is_sound(result, said)
    if exponent >= -2:
        assert result.status == "converged"
    if form != "unbalanced":
        assert 0 <= result.value_linear <= costs.max()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rho", [1e-12, 1e-6, 1e-3, 1e3, 1e6, 1e12])
def test_any_rho(rho: float, dtype: Any) -> None:
    rng = np.random.default_rng(61)
    costs, a, b = rng.random((20, 30)), rng.dirichlet(np.ones(20)), rng.dirichlet(np.ones(30))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = otcore.solve(*(w.astype(dtype) for w in (costs, a, b)), reg=0.1, unbalanced=rho)
    check_is_sound(result, said)
    assert result.status == "converged"
    if rho <= 1e-6:  # the marginals are free
        free = np.outer(a, b) * np.exp(-costs / 0.1)
        np.testing.assert_allclose(result.plan, free, rtol=1e-3, atol=1e-12)
    if rho >= 1e6:
        balanced = otcore.solve(costs, a, b, reg=0.1)
        assert result.value == pytest.approx(balanced.value, rel=1e-3)
