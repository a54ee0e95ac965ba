"""Gradients of proximal point transport: the envelope theorem, with the plan that it came to.

The gradient is the plan in the costs, and the potentials in the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .._entropic_answer import EntropicPlan, plan_weights
from .entropic_plans import Solved
from .entropic_slopes import slopes
from .functions import like, once_differentiable, weights_gradient

if TYPE_CHECKING:
    from .._core import EntropicSolution
    from .._entropic_answer import PlanFormula
    from .._problem import Problem


class ProximalValue(torch.autograd.Function):
    """The values (B,) of IPOT's solutions, differentiable in what the caller passed."""

    @staticmethod
    def forward(
        ctx: Any, problem: Problem, solution: EntropicSolution, *sources: Tensor | None
    ) -> Tensor:
        ctx.problem = problem
        ctx.solution = solution
        ctx.sources = sources
        ctx.save_for_backward(*sources)
        return torch.from_numpy(solution.value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_value: Tensor) -> tuple[Tensor | None, ...]:
        problem, solution = ctx.problem, ctx.solution
        ctx.saved_tensors  # noqa: B018 - raises where one was changed in place, and the data with it
        needed = ctx.needs_input_grad[2:]
        grads: list[Tensor | None] = [None] * len(needed)
        if problem.metric is None:
            if needed[0]:
                plans = EntropicPlan(problem, solution, slice(None)).dense()
                grads[0] = torch.from_numpy(plans) * grad_value[:, None, None]
        elif needed[0] or needed[1]:
            grads[:2] = points_gradient(problem, solution, grad_value)
        for place, potential in ((-2, solution.potential_a), (-1, solution.potential_b)):
            if needed[place]:
                grads[place] = weights_gradient(potential, grad_value, ctx.sources[place].dim())
        return None, None, *map(like, grads, ctx.sources)


def points_gradient(
    problem: Problem, solution: PlanFormula, grad_value: Tensor
) -> tuple[Tensor, Tensor]:
    """The gradients in X and Y, (B, n, d) and (B, m, d), of values with these plans."""
    assert problem.metric is not None
    x, y = (torch.from_numpy(points) for points in problem.data)
    f, g = (torch.from_numpy(each) for each in (solution.potential_a, solution.potential_b))
    grad_x, grad_y = torch.zeros_like(x), torch.zeros_like(y)
    for b, eps in enumerate(solution.eps):
        a_b, b_b = (torch.from_numpy(weights)[None] for weights in plan_weights(problem, b))
        part = slice(b, b + 1)
        solved = Solved(x[part], y[part], a_b, b_b, f[part], g[part])
        in_x, in_y = slopes(solved, 0, problem.metric, float(eps))
        grad_x[b], grad_y[b] = grad_value[b] * in_x, grad_value[b] * in_y
    return grad_x, grad_y
