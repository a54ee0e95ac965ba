"""Second derivatives of entropic values against unrolled iterations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradgradcheck

import otcore
from entropic_unrolled import RELAXATIONS, derivatives, leaves, squared_distances, unrolled

RNG = np.random.default_rng(61)
N, K, D = 5, 4, 2
M = RNG.random((N, K))
X, Y = RNG.random((N, D)), RNG.random((K, D))
A, B = RNG.dirichlet(np.full(N, 3.0)), RNG.dirichlet(np.full(K, 3.0))
METRICS = ["euclidean", "cityblock", "cosine", ("minkowski", 3), ("minkowski", 1.5)]
REG = 0.3
EXACTLY: dict[str, Any] = {"reg": REG, "tol": 1e-13}


def softmaxed(a: Tensor, b: Tensor, unbalanced: Any) -> tuple[Tensor, Tensor]:
    return (a.softmax(-1), b.softmax(-1)) if unbalanced is None else (a, b)


def products(value: Tensor, tensors: list[Tensor], *, balanced: bool) -> list[Tensor]:
    """The Hessian times one fixed direction, that in the weights of sum 0."""
    generator = np.random.default_rng(62)
    directions = [torch.as_tensor(generator.normal(size=t.shape)) for t in tensors]
    directions[-2:] = [d - d.mean() for d in directions[-2:]]
    first = derivatives(value, tensors, balanced=balanced)
    along = sum((grad * d).sum() for grad, d in zip(first, directions, strict=True))
    return derivatives(along, tensors, balanced=balanced)


@pytest.mark.parametrize("of_points", [False, True])
@pytest.mark.parametrize("unbalanced", RELAXATIONS, ids=str)
def test_as_unrolled(of_points: bool, unbalanced: Any) -> None:
    how = {**EXACTLY, "unbalanced": unbalanced}
    data = (X, Y) if of_points else (M,)
    tensors = leaves(*data, A, B if unbalanced is None else 2 * B)
    value = (otcore.solve_sample if of_points else otcore.solve)(*tensors, **how).value
    costs = squared_distances(*tensors[:2]) if of_points else tensors[0]
    reference = unrolled(costs, *tensors[-2:], REG, unbalanced).value
    torch.testing.assert_close(value, reference, rtol=1e-10, atol=1e-12)
    balanced = unbalanced is None
    found, expected = (products(v, tensors, balanced=balanced) for v in (value, reference))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("unbalanced", [None, (0.5, 2.0)], ids=str)
def test_gradgradcheck_of_points(metric: Any, unbalanced: Any) -> None:
    """The second derivative of the ground cost is a part of it."""

    def value(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        how = {**EXACTLY, "metric": metric, "unbalanced": unbalanced}
        result: Tensor = otcore.solve_sample(x, y, *softmaxed(a, b, unbalanced), **how).value
        return result

    assert gradgradcheck(value, leaves(X, Y, A, B))


def test_gradgradcheck_of_batches() -> None:
    """Weights that all share, and each problem its own."""

    def value(costs: Tensor, a: Tensor, b: Tensor) -> Tensor:
        a, b = softmaxed(a, b, None)
        result: Tensor = otcore.solve_batch(costs, a, b, **EXACTLY).value
        return result

    assert gradgradcheck(value, leaves(np.stack([M, M[::-1]]), A, np.stack([B, B[::-1]])))


@pytest.mark.parametrize("unbalanced", [None, 0.5])
def test_gradgradcheck_of_divergences(unbalanced: Any) -> None:
    def value(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        a, b = softmaxed(a, b, unbalanced)
        result: Tensor = otcore.entropic.sinkhorn_divergence(
            x, y, a, b, unbalanced=unbalanced, **EXACTLY
        ).value
        return result

    assert gradgradcheck(value, leaves(X, Y, A, B))


@pytest.mark.parametrize("unbalanced", [None, 1.0])
def test_weights_of_zero(unbalanced: Any) -> None:
    """Their points are seen by no other, nor by themselves."""
    a, b = A.copy(), B.copy()
    a[1] = b[2] = 0
    how = {**EXACTLY, "unbalanced": unbalanced}
    hessians = []
    for rows, cols in (
        (np.arange(N), np.arange(K)),
        (np.flatnonzero(a), np.flatnonzero(b)),
    ):
        x, y, *weights = leaves(X[rows], Y[cols], (a / a.sum())[rows], (b / b.sum())[cols])
        value = otcore.solve_sample(x, y, *weights, **how).value
        first = torch.autograd.grad(value, (x, y), create_graph=True)
        loss = sum(grad.sin().sum() for grad in first)
        hessians.append([*first, *torch.autograd.grad(loss, (x, y))])
    for whole, part, kept in zip(*hessians, (a, b, a, b), strict=True):
        torch.testing.assert_close(whole[kept > 0], part, rtol=1e-9, atol=1e-12)
        assert not whole[kept == 0].any()


@pytest.mark.parametrize("metric", ["sqeuclidean", ("minkowski", 1.5), "euclidean"])
def test_kinks(metric: Any) -> None:
    """Equal points: the second derivative of costs without one is taken as 0."""
    (x,) = leaves(X)
    value = otcore.solve_sample(x, x.detach().clone(), metric=metric, reg=1.0).value
    (grad,) = torch.autograd.grad(value, x, create_graph=True)
    (again,) = torch.autograd.grad(grad.sum(), x)
    assert again.isfinite().all()


def test_far_from_the_origin() -> None:
    points = np.round(RNG.random((2, 20, 3)) * 64) / 64
    found = []
    for offset in (0.0, 4096.0):
        x, y = leaves(*(points + offset))
        value = otcore.solve_sample(x, y, reg=0.3, tol=1e-12).value
        (grad,) = torch.autograd.grad(value, x, create_graph=True)
        found.append(torch.autograd.grad(grad.sin().sum(), (x, y)))
    for near, far in zip(*found, strict=True):
        torch.testing.assert_close(near, far, rtol=1e-6, atol=1e-10)


def test_newton_steps_reach_the_barycentre() -> None:
    """What second derivatives are for: two steps to the minimum of a smooth loss."""
    x = torch.as_tensor(X + 0.3).requires_grad_()
    y = torch.as_tensor(Y)

    def loss(points: Tensor) -> Tensor:
        value: Tensor = otcore.solve_sample(points, y, reg=5.0, tol=1e-13).value
        return value

    sizes = []
    for _ in range(3):
        (grad,) = torch.autograd.grad(loss(x), x)
        sizes.append(float(grad.norm()))
        hessian = torch.autograd.functional.hessian(loss, x).reshape(N * D, N * D)
        step = torch.linalg.solve(hessian, grad.flatten()).reshape(N, D)
        x = (x - step).detach().requires_grad_()
    assert sizes[2] < 1e-6 * sizes[0]


def test_memory_of_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hessian-vector product holds no matrix of all pairs: 72 MB here."""
    peak = Path("/proc/self/clear_refs")
    if not peak.exists():
        pytest.skip("no record of the peak of memory to reset")
    x, y = leaves(*RNG.random((2, 3000, 3)))
    monkeypatch.setattr("otcore.torch.entropic_plans._KEPT", 1)
    # Twice, as the first call imports and warms up.
    for _ in range(2):
        peak.write_text("5")
        before = _peak_memory()
        value = otcore.solve_sample(x, y, reg=1.0, tol=1e-3).value
        (grad,) = torch.autograd.grad(value, x, create_graph=True)
        torch.autograd.grad(grad.sum(), x)
        grown = _peak_memory() - before
    assert grown < 36 * 2**20


def _peak_memory() -> float:
    """Bytes."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
