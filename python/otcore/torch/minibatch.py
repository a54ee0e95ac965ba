"""Gradients of mini-batch transport, for the batches drawn.

The coupling of the batches comes first: the derivative of the value in the costs C_ij is the
coupling itself for m-OT and BoMb-OT (envelope theorem); for eBoMb-OT, whose value leaves out the
term that is minimised with it, the coupling's optimality conditions are differentiated implicitly.
Each C_ij then has its inner plan as its gradient in the ground costs, and that in the weights is
made of its inner potentials, both from the core. Where C_ij is the linear part of a regularised
problem its plan is held fixed, so that it has no gradient in the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
            if isinstance(solution, SlicedMiniBatches):
                slopes = solution.points_gradient(*needed[:2])
                grads[:2] = (None if part is None else torch.from_numpy(part) for part in slopes)
            else:
                grads[:2] = points_gradient(problem, solution, *sources[:2])
        if needed[2] or needed[3]:
            if solution.inner_linear:
                raise RuntimeError(_FIXED_PLANS)
            grads[2:] = (torch.from_numpy(grad) for grad in solution.weight_gradient())
        scaled = (
            (grad * grad_value).to(source.dtype) if grad is not None and need else None
            for grad, source, need in zip(grads, sources, needed, strict=True)
        )
        return None, None, *scaled


def points_gradient(
    problem: Problem, solution: MiniBatchSolution, x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor]:
    """The gradients of the value in X and Y, in the dtype of the data."""
    assert problem.metric is not None
    dtype = torch.from_numpy(problem.data[0][:0]).dtype
    x, y = x.to(dtype), y.to(dtype)
    entries = (torch.from_numpy(part) for part in solution.aggregate(solution.pair_gradient()))
    return plan_gradient(problem.metric, x, y, *entries)
