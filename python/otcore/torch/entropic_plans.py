"""Plans of given potentials, as the derivatives of entropic transport use them.

P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps), in float64 whatever the data's dtype. Derivatives also
need what points without mass would exchange with those that have some: `Plans.by_rows` has a_i = 1
in place of 0, `Plans.by_cols` b_j = 1. Both are P where all weights are positive. What two points
without mass would exchange is taken as 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .. import _core
from ..cost import Metric
from .functions import PAIRS_AT_ONCE, pair_gradients

# Entries of plans that are kept; what is larger is formed again at every product.
_KEPT = 1 << 22


class Solved(NamedTuple):
    """B solved problems: costs (B, n, m) and None, or points (B, n, d) and (B, m, d); float64
    weights and potentials (B, n) and (B, m), the b of balanced problems of the mass of a."""

    first: Tensor
    second: Tensor | None
    a: Tensor
    b: Tensor
    f: Tensor
    g: Tensor

    def groups(self) -> Iterator[Solved]:
        """So many problems at a time that their plans can be kept, or one."""
        count, n = self.a.shape
        step = max(1, _KEPT // (n * self.b.shape[1]))
        for start in range(0, count, step):
            part = slice(start, start + step)
            first, second, *rest = (None if each is None else each[part] for each in self)
            assert first is not None
            yield Solved(first, second, *rest)  # type: ignore[arg-type]


class Products(Protocol):
    """Products of a plan with vectors, one for each problem."""

    def times(self, values: Tensor) -> Tensor:
        """Of (B, m), as (B, n)."""

    def times_t(self, values: Tensor) -> Tensor:
        """The transpose, of (B, n), as (B, m)."""


class Block(NamedTuple):
    """Some rows of the plan of a problem, and of the same plan with lifted weights."""

    problem: int
    rows: slice
    plan: Tensor
    by_rows: Tensor
    by_cols: Tensor


class Plans:
    """The plans of a few problems."""

    def __init__(self, solved: Solved, metric: Metric | None, eps: float) -> None:
        self.metric, self.eps = metric, eps
        self.first = solved.first.double()
        self.second = None if solved.second is None else solved.second.double()
        self.a, self.b, self.f, self.g = solved[2:]
        self.full_a, self.full_b = self.a > 0, self.b > 0
        self.lifted_a = torch.where(self.full_a, self.a, 1.0)
        self.lifted_b = torch.where(self.full_b, self.b, 1.0)
        self.size = len(self.a), self.a.shape[1], self.b.shape[1]
        self.no_zeros = bool(self.full_a.all()) and bool(self.full_b.all())

    @cached_property
    def by_rows(self) -> Products:
        return self._products(self.lifted_a, self.b)

    @cached_property
    def by_cols(self) -> Products:
        return self.by_rows if self.no_zeros else self._products(self.a, self.lifted_b)

    def blocks(self) -> Iterator[Block]:
        """All rows of all problems."""
        count, n, m = self.size
        wide = self.metric is not None and self.metric.name != "sqeuclidean"  # (r, m, d) is formed
        step = max(1, (PAIRS_AT_ONCE if wide else 4 * PAIRS_AT_ONCE) // m)
        for b in range(count):
            for start in range(0, n, step):
                rows = slice(start, start + step)
                plan = by_rows = by_cols = self._dense(b, self.lifted_a, self.b, rows)
                if not self.no_zeros:
                    plan = torch.where(self.full_a[b, rows, None], by_rows, 0.0)
                    by_cols = self._dense(b, self.a, self.lifted_b, rows)
                yield Block(b, rows, plan, by_rows, by_cols)

    def costs(self, block: Block) -> Tensor:
        """The ground costs of a block."""
        rows = self.first[block.problem, block.rows]
        if self.metric is None:
            return rows
        assert self.second is not None
        x, y = rows.numpy(), self.second[block.problem].numpy()
        return torch.from_numpy(_core.cost_matrix(x, y, *self.metric, n_threads()))

    def _products(self, a: Tensor, b: Tensor) -> Products:
        count, n, m = self.size
        if count * n * m > _KEPT:
            return _Formed(self._core(0, a, b))
        return _Kept(torch.stack([self._dense(problem, a, b) for problem in range(count)]))

    def _dense(self, problem: int, a: Tensor, b: Tensor, rows: slice = slice(None)) -> Tensor:
        return torch.from_numpy(self._core(problem, a, b, rows).dense())

    def _core(
        self, problem: int, a: Tensor, b: Tensor, rows: slice = slice(None)
    ) -> _core.EntropicPlan:
        solved = Solved(self.first, self.second, a, b, self.f, self.g)
        return core_plan(solved, problem, self.metric, self.eps, rows)


class _Kept:
    def __init__(self, plans: Tensor) -> None:
        self._plans = plans

    def times(self, values: Tensor) -> Tensor:
        return torch.matmul(self._plans, values[..., None])[..., 0]

    def times_t(self, values: Tensor) -> Tensor:
        return torch.matmul(values[:, None], self._plans)[:, 0]


class _Formed:
    def __init__(self, plan: _core.EntropicPlan) -> None:
        self._plan = plan

    def times(self, values: Tensor) -> Tensor:
        return torch.from_numpy(self._plan.apply(values.reshape(-1, 1).numpy())).reshape(1, -1)

    def times_t(self, values: Tensor) -> Tensor:
        return torch.from_numpy(self._plan.apply_t(values.reshape(-1, 1).numpy())).reshape(1, -1)


class DataGradient:
    """sum_ij T_ij dC_ij / d(data) for weights T that come in blocks, in the data's shapes."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        first, second = plans.first, plans.second
        self.first = first.new_zeros(first.shape)
        self.second = first.new_zeros((len(first), 0) if second is None else second.shape)

    def add(self, block: Block, weights: Tensor) -> None:
        plans, b = self._plans, block.problem
        if plans.metric is None:
            self.first[b, block.rows] += weights
            return
        assert plans.second is not None
        x, y = plans.first[b, block.rows], plans.second[b]
        self.add_points(block, *pulled(plans.metric, weights, x, y))

    def add_points(self, block: Block, in_x: Tensor, in_y: Tensor) -> None:
        """What a block gives for its rows of X, and for all of Y."""
        self.first[block.problem, block.rows] += in_x
        self.second[block.problem] += in_y


