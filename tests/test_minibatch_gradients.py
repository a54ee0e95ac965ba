"""Gradients of mini-batch transport."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import otcore
from minibatch_cases import COUPLINGS
from otcore.minibatch import barycentric_map, bomb_ot, m_ot


def leaves() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = (12, 2), (11, 2), (12,), (11,)
    made = [torch.rand(shape, generator=generator, dtype=torch.float64) + 0.1 for shape in shapes]
    return [tensor.requires_grad_() for tensor in made]


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize(
    ("name", "k", "batch_weights"),
    [
        ("diagonal", 3, "uniform"),
        ("m", (3, 4), "uniform"),
        ("m", (3, 4), "mass"),
        ("bomb", 3, "uniform"),
        ("bomb", (3, 4), "mass"),
        ("ebomb", (3, 4), "uniform"),
        ("ebomb", (3, 4), "mass"),
    ],
)
def test_gradcheck(name: str, k: Any, batch_weights: str, root: bool) -> None:
    def value(*tensors: torch.Tensor) -> torch.Tensor:
        return COUPLINGS[name](  # type: ignore[no-any-return]
            *tensors, k=k, m=(4, 5), seed=5, batch_weights=batch_weights, root=root
        ).value

    assert torch.autograd.gradcheck(value, leaves())
    assert torch.autograd.gradcheck(value, leaves()[:2])


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine", ("minkowski", 3.0)])
def test_gradcheck_of_other_metrics(metric: Any) -> None:
    def value(*tensors: torch.Tensor) -> torch.Tensor:
        return bomb_ot(*tensors, k=3, m=4, seed=5, metric=metric).value  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(value, leaves())


def test_gradient_is_that_of_the_pairs() -> None:
    """The one-shot loss, pair by pair through single solves, has the same gradient."""
    x, y = (tensor.detach().clone().requires_grad_() for tensor in leaves()[:2])
    result = bomb_ot(x, y, k=4, m=5, seed=2)
    result.value.backward()
    grads = x.grad, y.grad
    x.grad = y.grad = None
    loss = sum(
        result.coupling.detach()[i, j]
        * otcore.solve_sample(x[result.batches_x[i]], y[result.batches_y[j]]).value
        for i in range(4)
        for j in range(4)
    )
    loss.backward()  # type: ignore[union-attr]
    for one, other in zip(grads, (x.grad, y.grad), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-15)


def test_gradient_of_a_zero_root_is_zero() -> None:
    x = torch.rand((6, 2), dtype=torch.float64, requires_grad=True)
    batches = [[0, 1, 2], [3, 4, 5]]
    bomb_ot(x, x.detach(), batches=(batches, batches), root=True).value.backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_float32_gradients_and_accumulation() -> None:
    x = torch.rand((20, 3), requires_grad=True)
    y = torch.rand((20, 3), dtype=torch.float64)
    m_ot(x, y, k=3, m=4, seed=0).value.backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32
    assert torch.count_nonzero(x.grad.abs().sum(1)) <= 12


def test_nothing_is_silently_detached() -> None:
    x, y, a, b = leaves()
    result = bomb_ot(x, y, a, b, k=3, m=4, seed=0)
    for part in (result.costs, result.coupling, result.plan, result.marginal_a):
        with pytest.raises(RuntimeError, match="not differentiable"):
            part.sum().backward()
    mapped = barycentric_map(x, y, k=3, m=4, iterations=5, seed=0)
    with pytest.raises(RuntimeError, match="not differentiable"):
        mapped.map.sum().backward()
    with torch.no_grad():
        assert not bomb_ot(x, y, k=3, m=4, seed=0).value.requires_grad


def test_changing_the_points_before_backward_raises() -> None:
    x, y, *_ = leaves()
    z = x * 1.0
    value = bomb_ot(z, y, k=3, m=4, seed=0).value
    z.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()
