"""The gradient of a transport cost in the points, the plan being fixed."""

from __future__ import annotations

import torch
from torch import Tensor

from ..cost import Metric
from .entropic_plans import Solved, core_plan, pulled
from .functions import PAIRS_AT_ONCE


def slopes(solved: Solved, problem: int, metric: Metric, eps: float) -> tuple[Tensor, Tensor]:
    """sum_j P_ij dc(x_i, y_j) / dx_i (n, d) and sum_i P_ij dc(x_i, y_j) / dy_j (m, d), float64."""
    by = _square_slopes if metric.name == "sqeuclidean" else _slopes_by_blocks
    return by(solved, problem, metric, eps)


def _square_slopes(
    solved: Solved, problem: int, metric: Metric, eps: float
) -> tuple[Tensor, Tensor]:
    """2 (r x - P y) and 2 (c y - P^T x) for the plan's row sums r and column sums c.

    The sums come from the same pass as the products, with the points centred, so that nothing is
    lost far from the origin.
    """
    assert solved.second is not None
    x, y = solved.first[problem].double(), solved.second[problem].double()
    x, y = x - y.mean(0), y - y.mean(0)
    plan = core_plan(solved, problem, metric, eps)
    slopes = []
    for mine, theirs, product in ((x, y, plan.apply), (y, x, plan.apply_t)):
        values = torch.cat([theirs, theirs.new_ones(len(theirs), 1)], 1)
        image = torch.from_numpy(product(values.numpy()))
        slopes.append(2.0 * (image[:, -1:] * mine - image[:, :-1]))
    return slopes[0], slopes[1]


def _slopes_by_blocks(
    solved: Solved, problem: int, metric: Metric, eps: float
) -> tuple[Tensor, Tensor]:
    assert solved.second is not None
    x, y = solved.first[problem], solved.second[problem]
    in_x, in_y = (torch.zeros_like(points, dtype=torch.float64) for points in (x, y))
    step = max(1, PAIRS_AT_ONCE // len(y))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        plan = torch.from_numpy(core_plan(solved, problem, metric, eps, rows).dense())
        part_x, part_y = pulled(metric, plan, x[rows], y)
        in_x[rows] = part_x
        in_y += part_y
    return in_x, in_y
