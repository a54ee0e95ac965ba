"""Derivatives of sums over the plan, at potentials that are inputs as others.

Of a loss whose derivative in P_ij is W_ij: P_ij W_ij / eps in f_i and in g_j, W_ij P_ij / a_i in
a_i and b_j alike, and -P_ij W_ij / eps in C_ij, beside what the loss itself has of C. W is formed
for some rows at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .curvature import pair_curvature
from .entropic_plans import Block, DataGradient, Plans, repelled


class Gradients(NamedTuple):
    """Derivatives in what a plan is made of; `second` is empty for cost matrices."""

    first: Tensor
    second: Tensor
    a: Tensor
    b: Tensor
    f: Tensor
    g: Tensor


def pullback(plans: Plans, kind: str, left: Tensor, right: Tensor | None) -> Gradients:
    """The derivatives of a loss of the plan.

    Parameters
    ----------
    plans
        The plans of B problems.
    kind
        What the loss is a function of, and W:

        - "plan": all entries; `left` (B, n, m) is W.
        - "product": P V or P^T V; W = L R^T for `left` (B, n, c) and `right` (B, m, c), V and the
          derivative in the product.
        - "cost": sum_ij P_ij C_ij; W = s C for `left` (B, 1, 1), the derivative s in the cost.
        - "slopes": sum_j P_ij dC_ij / dx_i and sum_i P_ij dC_ij / dy_j; for `left` (B, n, d) and
          `right` (B, m, d), the derivatives in these, W_ij is that of C_ij along them.
    """
    data = DataGradient(plans)
    sums_a, sums_b = torch.zeros_like(plans.a), torch.zeros_like(plans.b)
    left, right = left.double(), None if right is None else right.double()
    for block in plans.blocks():
        b, rows = block.problem, block.rows
        match kind:
            case "plan":
                weights = left[b, rows]
            case "product":
                assert right is not None
                weights = left[b, rows] @ right[b].T
            case "cost":
                weights = left[b] * plans.costs(block)
                data.add(block, left[b] * block.plan)
            case "slopes":
                assert right is not None
                weights = _along(plans, block, left[b, rows], right[b], data)
        moved = weights * block.plan
        by_rows, by_cols = (
            (moved, moved) if plans.no_zeros else (weights * block.by_rows, weights * block.by_cols)
        )
        sums_a[b, rows] = by_rows.sum(1)
        sums_b[b] += by_cols.sum(0)
        data.add(block, moved.mul_(-1.0 / plans.eps))
    return Gradients(
        data.first,
        data.second,
        sums_a / plans.lifted_a,
        sums_b / plans.lifted_b,
        torch.where(plans.full_a, sums_a / plans.eps, 0.0),
        torch.where(plans.full_b, sums_b / plans.eps, 0.0),
    )


def _along(plans: Plans, block: Block, u: Tensor, v: Tensor, data: DataGradient) -> Tensor:
    """The derivative of the costs along u and v; adds that of its sum over the plan to `data`."""
    assert plans.metric is not None
    assert plans.second is not None
    x, y = plans.first[block.problem, block.rows], plans.second[block.problem]
    plan = block.plan
    if plans.metric.name == "sqeuclidean":
        data.add_points(block, 2.0 * repelled(plan, u, v), 2.0 * repelled(plan.T, v, u))
        centre = y.mean(0)
        x, y = x - centre, y - centre
        # 2 <u_i - v_j, x_i - y_j>, as one product of matrices.
        one, other = u.new_ones(len(u), 1), v.new_ones(len(v), 1)
        left = torch.cat([u, x, (u * x).sum(1, keepdim=True), one], 1)
        right = torch.cat([-y, -v, other, (v * y).sum(1, keepdim=True)], 1)
        return 2.0 * left @ right.T
    along, in_x, in_y = pair_curvature(plans.metric, x[:, None], y[None], u[:, None], v[None])
    data.add_points(
        block,
        torch.einsum("ij,ijd->id", plan, in_x),
        torch.einsum("ij,ijd->jd", plan, in_y),
    )
    return along
