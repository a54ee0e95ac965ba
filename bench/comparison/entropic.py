"""Sinkhorn's algorithm and the proximal point method, against POT, OTT-JAX and GeomLoss.

Points are uniform in the unit cube, the ground cost is squared Euclidean, weights are uniform, data
float32 unless a row says otherwise. "Iterations" are full ones, an update of each side, from zero
and without acceleration, the same number on both sides; answers are the potentials after a few.
Needs the extra `bench-entropic`; rows whose peer is missing are left out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import ot

import otcore

from .contest import Contender, Contest, Count, Rival, Values
from .entropic_peers import (
    GEOMLOSS_EVALUATIONS,
    OTT_BEST,
    compare,
    geomloss_points,
    ott_iterations,
    ott_points,
    pot_batch,
    pot_kernel,
    pot_log,
)
from .machine import Work

_ITERATIONS = 100
_CHECKED = 10  # answers are the potentials after so many
# Rounding an exponent in float32 moves a potential by 2^-24 of the largest cost; |x|^2 - 2 <x, y> +
# |y|^2, as the peers form it, by some more.
_FLOAT32 = 5e-6
_TOLERANCE = 1e-6  # L1 marginal error of the rows in float64
_PRECISION = 1e-4  # relative, of the rows with the proximal point method


def contests() -> Iterator[Contest | Count]:
    rng = np.random.default_rng(4)
    yield from _points_small_dimension(rng, n=10000, d=3, reg=0.05)
    yield _points(rng, n=5000, d=16, reg=0.1)
    yield _machine_only(rng, n=5000, d=64, reg=0.5)
    yield _matrix(rng, n=5000, reg=0.1)
    yield _million(rng, n=1_000_000, d=3, reg=0.05)
    for d in (2, 16, 64):
        yield from _to_tolerance(rng, n=2000, d=d)
    yield _batch(rng, count=1024, n=50, d=16, reg=0.1)
    yield _proximal(rng, n=1000, d=16)


def _iterate(solve: Callable[..., Any], *data: Values, reg: float, iterations: int) -> Any:
    """Plain iterations and no more; that it stopped there is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", otcore.ConvergenceWarning)
        return solve(*data, reg=reg, scheme="plain", tol=0, max_iter=iterations)


def _contender(
    solve: Callable[..., Any],
    *data: Values,
    reg: float,
    scale: float,
    iterations: int = _ITERATIONS,
) -> Contender:
    run = partial(_iterate, solve, *data, reg=reg)

    return Contender(
        "otcore",
        partial(run, iterations=_ITERATIONS),
        partial(_iterates, run, iterations=_CHECKED, scale=scale),
        None,
    )


def _iterates(run: Callable[..., Any], *, iterations: int, scale: float) -> Values:
    """Potentials after full iterations: f, and g, which the next iteration starts from."""
    f = run(iterations=iterations).potential_a
    return compare(f, run(iterations=iterations + 1).potential_b, scale)


def _draw(rng: np.random.Generator, n: int, d: int) -> tuple[Values, Values]:
    X, Y = rng.random((2, n, d), dtype=np.float32)
    return X, Y


def _rivals(*pairs: tuple[Contender | None, float]) -> tuple[Rival, ...]:
    return tuple(Rival(peer, target) for peer, target in pairs if peer is not None)


def _work(pairs: float, d: int) -> Work:
    """One multiply-add per coordinate and one exponential, of each pair and iteration."""
    return Work(multiply_adds=pairs * d, exponentials=pairs)


# ---------------------------------------------------------------------------------------------
# A number of iterations


