"""The oracle of derivatives of entropic transport: Sinkhorn's iterations, unrolled by torch.

Plain and in the log domain, to convergence. Weights enter as factors and not as logarithms, so that
zeros have derivatives.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

INFINITE = math.inf
# The argument `unbalanced`: balanced, both sides alike, each by itself, one a constraint.
RELAXATIONS: list[Any] = [None, 1.0, (0.5, 2.0), (INFINITE, 1.0), (0.7, INFINITE)]


class Unrolled(NamedTuple):
    """What torch differentiates by itself, as often as asked."""

    f: Tensor
    g: Tensor
    plan: Tensor
    value: Tensor
    cost: Tensor


def unrolled(
    M: Tensor, a: Tensor, b: Tensor, reg: float, unbalanced: Any, iterations: int = 150
) -> Unrolled:
    rho_a, rho_b = unbalanced if isinstance(unbalanced, tuple) else (unbalanced or INFINITE,) * 2
    f, g = torch.zeros_like(a), torch.zeros_like(b)
    for _ in range(iterations):
        f = _update((g - M) / reg, b) * -reg / (1 + reg / rho_a)
        g = _update((f - M.T) / reg, a) * -reg / (1 + reg / rho_b)
    if unbalanced is None:
        shift = (b * g).sum() / b.sum()
        f, g = f + shift, g - shift
    density = torch.exp((f[:, None] + g - M) / reg)
    plan = a[:, None] * b * density
    cost = (plan * M).sum()
    divergence = (plan * (f[:, None] + g - M) / reg).sum() - plan.sum() + a.sum() * b.sum()
    value = cost + reg * divergence
    for weights, potential, rho in ((a, f, rho_a), (b, g, rho_b)):
        if rho < INFINITE:  # KL(r | w) with r = w exp(-f / rho)
            ratio = torch.exp(-potential / rho)
            value = value + rho * (weights * (ratio * (-potential / rho) - ratio + 1)).sum()
    return Unrolled(f, g, plan, value, cost)


def squared_distances(X: Tensor, Y: Tensor) -> Tensor:
    return (X[:, None] - Y).square().sum(-1)


def leaves(*arrays: Any) -> list[Tensor]:
    return [torch.tensor(np.asarray(array), requires_grad=True) for array in arrays]


def derivatives(loss: Tensor, tensors: list[Tensor], *, balanced: bool) -> list[Tensor]:
    """The gradients, those in the last two tensors, which are weights, centred if balanced."""
    grads = list(torch.autograd.grad(loss, tensors, create_graph=True, materialize_grads=True))
    if balanced:
        grads[-2:] = [grad - grad.mean() for grad in grads[-2:]]
    return grads


def _update(exponent: Tensor, weights: Tensor) -> Tensor:
    """log sum_j weights_j exp(exponent_ij)."""
    largest = exponent.detach().amax(1, keepdim=True)
    sums = (weights * torch.exp(exponent - largest)).sum(1)
    return sums.log() + largest[:, 0]
