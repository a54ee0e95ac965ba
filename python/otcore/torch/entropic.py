"""Gradients of entropic transport: the envelope theorem for values with a unique plan.

The value is the maximum of the dual over the potentials f, g, so its gradient is the dual's partial
derivative at fixed potentials: the plan in the costs, and in the weights, where the marginals are
free to move (rho finite), rho (1 - exp(-f / rho)) - eps exp(-f / rho) + eps sum(b).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .._entropic_answer import EntropicPlan, PlanFormula, core_plan, plan_weights
from .functions import PAIRS_AT_ONCE, like, once_differentiable, pair_gradients, weights_gradient

if TYPE_CHECKING:
    from .._core import EntropicSolution
    from .._problem import Problem


class EntropicValue(torch.autograd.Function):
    """The values (B,) of entropic solutions, differentiable in what the caller passed."""

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
        for side, place in ((0, -2), (1, -1)):
            if needed[place]:
                dims = ctx.sources[place].dim()
                grads[place] = _weights_gradient(problem, solution, grad_value, side, dims)
        return None, None, *map(like, grads, ctx.sources)


def points_gradient(
    problem: Problem, solution: PlanFormula, grad_value: Tensor
) -> tuple[Tensor, Tensor]:
    """The gradients in X and Y, (B, n, d) and (B, m, d), of values with these plans."""
    assert problem.metric is not None
    x, y = (torch.from_numpy(points) for points in problem.data)
    grad_x, grad_y = torch.zeros_like(x), torch.zeros_like(y)
    gradient = _square_gradient if problem.metric.name == "sqeuclidean" else _gradient_by_blocks
    for b in range(len(x)):
        in_x, in_y = gradient(problem, solution, b)
        grad_x[b], grad_y[b] = grad_value[b] * in_x, grad_value[b] * in_y
    return grad_x, grad_y


def _square_gradient(problem: Problem, solution: PlanFormula, b: int) -> tuple[Tensor, Tensor]:
    """2 (r x - P y) and 2 (c y - P^T x) for the plan's row sums r and column sums c.

    The sums come from the same pass as the products, with the points centred, so that nothing is
    lost far from the origin.
    """
    x, y = (points[b].astype(np.float64) for points in problem.data)
    centre = y.mean(axis=0)
    plan = core_plan(problem, solution, b)
    grads = []
    for mine, theirs, product in ((x, y, plan.apply), (y, x, plan.apply_t)):
        image = product(np.column_stack([theirs - centre, np.ones(len(theirs))]))
        grads.append(torch.from_numpy(2.0 * (image[:, -1:] * (mine - centre) - image[:, :-1])))
    return grads[0], grads[1]


def _gradient_by_blocks(problem: Problem, solution: PlanFormula, b: int) -> tuple[Tensor, Tensor]:
    assert problem.metric is not None
    x, y = (torch.from_numpy(points[b]) for points in problem.data)
    grad_x = torch.zeros_like(x, dtype=torch.float64)
    grad_y = torch.zeros_like(y, dtype=torch.float64)
    step = max(1, PAIRS_AT_ONCE // len(y))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        plan = torch.from_numpy(core_plan(problem, solution, b, rows=rows).dense())
        in_x, in_y = pair_gradients(problem.metric, x[rows, None], y[None])
        grad_x[rows] = torch.einsum("ij,ijd->id", plan, in_x).double()
        grad_y += torch.einsum("ij,ijd->jd", plan, in_y)
    return grad_x, grad_y


def _weights_gradient(
    problem: Problem, solution: EntropicSolution, grad_value: Tensor, side: int, weight_dims: int
) -> Tensor:
    """Potentials, centred where the marginals are constraints on both sides: weights of fixed total
    mass have no other direction."""
    assert problem.entropic is not None
    potential = (solution.potential_a, solution.potential_b)[side]
    if problem.entropic.balanced:
        return weights_gradient(potential, grad_value, weight_dims)
    rho, eps = problem.entropic.rho[side], solution.eps[:, None]
    other = np.stack([plan_weights(problem, b)[1 - side].sum() for b in range(len(potential))])
    with np.errstate(over="ignore"):
        mass = np.exp(-potential / rho)  # (P 1)_i / a_i
        pull = potential if math.isinf(rho) else -rho * np.expm1(-potential / rho)
    values = torch.from_numpy(pull - eps * (mass - other[:, None]))
    grad = grad_value[:, None] * values
    return grad.sum(0) if weight_dims == 1 else grad