def _points_small_dimension(
    rng: np.random.Generator, n: int, d: int, reg: float
) -> Iterator[Contest]:
    X, Y = _draw(rng, n, d)
    M = ot.dist(X, Y)
    scale = float(M.max())
    yield Contest(
        f"{_ITERATIONS} iterations, points n = {n}, d = {d}",
        _contender(otcore.solve_sample, X, Y, reg=reg, scale=scale),
        _rivals((pot_log(M, reg, _ITERATIONS, timed=5, checked=_CHECKED), 130)),
        floor=_work(n * n * _ITERATIONS, d),
        share=0.7,
        agreement=_FLOAT32,
        rounds=1,
        forked=False,
    )
    del M
    small = 1000
    run = partial(_iterate, otcore.solve_sample, X, Y, reg=reg, iterations=GEOMLOSS_EVALUATIONS)

    def answers() -> Values:
        return np.array([otcore.solve_sample(X[:small], Y[:small], reg=reg).value])

    peer = geomloss_points(X, Y, reg, small)
    if peer is not None:
        yield Contest(
            f"{GEOMLOSS_EVALUATIONS} passes over the pairs, points n = {n}, d = {d}",
            Contender("otcore", run, answers, None),
            (Rival(peer, 30),),
            floor=_work(n * n * GEOMLOSS_EVALUATIONS, d),
            agreement=1e-3,  # GeomLoss has a schedule and no tolerance
            rounds=1,
            forked=False,
        )


def _points(rng: np.random.Generator, n: int, d: int, reg: float) -> Contest:
    X, Y = _draw(rng, n, d)
    M = ot.dist(X, Y)
    timed = 10
    return Contest(
        f"{_ITERATIONS} iterations, points n = {n}, d = {d}",
        _contender(otcore.solve_sample, X, Y, reg=reg, scale=float(M.max())),
        _rivals(
            (pot_log(M, reg, _ITERATIONS, timed, _CHECKED), 70),
            (pot_kernel(M, reg, _ITERATIONS, _CHECKED), 6),
            (ott_points(X, Y, reg, _ITERATIONS, timed, batch_size=None), 22),
            (ott_points(X, Y, reg, _ITERATIONS, timed, batch_size=500), 40),
        ),
        floor=_work(n * n * _ITERATIONS, d),
        share=0.7,
        agreement=_FLOAT32,
        rounds=3,
        forked=False,
    )


def _machine_only(rng: np.random.Generator, n: int, d: int, reg: float) -> Contest:
    X, Y = _draw(rng, n, d)
    return Contest(
        f"{_ITERATIONS} iterations, points n = {n}, d = {d}",
        _contender(otcore.solve_sample, X, Y, reg=reg, scale=1.0),
        (),
        floor=_work(n * n * _ITERATIONS, d),
        share=0.7,
        rounds=3,
        forked=False,
    )


def _matrix(rng: np.random.Generator, n: int, reg: float) -> Contest:
    """Read once an iteration: 100 MB, far beyond any cache."""
    M = ot.dist(*_draw(rng, n, 16))
    return Contest(
        f"{_ITERATIONS} iterations, matrix given, n = {n}",
        _contender(otcore.solve, M, reg=reg, scale=float(M.max())),
        (),
        floor=Work(traffic=float(M.nbytes) * _ITERATIONS),
        share=0.5,
        rounds=3,
        forked=False,
    )


def _million(rng: np.random.Generator, n: int, d: int, reg: float) -> Contest:
    X, Y = _draw(rng, n, d)
    solve = partial(_iterate, otcore.solve_sample, reg=reg, iterations=1)
    ours = Contender("otcore", partial(solve, X, Y), None, partial(solve, X[:1000], Y[:1000]))
    return Contest(
        f"1 iteration, points n = {n}, d = {d}",
        ours,
        (),
        floor=_work(float(n) * n, d),
        share=0.7,
        rounds=1,
        forked=False,
    )


def _batch(rng: np.random.Generator, count: int, n: int, d: int, reg: float) -> Contest:
    sides = rng.random((2, count, n, d), dtype=np.float32)
    M = np.stack([ot.dist(x, y) for x, y in zip(*sides, strict=True)])
    timed = 20
    run = partial(_iterate, otcore.solve_batch, M, reg=reg)

    answers = partial(_iterates, run, iterations=timed, scale=float(M.max()))
    return Contest(
        f"{_ITERATIONS} iterations of {count} problems {n} x {n}, costs given",
        Contender("otcore", partial(run, iterations=_ITERATIONS), answers, None),
        _rivals((pot_batch(M, reg, _ITERATIONS, timed), 50)),
        floor=Work(exponentials=float(M.size) * _ITERATIONS),
        agreement=_FLOAT32,
        rounds=3,
        forked=False,
    )


# ---------------------------------------------------------------------------------------------
# To a tolerance


