"""Sinkhorn's algorithm by other libraries, and how many passes over the pairs it takes them.

All start from zero and update one side, then the other. POT's `sinkhorn_log`, its kernel-space
`sinkhorn` and OTT-JAX begin with the columns: they are given the transposed problem, so that their
iterates are otcore's. POT's `solve_batch` begins with the rows. Weights are uniform, which keep the
potentials' conventions apart by constants only.

GeomLoss updates both sides from the potentials before and averages them with those, on a schedule
of regularisations, so its iterates are others: it is compared by the evaluation of the kernel, a
pass that gives one side. otcore's pass gives both.

Two threads each: torch's and OpenMP's, which KeOps uses, are set, and XLA takes what the process
has.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import ot

from .contest import Contender, Values
from .machine import THREADS

Potentials = tuple[Any, Any]


@cache
def load(module: str) -> ModuleType | None:
    """A module of the extra `bench-entropic`; None, with the reason printed, where it fails."""
    try:
        return import_module(module)
    except Exception as error:  # KeOps compiles when it is imported, which fails in many ways
        print(f"rows with {module} are left out: {type(error).__name__}: {error}", file=sys.stderr)
        return None


def compare(f: Any, g: Any, scale: float) -> Values:
    """Potentials (..., n) and (..., m) as answers: without their gauge, and raised by the largest
    cost, so that relative differences are relative to that."""
    sides = (np.asarray(each, dtype=np.float64) for each in (f, g))
    return np.hstack([each - each.mean(-1, keepdims=True) + scale for each in sides])


def pot_log(M: Values, reg: float, iterations: int, timed: int, checked: int) -> Contender | None:
    """`timed` of the iterations are timed, answers are those after `checked`.

    Two log-sum-exps an iteration, every tenth a pass for the error, and one for the plan.
    """
    return _pot("sinkhorn_log", M, reg, iterations, timed, checked)


def pot_kernel(M: Values, reg: float, iterations: int, checked: int) -> Contender | None:
    """Products with the matrix exp(-M / reg), which underflows where reg is small."""
    return _pot("sinkhorn", M, reg, iterations, iterations, checked)


def _pot(
    method: str, M: Values, reg: float, iterations: int, timed: int, checked: int
) -> Contender | None:
    torch = load("torch")
    if torch is None:
        return None
    torch.set_num_threads(THREADS)
    costs = torch.as_tensor(np.ascontiguousarray(M.T))
    b, a = (torch.full((size,), 1 / size, dtype=costs.dtype) for size in costs.shape)

    def run(count: int) -> Any:
        return ot.sinkhorn(
            b, a, costs, reg, method=method, numItermax=count, stopThr=0, warn=False, log=True
        )

    def answers() -> Values:
        log = run(checked)[1]
        if method == "sinkhorn":
            f, g = reg * log["v"].log(), reg * log["u"].log()
        else:
            f, g = reg * log["log_v"], reg * log["log_u"]
        return compare(f, g, float(M.max()))

    name = f"POT `{method}`"
    if timed == iterations:
        return Contender(name, partial(run, iterations), answers, None)
    name += f" ({timed} of {iterations} iterations timed)"
    return Contender(
        name, partial(run, timed), answers, None, times=_passes(iterations) / _passes(timed)
    )


def _passes(iterations: int) -> float:
    """Over the matrix, of POT's `sinkhorn_log`."""
    return 2.0 * iterations + (iterations + 9) // 10 + 1


def pot_batch(M: Values, reg: float | None, iterations: int, timed: int) -> Contender | None:
    """POT's `solve_batch`: Sinkhorn, or where `reg` is None its proximal point iterations, which
    have no answers that could agree (see `entropic._proximal`)."""
    torch = load("torch")
    if torch is None:
        return None
    torch.set_num_threads(THREADS)
    costs = torch.as_tensor(M)

    def run(count: int) -> Any:
        return ot.solve_batch(costs, reg=reg, max_iter=count, tol=0, grad="detach")

    def answers() -> Values:
        log_u, log_v = run(timed).potentials
        return compare(reg * log_u, reg * log_v, float(M.max()))

    name = f"POT `solve_batch` ({timed} of {iterations} iterations timed)"
    if timed == iterations:
        name = "POT `solve_batch`"
    # Beside the iterations, some eight passes for plan, loss and entropy.
    times = (_passes(iterations) + 8) / (_passes(timed) + 8)
    return Contender(name, partial(run, timed), answers if reg else None, None, times=times)


