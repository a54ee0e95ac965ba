"""otcore.compat.pot beside POT: entropic transport between points, and gradients of its costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import ot as pot
import pytest
import torch

import otcore.compat.pot as ours
from checks import to_numpy
from pot_entropic import EXACTLY, FORMS, assert_logs, assert_numbers, both, few

RNG = np.random.default_rng(7)
N, K, REG = 6, 9, 0.1
M = RNG.random((N, K))
A, B = RNG.dirichlet(np.full(N, 5.0)), RNG.dirichlet(np.full(K, 5.0))
TARGETS = RNG.dirichlet(np.ones(K), size=3).T
X, Y = RNG.normal(size=(N, 2)), RNG.normal(size=(K, 2))


# ---------------------------------------------------------------------------------------------
# Points


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", "minkowski"])
def test_plans_between_points(form: str, metric: str) -> None:
    x, y, a, b = map(FORMS[form], (X, Y, A, B))
    options = {"metric": metric, "numIterMax": 1000, "stopThr": 1e-13, "log": True}
    for method in ("sinkhorn", "sinkhorn_log"):
        exact, exact_log = pot.bregman.empirical_sinkhorn(X, Y, 1.0, A, B, **options, method=method)
        (expected, theirs), (plan, log) = both(
            lambda ot, m=method: ot.bregman.empirical_sinkhorn(x, y, 1.0, a, b, **options, method=m)
        )
        assert_numbers(plan, expected, exact)
        assert_logs(log, theirs, exact_log, reg=1.0, free=True)
    (value, theirs), (cost, log) = both(
        lambda ot: ot.bregman.empirical_sinkhorn2(x, y, 1.0, a, b, **options)
    )
    exact, exact_log = pot.bregman.empirical_sinkhorn2(X, Y, 1.0, A, B, **options)
    assert_numbers(cost, value, exact)
    assert_logs(log, theirs, exact_log, reg=1.0, free=True)


def test_other_metrics_and_uniform_points() -> None:
    for metric in ("chebyshev", "correlation", lambda x, y: abs(x - y).max() ** 1.5):
        points = RNG.normal(size=(N, 3)), RNG.normal(size=(K, 3))
        expected, plan = both(
            lambda ot, m=metric, p=points: ot.bregman.empirical_sinkhorn(
                *p, 1.0, metric=m, stopThr=1e-13
            )
        )
        assert_numbers(plan, expected)


@pytest.mark.parametrize("form", FORMS)
def test_lazy_plans(form: str) -> None:
    x, y, a, b = map(FORMS[form], (X, Y, A, B))
    options = {"isLazy": True, "stopThr": 1e-13, "batchSize": (4, 5)}
    exact = pot.bregman.empirical_sinkhorn(X, Y, 1.0, A, B, stopThr=1e-13)
    (*theirs, expected), (u, v, log) = both(
        lambda ot: ot.bregman.empirical_sinkhorn(
            x, y, 1.0, a, b, log=True, **options, **few(ot, "numIterMax")
        )
    )
    for own, other in zip((u, v), theirs, strict=True):
        assert own.dtype == other.dtype
        assert own.shape == other.shape
    for own, other in zip(
        ours.bregman.empirical_sinkhorn(x, y, 1.0, a, b, **options), (u, v), strict=True
    ):
        assert np.array_equal(to_numpy(own), to_numpy(other))
    assert set(log) == {*expected, "status", "marginal_error"}
    plan, other = log["lazy_plan"], expected["lazy_plan"]
    assert plan.shape == other.shape
    assert plan.ndim == 2
    for key in (slice(None), 1, -1, (slice(1, 4), 2), slice(None, None, 2)):
        if key != -1:  # nothing in POT's
            assert plan[key].shape == other[key].shape
        np.testing.assert_allclose(plan[key].ravel(), exact[key].ravel(), rtol=0, atol=3e-6)
    assert_numbers(plan[:], other[:], exact)
    assert repr(plan).startswith("LazyTensor(shape=(6, 9)")
    assert set(plan.kwargs) == set(other.kwargs)
    with pytest.raises(NotImplementedError, match=r"^key: "):
        plan[[1, 2]]
    value, cost = both(
        lambda ot: ot.bregman.empirical_sinkhorn2(
            x, y, 1.0, a, b, **options, **few(ot, "numIterMax")
        )
    )
    assert_numbers(cost, value, (exact * pot.dist(X, Y)).sum())
    warm = ours.bregman.empirical_sinkhorn2(
        x, y, 1.0, a, b, isLazy=True, warmstart=(u, v), log=True
    )[1]
    assert warm["niter"] <= 2
    for bad in (0, "all", (1, 2, 3), 2.5):
        with pytest.raises(ValueError, match=r"^batchSize: "):
            ours.bregman.empirical_sinkhorn(x, y, 1.0, isLazy=True, batchSize=bad)


@pytest.mark.parametrize("form", FORMS)
def test_divergences(form: str) -> None:
    x, y, a, b = map(FORMS[form], (X, Y, A, B))
    options = {"log": True, "stopThr": 1e-11}
    exact, exact_log = pot.bregman.empirical_sinkhorn_divergence(X, Y, 1.0, A, B, **options)
    (expected, theirs), (value, log) = both(
        lambda ot: ot.bregman.empirical_sinkhorn_divergence(
            x, y, 1.0, a, b, **options, **few(ot, "numIterMax")
        )
    )
    assert_numbers(value.reshape(expected.shape), expected, exact)  # (1,) for POT's tensors
    assert set(log) == set(theirs)
    for name in ("ab", "a", "b"):
        key = f"sinkhorn_loss_{name}"
        assert_numbers(log[key], theirs[key], exact_log[key])
        key = f"log_sinkhorn_{name}"
        assert_logs(log[key], theirs[key], exact_log[key], reg=1.0, free=True)
    u, v = (np.log(to_numpy(log["log_sinkhorn_ab"][k])).astype(np.float64) for k in "uv")
    if len(x) == len(y):
        start = (u, v)
        again = ours.bregman.empirical_sinkhorn_divergence(x, y, 1.0, a, b, warmstart=start)
        assert_numbers(again, value)
    assert ours.bregman.empirical_sinkhorn_divergence(x, x, 1.0) == 0


# ---------------------------------------------------------------------------------------------
# Gradients


def gradients(call: Any, *arrays: np.ndarray) -> list[np.ndarray]:
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    call(*tensors).backward()
    return [to_numpy(tensor.grad) for tensor in tensors]


@pytest.mark.parametrize("mass", [1.0, 3.0])
def test_gradients_of_costs(mass: float) -> None:
    """POT's are through all its iterations; those in weights up to a constant."""
    own, expected = (
        gradients(
            lambda a, b, M, ot=ot: ot.sinkhorn2(a, b, M, REG, "sinkhorn_log", **EXACTLY),
            mass * A,
            mass * B,
            M,
        )
        for ot in (ours, pot)
    )
    np.testing.assert_allclose(own[2], expected[2], rtol=0, atol=1e-8)
    for left, right in zip(own[:2], expected[:2], strict=True):
        np.testing.assert_allclose(left, right - right.mean(), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["empirical_sinkhorn2", "empirical_sinkhorn_divergence"])
