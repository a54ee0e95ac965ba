"""Exact transport between large point clouds, from the points; with ten thousand, all is done once.

Every answer of otcore is checked by `optimality`, over all pairs; what that finds goes to the
terminal. Targets are for two threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from .archives import archive
from .contest import Contest, Rival, Trial, Values
from .machine import Work
from .scale_contenders import Clouds, Images, dense, lazy, ours, sparse

_MEMORY = 200e6  # bytes beside the input, for 10000 points of few dimensions
_POT_PAIRS = ((0, 1), (2, 5), (7, 9))  # of DOTmark's images: POT takes minutes for all 45


def contests() -> Iterator[Contest | Trial]:
    rng = np.random.default_rng(8)
    for d, target in ((2, 20), (16, 30)):
        yield _against_pot(f"5000 x 5000, d = {d}", [_normal(rng, 5000, 5000, d)], target)
    for d, target in ((2, 30), (16, 50)):
        clouds, fewer = _normal(rng, 10000, 10000, d), _normal(rng, 10000, 7000, d)
        for work, problem, modes in (
            (f"10000 x 10000, d = {d}", clouds, True),
            (f"10000 x 10000, d = {d}, random weights", _weighted(rng, clouds), False),
            (f"10000 x 7000, d = {d}", fewer, False),
        ):
            yield _against_pot(work, [problem], target, modes=modes, memory=_MEMORY)
    yield _against_pot("10000 x 10000, mixtures of Gaussians, d = 100", [_mixtures(rng)], 20)
    yield _against_pot("10000 x 10000, a ring and a bar apart, d = 2", [_ring_and_bar(rng)], 20)
    yield from _digits()
    yield from _images()
    for d in (3, 16):
        yield _warm_start(rng, _normal(rng, 10000, 10000, d))
    for d in (3, 16):
        clouds = _normal(rng, 100_000, 100_000, d)
        yield Trial(f"100000 x 100000, d = {d}", [ours([clouds])], seconds=60, memory=2e9)


def _against_pot(
    work: str,
    problems: Sequence[Clouds],
    target: float,
    *,
    modes: bool = False,
    memory: float | None = None,
) -> Contest:
    """Beside POT's dense solver, and with `modes` its others.

    Its sparse mode has an easier problem, that of few pairs, and is only not to be faster.
    """
    rivals = [Rival(dense(problems), target)]
    if modes:
        rivals += [Rival(lazy(problems), target), Rival(sparse(problems), 1)]
    return Contest(
        work,
        ours(problems),
        tuple(rivals),
        floor=_all_pairs(problems),
        rounds=1,
        forked=False,
        memory=memory,
    )


def _warm_start(rng: np.random.Generator, clouds: Clouds) -> Contest:
    """Each point moved by 1 % of the spread, from the potentials of before or without."""
    before = clouds.solve()
    steps = 0.01 * clouds.X.std() * rng.standard_normal(clouds.X.shape)
    moved = replace(clouds, X=clouds.X + steps)
    warm = ours([moved], "otcore, from the potentials before", start=before)
    n, d = clouds.X.shape
    return Contest(
        f"{n} x {len(clouds.Y)}, d = {d}, all points moved by 1 %",
        warm,
        (Rival(ours([moved], "otcore, cold"), 3),),
        floor=_all_pairs([moved]),
        rounds=3,
        forked=False,
    )


def _all_pairs(problems: Sequence[Clouds]) -> Work:
    """One look at all costs, as inner products of float32."""
    return Work(multiply_adds=sum(float(p.X.size) * len(p.Y) for p in problems))


# ---------------------------------------------------------------------------------------------
# Clouds


def _normal(rng: np.random.Generator, n: int, m: int, d: int) -> Clouds:
    return Clouds(rng.standard_normal((n, d)), rng.standard_normal((m, d)))


def _weighted(rng: np.random.Generator, clouds: Clouds) -> Clouds:
    a, b = (rng.dirichlet(np.ones(len(side))) for side in (clouds.X, clouds.Y))
    return replace(clouds, a=a, b=b)


def _mixtures(rng: np.random.Generator) -> Clouds:
    """Ten Gaussians on each side, with centres, widths and shares of their own."""

    def mixture() -> Values:
        centres = 3 * rng.standard_normal((10, 100))
        widths = rng.uniform(0.5, 1.5, size=(10, 100))
        which = rng.choice(10, size=10000, p=rng.dirichlet(np.ones(10)))
        cloud: Values = centres[which] + widths[which] * rng.standard_normal((10000, 100))
        return cloud

    return Clouds(mixture(), mixture())


def _ring_and_bar(rng: np.random.Generator) -> Clouds:
    angle = rng.uniform(0, 2 * np.pi, 10000)
    radius = 1 + 0.1 * rng.standard_normal(10000)
    ring = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return Clouds(ring, rng.random((10000, 2)) * [0.2, 6.0] + [4.0, -2.0])


def _digits() -> Iterator[Contest]:
    """MNIST, where it is at hand: ten thousand training images to the test images."""
    path = archive("mnist")
    if path is None:
        return
    with np.load(path) as arrays:
        images = [arrays[key][:10000] for key in ("x_train", "x_test")]
    X, Y = (each.reshape(len(each), -1) / 255.0 for each in images)
    yield _against_pot("MNIST, 10000 x 10000 images, d = 784", [Clouds(X, Y)], 20)


def _images() -> Iterator[Contest | Trial]:
    """DOTmark's classic images, where they are at hand: all pairs, some of them beside POT."""
    path = archive("dotmark")
    if path is None:
        return
    for side in (64, 128):
        with np.load(path) as arrays:
            images = arrays[f"ClassicImages_{side}"].astype(np.float64)
        if side == 64:
            some = [Images.of(images[i], images[j]) for i, j in _POT_PAIRS]
            yield _against_pot(f"DOTmark ClassicImages {side}, {len(some)} pairs", some, 20)
        pairs = [[Images.of(*pair)] for pair in combinations(images, 2)]
        work = f"DOTmark ClassicImages {side}, a pair of {len(pairs)}"
        yield Trial(work, [ours(pair) for pair in pairs], seconds=10)
