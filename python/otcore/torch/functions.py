"""Gradients of exact transport and of costs: the envelope theorem as autograd functions.

The value of min <P, C> has the gradient P in C where the plan is unique, and a potential in each
weight vector (J. M. Danskin, The theory of max-min, SIAM J. Appl. Math. 14, 1966). Plans and
potentials are piecewise constant or not unique, so they have no gradient here: they refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .. import _core
from .._plan import stacked_entries
from .._sparse import SparseCosts

if TYPE_CHECKING:
    from .._arrays import LinearMap as ArrayMap
    from .._arrays import Real
    from .._core import ExactSolution
    from .._problem import Problem
    from ..cost import Metric

# Pairs of points whose gradients the backward pass of a cost matrix holds at once.
PAIRS_AT_ONCE = 1 << 16

# Coordinates of pairs of points whose gradients are held at once: what stays in a core's cache.
_COORDINATES_AT_ONCE = 1 << 18

_OPAQUE_RESULT = (
    "plans, potentials and marginals are not differentiable in the inputs, which require a "
    "gradient here: differentiate .value, or cut them off with .detach()"
)
OPAQUE_GRADIENT = (
    "gradients of transport values and of ground costs are not differentiable again: "
    "expected a single backward pass"
)

Backward: TypeAlias = Callable[[Any, Tensor], tuple[Tensor | None, ...]]


class Opaque(torch.autograd.Function):
    """A tensor that depends on others but has no gradient in them: backward raises `message`."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, message: str, *sources: Tensor) -> Tensor:
        ctx.message = message
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        raise RuntimeError(ctx.message)


def apply_function(function: type[torch.autograd.Function], *arguments: object) -> Tensor:
    """function.apply, which torch leaves untyped."""
    return function.apply(*arguments)  # type: ignore[no-any-return, no-untyped-call]


def opaque(
    tensor: Tensor, sources: Iterable[Tensor | None], message: str = _OPAQUE_RESULT
) -> Tensor:
    """The tensor, tied to its sources so that a backward pass through it raises."""
    if not torch.is_grad_enabled():
        return tensor
    tracked = [source for source in sources if source is not None and source.requires_grad]
    return apply_function(Opaque, tensor, message, *tracked) if tracked else tensor


def once_differentiable(backward: Backward) -> Backward:
    """Makes the gradients that a Function's backward returns refuse a derivative of their own.

    torch's decorator of this name lets second derivatives in the inputs vanish without a word. The
    function's forward leaves its tensor arguments in ``ctx.sources``.
    """

    @wraps(backward)
    def refusing(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        with torch.no_grad():
            grads = backward(ctx, grad)
        sources = (grad, *ctx.sources)
        return tuple(g if g is None else opaque(g, sources, OPAQUE_GRADIENT) for g in grads)

    return refusing


class ExactValue(torch.autograd.Function):
    """The values (B,) of exact solutions, differentiable in what the caller passed."""

    @staticmethod
    def forward(
        ctx: Any, problem: Problem, solution: ExactSolution, *sources: Tensor | None
    ) -> Tensor:
        ctx.problem = problem
        ctx.solution = solution
        ctx.sources = sources
        if problem.metric is not None:
            ctx.save_for_backward(*sources[:2])
        return torch.from_numpy(solution.value)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_value: Tensor) -> tuple[Tensor | None, ...]:
        problem, solution = ctx.problem, ctx.solution
        needed = ctx.needs_input_grad[2:]
        grads: list[Tensor | None] = [None] * len(needed)
        if problem.metric is None:
            if needed[0]:
                grads[0] = _matrix_gradient(problem, solution, grad_value)
        elif needed[0] or needed[1]:
            x, y = ctx.saved_tensors
            grads[:2] = _points_gradient(problem, solution, grad_value, x, y, needed[:2])
        for place, potential in ((-2, solution.potential_a), (-1, solution.potential_b)):
            if needed[place]:
                dims = ctx.sources[place].dim()
                grads[place] = weights_gradient(potential, grad_value, dims)
        return None, None, *map(like, grads, ctx.sources)