def _to_tolerance(rng: np.random.Generator, n: int, d: int) -> Iterator[Contest | Count]:
    """float64, reg = 1e-3 of the largest cost, to an L1 marginal error of 1e-6."""
    X, Y = rng.random((2, n, d))
    M = ot.dist(X, Y)
    reg = 1e-3 * float(M.max())
    found = otcore.solve_sample(X, Y, reg=reg, tol=_TOLERANCE)
    work = f"to marginal error {_TOLERANCE:g}, float64, points n = {n}, d = {d}, reg = 1e-3 max C"
    needed = _plain_iterations(X, Y, reg)
    timed = 3
    peer = pot_log(M, reg, needed, timed, _CHECKED)
    if peer is not None:
        ours = Contender(
            "otcore",
            partial(otcore.solve_sample, X, Y, reg=reg, tol=_TOLERANCE),
            _contender(otcore.solve_sample, X, Y, reg=reg, scale=float(M.max())).answers,
            None,
        )
        yield Contest(
            work,
            ours,
            (Rival(peer, 100),),
            floor=Work(),
            agreement=1e-9,
            rounds=3,
            forked=False,
        )
    way = OTT_BEST[d]
    theirs = ott_iterations(X, Y, reg, _TOLERANCE, max(200, 5 * found.n_iter), way)
    if theirs is not None:
        count, converged = theirs
        name = f"OTT-JAX, {way.name}" + ("" if converged else ", not there yet")
        yield Count(work, "iterations", found.n_iter, name, count, target=1)


def _plain_iterations(X: Values, Y: Values, reg: float) -> int:
    """Plain iterations to the tolerance, by the rate between the 1000th and the 2000th where that
    is too few. Iterations slow down as they go on, so this is rather too small."""
    counts = (1000, 2000)
    runs = [_iterate(otcore.solve_sample, X, Y, reg=reg, iterations=count) for count in counts]
    first, second = (run.marginal_error for run in runs)
    if second <= _TOLERANCE:
        return counts[1]
    rate = math.log(first / second) / (counts[1] - counts[0])
    return counts[1] + math.ceil(math.log(second / _TOLERANCE) / rate)


def _proximal(rng: np.random.Generator, n: int, d: int) -> Contest:
    """Steps until the linear value is within 1e-4 of the exact one.

    POT's iterations without `reg` never come there: they alternate between an entropic plan and the
    product of the marginals, as in its step the logarithm of the last plan has the sign of the
    cost. So POT is timed for as many. The other rival is otcore's Sinkhorn at reg = 0.01, to 1e-4
    of *its* limit.
    """
    X, Y = _draw(rng, n, d)
    M = ot.dist(X, Y)
    exact = otcore.solve_sample(X, Y).value

    def steps(count: int) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", otcore.ConvergenceWarning)
            return otcore.solve_sample(X, Y, method="ipot", tol=0, max_iter=count)

    count = _first(lambda k: float(steps(k).value_linear), exact)
    reg = 0.01
    sinkhorn = partial(_iterate, otcore.solve_sample, X, Y, reg=reg)
    limit = otcore.solve_sample(X.astype(float), Y.astype(float), reg=reg).value_linear
    settled = _first(lambda k: float(sinkhorn(iterations=k).value_linear), limit)
    return Contest(
        f"IPOT, points n = {n}, d = {d}, to {_PRECISION:g} of the exact value: {count} steps",
        Contender("otcore", partial(steps, count), None, None),
        _rivals(
            (pot_batch(M[None], None, count, min(count, 30)), 10),
            (
                Contender(
                    f"otcore, Sinkhorn at reg = 0.01, {settled} iterations",
                    partial(sinkhorn, iterations=settled),
                    None,
                    None,
                ),
                1 / 3,
            ),
        ),
        floor=_work(n * n * count, d),
        rounds=3,
        forked=False,
    )


def _first(value: Callable[[int], float], goal: float) -> int:
    """The smallest count, up to 1 in 8, from which on the value is within the precision."""
    count, last_bad = 8, 0
    while count <= 20000:
        if abs(value(count) - goal) > _PRECISION * goal:
            last_bad = count
        elif count >= 2 * last_bad:
            break
        count = math.ceil(1.125 * count)
    return math.ceil(1.125 * last_bad)
