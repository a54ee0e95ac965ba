"""The entropic algorithms in their plainest form, in numpy: what results are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from entropic_problems import BALANCED, Rho

Array = NDArray[Any]


def sinkhorn(
    C: Array, a: Array, b: Array, reg: float, rho: Rho = BALANCED
) -> Iterator[tuple[Array, Array]]:
    """Potentials after 1, 2, 3, ... full iterations (f, then g), from g = 0, in the log domain."""
    damping = [1.0 if strength == np.inf else strength / (strength + reg) for strength in rho]
    with np.errstate(divide="ignore"):
        log_a, log_b = np.log(a), np.log(b)
    g = np.zeros(len(b))
    while True:
        f = -damping[0] * reg * logsumexp((g - C) / reg + log_b, axis=1)
        g = -damping[1] * reg * logsumexp((f[:, None] - C) / reg + log_a[:, None], axis=0)
        yield f, g


def solve(
    C: Array, a: Array, b: Array, reg: float, rho: Rho = BALANCED, *, iterations: int
) -> tuple[Array, Array]:
    """The f of the last iteration and the g that it was computed from, in the gauge of results."""
    g = np.zeros(len(b))
    steps = sinkhorn(C, a, b, reg, rho)
    for _ in range(iterations - 1):
        g = next(steps)[1]
    f = next(steps)[0]
    shift = g @ b / b.sum() if rho == BALANCED else 0.0
    return f + shift, g - shift


def ipot(C: Array, a: Array, b: Array, beta: float, *, inner_iter: int = 1) -> Iterator[Array]:
    """Plans after 1, 2, 3, ... steps of the inexact proximal point method.

    Y. Xie, X. Wang, R. Wang, H. Zha, "A fast proximal point method for computing exact Wasserstein
    distance" (2020), algorithm 1: the kernel is multiplied into the plan at every step, and the
    column scaling is kept from one step to the next.
    """
    n, m = C.shape
    kernel, plan = np.exp(-C / beta), np.ones((n, m))
    col = np.full(m, 1.0 / m)
    while True:
        Q = kernel * plan
        for _ in range(inner_iter):
            row = a / (Q @ col)
            col = b / (Q.T @ row)
        plan = row[:, None] * Q * col
        yield plan
