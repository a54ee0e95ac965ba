"""Typical scripts for POT, run on both modules: only the import differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import ot as pot
import pytest
import torch

import otcore.compat.pot as ours
from pot_pairs import assert_alike


def clouds(ot: Any) -> dict[str, Any]:
    """Two clouds in the plane: the plan, who goes where, and the barycentric image."""
    n = 50
    xs = ot.datasets.make_2D_samples_gauss(n, [0, 0], [[1, 0], [0, 1]], random_state=1)
    xt = ot.datasets.make_2D_samples_gauss(n, [4, 4], [[1, -0.8], [-0.8, 1]], random_state=2)
    a, b = ot.unif(n), ot.unif(n)
    M = ot.dist(xs, xt, metric="euclidean") ** 2
    M /= M.max()
    plan = ot.emd(a, b, M)
    moved = plan @ xt / plan.sum(axis=1, keepdims=True)
    return {
        "plan": plan,
        "pairs": np.argwhere(plan > 0),
        "matching": plan.argmax(axis=1),
        "moved": moved,
        "cost": ot.emd2([], [], M),
        "distance": float(np.sqrt(ot.emd2(a, b, ot.dist(xs, xt)))),
    }


def histograms(ot: Any) -> dict[str, Any]:
    """One histogram against many on a grid of bins."""
    n, k = 60, 8
    bins = np.arange(n, dtype=np.float64).reshape(-1, 1)
    a = ot.datasets.make_1D_gauss(n, m=15, s=4)
    targets = np.stack([ot.datasets.make_1D_gauss(n, m, s=6) for m in np.linspace(15, 45, k)], 1)
    M = ot.utils.dist0(n)
    absolute = ot.dist(bins, bins, metric="cityblock")
    many = ot.emd2(a, targets, M / M.max())
    cost, log = ot.emd2(a, targets[:, 3], absolute, log=True, return_matrix=True)
    return {
        "W1": ot.emd2(a, targets, absolute),
        "W2": many,
        "cost": cost,
        "checks": (np.allclose(log["G"].sum(1), a), np.allclose(log["G"].sum(0), targets[:, 3])),
        "dual": float(log["u"] @ a + log["v"] @ targets[:, 3]),
        "warning": log["warning"],
    }


def flow(ot: Any) -> dict[str, Any]:
    """Gradient descent of points and weights on the transport cost, in torch."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(40, 2, generator=generator) + 2.0
    points = torch.rand(30, 2, generator=generator).requires_grad_()
    weights = torch.rand(30, generator=generator).softmax(0).requires_grad_()
    optimizer = torch.optim.SGD([points], lr=2.0)
    losses = []
    for _ in range(5):
        loss = ot.emd2(weights, ot.unif(40, type_as=target), ot.dist(points, target))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            weights -= 1e-3 * weights.grad
            weights.copy_(ot.utils.proj_simplex(weights))
        losses.append(loss.item())
    return {"losses": losses, "points": points.detach(), "weights": weights.detach()}


def solvers(ot: Any) -> dict[str, Any]:
    """The newer interface, on arrays and on tensors."""
    rng = np.random.RandomState(7)
    x, y = rng.randn(20, 3), rng.randn(30, 3) + 1.0
    a = rng.rand(20)
    a /= a.sum()
    from_costs = ot.solve(ot.dist(x, y), a)
    from_points = ot.solve_sample(x, y, a, metric="euclidean")
    x, y = torch.tensor(x, requires_grad=True), torch.tensor(y)
    result = ot.solve_sample(x, y)
    (result.value * 2).backward()
    return {
        "values": (from_costs.value, from_costs.value_linear, from_points.value),
        "plan": from_costs.plan,
        "potentials": from_costs.potentials,
        "marginals": from_points.marginals,
        "nonzeros": int((result.plan > 1e-9).sum()),
        "gradient": x.grad,
    }


def smoothed(ot: Any) -> dict[str, Any]:
    """Entropic plans and costs, one histogram against many, a divergence, unequal masses."""
    n = 30
    xs = ot.datasets.make_2D_samples_gauss(n, [0, 0], [[1, 0], [0, 1]], random_state=1)
    xt = ot.datasets.make_2D_samples_gauss(n, [4, 4], [[1, -0.8], [-0.8, 1]], random_state=2)
    a, b = ot.unif(n), ot.unif(n)
    M = ot.dist(xs, xt)
    M /= M.max()
    plan, log = ot.sinkhorn(a, b, M, 5e-2, method="sinkhorn_log", stopThr=1e-12, log=True)
    targets = np.stack([ot.datasets.make_1D_gauss(n, m, s=5) for m in (5, 15, 25)], 1)
    bins = ot.utils.dist0(n)
    bins /= bins.max()
    options = {"stopThr": 1e-12, "numItermax": 10_000}
    first = ot.sinkhorn_unbalanced(a, 2 * b, M, 0.1, 1.0, **options)
    return {
        "plan": plan,
        "rebuilt": np.exp(log["log_u"][:, None] + log["log_v"] - M / 5e-2),
        "moved": plan @ xt / plan.sum(axis=1, keepdims=True),
        "cost": ot.sinkhorn2(a, b, M, 5e-2, stopThr=1e-12),
        "costs": ot.sinkhorn2(targets[:, 1], targets, bins, 1e-1, **options),
        "divergence": ot.bregman.empirical_sinkhorn_divergence(xs, xt, 2.0, stopThr=1e-12),
        "unbalanced": first,
        "mass": ot.sinkhorn_unbalanced2(a, 2 * b, M, 0.1, 1.0, **options),
        "values": [
            ot.solve(M, a, b, reg=0.1, reg_type=kind, tol=1e-12).value for kind in ("KL", "entropy")
        ],
    }


def training(ot: Any) -> dict[str, Any]:
    """Gradient descent of points on an entropic cost, in torch."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(25, 2, generator=generator, dtype=torch.float64) + 2.0
    points = torch.rand(20, 2, generator=generator, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.SGD([points], lr=2.0)
    losses = []
    for _ in range(5):
        loss = ot.sinkhorn2(
            ot.unif(20, type_as=target),
            ot.unif(25, type_as=target),
            ot.dist(points, target),
            0.5,
            stopThr=1e-12,
        )
        loss = loss + ot.solve_sample(points, target, reg=0.5, tol=1e-12).value
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"losses": np.array(losses), "points": points.detach()}


@pytest.mark.parametrize("script", [smoothed, training])
def test_entropic_scripts(script: Callable[[Any], dict[str, Any]]) -> None:
    answer, expected = script(ours), script(pot)
    assert set(answer) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(answer[key], value, rtol=0, atol=1e-9, err_msg=key)


@pytest.mark.parametrize("script", [clouds, histograms, flow, solvers])
def test_scripts(script: Callable[[Any], dict[str, Any]]) -> None:
    assert_alike(script(ours), script(pot), script.__name__, single=script is flow)
