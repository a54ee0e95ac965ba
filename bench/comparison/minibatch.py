"""Mini-batches against loops over POT: BoMb-OT with exact and sliced inner problems, and pyramids.

Points are uniform in the unit cube, the ground cost is squared Euclidean. Both sides draw their
batches within the time measured; the answers are compared for one set of batches. Neither forms the
plan between all points: otcore does so when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
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
    yield _bomb_sliced(rng, k=32, m=100, d=784, slices=100, target=60)
    yield _pyramid(rng, n=20_000, m=100, d=3, target=10)


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


def _bomb_sliced(
    rng: np.random.Generator, k: int, m: int, d: int, slices: int, target: float
) -> Contest:
    """BoMb-SW on given batches and directions, in float32."""
    X, Y = rng.random((2, _POINTS, d)).astype(np.float32)
    directions = rng.normal(size=(d, slices))
    directions = (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)
    sides = draw(rng, k, m), draw(rng, k, m)

    def ours(k: int) -> Values:
        result = otcore.minibatch.bomb_ot(
            X,
            Y,
            batches=(sides[0][:k], sides[1][:k]),
            inner="sliced",
            inner_projections=directions,
        )
        return np.append(result.costs, result.value)

    def pot(k: int) -> Values:
        batches = np.full(k, 1 / k)
        costs = np.array(
            [
                [
                    ot.sliced_wasserstein_distance(X[i], Y[j], projections=directions) ** 2
                    for j in sides[1][:k]
                ]
                for i in sides[0][:k]
            ],
            dtype=np.float64,
        )
        return np.append(costs, np.sum(ot.emd(batches, batches, costs) * costs))

    return Contest(
        f"BoMb-SW, k = {k}, m = {m}, d = {d}, {slices} directions, float32",
        Contender("otcore", lambda: ours(k), lambda: ours(k), lambda: ours(2)),
        (
            Rival(
                Contender(
                    "POT `sliced_wasserstein_distance`",
                    lambda: pot(k),
                    lambda: pot(k),
                    lambda: pot(2),
                ),
                target,
            ),
        ),
        floor=Work(multiply_adds=2.0 * k * m * d * slices, traffic=2.0 * k * m * d * X.itemsize),
        agreement=1e-4,
    )


def _pyramid(rng: np.random.Generator, n: int, m: int, d: int, target: float) -> Contest:
    """The batches of a given tree, solved one after another; draws included on both sides."""
    X, Y = rng.random((2, n, d))
    small = X[: 3 * m], Y[: 3 * m]
    whole = X, Y, otcore.pyramid.PyramidTree(X, Y, seed=0)
    few = *small, otcore.pyramid.PyramidTree(*small, seed=0)

    def ours(x: Values, y: Values, tree: otcore.pyramid.PyramidTree) -> Values:
        return np.atleast_1d(otcore.minibatch.pmb_ot(x, y, m=m, tree=tree, seed=0).value)

    def pot(x: Values, y: Values, tree: otcore.pyramid.PyramidTree) -> Values:
        points = np.full(m, 1 / m)
        batches = tree.batches(m, seed=0)
        costs = [ot.emd2(points, points, ot.dist(x[i], y[j])) for i, j in batches]
        return np.atleast_1d(np.mean(costs))

    def contender(name: str, solve: Callable[..., Values]) -> Contender:
        run = partial(solve, *whole)
        return Contender(name, run, run, partial(solve, *few))

    return Contest(
        f"pyramid, n = {n}, m = {m}, d = {d}",
        contender("otcore", ours),
        (Rival(contender("POT `dist` + `emd2`, on otcore's batches", pot), target),),
        floor=Work(flops=2.0 * n * m * d, traffic=2.0 * n * d * X.itemsize),
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
