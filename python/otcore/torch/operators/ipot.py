"""Proximal point transport as operators: gradients are the envelope's, with the plan it came to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ... import entropic
from ..._core import EntropicSolution
from ..._entropic_answer import core_plan
from ..._options import Entropic, solver_options
from ..._problem import Problem, matrix_problem, points_problem
from ...cost import Metric
from ..entropic import points_gradient
from .exact import centred, like_points, shaped, tensors_of
from .registration import define, refusing

_OPTIONS = "float reg, float? tol, int inner_iter, int? max_iter, int? n_threads"
_NO_TENSORS = (None,) * 5
_OUTPUTS = "(Tensor value, Tensor potential_a, Tensor potential_b, Tensor eps)"


class _Formula(NamedTuple):
    """See `otcore._entropic_answer.PlanFormula`."""

    potential_a: npt.NDArray[np.float64]
    potential_b: npt.NDArray[np.float64]
    eps: npt.NDArray[np.float64]


def _model(reg: float = 0.0, tol: float | None = None, inner_iter: int = 1) -> Entropic:
    return Entropic("ipot", reg, tol=tol, inner_iter=inner_iter)


def _solve(problem: Problem, max_iter: int | None, n_threads: int | None) -> tuple[Tensor, ...]:
    solve = entropic.solve_many if problem.batched else entropic.solve_one
    solution = solve(problem, solver_options(max_iter, n_threads, None, False))._solution
    assert isinstance(solution, EntropicSolution)
    parts = (solution.value, solution.potential_a, solution.potential_b, solution.eps)
    return tensors_of(parts, batched=problem.batched)


def _empty(data: Tensor, n: int, m: int) -> tuple[Tensor, ...]:
    lead = data.shape[:-2]
    shapes = (lead, (*lead, n), (*lead, m), lead)
    return tuple(data.new_empty(shape, dtype=torch.float64) for shape in shapes)


def _formula(problem: Problem, f: Tensor, g: Tensor, eps: Tensor) -> _Formula:
    batch, n, m = problem.size
    f, g, eps = f.reshape(batch, n), g.reshape(batch, m), eps.reshape(batch)
    return _Formula(f.numpy(), g.numpy(), eps.numpy())


# ---------------------------------------------------------------------------------------------
# Costs given as a matrix


def _matrix(
    M: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    reg: float,
    tol: float | None,
    inner_iter: int,
    max_iter: int | None,
    n_threads: int | None,
) -> tuple[Tensor, ...]:
    model = _model(reg, tol, inner_iter)
    problem = matrix_problem(M, a, b, batched=M.dim() == 3, entropic=model)
    return _solve(problem, max_iter, n_threads)


def _matrix_fake(M: Tensor, *_: Any) -> tuple[Tensor, ...]:
    return _empty(M, *(M.shape[-2:] if M.dim() > 1 else (1, 1)))


def _matrix_backward(
    grads: tuple[Tensor], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], needed: Any
) -> list[Tensor | None]:
    M, a, b = sources = inputs[:3]
    _, f, g, eps = outputs
    (grad,) = grads
    arguments = grad, M, a, b, f, g, eps
    return [
        refusing(ipot_in_costs, *arguments) if needed[0] else None,
        refusing(centred, grad, f, a, sources=sources) if needed[1] else None,
        refusing(centred, grad, g, b, sources=sources) if needed[2] else None,
    ]


def _in_costs(
    grad: Tensor,
    M: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    f: Tensor,
    g: Tensor,
    eps: Tensor,
) -> Tensor:
    problem = matrix_problem(M, a, b, batched=M.dim() == 3, entropic=_model())
    formula = _formula(problem, f, g, eps)
    plans = [
        torch.from_numpy(core_plan(problem, formula, i).dense()) for i in range(problem.size[0])
    ]
    plan = torch.stack(plans).reshape(M.shape)
    return (plan * grad[..., None, None]).to(M.dtype)


ipot_costs = define(
    f"ipot_costs(Tensor M, Tensor? a, Tensor? b, {_OPTIONS}) -> {_OUTPUTS}",
    _matrix,
    _matrix_fake,
    axes=(2, 1, 1, *_NO_TENSORS),
    shared=(1, 2),
    backward=_matrix_backward,
)
ipot_in_costs = define(
    "ipot_in_costs(Tensor grad, Tensor M, Tensor? a, Tensor? b, Tensor potential_a, "
    "Tensor potential_b, Tensor eps) -> Tensor",
    _in_costs,
    lambda grad, M, *_: M.new_empty(M.shape),
    axes=(0, 2, 1, 1, 1, 1, 0),
    shared=(2, 3),
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
    reg: float,
    tol: float | None,
    inner_iter: int,
    max_iter: int | None,
    n_threads: int | None,
) -> tuple[Tensor, ...]:
    model = _model(reg, tol, inner_iter)
    return _solve(_points_problem(X, Y, a, b, metric, p, model), max_iter, n_threads)


def _points_problem(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    metric: str,
    p: float,
    model: Entropic,
) -> Problem:
    ground = Metric(metric, p).written
    return points_problem(X, Y, a, b, metric=ground, batched=X.dim() == 3, entropic=model)


def _points_fake(X: Tensor, Y: Tensor, *_: Any) -> tuple[Tensor, ...]:
    return _empty(X, *(points.shape[-2] if points.dim() > 1 else 1 for points in (X, Y)))


def _points_backward(
    grads: tuple[Tensor], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], needed: Any
) -> list[Tensor | None]:
    X, Y, a, b, metric, p = inputs[:6]
    _, f, g, eps = outputs
    (grad,) = grads
    sources = X, Y, a, b
    in_x = in_y = None
    if needed[0] or needed[1]:
        in_x, in_y = refusing(
            lambda *tensors: ipot_in_points(*tensors, metric, p),
            *(grad, X, Y, a, b, f, g, eps),
        )
    return [
        in_x if needed[0] else None,
        in_y if needed[1] else None,
        refusing(centred, grad, f, a, sources=sources) if needed[2] else None,
        refusing(centred, grad, g, b, sources=sources) if needed[3] else None,
    ]


def _in_points(
    grad: Tensor,
    X: Tensor,
    Y: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    f: Tensor,
    g: Tensor,
    eps: Tensor,
    metric: str,
    p: float,
) -> tuple[Tensor, Tensor]:
    problem = _points_problem(X, Y, a, b, metric, p, _model())
    found = points_gradient(problem, _formula(problem, f, g, eps), grad.reshape(-1))
    return shaped(X, Y, found)


ipot_points = define(
    "ipot_points(Tensor X, Tensor Y, Tensor? a, Tensor? b, str metric, float p, "
    f"{_OPTIONS}) -> {_OUTPUTS}",
    _points,
    _points_fake,
    axes=(2, 2, 1, 1, None, None, *_NO_TENSORS),
    shared=(2, 3),
    backward=_points_backward,
)
ipot_in_points = define(
    "ipot_in_points(Tensor grad, Tensor X, Tensor Y, Tensor? a, Tensor? b, Tensor potential_a, "
    "Tensor potential_b, Tensor eps, str metric, float p) -> (Tensor in_x, Tensor in_y)",
    _in_points,
    like_points,
    axes=(0, 2, 2, 1, 1, 1, 1, 0, None, None),
    shared=(3, 4),
)
