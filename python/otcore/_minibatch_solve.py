"""One mini-batch transport problem on its way to the core, in one process or several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import _core
from ._arrays import Array
from ._batches import Draw, Indices, choose_batches
from ._minibatch_options import Slicing, refuse_gradients, warn_unfinished, weigh_by_mass
from ._minibatch_result import MiniBatchResult
from ._minibatch_slices import choose_projections
from ._minibatch_split import SplitTransport, solve_split
from ._options import check_threads
from ._problem import Problem
from ._random import core_seed
from ._ranks import Ranks
from .errors import SolveInterrupted


def solve_minibatches(
    problem: Problem,
    draw: Draw,
    inner: _core.InnerOptions | Slicing,
    coupling: str,
    outer_reg: float,
    batch_weights: str,
    root: bool,
    n_threads: int | None,
    ranks: Ranks | None,
) -> MiniBatchResult:
    """Draws the batches, solves the inner problems and couples the batches.

    `coupling` is the core's name for it. Warnings are those of the caller's caller.
    """
    by_mass = weigh_by_mass(batch_weights)
    threads = check_threads(n_threads) or problem.library.n_threads()
    draws = draw.batches is None or (isinstance(inner, Slicing) and inner.drawn)
    if ranks is not None and draws:
        seed = core_seed(draw.seed, problem.library)
        draw = replace(draw, seed=ranks.first(lambda: seed))
    projections = None
    if isinstance(inner, Slicing):
        problem, projections, draw = choose_projections(problem, inner, draw)
    _, n_x, n_y = problem.size
    batches = choose_batches(draw, n_x, n_y, problem.library)
    metric = problem.metric
    assert metric is not None
    points = problem.data[0][0], problem.data[1][0], problem.a, problem.b

    def table(batches_x: Indices, batches_y: Indices, coupling: str) -> _core.MiniBatchAnswer:
        if projections is not None:
            return _core.minibatch_sliced(
                *points,
                batches_x,
                batches_y,
                projections,
                metric.p,
                coupling=coupling,
                outer_reg=outer_reg,
                by_mass=by_mass,
                root=bool(root),
                keep=problem.library.needs_gradient(problem.sources),
                n_threads=threads,
            )
        assert isinstance(inner, _core.InnerOptions)
        return _core.minibatch_transport(
            *points,
            batches_x,
            batches_y,
            *metric,
            inner=inner,
            coupling=coupling,
            outer_reg=outer_reg,
            by_mass=by_mass,
            root=bool(root),
            n_threads=threads,
        )

    solution: _core.MiniBatchAnswer | SplitTransport
    value: Array
    if ranks is None:
        solution = table(*batches, coupling)
        value = problem.library.minibatch_value(problem, solution)
    else:
        refuse_gradients(problem)
        weights = (problem.a, problem.b) if by_mass else (None, None)
        solution = solve_split(ranks, table, batches, weights, coupling, outer_reg)
        value = problem.library.wrap(np.asarray(solution.value))
    result = MiniBatchResult(problem, solution, value, batches, bool(root), projections)
    if solution.interrupted:
        raise SolveInterrupted(result)
    warn_unfinished(solution, f" after {solution.outer_iter} iterations", 3)
    return result
