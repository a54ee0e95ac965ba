"""Gradients of mini-batch transport with entropic inner problems."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from minibatch_cases import COUPLINGS
from otcore.minibatch import bomb_ot, m_ot
from test_minibatch_entropic import INNER
from test_minibatch_gradients import leaves


@pytest.mark.parametrize("inner", ["sinkhorn", "unbalanced", "one-sided"])
@pytest.mark.parametrize(
    ("name", "k", "batch_weights"),
    [
        ("diagonal", 3, "uniform"),
        ("m", (3, 2), "mass"),
        ("bomb", 3, "uniform"),
        ("bomb", (3, 2), "mass"),
        ("ebomb", (3, 2), "mass"),
    ],
)
def test_gradcheck(inner: str, name: str, k: Any, batch_weights: str) -> None:
    def value(*tensors: torch.Tensor) -> torch.Tensor:
        return COUPLINGS[name](  # type: ignore[no-any-return]
            *tensors,
            k=k,
            m=(4, 5),
            seed=5,
            batch_weights=batch_weights,
            inner_tol=1e-12,
            **INNER[inner],
        ).value

    assert torch.autograd.gradcheck(value, leaves())
    assert torch.autograd.gradcheck(value, leaves()[:2])


@pytest.mark.parametrize("inner", ["linear", "linear unbalanced"])
@pytest.mark.parametrize("name", sorted(COUPLINGS))
def test_the_linear_gradient_holds_the_plans_fixed(inner: str, name: str) -> None:
    """That of <P, C> pair by pair, where P is cut off; the coupling is differentiated."""
    x, y = (tensor.detach().clone().requires_grad_() for tensor in leaves()[:2])
    result = COUPLINGS[name](x, y, k=3, m=4, seed=2, **INNER[inner])
    result.value.backward()
    grads = x.grad.clone(), y.grad.clone()
    x.grad = y.grad = None

    batches = result.batches_x, result.batches_y
    indices = [(i, i) for i in range(3)] if name == "diagonal" else None
    table = []
    for i, j in indices or [(i, j) for i in range(3) for j in range(3)]:
        rows, cols = batches[0][i], batches[1][j]
        one = m_ot(
            x.detach(), y.detach(), batches=([rows.tolist()], [cols.tolist()]), **INNER[inner]
        )
        plan = one.plan[rows][:, cols]
        ground = (x[rows][:, None] - y[cols][None]).square().sum(-1)
        table.append((plan * ground).sum())
    costs = torch.stack(table)
    torch.testing.assert_close(costs, result.costs.detach().ravel(), rtol=1e-9, atol=1e-12)
    if name == "ebomb":  # its coupling moves with the costs: its gradient is that of eBoMb-OT
        gamma = entropic_coupling(costs.reshape(3, 3), 0.05).ravel()
    else:
        gamma = result.coupling.detach().ravel()
    (gamma * costs).sum().backward()
    for one, other in zip(grads, (x.grad, y.grad), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def entropic_coupling(costs: torch.Tensor, reg: float) -> torch.Tensor:
    """By unrolled iterations, through which torch differentiates."""
    g = torch.zeros(costs.shape[1], dtype=costs.dtype)
    for _ in range(500):
        f = -reg * torch.logsumexp((g - costs) / reg, 1)
        g = -reg * torch.logsumexp((f[:, None] - costs) / reg, 0)
    plan = torch.exp((f[:, None] + g - costs) / reg)
    return plan / plan.sum()


def test_the_linear_reading_refuses_gradients_in_the_weights() -> None:
    value = bomb_ot(*leaves(), k=3, m=4, seed=5, **INNER["linear"]).value
    with pytest.raises(RuntimeError, match="holds the inner plans fixed, so it has no gradient"):
        value.backward()


def test_ipot_has_the_gradient_of_exact_transport() -> None:
    """Nearly, where the exact plan and potentials are unique."""
    grads = []
    for options in ({}, {"inner": "ipot", "inner_tol": 1e-8}):
        tensors = leaves()
        bomb_ot(*tensors, k=3, m=(4, 5), seed=5, batch_weights="mass", **options).value.backward()
        grads.append([tensor.grad for tensor in tensors])
    for exact, near in zip(*grads, strict=True):
        torch.testing.assert_close(near, exact, rtol=0.0, atol=5e-3 * float(exact.abs().max()))
