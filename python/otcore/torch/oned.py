"""Gradients of transport on the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .functions import like, once_differentiable, weights_gradient

if TYPE_CHECKING:
    from .._core import LineValues


class LineValue(torch.autograd.Function):
    """The values (B,), differentiable in x, y, a and b: each (n,), for all problems, or (B, n)."""

    @staticmethod
    def forward(ctx: Any, values: LineValues, *sources: Tensor | None) -> Tensor:
        ctx.values = values
        ctx.sources = sources
        return torch.from_numpy(values.value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_value: Tensor) -> tuple[Tensor | None, ...]:
        values: LineValues = ctx.values
        needed = ctx.needs_input_grad[1:]
        grads: list[Tensor | None] = [None] * len(needed)
        for place, slopes in enumerate((values.gradient_x, values.gradient_y)):
            if needed[place] and slopes is not None:
                grad = grad_value[:, None] * torch.from_numpy(slopes)
                grads[place] = grad.sum(0) if ctx.sources[place].dim() == 1 else grad
        for place, potential in ((2, values.potential_a), (3, values.potential_b)):
            if needed[place] and potential is not None:
                grads[place] = weights_gradient(potential, grad_value, ctx.sources[place].dim())
        return None, *map(like, grads, ctx.sources)
