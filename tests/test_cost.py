"""Ground costs against their definitions and SciPy's."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.spatial.distance import cdist

import otcore
from problems import Metric, reference_costs
from strategies import METRICS

cost_matrix = otcore.cost.cost_matrix


def tolerances(metric: Metric, d: int, dtype: Any) -> dict[str, float]:
    """A few d roundings, relative to each entry; cosine cancels, so relative to 1."""
    error = 4 * (d + 4) * float(np.finfo(dtype).eps)
    if metric == "cosine":
        return {"rtol": 0.0, "atol": error}
    return {"rtol": error * (metric[1] if isinstance(metric, tuple) else 1), "atol": 0.0}


@pytest.mark.isa
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("d", [1, 2, 3, 7, 8, 9, 16, 33, 130])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 3), (17, 33), (64, 70)])
def test_against_the_definition(n: int, m: int, d: int, metric: Metric, dtype: Any) -> None:
    rng = np.random.default_rng(n + d)
    X, Y = rng.normal(size=(n, d)).astype(dtype), rng.normal(size=(m, d)).astype(dtype)
    costs = cost_matrix(X, Y, metric=metric)
    assert costs.dtype == dtype
    assert costs.shape == (n, m)
    np.testing.assert_allclose(costs, reference_costs(X, Y, metric), **tolerances(metric, d, dtype))


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", "cosine"])
def test_against_scipy(metric: str) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.random((300, 16)), rng.random((257, 16))
    expected = cdist(X, Y, metric)  # type: ignore[call-overload]
    np.testing.assert_allclose(
        cost_matrix(X, Y, metric=metric), expected, **tolerances(metric, 16, np.float64)
    )


@pytest.mark.isa
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", ("minkowski", 3)])
@pytest.mark.parametrize("offset", [0.0, 1e3, -1e6])
def test_relative_accuracy_far_from_the_origin(metric: Metric, dtype: Any, offset: float) -> None:
    """Two tight clusters far apart and far away: within each, costs are differences of neighbours,
    which |x|^2 - 2 <x, y> + |y|^2 would lose."""
    rng = np.random.default_rng(1)
    clusters = np.repeat([0.0, 50.0], 20)[:, None]
    X = (offset + clusters + 0.01 * rng.normal(size=(40, 5))).astype(dtype)
    Y = (offset + clusters + 0.01 * rng.normal(size=(40, 5))).astype(dtype)
    Y[3] = X[7]
    costs = cost_matrix(X, Y, metric=metric)
    assert costs[7, 3] == 0
    np.testing.assert_allclose(costs, reference_costs(X, Y, metric), **tolerances(metric, 5, dtype))


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_of_a_set_with_itself(metric: Metric) -> None:
    X = np.random.default_rng(2).normal(size=(50, 6))
    costs = cost_matrix(X, X, metric=metric)
    assert (costs >= 0).all()
    assert (costs == costs.T).all()
    assert np.abs(np.diag(costs)).max() <= tolerances(metric, 6, np.float64)["atol"]


@pytest.mark.parametrize("scale", [1e-140, 1e140])
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", "cosine"])
def test_extreme_scales(metric: Metric, scale: float) -> None:
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(9, 4)) * scale, rng.normal(size=(8, 4)) * scale
    costs = cost_matrix(X, Y, metric=metric)
    assert np.isfinite(costs).all()
    np.testing.assert_allclose(
        costs, reference_costs(X, Y, metric), **tolerances(metric, 4, np.float64)
    )


def test_minkowski_of_special_powers() -> None:
    """p = 1 is cityblock and p = 2 is sqeuclidean: the power, not its root."""
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(12, 5)), rng.normal(size=(10, 5))
    for p, metric in ((1, "cityblock"), (2, "sqeuclidean")):
        np.testing.assert_allclose(
            cost_matrix(X, Y, metric=("minkowski", p)),
            cost_matrix(X, Y, metric=metric),
            **tolerances("sqeuclidean", 5, np.float64),
        )


@given(
    n=st.integers(1, 80),
    m=st.integers(1, 80),
    d=st.integers(1, 40),
    metric=st.sampled_from(METRICS),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_shape(n: int, m: int, d: int, metric: Metric, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 1
    np.testing.assert_allclose(
        cost_matrix(X, Y, metric=metric),
        reference_costs(X, Y, metric),
        **tolerances(metric, d, np.float64),
    )


def test_points_of_any_layout() -> None:
    """Strided, Fortran-ordered, integer and list input mean the same numbers."""
    X = np.arange(24.0).reshape(6, 4)
    Y = X[::-1] + 0.5
    expected = reference_costs(X, Y)
    assert np.array_equal(cost_matrix(X, Y), expected)
    assert np.array_equal(cost_matrix(np.asfortranarray(X), Y[::1]), expected)
    assert np.array_equal(cost_matrix(X[::2], Y[:, ::-1][:, ::-1]), expected[::2])
    assert np.array_equal(cost_matrix(X.tolist(), Y.tolist()), expected)
    integers = cost_matrix(X.astype(int), X.astype(np.int8))
    assert integers.dtype == np.float64
    assert np.array_equal(integers, reference_costs(X, X))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torch_in_torch_out(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    X, Y = (torch.randn((k, 3), generator=generator, dtype=dtype) for k in (6, 5))
    costs = cost_matrix(X, Y)
    assert isinstance(costs, torch.Tensor)
    assert costs.dtype == dtype
    assert np.array_equal(costs.numpy(), cost_matrix(X.numpy(), Y.numpy()))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bit_identical_for_any_thread_count(dtype: Any) -> None:
    rng = np.random.default_rng(5)
    X, Y = rng.random((700, 9)).astype(dtype), rng.random((311, 9)).astype(dtype)
    for metric in METRICS:
        first = cost_matrix(X, Y, metric=metric, n_threads=1)
        for n_threads in (2, 3, 5):
            assert np.array_equal(cost_matrix(X, Y, metric=metric, n_threads=n_threads), first)
