"""The two passes over mini-batches that a gradient takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from .._core import MiniBatchSolution, SlicedMiniBatches
from ..minibatch import MiniBatchResult
from ._batch_loss import Coupling, InnerLoss, PairLoss
from ._batch_side import Side
from ._replay import Replay
from .minibatch import points_gradient

Extra: TypeAlias = Callable[[Any, Any], Tensor]


class Found(NamedTuple):
    """What the first pass finds: the loss of all batches, and how it depends on the pairs."""

    value: float
    costs: Tensor
    coupling: Tensor
    slopes: Tensor | None  # d value / d costs; None where leaves of the outputs have the gradient


class Table(NamedTuple):
    """Some rows of the table of pairs, solved, and the points that they are of."""

    rows: range
    leaves: tuple[Tensor, Tensor]  # (len(rows), m, d) and (ky, m', d)
    result: MiniBatchResult

    @property
    def costs(self) -> Tensor:
        costs: Tensor = self.result.costs
        return costs.detach()


class Passes(NamedTuple):
    """The batches of both sides, how they are coupled, and how gradients are scaled."""

    x: Side
    y: Side
    coupling: Coupling
    scale: float
    scaler: torch.amp.GradScaler | None

    def solve_together(self, loss: InnerLoss, rows: range) -> Found:
        """All pairs of these x batches in one call, the gradient in the outputs included.

        Where they are not all x batches the coupling must be one that does not depend on costs;
        value and gradient are then those that all have, as far as they come from these.
        """
        part = len(rows) / len(self.x)
        batches = rows, self._partners(rows)
        leaves = self.x.stack(rows), self.y.stack(batches[1])
        with torch.enable_grad():
            result = loss.together(*leaves, self.coupling)
        self._backward(result.value * part)
        for side, own, leaf in zip((self.x, self.y), batches, leaves, strict=True):
            if leaf.grad is not None:
                for i, gradient in zip(own, leaf.grad, strict=True):
                    side.add_gradient(i, gradient)
        return Found(
            float(result.value.detach()) * part,
            result.costs.detach(),
            result.coupling.detach() * part,
            None,
        )

    def solve_pairs(self, loss: PairLoss, replay: Replay) -> Found:
        """Pair by pair, without autograd."""
        return Found(*self.coupling.weigh(self.pair_costs(loss, replay, range(len(self.x)))))

    def table(self, loss: InnerLoss, rows: range) -> Table:
        """The costs of these x batches with all y batches, in one call, and how to differentiate
        them."""
        leaves = self.x.stack(rows), self.y.stack(range(len(self.y)))
        with torch.enable_grad():  # keeps what differentiating takes
            result = loss.together(*leaves, Coupling("product", None))
        return Table(rows, leaves, result)

    def differentiate_table(self, table: Table, slopes: Tensor) -> None:
        """Adds the gradient of sum_ij slopes_ij costs_ij to that of the outputs."""
        problem, solution = table.result._problem, table.result._solution
        assert isinstance(solution, MiniBatchSolution | SlicedMiniBatches)
        weights = solution.pair_gradient(slopes.contiguous().numpy())
        needed = [leaf.requires_grad for leaf in table.leaves]
        gradients = points_gradient(problem, solution, weights, problem.sources[:2], needed)
        sides = (self.x, table.rows), (self.y, range(len(self.y)))
        for (side, batches), leaf, gradient in zip(sides, table.leaves, gradients, strict=True):
            if leaf.requires_grad:
                assert gradient is not None
                scaled = self._scaled(gradient.to(leaf.dtype).view(leaf.shape))
                for i, part in zip(batches, scaled, strict=True):
                    side.add_gradient(i, part)

    def pair_costs(self, loss: PairLoss, replay: Replay, rows: range) -> Tensor:
        """The costs of these x batches: (len(rows), ky), or (len(rows),) for the diagonal."""
        table = []
        with torch.no_grad():
            for i in rows:
                x = self.x.output(i)
                for j in self._partners(range(i, i + 1)):
                    y = self.y.output(j)
                    with replay():
                        table.append(_number(loss(x, y), "loss"))
        costs = torch.tensor(table, dtype=torch.float64)
        return costs if self.coupling.kind == "diagonal" else costs.view(len(rows), len(self.y))

    def _partners(self, rows: range) -> range:
        """The y batches that these x batches make pairs with."""
        return rows if self.coupling.kind == "diagonal" else range(len(self.y))

    def differentiate(
        self, found: Found, loss: PairLoss, replay: Replay, extra: Extra | None, rows: range
    ) -> float:
        """Takes the gradient to the parameters; returns the mean of `extra`, of whose terms those
        of `rows` are taken."""
        slopes = found.slopes
        if slopes is not None and slopes.dim() == 1:
            slopes = slopes.diag()
        total = 0.0
        with torch.enable_grad():
            for i in range(len(self.x)):
                if extra is not None and i in rows:
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
        self._scaled(term).backward()  # type: ignore[no-untyped-call]

    def _scaled(self, term: Tensor) -> Tensor:
        scaled = term * self.scale
        return scaled if self.scaler is None else self.scaler.scale(scaled)


def _number(value: Any, name: str) -> float:
    """A loss as a finite number."""
    if not isinstance(value, Tensor) or value.numel() != 1:
        what = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name}: returned {what}, expected a 0-d tensor")
    number = float(value.detach())
    if not math.isfinite(number):
        raise ValueError(f"{name}: returned {number}, expected a finite number")
    return number
