"""Exact problems: many small ones in one call, against loops over POT and SciPy; large ones.

Small problems' points are uniform in the unit cube of 16 dimensions, the ground cost is squared
Euclidean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import ot
from scipy.optimize import linear_sum_assignment

import otcore

from . import exact_large
from .contest import Contender, Contest, Rival, Values
from .machine import Work

_DIMENSION = 16


def contests() -> Iterator[Contest]:
    rng = np.random.default_rng(1)
    yield _from_points(rng, count=1000, n=10, target=40)
    for count, n, pot, scipy in ((1000, 50, 15, 4), (200, 100, 10, 4), (200, 128, 10, 4)):
        yield _from_costs(rng, count, n, target_pot=pot, target_scipy=scipy)
    yield _general_weights(rng, count=1000, n=50, m=40, target=10)
    yield from exact_large.contests()


def _from_points(rng: np.random.Generator, count: int, n: int, target: float) -> Contest:
    X, Y = rng.random((2, count, n, _DIMENSION))
    uniform = np.full(n, 1 / n)

    def loop(X: Values, Y: Values) -> list[Values]:
        return [ot.emd(uniform, uniform, ot.dist(x, y)) for x, y in zip(X, Y, strict=True)]

    def loop_values(plans: list[Values]) -> Values:
        pairs = zip(X, Y, plans, strict=True)
        return np.array([np.sum(plan * ot.dist(x, y)) for x, y, plan in pairs])

    return Contest(
        f"{count} problems {n} x {n} from points",
        _contender("otcore", otcore.solve_sample_batch, _batch_values, X, Y),
        (Rival(_contender("POT `dist` + `emd`", loop, loop_values, X, Y), target),),
        floor=Work(flops=2.0 * count * n * n * _DIMENSION, traffic=X.nbytes + Y.nbytes),
    )


def _from_costs(
    rng: np.random.Generator, count: int, n: int, target_pot: float, target_scipy: float
) -> Contest:
    M = _costs(rng, count, n, n)
    uniform = np.full(n, 1 / n)

    def pot_loop(M: Values) -> list[float]:
        return [ot.emd2(uniform, uniform, cost) for cost in M]

    def scipy_loop(M: Values) -> list[float]:
        return [cost[linear_sum_assignment(cost)].sum() / n for cost in M]

    return Contest(
        f"{count} problems {n} x {n}, costs given",
        _contender("otcore", otcore.solve_batch, _batch_values, M),
        (
            Rival(_contender("POT `emd2`", pot_loop, np.asarray, M), target_pot),
            Rival(
                _contender("SciPy `linear_sum_assignment`", scipy_loop, np.asarray, M), target_scipy
            ),
        ),
        floor=Work(traffic=M.nbytes),
    )


def _general_weights(
    rng: np.random.Generator, count: int, n: int, m: int, target: float
) -> Contest:
    M = _costs(rng, count, n, m)
    a, b = rng.dirichlet(np.ones(n), count), rng.dirichlet(np.ones(m), count)

    def loop(M: Values, a: Values, b: Values) -> list[float]:
        return [ot.emd2(*weights, cost) for *weights, cost in zip(a, b, M, strict=True)]

    return Contest(
        f"{count} problems {n} x {m}, costs and weights given",
        _contender("otcore", otcore.solve_batch, _batch_values, M, a, b),
        (Rival(_contender("POT `emd2`", loop, np.asarray, M, a, b), target),),
        floor=Work(traffic=M.nbytes + a.nbytes + b.nbytes),
    )


def _costs(rng: np.random.Generator, count: int, n: int, m: int) -> Values:
    sides = rng.random((count, n, _DIMENSION)), rng.random((count, m, _DIMENSION))
    return np.stack([ot.dist(x, y) for x, y in zip(*sides, strict=True)])


def _contender(
    name: str, solve: Callable[..., Any], values: Callable[[Any], Values], *inputs: Values
) -> Contender:
    """`solve` takes arrays with one entry for each problem; `values` reads its result."""
    return Contender(
        name,
        run=partial(solve, *inputs),
        answers=lambda: values(solve(*inputs)),
        small=partial(solve, *(each[:2] for each in inputs)),
    )


def _batch_values(result: otcore.BatchResult) -> Values:
    values: Values = result.value
    return values
