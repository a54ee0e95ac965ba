"""What entropic results offer: arrays, batches, rounding, maps, plots, pickles."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import otcore
from checks import to_numpy
from entropic_cases import DTYPES, EACH_KIND, RNG, A, B, M, X, Y
from problems import reference_costs
from strategies import LIBRARIES


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("library", LIBRARIES)
@EACH_KIND
def test_arrays_of_a_result(kind: dict[str, Any], library: str, dtype: Any) -> None:
    make: Any = torch.as_tensor if library == "torch" else np.asarray
    result = otcore.solve(*(make(array.astype(dtype)) for array in (M, A, B)), **kind)
    assert result.status == "converged"
    for name, expected in (
        ("plan", (6, 5)), ("marginal_a", (6,)), ("marginal_b", (5,)),
        ("potential_a", (6,)), ("potential_b", (5,)),
    ):  # fmt: skip
        array = getattr(result, name)
        assert isinstance(array, torch.Tensor if library == "torch" else np.ndarray)
        assert tuple(array.shape) == expected
        precision = np.float64 if name.startswith("potential") else dtype
        assert to_numpy(array).dtype == precision
    assert math.isnan(result.gap) == ("unbalanced" in kind)
    plan = to_numpy(result.plan)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(plan.sum(1), to_numpy(result.marginal_a), rtol=tolerance)
    np.testing.assert_allclose(plan.sum(0), to_numpy(result.marginal_b), rtol=tolerance)
    np.testing.assert_allclose((plan * M).sum(), float(result.value_linear), rtol=10 * tolerance)
    np.testing.assert_allclose(to_numpy(result.sparse_plan), plan, atol=1e-9)
    V = make(RNG.random((5, 2)).astype(dtype))
    np.testing.assert_allclose(to_numpy(result.apply(V)), plan @ to_numpy(V), rtol=tolerance)
    np.testing.assert_allclose(
        to_numpy(result.apply_t(result.apply(V))), plan.T @ plan @ to_numpy(V), rtol=4 * tolerance
    )


def test_ipot_is_worth_its_transport() -> None:
    result = otcore.solve(M, A, B, method="ipot")
    assert result.value == result.value_linear
    assert result.value == pytest.approx(otcore.solve(M, A, B).value, abs=1e-3)
    assert 0 <= result.gap < 1e-2


def test_distance_of_a_negative_value_is_zero() -> None:
    """The objective may be negative: KL(P | a x b) < 0 for unbalanced plans of other mass."""
    result = otcore.solve_sample(X, Y, reg=0.1)
    assert result.distance == pytest.approx(math.sqrt(result.value))
    cheap = otcore.solve_sample(X[:1], X[:1], reg=1.0)
    assert cheap.distance == 0.0


@EACH_KIND
def test_batches(kind: dict[str, Any]) -> None:
    rng = np.random.default_rng(52)
    costs, a = rng.random((4, 6, 5)), rng.dirichlet(np.ones(6), 4)
    batch = otcore.solve_batch(costs, a, B, **kind)
    assert isinstance(batch, otcore.BatchResult)
    V, W = rng.random((4, 5, 2)), rng.random((4, 6))
    assert batch.apply(V).shape == (4, 6, 2)
    assert batch.apply_t(W).shape == (4, 5)
    assert "converged" in repr(batch)
    for k in range(4):
        alone = otcore.solve(costs[k], a[k], B, **kind)
        one = batch[k]
        assert one.value == alone.value == batch.value[k]
        assert one.value_linear == alone.value_linear == batch.value_linear[k]
        assert one.n_iter == alone.n_iter
        assert one.marginal_error == alone.marginal_error == batch.marginal_error[k]
        for name in ("plan", "potential_a", "potential_b", "marginal_a", "marginal_b"):
            assert np.array_equal(getattr(one, name), getattr(alone, name))
            assert np.array_equal(getattr(one, name), getattr(batch, name)[k])
        assert np.array_equal(batch.apply(V)[k], alone.apply(V[k]))
        assert np.array_equal(batch.apply_t(W)[k], alone.apply_t(W[k]))
        assert np.array_equal(batch.sparse_plan[k].toarray(), alone.sparse_plan.toarray())


def test_batches_of_points() -> None:
    rng = np.random.default_rng(53)
    x, y = rng.random((3, 6, 2)), rng.random((3, 4, 2))
    batch = otcore.solve_sample_batch(x, y, reg=0.1, metric="euclidean")
    images = batch.barycentric_map()
    assert images.shape == (3, 6, 2)
    for k in range(3):
        alone = otcore.solve_sample(x[k], y[k], reg=0.1, metric="euclidean")
        assert np.array_equal(images[k], alone.barycentric_map())
        assert np.array_equal(images[k], batch[k].barycentric_map())
        assert batch.distance[k] == alone.distance


def test_barycentric_map_of_points_without_mass() -> None:
    image = otcore.solve_sample(X, Y, [0.5, 0.5, 0, 0, 0, 0], reg=0.1).barycentric_map()
    assert np.isfinite(image[:2]).all()
    assert np.isnan(image[2:]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("metric", [None, "sqeuclidean", "cityblock"])
@pytest.mark.parametrize("method", ["sinkhorn", "ipot"])
def test_rounding(method: str, metric: Any, dtype: Any) -> None:
    """On the marginals, near the plan, and worth what it says."""
    rng = np.random.default_rng(54)
    x, y = (rng.random((size, 2)).astype(dtype) for size in (30, 20))
    a, b = (rng.dirichlet(np.ones(size)).astype(dtype) for size in (30, 20))
    a[:3] = 0
    a /= a.sum()
    costs = reference_costs(x, y, metric or "sqeuclidean")
    arguments: Any = {"method": method, "reg": 0.05, "max_iter": 8}
    data: Any = (x, y)
    solve: Any = otcore.solve_sample
    if metric is None:
        data, solve = (costs.astype(dtype),), otcore.solve
    else:
        arguments["metric"] = metric
    with pytest.warns(otcore.ConvergenceWarning):
        result = solve(*data, a, b, **arguments)
    assert result.marginal_error > 1e-5
    rounded = result.rounded()
    assert rounded.plan.dtype == dtype
    plan = rounded.plan.astype(np.float64)
    left, right = a.astype(np.float64), b.astype(np.float64)
    right *= left.sum() / right.sum()
    unit = 2.0**-22 if dtype == np.float32 else 1e-15
    assert (plan >= 0).all()
    assert np.abs(plan.sum(1) - left).max() <= unit
    assert np.abs(plan.sum(0) - right).max() <= unit
    assert np.abs(plan - result.plan).sum() <= 2 * result.marginal_error + 100 * unit
    assert rounded.value == pytest.approx((plan * costs).sum(), rel=100 * unit)
    exact = otcore.solve(costs, left, right)
    assert exact.value - unit <= rounded.value <= result.value_linear + 2 * result.marginal_error
    assert exact.rounded().value == exact.value
    assert np.array_equal(exact.rounded().plan, exact.plan)


def test_unbalanced_plans_are_not_rounded() -> None:
    with pytest.raises(ValueError, match=r"^rounded: an unbalanced problem"):
        otcore.solve(M, reg=0.1, unbalanced=1.0).rounded()


@EACH_KIND
def test_plot(kind: dict[str, Any]) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    for result in (otcore.solve(M, **kind), otcore.solve_sample(X[:, :2], Y[:, :2], **kind)):
        axes = result.plot()
        assert axes.has_data()
        pyplot.close(axes.figure)


@pytest.mark.parametrize(
    "again", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy, copy.copy]
)
@EACH_KIND
def test_pickles_and_copies(kind: dict[str, Any], again: Any) -> None:
    for result in (otcore.solve_sample(X, Y, A, B, **kind), otcore.solve_batch(M[None], **kind)[0]):
        other = again(result)
        assert repr(other) == repr(result)
        assert other.value == result.value
        assert np.array_equal(other.plan, result.plan)
        assert np.array_equal(other.apply(np.arange(5.0)), result.apply(np.arange(5.0)))


@pytest.mark.parametrize("state", [(), (1,), (None,) * 13])
def test_a_broken_state(state: tuple[Any, ...]) -> None:
    solution = otcore.solve([[0.0]], reg=1.0)._solution
    broken = type(solution).__new__(type(solution))
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        broken.__setstate__(state)
