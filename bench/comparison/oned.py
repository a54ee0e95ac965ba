"""Transport on the line: many rows in one call, and one long row, against POT and SciPy.

Points are normal, the second sides shifted; POT's vectorised function takes them by columns, in
memory of that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import ot
from scipy.stats import wasserstein_distance

import otcore

from .contest import Contender, Contest, Rival, Values
from .machine import Work


def contests() -> Iterator[Contest]:
    rng = np.random.default_rng(3)
    yield _uniform(rng, count=1000, n=1000, p=2)
    yield _uniform(rng, count=10000, n=50, p=1)
    yield _uniform(rng, count=1, n=1_000_000, p=1)
    yield _weighted(rng, count=1000, n=1000, m=800, p=2)
    yield _plans(rng, count=100, n=1000, m=800)


def _uniform(rng: np.random.Generator, count: int, n: int, p: int) -> Contest:
    x, y = _points(rng, count, n), _points(rng, count, n) + 0.5
    rivals = [_pot_columns(x, y, p=p), _pot_loop(x, y, p=p)]
    if p == 1:
        rivals.append(_loop("SciPy `wasserstein_distance`", wasserstein_distance, x, y))
    return Contest(
        f"{count} x {n} points, p = {p}",
        _ours(x, y, p=p),
        tuple(Rival(peer, 10) for peer in rivals),
        floor=Work(flops=2.0 * count * n, traffic=x.nbytes + y.nbytes),
    )


def _weighted(rng: np.random.Generator, count: int, n: int, m: int, p: int) -> Contest:
    x, y = _points(rng, count, n), _points(rng, count, m) + 0.5
    a, b = rng.dirichlet(np.ones(n), count), rng.dirichlet(np.ones(m), count)
    return Contest(
        f"{count} x {n} points to {m}, weights, p = {p}",
        _ours(x, y, a, b, p=p),
        (
            Rival(_pot_columns(x, y, a, b, p=p), 10),
            Rival(_pot_loop(x, y, a, b, p=p), 5),
        ),
        floor=Work(flops=4.0 * count * (n + m), traffic=x.nbytes + y.nbytes + a.nbytes + b.nbytes),
    )


def _plans(rng: np.random.Generator, count: int, n: int, m: int) -> Contest:
    """Plans, with potentials and gap on our side."""
    x, y = _points(rng, count, n), _points(rng, count, m) + 0.5
    a, b = rng.dirichlet(np.ones(n), count), rng.dirichlet(np.ones(m), count)

    def ours(*rows: Values) -> otcore.BatchResult:
        return otcore.oned.solve_batch(*rows)

    def pot(*rows: Values) -> list[Any]:
        return [ot.emd_1d(*row, dense=False, log=True) for row in zip(*rows, strict=True)]

    rows = (x, y, a, b)
    return Contest(
        f"{count} sparse plans of {n} x {m}, weights, p = 2",
        _contender("otcore, with certificate", ours, lambda result: result.value, *rows),
        (
            Rival(
                _contender(
                    "POT `emd_1d`", pot, lambda plans: [log["cost"] for _, log in plans], *rows
                ),
                3,
            ),
        ),
        floor=Work(flops=4.0 * count * (n + m), traffic=sum(array.nbytes for array in rows)),
    )


def _points(rng: np.random.Generator, count: int, n: int) -> Values:
    points: Values = rng.normal(size=(count, n))
    return points


def _ours(*rows: Values, p: int) -> Contender:
    return _contender("otcore", partial(otcore.oned.wasserstein, p=p), np.asarray, *rows)


def _pot_columns(*rows: Values, p: int) -> Contender:
    columns = [np.ascontiguousarray(array.T) for array in rows]
    run = partial(ot.wasserstein_1d, p=p)
    return Contender(
        "POT `wasserstein_1d`",
        run=partial(run, *columns),
        answers=lambda: np.asarray(run(*columns)),
        small=partial(run, *(array[:, :2] for array in columns)),
    )


def _pot_loop(*rows: Values, p: int) -> Contender:
    return _loop("POT `emd2_1d`", partial(ot.emd2_1d, metric="minkowski", p=p), *rows)


def _loop(name: str, solve: Callable[..., Any], *rows: Values) -> Contender:
    def loop(*arrays: Values) -> list[float]:
        return [solve(*row) for row in zip(*arrays, strict=True)]

    return _contender(name, loop, np.asarray, *rows)


def _contender(
    name: str, solve: Callable[..., Any], values: Callable[[Any], Any], *rows: Values
) -> Contender:
    """`solve` takes arrays with one row for each problem; `values` reads its result."""
    return Contender(
        name,
        run=partial(solve, *rows),
        answers=lambda: np.asarray(values(solve(*rows))),
        small=partial(solve, *(array[:2, :1000] for array in rows)),
    )
