"""Gradients of entropic transport: finite differences, closed forms, refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

import otcore
from checks import to_numpy
from entropic_cases import KINDS, RNG, A, B, M, X, Y, tensors


# IPOT's plan is near the exact one, which jumps: its gradient has a test of its own.
@pytest.mark.parametrize("kind", [KINDS[name] for name in KINDS if name != "ipot"])
def test_gradcheck_in_the_costs(kind: dict[str, Any]) -> None:
    (costs,) = tensors(np.stack([M, M[::-1]]))
    a, b = A.tolist(), B.tolist()
    assert gradcheck(lambda c: otcore.solve_batch(c, a, b, tol=1e-12, **kind).value, (costs,))


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cosine", ("minkowski", 3)])
@pytest.mark.parametrize("unbalanced", [None, 0.5])
def test_gradcheck_in_the_points(metric: Any, unbalanced: Any) -> None:
    def value(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return otcore.solve_sample(
            x, y, A.tolist(), B.tolist(), metric=metric, reg=0.2, unbalanced=unbalanced, tol=1e-12
        ).value

    assert gradcheck(value, tensors(X, Y))


def test_gradcheck_of_batches_of_points() -> None:
    def value(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return otcore.solve_sample_batch(x, y, reg=0.2, tol=1e-12).value

    assert gradcheck(value, tensors(np.stack([X, 2 * X]), np.stack([Y, Y - 1])))


def test_gradients_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = tensors(RNG.random((50, 3)), RNG.random((40, 3)))

    def gradients() -> tuple[torch.Tensor, ...]:
        value = otcore.solve_sample(x, y, metric="cityblock", reg=0.2).value
        return torch.autograd.grad(value, (x, y))

    whole = gradients()
    monkeypatch.setattr("otcore.torch.entropic_slopes.PAIRS_AT_ONCE", 70)
    for one, other in zip(whole, gradients(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-15)


def test_gradients_far_from_the_origin() -> None:
    x, y = (np.round(RNG.random((40, 3)) * 64).astype(np.float32) / 64 for _ in range(2))
    grads = []
    for offset in (0, 512):
        source, target = tensors(x + np.float32(offset), y + np.float32(offset))
        otcore.solve_sample(source, target, reg=0.1).value.backward()
        grads.append(source.grad)
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-3, atol=1e-6)


def test_gradcheck_in_the_weights() -> None:
    """Along the simplex: softmax keeps the masses equal."""

    def value(s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        costs = torch.as_tensor(M)
        return otcore.solve(costs, s.softmax(0), t.softmax(0), reg=0.2, tol=1e-12).value

    s, t = tensors(RNG.normal(size=6), RNG.normal(size=5))
    assert gradcheck(value, (s, t))
    (centred,) = torch.autograd.grad(
        otcore.solve(torch.as_tensor(M), *(w := tensors(A, B)), reg=0.2).value, w[:1]
    )
    assert abs(float(centred.sum())) < 1e-12


@pytest.mark.parametrize("rho", [0.5, (0.3, 2.0), (math.inf, 0.5), (0.5, math.inf)])
def test_gradcheck_in_unbalanced_weights(rho: Any) -> None:
    """Each weight by itself: masses may differ."""

    def value(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return otcore.solve(torch.as_tensor(M), a, b, reg=0.2, unbalanced=rho, tol=1e-12).value

    assert gradcheck(value, tensors(A, 3 * B))


def test_gradients_of_ipot() -> None:
    """Nearly those of exact transport, and the plan's and the potentials'."""
    costs, a, b = tensors(M, A, B)
    result = otcore.solve(costs, a, b, method="ipot")
    result.value.backward()
    np.testing.assert_allclose(to_numpy(costs.grad), to_numpy(result.plan), atol=1e-15)
    for weights, potential in ((a, result.potential_a), (b, result.potential_b)):
        difference = weights.grad - potential.detach()
        assert float(difference.max() - difference.min()) <= 1e-14


def test_what_has_no_gradient_refuses() -> None:
    """IPOT's plans, of entropic ones what is sparse or rounded, and what is once too often."""
    x, y = tensors(X, Y)
    result = otcore.solve_sample(x, y, method="ipot")
    for name in ("plan", "potential_a", "marginal_b"):
        with pytest.raises(RuntimeError, match="not differentiable"):
            getattr(result, name).sum().backward()
    with pytest.raises(RuntimeError, match="not differentiable"):
        result.apply(torch.ones(5, dtype=torch.float64)).sum().backward()
    first, *_ = torch.autograd.grad(result.value, (x, y), create_graph=True)
    with pytest.raises(RuntimeError, match="not differentiable again"):
        first.sum().backward()
    result = otcore.solve_sample(x, y, reg=0.2)
    for refused in (result.sparse_plan.to_dense(), result.rounded().plan):
        with pytest.raises(RuntimeError, match="not differentiable"):
            refused.sum().backward()
    for loss, times in ((result.plan.square().sum(), 1), (result.value, 2)):
        for _ in range(times):
            (grad, _) = torch.autograd.grad(loss, (x, y), create_graph=True)
            loss = grad.square().sum()
        with pytest.raises(RuntimeError, match="no further derivative"):
            loss.backward()


def test_inputs_changed_in_place_are_noticed() -> None:
    x, y = tensors(X, Y)
    value = otcore.solve_sample(x, y, reg=0.2).value
    with torch.no_grad():
        y += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_apply_is_differentiable_in_its_argument() -> None:
    result = otcore.solve_batch(torch.as_tensor(np.stack([M, 2 * M])), reg=0.2)
    (V,) = tensors(RNG.random((2, 5, 3)))
    assert gradcheck(result.apply, (V,))
    assert gradcheck(result[1].apply_t, tensors(RNG.random(6)))


def test_float32_gradients_have_the_inputs_dtype() -> None:
    x = torch.tensor(X, dtype=torch.float32).requires_grad_()
    result = otcore.solve_sample(x, torch.tensor(Y, dtype=torch.float32), reg=0.2)
    assert result.value.dtype == torch.float64
    result.value.backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32
