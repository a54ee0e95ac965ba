"""BoMb-OT with exact inner and outer problems, against a loop over POT that does the same.

Points are uniform in the unit cube, the ground cost is squared Euclidean. Both sides draw their
batches within the time measured; the answers are compared for one set of batches. Neither forms the
plan between all points: otcore does so when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import numpy.typing as npt
import ot

import otcore

from .contest import Contender, Contest, Rival, Values
from .machine import Work

_POINTS = 2000  # on each side


def contests() -> Iterator[Contest]:
    rng = np.random.default_rng(2)
    for k, m, d, target in ((10, 10, 3, 40), (20, 20, 3, 25), (32, 50, 128, 10), (8, 100, 784, 8)):
        yield _bomb(rng, k, m, d, target)


def _bomb(rng: np.random.Generator, k: int, m: int, d: int, target: float) -> Contest:
    X, Y = rng.random((2, _POINTS, d))
    batches_x, batches_y = draw(rng, k, m), draw(rng, k, m)
    seeds = count()

    def ours(k: int) -> float:
        value: float = otcore.minibatch.bomb_ot(X, Y, k=k, m=m, seed=next(seeds)).value
        return value

    def ours_values() -> Values:
        result = otcore.minibatch.bomb_ot(X, Y, batches=(batches_x, batches_y))
        return np.append(result.costs, result.value)

    def pot(k: int) -> float:
        return pot_bomb(X[draw(rng, k, m)], Y[draw(rng, k, m)])[1]

    def pot_values() -> Values:
        return np.append(*pot_bomb(X[batches_x], Y[batches_y]))

    return Contest(
        f"BoMb-OT, k = {k}, m = {m}, d = {d}",
        Contender("otcore", lambda: ours(k), ours_values, lambda: ours(2)),
        (
            Rival(
                Contender("POT `dist` + `emd2`", lambda: pot(k), pot_values, lambda: pot(2)), target
            ),
        ),
        floor=Work(flops=2.0 * (k * m) ** 2 * d, traffic=2.0 * k * m * d * X.itemsize),
    )


def draw(rng: np.random.Generator, k: int, m: int) -> npt.NDArray[np.int64]:
    """k batches of m of the points, each without replacement: (k, m)."""
    return np.stack([rng.choice(_POINTS, m, replace=False, shuffle=False) for _ in range(k)])


def pot_bomb(x: Values, y: Values) -> tuple[Values, float]:
    """The costs between batches (k, m, d) of points, and BoMb-OT's value."""
    k, m, _ = x.shape
    points = np.full(m, 1 / m)
    costs = np.array([[ot.emd2(points, points, ot.dist(i, j)) for j in y] for i in x])
    batches = np.full(k, 1 / k)
    return costs, float(np.sum(ot.emd(batches, batches, costs) * costs))
