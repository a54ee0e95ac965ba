"""Gradients of mini-batch transport, for the batches drawn.

The coupling of the batches comes first: the derivative of the value in the costs C_ij is the
coupling itself for m-OT and BoMb-OT (envelope theorem); for eBoMb-OT, whose value leaves out the
term that is minimised with it, the coupling's optimality conditions are differentiated implicitly.
Each C_ij then has its inner plan as its gradient in the ground costs, and that in the weights is
made of its inner potentials, both from the core. Where C_ij is the linear part of a regularised
problem its plan is held fixed, so that it has no gradient in the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._core import SlicedMiniBatches
from .functions import once_differentiable, plan_gradient

if TYPE_CHECKING:
    from .._core import MiniBatchSolution
    from .._problem import Problem

_FIXED_PLANS = (
    "inner_value='linear' holds the inner plans fixed, so it has no gradient in a and b, which "
    "require one here: use inner_value='objective', or cut the weights off with .detach()"
)


class MiniBatchValue(torch.autograd.Function):
    """The value (0-d, float64) of a mini-batch solution, differentiable in X, Y, a and b."""

    @staticmethod
    def forward(
        ctx: Any,
        problem: Problem,
        solution: MiniBatchSolution | SlicedMiniBatches,
        *sources: Tensor | None,
    ) -> Tensor:
        ctx.problem = problem
        ctx.solution = solution
        ctx.sources = sources
        ctx.save_for_backward(*sources)
        return torch.tensor(solution.value, dtype=torch.float64)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_value: Tensor) -> tuple[Tensor | None, ...]:
        problem, solution = ctx.problem, ctx.solution
        sources = ctx.saved_tensors
        needed = ctx.needs_input_grad[2:]
        grads: list[Tensor | None] = [None] * len(needed)
        if needed[0] or needed[1]:
            weights = solution.pair_gradient()
            grads[:2] = points_gradient(problem, solution, weights, sources[:2], needed[:2])
        if needed[2] or needed[3]:
            if solution.inner_linear:
                raise RuntimeError(_FIXED_PLANS)
            grads[2:] = (torch.from_numpy(grad) for grad in solution.weight_gradient())
        scaled = (
            grad.mul_(grad_value).to(source.dtype) if grad is not None and need else None
            for grad, source, need in zip(grads, sources, needed, strict=True)
        )
        return None, None, *scaled


def points_gradient(
    problem: Problem,
    solution: MiniBatchSolution | SlicedMiniBatches,
    weights: npt.NDArray[np.float64],
    points: Sequence[Tensor],
    needed: Sequence[bool],
) -> tuple[Tensor | None, Tensor | None]:
    """The gradient in the points of both sides, where needed, of sum_p weights[p] W_p^p(pair p)."""
    if isinstance(solution, SlicedMiniBatches):
        parts = solution.points_gradient(weights, *needed)
        in_x, in_y = (None if part is None else torch.from_numpy(part) for part in parts)
        return in_x, in_y
    assert problem.metric is not None
    dtype = torch.from_numpy(problem.data[0][:0]).dtype
    x, y = (side.to(dtype) for side in points)
    rows, cols, mass = (torch.from_numpy(part) for part in solution.aggregate(weights))
    return plan_gradient(problem.metric, x, y, rows, cols, mass, needed)
