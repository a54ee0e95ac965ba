"""Solving an entropic problem as an operator, whose outputs get their derivatives from others; and
the weights that it solves for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ... import entropic
from ..._core import EntropicSolution
from ..._options import Entropic, solver_options
from ..._problem import matrix_problem, points_problem
from .entropic_derivatives import empty
from .registration import define, per_source


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


def _weights(
    f: Tensor, g: Tensor, a: Tensor | None, b: Tensor | None, single: bool, balanced: bool
) -> tuple[Tensor, Tensor]:
    """Those that plans are made of: rounded as the data, b normalised if balanced."""
    sides = []
    for given, potential in ((a, f), (b, g)):
        if given is None:
            sides.append(torch.full_like(potential, 1.0 / potential.shape[1]))
        else:
            rounded = given.to(torch.float32 if single else torch.float64)
            sides.append(rounded.double().expand(potential.shape))
    if balanced:
        mass_a, mass_b = (side.sum(-1, keepdim=True) for side in sides)
        sides[1] = sides[1] * (mass_a / mass_b)
    return sides[0].contiguous().clone(), sides[1].contiguous().clone()


def _weights_backward(
    grads: tuple[Any, ...], inputs: tuple[Any, ...], outputs: Any, needed: tuple[bool, ...]
) -> list[Tensor | None]:
    """Balanced weights can only change with their masses fixed: what changes them is taken out."""
    balanced = inputs[5]
    found: list[Tensor | None] = [None] * 4
    for place, grad in ((2, grads[0]), (3, grads[1])):
        if needed[place] and grad is not None:
            centre = grad.mean(-1, keepdim=True) if balanced else 0.0
            found[place] = per_source(grad - centre, inputs[place])
    return found


# Of the weights that were given, for potentials (B, n) and (B, m).
entropic_weights = define(
    "entropic_weights(Tensor f, Tensor g, Tensor? a, Tensor? b, bool single, bool balanced)"
    " -> (Tensor a, Tensor b)",
    _weights,
    lambda f, g, *_: (empty(f), empty(g)),
    axes=(1, 1, 1, 1, None, None),
    shared=(2, 3),
    backward=_weights_backward,
    differentiable=2,
)
