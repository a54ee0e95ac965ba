"""otcore.compat.pot beside POT: sliced distances and plans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import ot as pot
import pytest
import torch

import otcore.compat.pot as ours
from checks import to_numpy
from pot_pairs import assert_alike, assert_close, run

RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(12, 3)), RNG.normal(size=(9, 3)) + 0.5
A, B = RNG.dirichlet(np.ones(12)), RNG.dirichlet(np.ones(9))
U, V = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (X, Y))
DIRECTIONS = RNG.normal(size=(3, 8))
FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "tensor64": torch.as_tensor,
    "tensor32": lambda x: torch.as_tensor(x.astype(np.float32)),
}
DISTANCES = ["sliced_wasserstein_distance", "max_sliced_wasserstein_distance"]


def compare(call: Callable[[Any], Any], form: str) -> None:
    answer, _ = run(call, ours)
    expected, _ = run(call, pot)
    assert_alike(answer, expected, single="32" in form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("p", [1, 2, 2.5])
def test_distances(form: str, name: str, p: float) -> None:
    x, y, a, b, directions = (FORMS[form](z) for z in (X, Y, A, B, DIRECTIONS))
    for weights in ((), (a, b), (a,)):
        compare(lambda ot, w=weights: getattr(ot, name)(x, y, *w, p=p, seed=3), form)
    compare(lambda ot: getattr(ot, name)(x, y, a, b, 9, p, seed=3, log=True), form)
    compare(lambda ot: getattr(ot, name)(x, y, projections=directions, p=p, log=True), form)
    compare(lambda ot: getattr(ot, name)(x, y, seed=1, scaler=lambda z: z * 2), form)


@pytest.mark.parametrize("name", DISTANCES)
def test_seeds(name: str) -> None:
    compare(lambda ot: getattr(ot, name)(X, Y, seed=np.random.RandomState(4), log=True), "float64")
    x, y = torch.as_tensor(X), torch.as_tensor(Y)
    compare(
        lambda ot: getattr(ot, name)(x, y, seed=torch.Generator().manual_seed(4), log=True),
        "tensor64",
    )
    assert ours.sliced_wasserstein_distance(X, Y) > 0
    assert ours.sliced_wasserstein_distance([[0, 1]], [[2, 3]], seed=0) > 0


@pytest.mark.parametrize("name", DISTANCES)
def test_gradients(name: str) -> None:
    grads = []
    for module in (pot, ours):
        x, y, s = (torch.as_tensor(z).requires_grad_() for z in (X, Y, np.log(A)))
        value = getattr(module, name)(x, y, s.softmax(0), torch.as_tensor(B), seed=0, p=2)
        value.backward()
        grads.append([z.grad for z in (x, y, s)])
    for own, other in zip(*grads, strict=True):
        assert_close(own, other)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("p", [1, 2])
def test_sphere(form: str, p: float) -> None:
    """POT searches the cut to 1e-6."""
    x, y = FORMS[form](U), FORMS[form](V)
    planes = np.linalg.qr(RNG.normal(size=(6, 3, 2)))[0]
    for options in ({"seed": 2}, {"n_projections": 6, "projections": FORMS[form](planes)}):
        (answer, log), _ = run(
            lambda ot, o=options: ot.sliced_wasserstein_sphere(x, y, p=p, log=True, **o), ours
        )
        (expected, other), _ = run(
            lambda ot, o=options: ot.sliced_wasserstein_sphere(x, y, p=p, log=True, **o), pot
        )
        assert set(log) == set(other)
        for own, theirs in (
            (answer, expected),
            (log["projected_emds"], other["projected_emds"]),
            (log["projections"], other["projections"]),
        ):
            np.testing.assert_allclose(to_numpy(own), to_numpy(theirs), atol=3e-6)
            assert to_numpy(own).dtype == to_numpy(theirs).dtype
    with pytest.raises(ValueError, match="row 0"):
        ours.sliced_wasserstein_sphere(X, Y)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", "minkowski"])
@pytest.mark.parametrize("dense", [True, False])
def test_plans(form: str, metric: str, dense: bool) -> None:
    """Uniform weights: POT prices weighted plans with the weights of other entries.

    Those that it makes for tensors are float32.
    """
    x, y, directions = (FORMS[form](z) for z in (X[:9], Y, DIRECTIONS))
    for name in ("min_sliced_transport_plan", "expected_sliced_plan"):
        options = {"projections": directions, "metric": metric, "dense": dense}

        def call(ot: Any, name: str = name, options: Any = options) -> Any:
            return getattr(ot, name)(x, y, log=True, **options)

        (plan, cost, log), _ = run(call, ours)
        if name == "expected_sliced_plan" and not dense:
            options = {**options, "dense": True}  # POT's own fails
        (expected, other_cost, other), _ = run(lambda ot, o=options: call(ot, options=o), pot)
        tolerance = 1e-12 if form == "float64" else 1e-6
        np.testing.assert_allclose(to_numpy(plan), to_numpy(expected), atol=tolerance)
        np.testing.assert_allclose(to_numpy(cost), to_numpy(other_cost), rtol=10 * tolerance)
        np.testing.assert_allclose(
            to_numpy(log["costs"]), to_numpy(other["costs"]), rtol=10 * tolerance
        )
        assert set(log) == set(other)
        for key in set(log) & {"min_projection", "X_min_projection", "Y_min_projection", "weights"}:
            np.testing.assert_allclose(to_numpy(log[key]), to_numpy(other[key]), atol=tolerance)
        if name == "expected_sliced_plan":
            assert len(log["G"]) == len(other["G"])
            for own, theirs in zip(log["G"], other["G"], strict=True):
                pairs = zip(to_numpy(own.rows), to_numpy(own.cols), strict=True)
                others = zip(to_numpy(theirs.rows), to_numpy(theirs.cols), strict=True)
                assert set(pairs) == set(others)


def test_weighted_plans() -> None:
    plan, cost = ours.min_sliced_transport_plan(X, Y, A, B, projections=DIRECTIONS)
    np.testing.assert_allclose(plan.sum(1), A, atol=1e-15)
    assert cost == pytest.approx((plan * ours.dist(X, Y)).sum())
    plan, cost = ours.expected_sliced_plan(X, Y, A, B, projections=DIRECTIONS, beta=0.1)
    np.testing.assert_allclose(plan.sum(0), B, atol=1e-15)


def test_errors() -> None:
    for module in (pot, ours):
        with pytest.raises(ValueError, match=r"dimensions|X_t"):
            module.sliced_wasserstein_distance(X, Y[:, :2])
        with pytest.raises(AssertionError, match="n_projections"):
            module.min_sliced_transport_plan(X, Y)
        with pytest.raises(AssertionError):
            module.expected_sliced_plan(X, Y, n_projections=3, metric="cosine")
        with pytest.raises(ValueError, match="scaler"):
            module.sliced_wasserstein_distance(X, Y, scaler=3)
    with pytest.raises(NotImplementedError, match="minkowski"):
        ours.expected_sliced_plan(X, Y, n_projections=3, metric="minkowski", p=3)
    with pytest.raises(ValueError, match=r"^a, b"):
        ours.sliced_wasserstein_distance(X, Y, 2 * A, B)
