"""What results of entropic problems say, as tensors that are differentiable in what came in.

Potentials by implicit differentiation, and all else as functions of them and of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .entropic_plans import Solved
from .operators.entropic import (
    entropic_linear_cost,
    entropic_plan,
    entropic_potentials,
    entropic_product,
    entropic_value,
)

if TYPE_CHECKING:
    from .._core import EntropicSolution
    from .._problem import Problem


class Differentiable:
    """The solution of a problem, or of some of a batch, with its inputs' graph."""

    def __init__(self, problem: Problem, solution: EntropicSolution, index: int | slice) -> None:
        assert problem.entropic is not None
        self._single = isinstance(index, int)
        if isinstance(index, int):
            index = slice(index, index + 1)
        self._solution, self._index = solution, index
        dtype = torch.float32 if problem.dtype.itemsize == 4 else torch.float64
        data = [self._part(source.to(dtype), problem.batched) for source in problem.sources[:-2]]
        a, b = (
            None if source is None else self._part(source.to(dtype), source.dim() == 2)
            for source in problem.sources[-2:]
        )
        size = len(data[0]), *problem.size[1:]
        a, b = plan_weights(a, b, size, balanced=problem.entropic.balanced)
        f, g = (
            torch.from_numpy(potential[index])
            for potential in (solution.potential_a, solution.potential_b)
        )
        metric = problem.metric
        ground = ("", 0.0) if metric is None else (metric.name, metric.p)
        self._fixed = Solved(data[0], data[1] if len(data) == 2 else None, a, b, f, g)
        self._ground = (*ground, problem.entropic.reg)
        self._rho = problem.entropic.rho

    def value(self) -> Tensor:
        value = torch.from_numpy(self._solution.value[self._index])
        return self._own(entropic_value(*self._fixed, value, *self._ground, *self._rho))

    def linear_cost(self) -> Tensor:
        cost = torch.from_numpy(self._solution.value_linear[self._index])
        return self._own(entropic_linear_cost(*self._free(), cost, *self._ground))

    def potentials(self) -> tuple[Tensor, Tensor]:
        _, _, _, _, f, g = self._free()
        return self._own(f), self._own(g)

    def plan(self) -> Tensor:
        return self._own(entropic_plan(*self._free(), *self._ground))

    def product(self, values: Tensor, *, transposed: bool) -> Tensor:
        """The plan, or its transpose, times values of any shape that `apply` takes."""
        lead = values.dim() - (not self._single)
        columns = values if lead == 2 else values[..., None]
        columns = columns[None] if self._single else columns
        image = self._own(entropic_product(*self._free(), columns, transposed, *self._ground))
        return image if lead == 2 else image[..., 0]

    def marginals(self) -> tuple[Tensor, Tensor]:
        """The plan's, float64; their derivatives are those of what optimality asks them to be."""
        _, _, a, b, f, g = self._free()
        sums = self._solution.marginal_a, self._solution.marginal_b
        found = []
        for side, weights, potential, rho in zip(sums, (a, b), (f, g), self._rho, strict=True):
            ideal = weights * torch.exp(-potential / rho)
            found.append(self._own(torch.from_numpy(side[self._index]) + (ideal - ideal.detach())))
        return found[0], found[1]

    def _free(self) -> Solved:
        """With the potentials' own derivatives."""
        potentials = entropic_potentials(*self._fixed, *self._ground, *self._rho)
        return Solved(*self._fixed[:4], *potentials)

    def _part(self, array: Tensor, batched: bool) -> Tensor:
        return array[self._index] if batched else array[None]

    def _own(self, array: Tensor) -> Tensor:
        return array[0] if self._single else array


def plan_weights(
    a: Tensor | None, b: Tensor | None, size: tuple[int, int, int], *, balanced: bool
) -> tuple[Tensor, Tensor]:
    """The float64 weights (B, n) and (B, m) that plans are made of; b normalised if balanced.

    They are given as (1 or B, n) and (1 or B, m) in the data's dtype; None is uniform. Weights of
    balanced problems can only change with their masses fixed, so derivatives in them are centred.
    """
    batch, n, m = size
    sides: list[Any] = []
    for weights, length in ((a, n), (b, m)):
        if weights is None:
            sides.append(torch.full((batch, length), 1.0 / length, dtype=torch.float64))
            continue
        double = weights.double().expand(batch, length)
        if balanced:
            fixed = double.detach()
            change = double - fixed
            double = fixed + (change - change.mean(-1, keepdim=True))
        sides.append(double)
    if balanced:
        masses = [side.detach().sum(-1, keepdim=True) for side in sides]
        sides[1] = sides[1] * (masses[0] / masses[1])
    return sides[0], sides[1]
