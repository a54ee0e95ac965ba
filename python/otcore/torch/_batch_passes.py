"""The two passes over mini-batches that a gradient takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from ._batch_loss import Coupling, InnerLoss, PairLoss
from ._batch_side import Side
from ._replay import Replay

Extra: TypeAlias = Callable[[Any, Any], Tensor]


class Found(NamedTuple):
    """What the first pass finds: the loss of all batches, and how it depends on the pairs."""

    value: float
    costs: Tensor
    coupling: Tensor
    slopes: Tensor | None  # d value / d costs; None where leaves of the outputs have the gradient


class Passes(NamedTuple):
    """The batches of both sides, how they are coupled, and how gradients are scaled."""

    x: Side
    y: Side
    coupling: Coupling
    scale: float
    scaler: torch.amp.GradScaler | None

    def solve_together(self, loss: InnerLoss) -> Found:
        """All pairs in one call, the gradient in the outputs included."""
        leaves = self.x.stack(), self.y.stack()
        with torch.enable_grad():
            result = loss.together(*leaves, self.coupling)
        self._backward(result.value)
        for side, leaf in zip((self.x, self.y), leaves, strict=True):
            if leaf.grad is not None:
                for i, gradient in enumerate(leaf.grad):
                    side.add_gradient(i, gradient)
        return Found(
            float(result.value.detach()), result.costs.detach(), result.coupling.detach(), None
        )

    def solve_pairs(self, loss: PairLoss, replay: Replay) -> Found:
        """Pair by pair, without autograd."""
        costs = torch.zeros((len(self.x), len(self.y)), dtype=torch.float64)
        with torch.no_grad():
            for i in range(len(self.x)):
                x = self.x.output(i)
                for j in (i,) if self.coupling.kind == "diagonal" else range(len(self.y)):
                    y = self.y.output(j)
                    with replay():
                        costs[i, j] = _number(loss(x, y), "loss")
        if self.coupling.kind == "diagonal":
            costs = costs.diagonal().clone()
        return Found(*self.coupling.weigh(costs))

    def differentiate(
        self, found: Found, loss: PairLoss, replay: Replay, extra: Extra | None
    ) -> float:
        """Takes the gradient to the parameters; returns the mean of `extra`."""
        slopes = found.slopes
        if slopes is not None and slopes.dim() == 1:
            slopes = slopes.diag()
        total = 0.0
        with torch.enable_grad():
            for i in range(len(self.x)):
                if extra is not None:
                    term = extra(self.x.leaf(i), self.x.batches[i])
                    total += _number(term, "extra") / len(self.x)
                    self._backward(term / len(self.x))
                for j in [] if slopes is None else slopes[i].nonzero().flatten().tolist():
                    x, y = self.x.leaf(i), self.y.leaf(j)
                    with replay():
                        cost = loss(x, y)
                    self._backward(slopes[i, j] * cost)  # type: ignore[index]
                    if not self.y.keep:
                        self.y.pull(j)
                self.x.pull(i)
            for j in range(len(self.y)):
                self.y.pull(j)
        return total

    def _backward(self, term: Tensor) -> None:
        """Adds the gradient of a term of the loss to that of what it was computed from."""
        if not term.requires_grad:
            raise RuntimeError(
                "a term of the loss does not depend on anything that requires a gradient, expected "
                "forwards with parameters that do"
            )
        scaled = term * self.scale
        if self.scaler is not None:
            scaled = self.scaler.scale(scaled)
        scaled.backward()  # type: ignore[no-untyped-call]


def _number(value: Any, name: str) -> float:
    """A loss as a finite number."""
    if not isinstance(value, Tensor) or value.numel() != 1:
        what = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name}: returned {what}, expected a 0-d tensor")
    number = float(value.detach())
    if not math.isfinite(number):
        raise ValueError(f"{name}: returned {number}, expected a finite number")
    return number
