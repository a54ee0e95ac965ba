"""Gradients of the transport cost of entropic plans, by implicit differentiation.

The cost L = <P, C> is no optimum itself, so the plan's own change counts. Let p = P 1, q = P^T 1,
eps the regularisation, k = eps / rho (0 where a marginal is a constraint). From log P_ij = log a_i
b_j + (f_i + g_j - C_ij) / eps and p_i = a_i exp(-f_i / rho), the adjoint of the change of (f, g) /
eps solves

    (1 + k_a) p_i x_i + (P y)_i      = -(P o C) 1
    (P^T x)_j + (1 + k_b) q_j y_j    = -(P o C)^T 1

and then dL/dC_ij = P_ij (1 - (C_ij + x_i + y_j) / eps), dL/da_i = -(1 + k_a) (p_i / a_i) x_i and
dL/db likewise. One system, by conjugate gradients, serves all inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .. import _core
from .._entropic_answer import core_plan, plan_weights
from .functions import PAIRS_AT_ONCE, like, once_differentiable, pair_gradients, weights_gradient

if TYPE_CHECKING:
    from .._core import EntropicSolution
    from .._problem import Problem

_Floats = npt.NDArray[np.float64]

# Conjugate gradients stop at this relative residual, or where rounding does not allow it, or after
# this many steps for each column.
_RESIDUAL = 1e-13
_STEPS_PER_COLUMN = 4


class LinearCost(torch.autograd.Function):
    """The transport costs (B,) of entropic plans, differentiable in what the caller passed."""

    @staticmethod
    def forward(
        ctx: Any, problem: Problem, solution: EntropicSolution, *sources: Tensor | None
    ) -> Tensor:
        ctx.problem = problem
        ctx.solution = solution
        ctx.sources = sources
        ctx.save_for_backward(*sources)
        return torch.from_numpy(solution.value_linear)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_value: Tensor) -> tuple[Tensor | None, ...]:
        problem, sources = ctx.problem, ctx.sources
        ctx.saved_tensors  # noqa: B018 - raises where one was changed in place, and the data with it
        parts = [_Sensitivity(problem, ctx.solution, b) for b in range(len(grad_value))]
        needed = ctx.needs_input_grad[2:]
        grads: list[Tensor | None] = [None] * len(needed)
        if problem.metric is None:
            if needed[0]:
                costs = [torch.from_numpy(part.in_costs()) for part in parts]
                grads[0] = torch.stack(costs) * grad_value[:, None, None]
        elif needed[0] or needed[1]:
            pairs = [part.in_points() for part in parts]
            for place in (0, 1):
                stacked = torch.stack([pair[place] for pair in pairs])
                grads[place] = stacked * grad_value[:, None, None]
        for side, place in ((0, -2), (1, -1)):
            if needed[place]:
                values = np.stack([part.in_weights(side) for part in parts])
                grads[place] = _in_weights(problem, values, grad_value, sources[place].dim())
        return None, None, *map(like, grads, sources)


class _Sensitivity:
    """The solved system of problem b.

    Rows and columns without mass are solved for as if they had some, which others do not see.
    """

    def __init__(self, problem: Problem, solution: EntropicSolution, b: int) -> None:
        assert problem.entropic is not None
        self._problem, self._solution, self._b = problem, solution, b
        self._eps = float(solution.eps[b])
        self._damping = [1.0 + self._eps / rho for rho in problem.entropic.rho]
        weights = plan_weights(problem, b)
        self._full = [side > 0 for side in weights]
        lifted = [np.where(full, w, 1.0) for full, w in zip(self._full, weights, strict=True)]
        self._weights = lifted[0], lifted[1]
        self._plan = core_plan(problem, solution, b, weights=self._weights)
        self._masses = self._times(self._full[1]), self._times_t(self._full[0])
        moved = np.zeros(len(weights[0])), np.zeros(len(weights[1]))
        for rows, plan, costs in self._blocks():
            product = plan * costs
            moved[0][rows] = product @ self._full[1]
            moved[1][:] += self._full[0][rows] @ product
        self._x, self._y = self._solve(*moved)

    def in_costs(self) -> npt.NDArray[Any]:
        """dL/dC, (n, m)."""
        found = np.empty(self._problem.size[1:])
        for rows, plan, costs in self._blocks():
            found[rows] = self._weigh(rows, plan, costs)
        return found

    def in_points(self) -> tuple[Tensor, Tensor]:
        """dL/dX and dL/dY, (n, d) and (m, d)."""
        metric = self._problem.metric
        assert metric is not None
        x, y = (torch.from_numpy(points[self._b]).double() for points in self._problem.data)
        grad_x, grad_y = torch.zeros_like(x), torch.zeros_like(y)
        for rows, plan, costs in self._blocks():
            weight = torch.from_numpy(self._weigh(rows, plan, costs))
            in_x, in_y = pair_gradients(metric, x[rows, None], y[None])
            grad_x[rows] = torch.einsum("ij,ijd->id", weight, in_x)
            grad_y += torch.einsum("ij,ijd->jd", weight, in_y)
        return grad_x, grad_y

    def in_weights(self, side: int) -> _Floats:
        """dL/da or dL/db."""
        ratio = self._masses[side] / self._weights[side]
        return -self._damping[side] * ratio * (self._x, self._y)[side]

    def _blocks(self) -> Iterator[tuple[slice, _Floats, _Floats]]:
        """Rows of the plan of the lifted weights, and of the costs."""
        problem, data = self._problem, [array[self._b] for array in self._problem.data]
        _, n, m = problem.size
        step = max(1, PAIRS_AT_ONCE // m)
        for start in range(0, n, step):
            rows = slice(start, start + step)
            plan = core_plan(
                problem, self._solution, self._b, weights=self._weights, rows=rows
            ).dense()
            costs = data[0][rows]
            if problem.metric is not None:
                costs = _core.cost_matrix(
                    costs, data[1], *problem.metric, problem.library.n_threads()
                )
            yield rows, plan.astype(np.float64), costs.astype(np.float64)

    def _weigh(self, rows: slice, plan: _Floats, costs: _Floats) -> _Floats:
        change = (costs + self._x[rows, None] + self._y) / self._eps
        return plan * self._full[0][rows, None] * self._full[1] * (1.0 - change)

    def _times(self, y: npt.NDArray[Any]) -> _Floats:
        """P y for y that is 0 where the columns have no mass."""
        return self._plan.apply(y.astype(np.float64)[:, None])[:, 0]

    def _times_t(self, x: npt.NDArray[Any]) -> _Floats:
        return self._plan.apply_t(x.astype(np.float64)[:, None])[:, 0]

    def _solve(self, r: _Floats, s: _Floats) -> tuple[_Floats, _Floats]:
        """(x, y), by conjugate gradients on the system of y alone; x follows from it.

        In balanced problems the system leaves a constant free, which nothing depends on.
        """
        full_a, full_b = self._full
        diagonal_a = self._damping[0] * self._masses[0]
        diagonal_b = self._damping[1] * self._masses[1]

        def rows_of(y: _Floats) -> _Floats:
            return (r + self._times(y * full_b)) / diagonal_a

        def columns_of(x: _Floats) -> _Floats:
            return self._times_t(x * full_a) * full_b

        def operator(y: _Floats) -> _Floats:
            return diagonal_b * y - columns_of(self._times(y) / diagonal_a)

        # Conjugate gradients in the inner product of the diagonal.
        y = np.zeros_like(s)
        residual = columns_of(r / diagonal_a) - s * full_b
        preconditioned = residual / diagonal_b
        direction = preconditioned.copy()
        square = first = float(residual @ preconditioned)
        for _ in range(_STEPS_PER_COLUMN * len(s) + 1):
            if not square > _RESIDUAL**2 * first:
                break
            image = operator(direction)
            curvature = float(direction @ image)
            if not curvature > 0:
                break
            y += square / curvature * direction
            residual -= square / curvature * image
            preconditioned = residual / diagonal_b
            square, previous = float(residual @ preconditioned), square
            direction = preconditioned + square / previous * direction
        x = -rows_of(y)
        return x, np.where(full_b, y, -(s + self._times_t(x * full_a)) / diagonal_b)


def _in_weights(problem: Problem, values: _Floats, grad_value: Tensor, weight_dims: int) -> Tensor:
    assert problem.entropic is not None
    if problem.entropic.balanced:
        return weights_gradient(values, grad_value, weight_dims)
    grad = grad_value[:, None] * torch.from_numpy(values)
    return grad.sum(0) if weight_dims == 1 else grad
