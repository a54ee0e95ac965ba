"""Gradients of the transport cost of entropic plans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import otcore

RNG = np.random.default_rng(12)
N, K, D = 4, 5, 2
M = RNG.random((N, K))
A, B = RNG.dirichlet(np.full(N, 3.0)), RNG.dirichlet(np.full(K, 3.0))
X, Y = RNG.normal(size=(N, D)), RNG.normal(size=(K, D))
INFINITE = float("inf")
RELAXATIONS = [None, 1.0, (0.5, 2.0), (INFINITE, 1.0), (1.0, INFINITE)]
EXACTLY = {"tol": 1e-14}


def check(function: Any, *arrays: np.ndarray) -> None:
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    assert torch.autograd.gradcheck(function, tensors, eps=1e-5, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("reg", [0.05, 1.0])
@pytest.mark.parametrize("unbalanced", RELAXATIONS, ids=str)
def test_costs_and_weights(reg: float, unbalanced: Any) -> None:
    """Balanced weights change with their masses fixed and the same: by softmax."""

    def cost(M: Any, a: Any, b: Any) -> Any:
        if unbalanced is None:
            a, b = a.softmax(-1), b.softmax(-1)
        return otcore.solve(M, a, b, reg=reg, unbalanced=unbalanced, **EXACTLY).value_linear

    check(cost, M, A, B)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", ("minkowski", 3), "cosine"])
@pytest.mark.parametrize("unbalanced", [None, 1.0])
def test_points(metric: Any, unbalanced: Any) -> None:
    options = {"metric": metric, "reg": 0.5, "unbalanced": unbalanced, **EXACTLY}
    check(lambda X, Y: otcore.solve_sample(X, Y, **options).value_linear, X, Y)


def test_batches() -> None:
    costs = np.stack([M, M[::-1], 2 * M])
    weights = np.stack([A, A[::-1], A])

    def cost(M: Any, a: Any, b: Any) -> Any:
        a, b = a.softmax(-1), b.softmax(-1)
        return otcore.solve_batch(M, a, b, reg=0.2, **EXACTLY).value_linear

    check(cost, costs, weights, B)
    points = np.stack([X, X[::-1]]), np.stack([Y, 2 * Y])
    check(lambda X, Y: otcore.solve_sample_batch(X, Y, reg=0.5, **EXACTLY).value_linear, *points)


def test_more_rows_than_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otcore.torch.entropic_plans.PAIRS_AT_ONCE", 1)
    check(lambda M: otcore.solve(M, reg=0.2, **EXACTLY).value_linear, M)
    check(lambda X, Y: otcore.solve_sample(X, Y, reg=0.5, **EXACTLY).value_linear, X, Y)


@pytest.mark.parametrize("unbalanced", [None, 1.0])
def test_weights_of_zero(unbalanced: Any) -> None:
    """Their derivative is that of a weight on its way to zero, others do not see them."""
    grads = []
    for least in (0.0, 1e-9):
        a, b = A.copy(), B.copy()
        a[1] = b[2] = least
        tensors = [torch.tensor(x, requires_grad=True) for x in (M, a / a.sum(), b / b.sum())]
        options = {"reg": 0.2, "unbalanced": unbalanced, **EXACTLY}
        otcore.solve(*tensors, **options).value_linear.backward()
        grads.append([tensor.grad.numpy() for tensor in tensors])
    for exact, near in zip(*grads, strict=True):
        np.testing.assert_allclose(exact, near, rtol=0, atol=1e-6)
    assert (grads[0][0][1] == 0).all()
    assert (grads[0][0][:, 2] == 0).all()


def test_single_precision() -> None:
    double, single = (
        torch.tensor(M.astype(dtype), requires_grad=True) for dtype in (np.float64, np.float32)
    )
    for tensor in (double, single):
        otcore.solve(tensor, reg=0.2).value_linear.backward()
    assert single.grad.dtype == torch.float32
    np.testing.assert_allclose(single.grad, double.grad, rtol=0, atol=1e-5)


def test_one_backward_pass_alone() -> None:
    costs = torch.tensor(M, requires_grad=True)
    cost = otcore.solve(costs, reg=0.2).value_linear
    (grad,) = torch.autograd.grad(cost, costs, create_graph=True)
    with pytest.raises(RuntimeError, match="no further derivative"):
        grad.sum().backward()
    for options in ({"method": "ipot"}, {}):  # the cost is the value there
        costs.grad = None
        result = otcore.solve(costs, **options)
        result.value_linear.backward()
        assert torch.equal(costs.grad, result.plan.detach())
