"""The Sinkhorn divergence as a function: reuse of its parts, batches, gradients, errors; MMD."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from torch.autograd import gradcheck

import otcore
from checks import to_numpy
from otcore.entropic import energy_distance, mmd, self_transport, sinkhorn_divergence
from problems import Metric, reference_costs

RNG = np.random.default_rng(70)
X, Y = RNG.normal(size=(20, 2)), RNG.normal(size=(15, 2)) + 0.5
A, B = RNG.dirichlet(np.ones(20)), RNG.dirichlet(np.ones(15))
METRICS: list[Metric] = ["sqeuclidean", "euclidean", "cityblock", "cosine", ("minkowski", 1.5)]


def tensors(*arrays: Any) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor(array).requires_grad_() for array in arrays)


# ---------------------------------------------------------------------------------------------
# The parts


@pytest.mark.parametrize("unbalanced", [None, 1.0])
@pytest.mark.parametrize("metric", METRICS)
def test_the_parts_are_those_of_solve_sample(metric: Metric, unbalanced: Any) -> None:
    options: dict[str, Any] = {"reg": 0.3, "metric": metric, "unbalanced": unbalanced, "tol": 1e-9}
    result = sinkhorn_divergence(X, Y, A, B, **options)
    for part, data in ((result.self_x, (X, X, A, A)), (result.self_y, (Y, Y, B, B))):
        whole = otcore.solve_sample(*data, **options)
        assert part.value == pytest.approx(whole.value, abs=1e-8)
        f = (whole.potential_a + whole.potential_b) / 2
        np.testing.assert_allclose(part.potential, f, atol=1e-6)
    assert result.status == "converged"
    assert result.value == pytest.approx(
        result.cross.value - (result.self_x.value + result.self_y.value) / 2, rel=1e-12
    )


def test_parts_are_computed_once() -> None:
    options: dict[str, Any] = {"reg": 0.3, "unbalanced": 2.0}
    self_x, self_y = self_transport(X, A, **options), self_transport(Y, B, **options)
    given = sinkhorn_divergence(X, Y, A, B, self_x=self_x, self_y=self_y, **options)
    assert given.self_x is self_x
    assert given.self_y is self_y
    assert given.value == sinkhorn_divergence(X, Y, A, B, **options).value


@pytest.mark.parametrize(
    "other",
    [
        lambda: self_transport(X + 1, A, reg=0.3),
        lambda: self_transport(X, None, reg=0.3),
        lambda: self_transport(X, A[::-1], reg=0.3),
        lambda: self_transport(X, A, reg=0.4),
        lambda: self_transport(X, A, reg=0.3, metric="euclidean"),
        lambda: self_transport(X, A, reg=0.3, unbalanced=1.0),
        lambda: self_transport(X.astype(np.float32), A, reg=0.3),
        lambda: self_transport(X[None], A, reg=0.3),
    ],
)
def test_parts_of_other_problems(other: Any) -> None:
    with pytest.raises(ValueError, match=r"^self_x: of other points"):
        sinkhorn_divergence(X, Y, A, B, reg=0.3, self_x=other())


def test_potentials() -> None:
    """Derivatives of the value in the weights, along the simplex; b-weighted mean 0."""
    result = sinkhorn_divergence(X, Y, A, B, reg=0.3, tol=1e-10)
    assert abs(float(result.potential_b @ B)) < 1e-12
    f, g = result.potentials
    step, other = RNG.dirichlet(np.ones(20)) - A, RNG.dirichlet(np.ones(15)) - B
    h = 1e-4
    values = [
        sinkhorn_divergence(X, Y, A + t * step, B + t * other, reg=0.3, tol=1e-10).value
        for t in (-h, h)
    ]
    assert (values[1] - values[0]) / (2 * h) == pytest.approx(f @ step + g @ other, rel=1e-5)


def test_batches() -> None:
    x, y = RNG.normal(size=(3, 10, 2)), RNG.normal(size=(3, 8, 2))
    batch = sinkhorn_divergence(x, y, None, B[:8] / B[:8].sum(), reg=0.3)
    assert batch.value.shape == (3,)
    assert batch.status == ["converged"] * 3
    assert batch.potential_a.shape == (3, 10)
    assert "3 problems" in repr(batch)
    for k in range(3):
        alone = sinkhorn_divergence(x[k], y[k], None, B[:8] / B[:8].sum(), reg=0.3)
        assert alone.value == batch.value[k]
        assert np.array_equal(alone.potential_b, batch.potential_b[k])


def test_results_are_pickled_and_shown() -> None:
    result = sinkhorn_divergence(X, Y, reg=0.3)
    for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert other.value == result.value
        assert repr(other) == repr(result)
    assert repr(result).startswith("DivergenceResult(value=")
    assert repr(result.self_x).startswith("SelfTransport(OTResult(")


def test_the_worst_status() -> None:
    x = RNG.random((60, 2))
    self_x = self_transport(x, reg=1e-2)
    with pytest.warns(otcore.ConvergenceWarning, match="max_iter"):
        result = sinkhorn_divergence(x, x + 0.1, reg=1e-2, max_iter=2, self_x=self_x)
    assert result.self_x.status == "converged"
    assert result.status == "max_iter"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"reg": 0.0}, "reg"),
        ({"reg": None}, "reg"),
        ({"reg": 0.1, "unbalanced": (1.0, 2.0)}, "unbalanced"),
        ({"reg": 0.1, "tol": -1.0}, "tol"),
        ({"reg": 0.1, "metric": "chebyshev"}, "metric"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], text: str) -> None:
    for call in (
        lambda: sinkhorn_divergence(X, Y, **arguments),
        lambda: self_transport(X, **arguments),
    ):
        with pytest.raises(ValueError, match=rf"^{text}: "):
            call()


# ---------------------------------------------------------------------------------------------
# Gradients


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("unbalanced", [None, 1.0])
def test_gradcheck_in_the_points(metric: Metric, unbalanced: Any) -> None:
    def value(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return sinkhorn_divergence(
            x, y, A[:6].tolist() if unbalanced else None, None,
            reg=0.3, metric=metric, unbalanced=unbalanced, tol=1e-12,
        ).value  # fmt: skip

    assert gradcheck(value, tensors(X[:6], Y[:5]))


def test_gradcheck_in_unbalanced_weights() -> None:
    def value(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        x, y = torch.as_tensor(X[:6]), torch.as_tensor(Y[:5])
        return sinkhorn_divergence(x, y, a, b, reg=0.3, unbalanced=1.0, tol=1e-12).value

    assert gradcheck(value, tensors(A[:6], B[:5]))


def test_gradcheck_of_batches() -> None:
    def value(x: torch.Tensor) -> torch.Tensor:
        return sinkhorn_divergence(
            x, torch.as_tensor(Y[:8].reshape(2, 4, 2)), reg=0.3, tol=1e-12
        ).value

    assert gradcheck(value, tensors(X[:10].reshape(2, 5, 2)))


def test_a_target_serves_many_steps() -> None:
    """Gradient descent against a fixed set: the part that stays is solved once."""
    target = torch.as_tensor(Y)
    self_y = self_transport(target, reg=0.05)
    (x,) = tensors(X[:15])
    values = []
    for _ in range(30):
        value = sinkhorn_divergence(x, target, reg=0.05, self_y=self_y).value
        values.append(float(value.detach()))
        (grad,) = torch.autograd.grad(value, x)
        with torch.no_grad():
            x -= 10 * grad
    assert values[-1] < values[0] / 20


# ---------------------------------------------------------------------------------------------
# The limit


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_mmd(metric: Metric, dtype: Any) -> None:
    x, y, a, b = (array.astype(dtype) for array in (X, Y, A, B))
    expected = A @ reference_costs(X, Y, metric) @ B
    expected -= (A @ reference_costs(X, X, metric) @ A + B @ reference_costs(Y, Y, metric) @ B) / 2
    value = mmd(x, y, a, b, metric=metric)
    assert type(value) is float
    assert value == pytest.approx(expected, rel=1e-12 if dtype == np.float64 else 1e-4)
    tensor = mmd(*map(torch.as_tensor, (x, y, a, b)), metric=metric)
    assert float(tensor) == pytest.approx(value, rel=1e-12)


def test_mmd_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mmd(X, Y, A, B)
    monkeypatch.setattr("otcore._mean_cost._PAIRS_AT_ONCE", 40)
    assert mmd(X, Y, A, B) == pytest.approx(whole, rel=1e-13)


def test_energy_distance_is_half_the_square_of_scipys() -> None:
    x, y = RNG.normal(size=30), RNG.normal(size=40) + 1
    expected = scipy.stats.energy_distance(x, y) ** 2 / 2
    assert energy_distance(x[:, None], y[:, None]) == pytest.approx(expected, rel=1e-12)


def test_gradcheck_of_mmd() -> None:
    def value(*data: torch.Tensor) -> torch.Tensor:
        x, y, s, t = data
        return mmd(x, y, s.softmax(0), t.softmax(0))

    assert gradcheck(value, tensors(X[:6], Y[:5], RNG.normal(size=6), RNG.normal(size=5)))
    assert gradcheck(energy_distance, tensors(X[:6], Y[:5]))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((X, Y, -A, B), r"^a: .*>= 0"),
        ((X, Y, A, 0 * B), r"^b: weights sum to 0"),
        ((X, Y, A, 2 * B), r"^a, b: .*differ"),
        ((X, Y, A * math.nan, B), r"^a: nan"),
        ((X * math.inf, Y), r"^X: .*finite"),
        ((X * 1e200, Y), r"overflows"),
        ((X, Y[:, :1]), r"^Y: shape"),
    ],
)
def test_bad_arguments_of_mmd(arguments: Any, text: str) -> None:
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=text):
        mmd(*arguments)


def test_values_of_tensors_agree() -> None:
    arrays = sinkhorn_divergence(X, Y, A, B, reg=0.3)
    x, y, a, b = map(torch.as_tensor, (X, Y, A, B))
    result = sinkhorn_divergence(x, y, a, b, reg=0.3)
    assert isinstance(result.value, torch.Tensor)
    assert float(result.value) == arrays.value
    assert np.array_equal(to_numpy(result.potential_a), arrays.potential_a)