class CostMatrix(torch.autograd.Function):
    """A cost matrix that was computed from points x and y, differentiable in them."""

    @staticmethod
    def forward(ctx: Any, matrix: Real, x: Tensor, y: Tensor, metric: Metric) -> Tensor:
        ctx.metric = metric
        ctx.sources = (x, y)
        ctx.save_for_backward(x, y)
        return torch.from_numpy(matrix)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, y = ctx.saved_tensors
        points_x, points_y = x.to(grad.dtype), y.to(grad.dtype)
        grad_x, grad_y = torch.zeros_like(points_x), torch.zeros_like(points_y)
        step = max(1, PAIRS_AT_ONCE // len(y))
        for start in range(0, len(x), step):
            block = slice(start, start + step)
            in_x, in_y = pair_gradients(ctx.metric, points_x[block, None], points_y[None])
            grad_x[block] = torch.einsum("ij,ijd->id", grad[block], in_x)
            grad_y += torch.einsum("ij,ijd->jd", grad[block], in_y)
        return None, grad_x.to(x.dtype), grad_y.to(y.dtype), None


class LinearMap(torch.autograd.Function):
    """forward(values) of a linear map and its transpose on numpy arrays; any derivative."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, forward: ArrayMap, adjoint: ArrayMap) -> Tensor:
        ctx.maps = forward, adjoint
        return torch.from_numpy(forward(values.detach().numpy()))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        forward, adjoint = ctx.maps
        return apply_function(LinearMap, grad, adjoint, forward), None, None


def cost_pair_gradient(metric: Metric, x: Tensor, y: Tensor) -> Tensor:
    """d c(x, y) / dx for pairs of points; 0 is taken where the cost has a kink.

    Costs are symmetric, so d c(x, y) / dy is ``cost_pair_gradient(metric, y, x)``.

    Parameters
    ----------
    metric
        The ground cost.
    x, y : Tensor, shapes that broadcast to (..., d)
        The points, of one floating dtype.

    Returns
    -------
    Tensor, shape (..., d)
    """
    if metric.name == "cosine":
        # c = 1 - <u, v> for the unit vectors u, v: dc/dx = (<u, v> u - v) / |x|.
        u, v = _unit(x), _unit(y)
        length: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return ((u * v).sum(-1, keepdim=True) * u - v) / length
    difference = x - y
    match metric.name:
        case "sqeuclidean":
            return 2.0 * difference
        case "euclidean":
            return _unit(difference)
        case "cityblock":
            return difference.sign()
        case "minkowski":
            return metric.p * difference.abs().pow(metric.p - 1.0) * difference.sign()
    raise AssertionError(metric)


def plan_gradient(
    metric: Metric,
    X: Tensor,
    Y: Tensor,
    rows: Tensor,
    cols: Tensor,
    mass: Tensor,
    needed: Sequence[bool] = (True, True),
) -> tuple[Tensor | None, Tensor | None]:
    """The gradient in the points of sum_e mass_e c(X[rows_e], Y[cols_e]).

    Parameters
    ----------
    metric
        The ground cost.
    X : Tensor, shape (n, d)
        Points, float32 or float64.
    Y : Tensor, shape (m, d)
        Points of the same dtype.
    rows, cols : Tensor of int64, shape (E,)
        The pairs; they may repeat.
    mass : Tensor, shape (E,)
        The weight of each pair's cost, of any floating dtype.
    needed
        Whether the gradient in X is wanted, and in Y.

    Returns
    -------
    Tensor, shape (n, d), or None
        The gradient in X, of its dtype; None where it is not wanted.
    Tensor, shape (m, d), or None
        The gradient in Y.
    """
    if metric.name == "sqeuclidean":
        x, y, i, j, weights = (
            part.detach().contiguous().numpy() for part in (X, Y, rows, cols, mass.double())
        )
        n_threads = min(torch.get_num_threads(), _core.num_threads())
        with_x, with_y = needed
        found = _core.plan_gradient(x, y, i, j, weights, with_x, with_y, n_threads)
        in_x, in_y = (None if part is None else torch.from_numpy(part) for part in found)
        return in_x, in_y
    grad_x, grad_y = (
        torch.zeros_like(points) if need else None
        for points, need in zip((X, Y), needed, strict=True)
    )
    step = max(1, _COORDINATES_AT_ONCE // X.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        weight = mass[part].to(X.dtype)[:, None]
        gradients = pair_gradients(metric, X[rows[part]], Y[cols[part]])
        for grad, own, of_pairs in zip((grad_x, grad_y), (rows, cols), gradients, strict=True):
            if grad is not None:
                grad.index_add_(0, own[part], weight * of_pairs)
    return grad_x, grad_y


def pair_gradients(metric: Metric, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    in_x = cost_pair_gradient(metric, x, y)
    if metric.name == "cosine":
        return in_x, cost_pair_gradient(metric, y, x)
    return in_x, -in_x  # a function of x - y


def _unit(vectors: Tensor) -> Tensor:
    """vectors / norm, whatever their scale; 0 for 0."""
    largest = vectors.abs().amax(-1, keepdim=True)
    scaled = vectors / torch.where(largest > 0, largest, 1.0)
    norm = torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return scaled / torch.where(norm > 0, norm, 1.0)


def like(grad: Tensor | None, source: Tensor | None) -> Tensor | None:
    """The gradient in the shape and dtype of what it belongs to."""
    if grad is None or source is None:
        return None
    return grad.reshape(source.shape).to(source.dtype)


def _weighted_entries(
    problem: Problem, solution: ExactSolution, grad_value: Tensor
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Tensor]:
    """The entries of all plans, each plan's masses times the gradient of its value."""
    _, n, m = problem.size
    rows, cols, mass = stacked_entries(solution, n, m)
    return rows, cols, torch.from_numpy(mass) * grad_value[torch.from_numpy(rows // n)]


def _matrix_gradient(problem: Problem, solution: ExactSolution, grad_value: Tensor) -> Tensor:
    batch, n, m = problem.size
    rows, cols, mass = _weighted_entries(problem, solution, grad_value)
    costs = problem.data[0]
    if isinstance(costs, SparseCosts):
        grad = torch.zeros(len(costs.entries), dtype=problem.sources[0].dtype)
        grad[torch.from_numpy(costs.places(rows, cols))] = mass.to(grad.dtype)
        return grad
    grad = torch.zeros(batch * n * m, dtype=problem.sources[0].dtype)
    grad[torch.from_numpy(rows * m + cols % m)] = mass.to(grad.dtype)
    return grad


def _points_gradient(
    problem: Problem,
    solution: ExactSolution,
    grad_value: Tensor,
    x: Tensor,
    y: Tensor,
    needed: Sequence[bool],
) -> tuple[Tensor | None, Tensor | None]:
    assert problem.metric is not None
    dims = problem.data[0].shape[-1]
    dtype = torch.from_numpy(problem.data[0][:0]).dtype
    rows, cols, mass = _weighted_entries(problem, solution, grad_value)
    return plan_gradient(
        problem.metric,
        x.reshape(-1, dims).to(dtype),
        y.reshape(-1, dims).to(dtype),
        torch.from_numpy(rows),
        torch.from_numpy(cols),
        mass,
        needed,
    )


def weights_gradient(
    potential: npt.NDArray[np.float64], grad_value: Tensor, weight_dims: int
) -> Tensor:
    """The potentials (B, n), centred: weights of fixed total mass have no other direction."""
    values = torch.from_numpy(potential)
    grad = grad_value[:, None] * (values - values.mean(-1, keepdim=True))
    return grad.sum(0) if weight_dims == 1 else grad