def pulled(metric: Metric, weights: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients in x (r, d) and y (m, d) of sum_ij weights_ij c(x_i, y_j)."""
    if metric.name == "sqeuclidean":
        centre = y.mean(0)  # so that nothing is lost far from the origin
        x, y = x - centre, y - centre
        return 2.0 * repelled(weights, x, y), 2.0 * repelled(weights.T, y, x)
    in_x, in_y = pair_gradients(metric, x[:, None], y[None])
    return torch.einsum("ij,ijd->id", weights, in_x), torch.einsum("ij,ijd->jd", weights, in_y)


def repelled(weights: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """sum_j weights_ij (u_i - v_j)."""
    sums = weights @ torch.cat([v, v.new_ones(len(v), 1)], 1)
    return sums[:, -1:] * u - sums[:, :-1]


def core_plan(
    solved: Solved,
    problem: int,
    metric: Metric | None,
    eps: float,
    rows: slice = slice(None),
) -> _core.EntropicPlan:
    """The core's plan of a problem, or some rows of it, in the dtype of the data."""
    first, a, b, f, g = (
        each[problem].contiguous().numpy()
        for each in (solved.first, solved.a, solved.b, solved.f, solved.g)
    )
    arrays = a[rows], b, f[rows], g
    if metric is None:
        return _core.entropic_plan(first[rows], *arrays, eps=eps, n_threads=n_threads())
    assert solved.second is not None
    second = solved.second[problem].contiguous().numpy()
    return _core.entropic_plan_points(
        first[rows], second, *arrays, *metric, eps=eps, n_threads=n_threads()
    )


def n_threads() -> int:
    """How many threads of the core torch's own setting allows."""
    return min(torch.get_num_threads(), _core.num_threads())
