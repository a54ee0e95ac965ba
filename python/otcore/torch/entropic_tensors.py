"""What a solved entropic problem says, as tensors that are differentiable in what came in.

Potentials by implicit differentiation, and all else as functions of them and of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from .._options import Entropic
from ..cost import Metric
from .entropic_plans import Solved
from .operators.entropic import (
    entropic_linear_cost,
    entropic_plan,
    entropic_potentials,
    entropic_product,
    entropic_value,
)
from .operators.entropic_solve import entropic_solve

if TYPE_CHECKING:
    from .._core import EntropicSolution
    from .._problem import Problem


class Answers(NamedTuple):
    """Of B problems, float64, without a graph."""

    f: Tensor  # (B, n)
    g: Tensor  # (B, m)
    value: Tensor  # (B,)
    linear_cost: Tensor
    marginal_a: Tensor  # (B, n)
    marginal_b: Tensor


class EntropicTensors:
    """One problem or a batch of them. Weights are (n,) or (B, n), or None: uniform."""

    def __init__(
        self,
        data: tuple[Tensor, ...],
        weights: tuple[Tensor | None, Tensor | None],
        answers: Answers,
        metric: Metric | None,
        model: Entropic,
        *,
        single: bool,
    ) -> None:
        first, second = data[0], data[1] if len(data) == 2 else None
        size = len(first), answers.f.shape[1], answers.g.shape[1]
        a, b = _plan_weights(*weights, size, first.dtype, balanced=model.balanced)
        self.dtype = first.dtype
        self._fixed = Solved(first, second, a, b, answers.f, answers.g)
        self._answers = answers
        self._ground = (*(("", 0.0) if metric is None else metric), model.reg)
        self._rho = model.rho
        self._single = single

    @classmethod
    def of_solution(
        cls, problem: Problem, solution: EntropicSolution, index: int | slice
    ) -> EntropicTensors:
        """A result's: the problem or problems of a solution that it is of."""
        assert problem.entropic is not None
        single = isinstance(index, int)
        part = slice(index, index + 1) if isinstance(index, int) else index
        dtype = torch.from_numpy(problem.data[0][:0]).dtype
        *data, a, b = problem.sources
        data = [x.to(dtype)[part] if problem.batched else x.to(dtype)[None] for x in data]
        weights = (w[part] if w is not None and w.dim() == 2 else w for w in (a, b))
        found = (
            solution.potential_a,
            solution.potential_b,
            solution.value,
            solution.value_linear,
            solution.marginal_a,
            solution.marginal_b,
        )
        answers = Answers(*(torch.from_numpy(each[part]) for each in found))
        model = problem.entropic
        return cls(tuple(data), tuple(weights), answers, problem.metric, model, single=single)

    @classmethod
    def solve(
        cls,
        data: tuple[Tensor, ...],
        weights: tuple[Tensor | None, Tensor | None],
        metric: Metric | None,
        model: Entropic,
        max_iter: int | None,
        n_threads: int | None,
    ) -> EntropicTensors:
        """The solution as an operator finds it, of a cost matrix or points, or a batch of them."""
        second = data[1] if len(data) == 2 else None
        found = entropic_solve(
            *(None if each is None else each.detach() for each in (data[0], second, *weights)),
            model.method,
            *(("", 0.0) if metric is None else metric),
            model.reg,
            *model.rho,
            model.tol,
            max_iter,
            n_threads,
        )
        single = data[0].dim() == 2
        dtype = _data_dtype(data)
        data = tuple(each.to(dtype)[None] if single else each.to(dtype) for each in data)
        answers = Answers(*(each[None] if single else each for each in found))
        return cls(data, weights, answers, metric, model, single=single)

    def value(self) -> Tensor:
        value = self._answers.value
        return self._own(entropic_value(*self._fixed, value, *self._ground, *self._rho))

    def linear_cost(self) -> Tensor:
        cost = self._answers.linear_cost
        return self._own(entropic_linear_cost(*self._free(), cost, *self._ground))

    def potentials(self) -> tuple[Tensor, Tensor]:
        free = self._free()
        return self._own(free.f), self._own(free.g)

    def plan(self) -> Tensor:
        return self._own(entropic_plan(*self._free(), *self._ground))

    def product(self, values: Tensor, *, transposed: bool) -> Tensor:
        """The plan, or its transpose, times values of any shape that `apply` takes."""
        flat = values.dim() == (1 if self._single else 2)
        columns = values[..., None] if flat else values
        columns = columns[None] if self._single else columns
        image = self._own(entropic_product(*self._free(), columns, transposed, *self._ground))
        return image[..., 0] if flat else image

    def marginals(self) -> tuple[Tensor, Tensor]:
        """The plan's, float64; their derivatives are those of what optimality asks them to be."""
        free, answers = self._free(), self._answers
        found = []
        for sums, weights, potential, rho in (
            (answers.marginal_a, free.a, free.f, self._rho[0]),
            (answers.marginal_b, free.b, free.g, self._rho[1]),
        ):
            ideal = weights * torch.exp(-potential / rho)
            found.append(self._own(sums + (ideal - ideal.detach())))
        return found[0], found[1]

    def _free(self) -> Solved:
        """With the potentials' own derivatives."""
        potentials = entropic_potentials(*self._fixed, *self._ground, *self._rho)
        return Solved(*self._fixed[:4], *potentials)

    def _own(self, array: Tensor) -> Tensor:
        return array[0] if self._single else array


def rounded_mass(weights: Tensor | None, dtype: torch.dtype) -> Any:
    """The total mass of a side, whose weights are rounded to the data's dtype: (), or (B,)."""
    return 1.0 if weights is None else weights.to(dtype).double().sum(-1)


def _plan_weights(
    a: Tensor | None,
    b: Tensor | None,
    size: tuple[int, int, int],
    dtype: torch.dtype,
    *,
    balanced: bool,
) -> tuple[Tensor, Tensor]:
    """The float64 weights (B, n) and (B, m) that plans are made of; b normalised if balanced.

    Weights of balanced problems can only change with their masses fixed, so derivatives in them are
    centred.
    """
    batch, n, m = size
    sides: list[Tensor] = []
    for weights, length in ((a, n), (b, m)):
        if weights is None:
            sides.append(torch.full((batch, length), 1.0 / length, dtype=torch.float64))
            continue
        side = weights.to(dtype).double().expand(batch, length)
        if balanced:
            fixed = side.detach()
            change = side - fixed
            side = fixed + (change - change.mean(-1, keepdim=True))
        sides.append(side)
    if balanced:
        mass_a, mass_b = (side.detach().sum(-1, keepdim=True) for side in sides)
        sides[1] = sides[1] * (mass_a / mass_b)
    return sides[0], sides[1]


def _data_dtype(data: tuple[Tensor, ...]) -> torch.dtype:
    """As the door decides: half floats are float32, integers float64, and the wider counts."""
    singles = torch.float32, torch.float16, torch.bfloat16
    return torch.float32 if all(each.dtype in singles for each in data) else torch.float64
