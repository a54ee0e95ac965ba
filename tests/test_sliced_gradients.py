"""Gradients of sliced transport: finite differences, those of POT, through features, refusals."""

from __future__ import annotations

import numpy as np
import ot
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from otcore.sliced import sliced_wasserstein
from sliced_cases import POWERS, clouds, tensors


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize(("n", "m"), [(6, 6), (5, 7), (1, 3)])
def test_gradients(p: float, n: int, m: int) -> None:
    x, y = tensors(n, m, 3)
    s, t = (torch.linspace(0, 1, k, dtype=torch.float64).requires_grad_() for k in (n, m))
    projections = torch.as_tensor(np.random.default_rng(0).normal(size=(3, 5))).requires_grad_()

    def value(x: Tensor, y: Tensor, s: Tensor, t: Tensor, projections: Tensor) -> Tensor:
        return sliced_wasserstein(
            x, y, s.softmax(-1), t.softmax(-1), p=p, projections=projections
        ).value

    assert gradcheck(value, (x, y, s, t, projections))
    uniform = (x, y, projections)
    assert gradcheck(lambda x, y, q: sliced_wasserstein(x, y, p=p, projections=q).value, uniform)
    for one in range(2):  # each alone
        pair = [z if k == one else z.detach() for k, z in enumerate((x, y))]
        assert gradcheck(
            lambda z, pair=pair, one=one: (
                sliced_wasserstein(
                    *(z if k == one else w for k, w in enumerate(pair)), p=p, seed=0
                ).value
            ),
            (pair[one],),
        )


def test_gradients_of_batches() -> None:
    x, y = (torch.randn(3, n, 2, dtype=torch.float64).requires_grad_() for n in (5, 4))
    s = torch.zeros(3, 5, dtype=torch.float64, requires_grad=True)
    projections = torch.randn(2, 6, dtype=torch.float64).requires_grad_()
    assert gradcheck(
        lambda x, y, s, q: sliced_wasserstein(x, y, s.softmax(-1), projections=q).value,
        (x, y, s, projections),
    )


def test_gradients_are_those_of_pot() -> None:
    for n, m in ((300, 300), (3000, 3000), (200, 150)):
        x, y = tensors(n, m, 9)
        result = sliced_wasserstein(x, y, seed=0)
        expected = ot.sliced_wasserstein_distance(x, y, projections=result.projections)
        ours = torch.autograd.grad(result.distance, (x, y))
        theirs = torch.autograd.grad(expected, (x, y))
        for left, right in zip(ours, theirs, strict=True):
            torch.testing.assert_close(left, right, rtol=1e-9, atol=1e-12)


def test_gradients_where_nothing_moves() -> None:
    x = torch.as_tensor(clouds(8, 1, 3)[0]).requires_grad_()
    for p in POWERS:
        result = sliced_wasserstein(x, x.detach().flip(0), p=p, seed=0)
        (grad,) = torch.autograd.grad(result.distance, x)
        assert not grad.any()


def test_gradients_through_features_and_dtypes() -> None:
    x, y = tensors(6, 5, 3)
    layer = torch.nn.Linear(3, 2).double()
    value = sliced_wasserstein(x, y, features=layer, seed=0).value
    value.backward()
    assert layer.weight.grad is not None
    assert x.grad.any()
    single = x.detach().float().requires_grad_()
    sliced_wasserstein(single, y.detach().float(), seed=0).value.backward()
    assert single.grad.dtype == torch.float32
    torch.testing.assert_close(
        single.grad.double(),
        torch.autograd.grad(sliced_wasserstein(x, y, seed=0).value, x)[0],
        rtol=1e-4,
        atol=1e-6,
    )


def test_gradients_are_taken_once() -> None:
    x, y = tensors(6, 5, 3)
    value = sliced_wasserstein(x, y, seed=0).value
    (grad,) = torch.autograd.grad(value, x, create_graph=True)
    with pytest.raises(RuntimeError, match="not differentiable again"):
        grad.sum().backward()
    with pytest.raises(RuntimeError, match="not differentiable"):
        sliced_wasserstein(x, y, seed=0).costs.sum().backward()


def test_slopes_beyond_float32() -> None:
    x = torch.tensor([[1.5e38, 0.0]], requires_grad=True)
    sliced_wasserstein(x, -x.detach(), projections=torch.eye(2)).value.backward()
    torch.testing.assert_close(x.grad, torch.tensor([[3e38, 0.0]]))  # of one slice: 6e38