def ott_points(
    X: Values, Y: Values, reg: float, iterations: int, timed: int, *, batch_size: int | None
) -> Contender | None:
    """OTT-JAX on points: the cost matrix in memory, or `batch_size` rows of it at a time.

    Two log-sum-exps an iteration and a pass for the error at the end.
    """
    if load("jax") is None or load("ott") is None:
        return None
    import jax
    from ott.geometry import pointcloud
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import sinkhorn

    def solve(x: Any, y: Any) -> Potentials:
        geometry = pointcloud.PointCloud(x, y, epsilon=reg, batch_size=batch_size)
        solver = sinkhorn.Sinkhorn(min_iterations=timed, max_iterations=timed, inner_iterations=1)
        found = solver(linear_problem.LinearProblem(geometry))
        return found.f, found.g

    compiled = jax.jit(solve)
    x, y = jax.numpy.asarray(Y), jax.numpy.asarray(X)  # the transposed problem

    def answers() -> Values:
        g, f = compiled(x, y)
        return compare(f, g, _largest(X, Y))

    way = "cost matrix in memory" if batch_size is None else f"batch_size={batch_size}"
    return Contender(
        f"OTT-JAX, {way} ({timed} of {iterations} iterations timed)",
        lambda: jax.block_until_ready(compiled(x, y)),
        answers,
        None,
        times=(2 * iterations + 1) / (2 * timed + 1),
    )


def _largest(X: Values, Y: Values) -> float:
    return float(ot.dist(X[:2000], Y[:2000]).max())


@dataclass(frozen=True)
class OttWay:
    """Options of OTT-JAX's solver; `decay` is the factor of a schedule that starts at 1000 reg."""

    name: str
    momentum: float | None = None
    anderson: int | None = None  # iterates in memory, least squares with a ridge of 1e-6
    decay: float | None = None


# What took the fewest iterations, at n = 500, of: none of these; momentum 1.5 to 1.98, or adapted
# after 100, 300, 1000 iterations; Anderson acceleration of 3, 5, 10, 20 iterates; schedules of 0.9,
# 0.95 and 0.98; and combinations. By dimension of the rows in float64; in 64 as in 16.
OTT_BEST = {
    2: OttWay("Anderson acceleration of 10", anderson=10),
    16: OttWay("Anderson acceleration of 10, schedule of 0.95", anderson=10, decay=0.95),
    64: OttWay("Anderson acceleration of 10, schedule of 0.95", anderson=10, decay=0.95),
}


def ott_iterations(
    X: Values, Y: Values, reg: float, tol: float, most: int, way: OttWay
) -> tuple[int, bool] | None:
    """Full iterations that OTT-JAX takes to an L1 marginal error of tol, and whether at most `most`
    were enough. In float64; every tenth looks at the error, which is not counted."""
    if load("jax") is None or load("ott") is None:
        return None
    import jax
    from jax.experimental import enable_x64
    from ott.geometry import epsilon_scheduler, pointcloud
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import acceleration, sinkhorn

    options: dict[str, Any] = {}
    if way.momentum is not None:
        options["momentum"] = acceleration.Momentum(value=way.momentum)
    if way.anderson is not None:
        options["anderson"] = acceleration.AndersonAcceleration(
            memory=way.anderson, ridge_identity=1e-6
        )
    with enable_x64():
        schedule = epsilon_scheduler.Epsilon(reg)
        if way.decay is not None:
            schedule = epsilon_scheduler.Epsilon(reg, init=1000.0, decay=way.decay)
        x, y = jax.numpy.asarray(X), jax.numpy.asarray(Y)
        solver = sinkhorn.Sinkhorn(threshold=tol, max_iterations=most, **options)
        geometry = pointcloud.PointCloud(x, y, epsilon=schedule)
        found = jax.jit(solver)(linear_problem.LinearProblem(geometry))
        return int(found.n_iters), bool(found.converged)


def geomloss_points(X: Values, Y: Values, reg: float, small: int) -> Contender | None:
    """GeomLoss online, two of its iterations: GEOMLOSS_EVALUATIONS passes. The answer is the value
    of the first `small` points after a slow schedule."""
    torch = load("torch")
    if torch is None or load("pykeops") is None or load("geomloss") is None:
        return None
    from geomloss import SamplesLoss

    torch.set_num_threads(THREADS)
    x, y = torch.as_tensor(X), torch.as_tensor(Y)
    blur = (reg / 2) ** 0.5  # its cost is half the squared distance
    options = {"p": 2, "blur": blur, "debias": False, "backend": "online", "potentials": True}
    # A diameter of the size of the blur leaves no schedule: two iterations at the last value.
    two = SamplesLoss("sinkhorn", diameter=blur, **options)
    slow = SamplesLoss("sinkhorn", scaling=0.95, **options)

    def answers() -> Values:
        f, g = slow(x[:small], y[:small])
        return np.array([2 * float(f.mean() + g.mean())])

    return Contender("GeomLoss online with KeOps", lambda: two(x, y), answers, None)


# Two passes to start with, two in each of two iterations, two at the end.
GEOMLOSS_EVALUATIONS = 8
