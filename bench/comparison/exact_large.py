"""One large exact problem: points, ties, sparse costs, images; against POT's network simplex.

POT gets the iterations that it needs: its default limit ends large problems before the optimum.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import ot
from scipy.sparse import coo_array

import otcore

from .archives import archive
from .contest import Contender, Contest, Rival, Values
from .machine import Work

_ITERATIONS = 10**9
_PAIRS = ((0, 1), (2, 5), (7, 9))  # of DOTmark's ten images

# One problem: costs, masses of the rows and of the columns.
Problem = tuple[Values | coo_array, Values, Values]


def contests() -> Iterator[Contest]:
    rng = np.random.default_rng(2)
    for n, d, weights, target in (
        (1000, 2, False, 8),
        (1000, 16, False, 8),
        (1000, 2, True, 8),
        (1000, 16, True, 8),
    ):
        yield _points(rng, n, n, d, weights, target)
    yield _points(rng, 5000, 5000, 2, False, 15, rounds=3)
    yield _points(rng, 5000, 5000, 16, False, 15, rounds=3)
    yield _points(rng, 5000, 4000, 2, True, 15, rounds=3)
    yield _points(rng, 10000, 10000, 2, False, 25, rounds=1)
    yield _points(rng, 10000, 10000, 16, False, 25, rounds=1)
    ties = rng.integers(0, 11, (2000, 2000)).astype(np.float64)
    yield _contest("2000 x 2000, integer costs 0 to 10", [(ties, *_uniform(2000, 2000))], 5)
    yield _sparse(rng, 5000, neighbours=20)
    yield from _images()


def _points(
    rng: np.random.Generator,
    n: int,
    m: int,
    d: int,
    weights: bool,
    target: float,
    rounds: int | None = None,
) -> Contest:
    """Normal points, squared Euclidean costs."""
    M = ot.dist(rng.standard_normal((n, d)), rng.standard_normal((m, d)))
    a, b = (rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))) if weights else _uniform(n, m)
    name = f"{n} x {m}, d = {d}, {'random weights' if weights else 'uniform'}"
    return _contest(name, [(M, a, b)], target, rounds)


def _bytes(M: Values | coo_array) -> int:
    arrays = (M.data, *M.coords) if isinstance(M, coo_array) else (M,)
    return sum(array.nbytes for array in arrays)


def _sparse(rng: np.random.Generator, n: int, neighbours: int) -> Contest:
    """Costs of some pairs: each column's nearest rows, and pairs (i, i) so that a plan exists."""
    full = ot.dist(rng.standard_normal((n, 2)), rng.standard_normal((n, 2)))
    nearest = np.argpartition(full, neighbours, axis=0)[:neighbours]
    chosen = np.eye(n, dtype=bool)
    np.put_along_axis(chosen, nearest, True, axis=0)
    M = coo_array(np.where(chosen, full, 0.0))
    name = f"{n} x {n} sparse, {M.nnz} pairs, uniform"
    return _contest(name, [(M, *_uniform(n, n))], 2)


def _uniform(n: int, m: int) -> tuple[Values, Values]:
    return np.full(n, 1 / n), np.full(m, 1 / m)


def _images() -> Iterator[Contest]:
    """DOTmark's classic images, where the benchmark data are at hand."""
    path = archive("dotmark")
    if path is None:
        return
    for side in (32, 64):
        with np.load(path) as arrays:
            images = arrays[f"ClassicImages_{side}"].astype(np.float64)
        grid = np.stack(np.meshgrid(*[np.arange(side)] * 2, indexing="ij"), -1).reshape(-1, 2)
        M = ot.dist(grid.astype(np.float64), grid.astype(np.float64))
        masses = [image.ravel() / image.sum() for image in images]
        problems = [(M, masses[i], masses[j]) for i, j in _PAIRS]
        name = f"DOTmark ClassicImages {side}, {len(_PAIRS)} pairs"
        yield _contest(name, problems, 10, rounds=None if side == 32 else 1)


def _contest(
    work: str, problems: list[Problem], target: float, rounds: int | None = None
) -> Contest:
    def ours(problems: list[Problem]) -> list[float]:
        return [otcore.solve(M, a, b).value for M, a, b in problems]

    def pot(problems: list[Problem]) -> list[float]:
        return [ot.emd2(a, b, M, numItermax=_ITERATIONS) for M, a, b in problems]

    M = problems[0][0]
    corner = M.tocsr()[:600, :600].tocoo() if isinstance(M, coo_array) else M[:600, :600]
    small = [(corner, *_uniform(*corner.shape))]

    def contender(name: str, solve: partial[list[float]]) -> Contender:
        run = partial(solve, problems)
        return Contender(name, run, lambda: np.asarray(run()), partial(solve, small))

    return Contest(
        work,
        contender("otcore", partial(ours)),
        (Rival(contender("POT `emd2`", partial(pot)), target),),
        floor=Work(traffic=sum(_bytes(M) for M, _, _ in problems)),
        rounds=rounds,
    )
