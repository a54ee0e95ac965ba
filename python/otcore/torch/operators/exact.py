"""Exact transport as operators: the plan's entries and the potentials are what gradients need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ... import exact
from ..._core import ExactSolution
from ..._options import solver_options
from ..._problem import Problem, matrix_problem, points_problem
from ...cost import Metric
from ..functions import plan_gradient
from .registration import define, per_source, refusing

_OUTPUTS = (
    "(Tensor value, Tensor rows, Tensor cols, Tensor mass, Tensor potential_a, Tensor potential_b)"
)


def centred(grad: Tensor, potential: Tensor, weights: Tensor) -> Tensor:
    """The gradient in weights: their total is fixed, so they have no other direction."""
    centre = potential.mean(-1, keepdim=True)
    return per_source(grad[..., None] * (potential - centre), weights)


def _solve(problem: Problem, max_iter: int | None, n_threads: int | None) -> tuple[Tensor, ...]:
    """Values; rows, columns and masses of the plans, 0 where unused; potentials."""
    solve = exact.solve_many if problem.batched else exact.solve_one
    solution = solve(problem, solver_options(max_iter, n_threads, None, False))._solution
    assert isinstance(solution, ExactSolution)
    entries = (solution.rows, solution.cols, solution.mass)
    unused = np.arange(solution.rows.shape[1]) >= solution.count[:, None]
    for part in entries:
        part[unused] = 0  # the core leaves it undefined
    parts = (solution.value, *entries, solution.potential_a, solution.potential_b)
    return tensors_of(parts, batched=problem.batched)


def tensors_of(parts: Sequence[npt.NDArray[Any]], *, batched: bool) -> tuple[Tensor, ...]:
    """What the core says of each problem; of one problem without the axis of the batch."""
    return tuple(
        torch.from_numpy(part if batched else part.reshape(part.shape[1:])) for part in parts
    )


def _empty(data: Tensor, lead: Sequence[int], n: int, m: int) -> tuple[Tensor, ...]:
    def empty(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
        return data.new_empty((*lead, *shape), dtype=dtype)

    places = (empty(n + m - 1, dtype=torch.int32) for _ in range(2))
    return empty(), *places, empty(n + m - 1), empty(n), empty(m)


# ---------------------------------------------------------------------------------------------
# Costs given as a matrix


def _matrix(
    M: Tensor, a: Tensor | None, b: Tensor | None, max_iter: int | None, n_threads: int | None
) -> tuple[Tensor, ...]:
    return _solve(matrix_problem(M, a, b, batched=M.dim() == 3), max_iter, n_threads)


def _matrix_fake(M: Tensor, *_: Any) -> tuple[Tensor, ...]:
    return _empty(M, M.shape[:-2], *_sides(M))


def _matrix_backward(
    grads: tuple[Tensor], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], needed: Any
) -> list[Tensor | None]:
    M, a, b = sources = inputs[:3]
    _, rows, cols, mass, f, g = outputs
    (grad,) = grads
    return [
        refusing(_in_costs, grad, M, rows, cols, mass, sources=sources) if needed[0] else None,
        refusing(centred, grad, f, a, sources=sources) if needed[1] else None,
        refusing(centred, grad, g, b, sources=sources) if needed[2] else None,
    ]


def _in_costs(grad: Tensor, M: Tensor, rows: Tensor, cols: Tensor, mass: Tensor) -> Tensor:
    """The plan, dense as the costs are."""
    n, m = _sides(M)
    plan = M.new_zeros(*rows.shape[:-1], n * m)
    weights = (grad[..., None] * mass).to(M.dtype)
    plan = plan.scatter_add(-1, rows.long() * m + cols, weights)
    return per_source(plan.reshape(*plan.shape[:-1], n, m), M)


def _sides(M: Tensor) -> tuple[int, int]:
    return (M.shape[-2], M.shape[-1]) if M.dim() > 1 else (1, 1)


exact_costs = define(
    f"exact_costs(Tensor M, Tensor? a, Tensor? b, int? max_iter, int? n_threads) -> {_OUTPUTS}",
    _matrix,
    _matrix_fake,
    axes=(2, 1, 1, None, None),
    shared=(1, 2),
    backward=_matrix_backward,
)


# ---------------------------------------------------------------------------------------------
# Points


def _points(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    metric: str,
    p: float,
    max_iter: int | None,
    n_threads: int | None,
) -> tuple[Tensor, ...]:
    ground = Metric(metric, p).written
    problem = points_problem(X, Y, a, b, metric=ground, batched=X.dim() == 3)
    return _solve(problem, max_iter, n_threads)


def _points_fake(X: Tensor, Y: Tensor, *_: Any) -> tuple[Tensor, ...]:
    n, m = (points.shape[-2] if points.dim() > 1 else 1 for points in (X, Y))
    return _empty(X, X.shape[:-2], n, m)


def _points_backward(
    grads: tuple[Tensor], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], needed: Any
) -> list[Tensor | None]:
    X, Y, a, b, metric, p = inputs[:6]
    _, rows, cols, mass, f, g = outputs
    (grad,) = grads
    sources = X, Y, a, b
    in_x = in_y = None
    if needed[0] or needed[1]:
        in_x, in_y = refusing(
            lambda *tensors: plan_in_points(*tensors, metric, p),
            *(grad, X, Y, rows, cols, mass),
            sources=sources,
        )
    return [
        in_x if needed[0] else None,
        in_y if needed[1] else None,
        refusing(centred, grad, f, a, sources=sources) if needed[2] else None,
        refusing(centred, grad, g, b, sources=sources) if needed[3] else None,
    ]


def _plan_in_points(
    grad: Tensor,
    X: Tensor,
    Y: Tensor,
    rows: Tensor,
    cols: Tensor,
    mass: Tensor,
    metric: str,
    p: float,
) -> tuple[Tensor, Tensor]:
    """The gradients of values with these plans, whose costs stay sparse."""
    dtype = data_dtype(X, Y)
    used = mass > 0
    start = torch.arange(len(X) if X.dim() == 3 else 1)[:, None]
    from_x, to_y = (
        (part + start * points.shape[-2]).reshape(mass.shape)[used]
        for part, points in ((rows, X), (cols, Y))
    )
    x, y = (points.reshape(-1, points.shape[-1]).to(dtype) for points in (X, Y))
    weights = (mass * grad[..., None])[used]
    found = plan_gradient(Metric(metric, p), x, y, from_x, to_y, weights)
    return shaped(X, Y, [part for part in found if part is not None])


def shaped(X: Tensor, Y: Tensor, found: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Gradients in points as `like_points` says they are."""
    in_x, in_y = (
        part.reshape(points.shape).to(points.dtype).contiguous()
        for part, points in zip(found, (X, Y), strict=True)
    )
    return in_x, in_y


def data_dtype(*data: Tensor) -> torch.dtype:
    """What the core reads data as."""
    single = all(x.is_floating_point() and x.dtype != torch.float64 for x in data)
    return torch.float32 if single else torch.float64


def like_points(_: Tensor, X: Tensor, Y: Tensor, *__: Any) -> tuple[Tensor, Tensor]:
    """The fake of gradients in points."""
    return X.new_empty(X.shape), Y.new_empty(Y.shape)


plan_in_points = define(
    "plan_in_points(Tensor grad, Tensor X, Tensor Y, Tensor rows, Tensor cols, Tensor mass, "
    "str metric, float p) -> (Tensor in_x, Tensor in_y)",
    _plan_in_points,
    like_points,
    axes=(0, 2, 2, 1, 1, 1, None, None),
)

exact_points = define(
    "exact_points(Tensor X, Tensor Y, Tensor? a, Tensor? b, str metric, float p, int? max_iter, "
    f"int? n_threads) -> {_OUTPUTS}",
    _points,
    _points_fake,
    axes=(2, 2, 1, 1, None, None, None, None),
    shared=(2, 3),
    backward=_points_backward,
)
