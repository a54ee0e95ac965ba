"""What the tests of training share: networks, batches, and losses computed at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

import otcore
from otcore.minibatch import bomb_ot, m_ot

KX, KY, MX, MY = 4, 3, 7, 6
_GENERATOR = torch.Generator().manual_seed(0)
NOISE_X = torch.randn((KX, MX, 4), generator=_GENERATOR, dtype=torch.float64)
NOISE_Y = torch.randn((KY, MY, 5), generator=_GENERATOR, dtype=torch.float64)

# Inner problems by name, with their options.
INNER: dict[str, dict[str, Any]] = {
    "exact": {},
    "sinkhorn": {"inner_reg": 0.5},
    "unbalanced": {"inner_reg": 0.5, "inner_rho": 1.0},
    "ipot": {},
    "sliced": {"inner_projections": 20, "seed": 3},
}
# Couplings of the batches: the options of bomb_backward, and the function with the same value.
COUPLINGS: dict[str, tuple[dict[str, Any], Callable[..., Any], dict[str, Any]]] = {
    "bomb": ({}, bomb_ot, {}),
    "ebomb": ({"outer_reg": 0.3}, bomb_ot, {"outer_reg": 0.3}),
    "m": ({"coupling": "product"}, m_ot, {}),
    "diagonal": ({"coupling": "diagonal"}, m_ot, {"pairs": "diagonal"}),
}
CACHES = ("none", "outputs", "all")


def network(inputs: int, *layers: nn.Module) -> nn.Module:
    """A small float64 network to three dimensions, the same at every call."""
    torch.manual_seed(inputs)
    body = nn.Sequential(nn.Linear(inputs, 8), *layers, nn.Tanh(), nn.Linear(8, 3))
    return body.double()


def networks() -> tuple[nn.Module, nn.Module]:
    return network(4), network(5)


def gradient(*modules: nn.Module) -> Tensor:
    """All gradients in the parameters, in one row."""
    parts = [p.grad.flatten() for module in modules for p in module.parameters()]
    return torch.cat(parts)


def index(k: int, m: int) -> Tensor:
    """The batches of k m points in a row."""
    return torch.arange(k * m).view(k, m)


def pair_cost(x: Tensor, y: Tensor) -> Tensor:
    value: Tensor = otcore.solve_sample(x, y).value
    return value


def at_once(
    outputs_x: Sequence[Any],
    outputs_y: Sequence[Any],
    loss: Callable[[Any, Any], Tensor] = pair_cost,
    outer_reg: float | None = None,
) -> Tensor:
    """BoMb-OT of all pairs, in one graph."""
    costs = torch.stack([torch.stack([loss(x, y) for y in outputs_y]) for x in outputs_x]).double()
    if outer_reg is None:
        value: Tensor = otcore.solve(costs).value
    else:
        value = otcore.solve(costs, reg=outer_reg, tol=1e-9).value_linear
    return value


def assert_close(one: Tensor, other: Tensor, accuracy: float = 1e-12) -> None:
    """In the norm of the whole."""
    assert torch.linalg.vector_norm(one - other) <= accuracy * torch.linalg.vector_norm(other)
