"""Gradients of sliced transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .functions import like, once_differentiable, plan_gradient, weights_gradient

if TYPE_CHECKING:
    from .._core import SlicedValues
    from .._plan import SparsePlan
    from ..cost import Metric


class SlicedValue(torch.autograd.Function):
    """The mean costs (B,) of slices, differentiable in X, Y, a, b and the projections."""

    @staticmethod
    def forward(ctx: Any, values: SlicedValues, *sources: Tensor | None) -> Tensor:
        ctx.values = values
        ctx.sources = sources
        return torch.from_numpy(values.cost.mean(axis=1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_value: Tensor) -> tuple[Tensor | None, ...]:
        values: SlicedValues = ctx.values
        needed = ctx.needs_input_grad[1:]
        grads: list[Tensor | None] = [None] * len(needed)
        for place, slopes in enumerate((values.gradient_x, values.gradient_y)):
            if needed[place] and slopes is not None:
                grads[place] = grad_value[:, None, None] * torch.from_numpy(slopes)
        for place, potential in ((2, values.potential_a), (3, values.potential_b)):
            if not needed[place]:
                continue
            if potential is None:
                raise RuntimeError(
                    "the spherical value is not differentiable in the weights: cut them off with "
                    ".detach()"
                )
            grads[place] = weights_gradient(potential, grad_value, ctx.sources[place].dim())
        if needed[4] and values.gradient_directions is not None:
            slices = values.cost.shape[1]
            rows = torch.from_numpy(values.gradient_directions)
            rows = torch.einsum("b,blk->lk", grad_value, rows) / slices
            planes = ctx.sources[4].dim() == 3
            grads[4] = rows.reshape(slices, 2, -1).transpose(1, 2) if planes else rows.T
        return None, *map(like, grads, ctx.sources)


class PlanValue(torch.autograd.Function):
    """The cost (0-d, float64) of a plan that is held fixed, differentiable in X and Y."""

    @staticmethod
    def forward(
        ctx: Any, value: float, plan: SparsePlan, metric: Metric, *sources: Tensor
    ) -> Tensor:
        ctx.plan = plan
        ctx.metric = metric
        ctx.sources = sources
        ctx.save_for_backward(*sources)
        return torch.tensor(value, dtype=torch.float64)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_value: Tensor) -> tuple[Tensor | None, ...]:
        plan: SparsePlan = ctx.plan
        x, y = (source.to(torch.float64) for source in ctx.saved_tensors)
        rows, cols, mass = (torch.from_numpy(part) for part in (plan.rows, plan.cols, plan.mass))
        needed = ctx.needs_input_grad[3:]
        grads = plan_gradient(ctx.metric, x, y, rows, cols, mass * grad_value, needed)
        return None, None, None, *map(like, grads, ctx.sources)
