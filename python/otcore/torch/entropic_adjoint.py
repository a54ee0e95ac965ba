"""Implicit differentiation of entropic potentials.

With u = f / eps, v = g / eps and k = eps / rho (0 where a marginal is a constraint), potentials
solve

    log sum_j b_j exp(u_i + v_j - C_ij / eps) + k_a u_i = 0
    log sum_i a_i exp(u_i + v_j - C_ij / eps) + k_b v_j = 0,

also where weights are 0. Let p = P 1 and q = P^T 1. Of a loss with the derivatives r in u and s in
v, the adjoint of these equations is the symmetric system

    (1 + k_a) p_i x_i + (P y)_i    = r_i
    (P^T x)_j + (1 + k_b) q_j y_j  = s_j,

and its derivatives are P_ij (x_i + y_j) / eps in C_ij, -(P y)_i / a_i in a_i, -(P^T x)_j / b_j in
b_j. It is solved by conjugate gradients on products with the plan, once for all inputs. p and q are
those of the plan at hand: the potentials are exactly optimal for them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import ConvergenceWarning
from .entropic_plans import DataGradient, Plans

# Conjugate gradients stop at this residual, relative to the first, or after so many steps for each
# column, or so many.
_RESIDUAL = 1e-13
_STEPS_PER_COLUMN = 4
_STEPS = 5000

# What is warned of: a residual above this, or an eigenvalue below. The largest is 1, and rounding
# is amplified by the smallest: derivatives may then be wrong in their sixth digit.
_POOR_RESIDUAL = 1e-8
_POOR_EIGENVALUE = 1e-10


def adjoint(
    plans: Plans, grad_f: Tensor, grad_g: Tensor, rho: tuple[float, float]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The derivatives in the data and the weights of a loss of the potentials.

    Parameters
    ----------
    plans
        Those of the potentials.
    grad_f : Tensor, shape (B, n)
        The loss's derivative in f.
    grad_g : Tensor, shape (B, m)
        Its derivative in g, whose gauge is sum_j b_j g_j = 0 in balanced problems.
    rho
        What free marginals cost; infinite: they are constraints.

    Returns
    -------
    first, second, a, b : Tensor
        Of the shapes of the data (second is empty for costs) and the weights, float64.
    """
    balanced = math.isinf(rho[0]) and math.isinf(rho[1])
    gauge: Tensor | float = 0.0
    if balanced:
        # (f, g) of another gauge become (f + c, g - c) with c = sum_j b_j g_j / sum(b).
        turned = (grad_f.sum(-1) - grad_g.sum(-1))[:, None] / plans.b.sum(-1, keepdim=True)
        grad_g = grad_g + turned * plans.b
        gauge = turned * plans.g
    damping = 1.0 + plans.eps / rho[0], 1.0 + plans.eps / rho[1]
    x, y = _solve(plans, plans.eps * grad_f, plans.eps * grad_g, damping, balanced)
    data = DataGradient(plans)
    for block in plans.blocks():
        own = x[block.problem, block.rows, None]
        weights = block.by_rows * own + block.by_cols * y[block.problem]
        data.add(block, weights / plans.eps)
    in_a, in_b = plans.by_cols.times(y), plans.by_rows.times_t(x)
    if not plans.no_zeros:
        in_a = torch.where(plans.full_a, in_a, plans.by_rows.times(y))
        in_b = torch.where(plans.full_b, in_b, plans.by_cols.times_t(x))
    return data.first, data.second, -in_a / plans.lifted_a, gauge - in_b / plans.lifted_b


def _solve(
    plans: Plans, r: Tensor, s: Tensor, damping: tuple[float, float], balanced: bool
) -> tuple[Tensor, Tensor]:
    """(x, y): by the system of y alone, as x follows from it.

    Points without mass are no part of it. Theirs follow from r and s at once, per unit of the mass
    that they are lifted to.
    """
    full_a, full_b = plans.full_a, plans.full_b
    diagonal_a = damping[0] * plans.by_rows.times(torch.ones_like(s))
    diagonal_b = damping[1] * plans.by_cols.times_t(torch.ones_like(r))
    empty_x, empty_y = r / diagonal_a, s / diagonal_b
    if not plans.no_zeros:
        empty_x, empty_y = empty_x.masked_fill(full_a, 0.0), empty_y.masked_fill(full_b, 0.0)
        r = (r - plans.by_cols.times(empty_y)).masked_fill(~full_a, 0.0)
        s = (s - plans.by_rows.times_t(empty_x)).masked_fill(~full_b, 0.0)

    def rows_of(y: Tensor) -> Tensor:
        return torch.where(full_a, plans.by_rows.times(y) / diagonal_a, 0.0)

    def columns_of(x: Tensor) -> Tensor:
        return torch.where(full_b, plans.by_cols.times_t(x), 0.0)

    def operator(y: Tensor) -> Tensor:
        return diagonal_b * y - columns_of(rows_of(y))

    # In balanced problems a constant is free.
    free = torch.where(full_b, diagonal_b, 0.0) if balanced else None
    y = _conjugate_gradients(operator, s - columns_of(r / diagonal_a), diagonal_b, free)
    x = r / diagonal_a - rows_of(y)
    return torch.where(full_a, x, empty_x), torch.where(full_b, y, empty_y)


def _conjugate_gradients(
    operator: Callable[[Tensor], Tensor], right: Tensor, diagonal: Tensor, free: Tensor | None
) -> Tensor:
    """The solutions (B, m) of B systems, in the inner product of the diagonal.

    Where the operator maps ones to 0, `free` is their image under the diagonal: what rounding
    leaves in a right side of it is taken out. Warns where a solution cannot be trusted.
    """

    def consistent(residual: Tensor) -> Tensor:
        if free is None:
            return residual
        share = residual.sum(-1, keepdim=True) / free.sum(-1, keepdim=True)
        return residual - share * free

    solution = torch.zeros_like(right)
    residual = right = consistent(right)
    direction = preconditioned = right / diagonal
    square = first = _dot(residual, preconditioned)
    smallest = torch.ones_like(first)
    for _ in range(min(_STEPS_PER_COLUMN * right.shape[1] + 1, _STEPS)):
        image = operator(direction)
        curvature = _dot(direction, image)
        active = (square > _RESIDUAL**2 * first) & (curvature > 0)
        if not active.any():
            break
        quotient = curvature / _dot(direction, diagonal * direction)
        smallest = torch.where(active, smallest.minimum(quotient), smallest)
        step = torch.where(active, square / curvature, 0.0)
        solution = solution + step * direction
        residual = consistent(residual - step * image)
        preconditioned = residual / diagonal
        square, previous = _dot(residual, preconditioned), square
        direction = preconditioned + torch.where(active, square / previous, 0.0) * direction
    remaining = right - operator(solution)
    error = (_dot(remaining, remaining / diagonal) / first.clamp_min(1e-300)).sqrt()
    if bool((error > _POOR_RESIDUAL).any()) or bool((smallest < _POOR_EIGENVALUE).any()):
        warnings.warn(
            "derivative of an entropic plan: the plan hangs together by so little mass that its "
            f"system has an eigenvalue of {float(smallest.min()):.2g} beside 1 and is solved to a "
            f"relative residual of {float(error.max()):.2g}: expect few correct digits, or take a "
            "larger reg",
            ConvergenceWarning,
            stacklevel=2,
        )
    return torch.where(first.isfinite(), solution, torch.nan)


def _dot(left: Tensor, right: Tensor) -> Tensor:
    return (left * right).sum(-1, keepdim=True)
