"""Solving an entropic problem as an operator; its outputs get their derivatives from others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ... import entropic
from ..._core import EntropicSolution
from ..._options import Entropic, solver_options
from ..._problem import matrix_problem, points_problem
from .registration import define


def _solve(
    first: Tensor,
    second: Tensor | None,
    a: Tensor | None,
    b: Tensor | None,
    method: str,
    metric: str,
    p: float,
    reg: float,
    rho_a: float,
    rho_b: float,
    tol: float | None,
    max_iter: int | None,
    n_threads: int | None,
) -> tuple[Tensor, ...]:
    model = Entropic(method, reg, (rho_a, rho_b), tol)
    batched = first.dim() == 3
    if second is None:
        problem = matrix_problem(first, a, b, batched=batched, entropic=model)
    else:
        ground = (metric, p) if metric == "minkowski" else metric
        problem = points_problem(
            first, second, a, b, metric=ground, batched=batched, entropic=model
        )
    solve = entropic.solve_many if batched else entropic.solve_one
    solution = solve(problem, solver_options(max_iter, n_threads, None, False))._solution
    assert isinstance(solution, EntropicSolution)
    found = (
        solution.potential_a,
        solution.potential_b,
        solution.value,
        solution.value_linear,
        solution.marginal_a,
        solution.marginal_b,
    )
    tensors = (torch.from_numpy(each) for each in found)
    return tuple(each if batched else each[0] for each in tensors)


def _fake(first: Tensor, second: Tensor | None, *_: Any) -> tuple[Tensor, ...]:
    lead = first.shape[:-2]
    n, m = first.shape[-2:] if first.dim() > 1 else (1, 1)
    if second is not None:
        m = second.shape[-2] if second.dim() > 1 else 1
    shapes = (*lead, n), (*lead, m), lead, lead, (*lead, n), (*lead, m)
    return tuple(first.new_empty(shape, dtype=torch.float64) for shape in shapes)


# Second is None for cost matrices, whose metric is "". The outputs are those of `Answers`.
entropic_solve = define(
    "entropic_solve(Tensor first, Tensor? second, Tensor? a, Tensor? b, str method, str metric, "
    "float p, float reg, float rho_a, float rho_b, float? tol, int? max_iter, int? n_threads)"
    " -> (Tensor f, Tensor g, Tensor value, Tensor linear_cost, Tensor marginal_a, "
    "Tensor marginal_b)",
    _solve,
    _fake,
    axes=(2, 2, 1, 1, *[None] * 9),
    shared=(2, 3),
)