def test_gradients_in_points(name: str) -> None:
    own, expected = (
        gradients(lambda X, Y, ot=ot: getattr(ot.bregman, name)(X, Y, 1.0, stopThr=1e-11), X, Y)
        for ot in (ours, pot)
    )
    for left, right in zip(own, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-7)


def test_gradients_of_many_targets() -> None:
    own, expected = (
        gradients(
            lambda T, M, ot=ot: ot.sinkhorn2(torch.tensor(A), T, M, REG, **EXACTLY).square().sum(),
            TARGETS,
            M,
        )
        for ot in (ours, pot)
    )
    np.testing.assert_allclose(own[1], expected[1], rtol=0, atol=1e-8)
    centred = expected[0] - expected[0].mean(0)
    np.testing.assert_allclose(own[0], centred, rtol=0, atol=1e-7)


def test_plans_have_pots_gradients_and_scalings_none() -> None:
    own, expected = (
        gradients(
            lambda M, ot=ot: (
                ot.sinkhorn(torch.tensor(A), torch.tensor(B), M, REG, **EXACTLY).square().sum()
            ),
            M,
        )
        for ot in (ours, pot)
    )
    np.testing.assert_allclose(own[0], expected[0], rtol=0, atol=1e-8)
    costs = torch.tensor(M, requires_grad=True)
    _, log = ours.sinkhorn(torch.tensor(A), torch.tensor(B), costs, REG, log=True)
    for tensor in (log["u"], log["v"]):
        assert tensor.requires_grad
        with pytest.raises(RuntimeError, match="not differentiable"):
            tensor.sum().backward()
