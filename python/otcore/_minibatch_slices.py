"""The directions of sliced inner problems."""

from __future__ import annotations

from dataclasses import replace

from . import _core
from ._arrays import Real, contiguous, open_door
from ._batches import Draw
from ._minibatch_options import Slicing
from ._problem import Problem
from ._random import core_seed
from ._slices import direction_rows
from .cost import Metric

# The stream of the seed that directions are drawn from. Batches have the first ones.
_STREAM = 2**63


def choose_projections(problem: Problem, inner: Slicing, draw: Draw) -> tuple[Problem, Real, Draw]:
    """The problem with the ground cost of its lines, the directions as rows, and what is to draw.

    A seed serves the directions and the batches: it is made a number here.
    """
    x = problem.data[0][0]
    dims = x.shape[1]
    on_lines = replace(problem, metric=Metric("minkowski", inner.p))
    if inner.drawn:
        seed = core_seed(draw.seed, problem.library)
        rows = _core.sample_directions(
            dims, inner.projections, sampling="gaussian", seed=seed, stream=_STREAM
        )
        draw = replace(draw, seed=seed if draw.batches is None else None)
    else:
        library, (_, given) = open_door(
            (("X", problem.sources[0]), ("inner_projections", inner.projections))
        )
        if library.needs_gradient([given]):
            raise ValueError(
                "inner_projections: requires a gradient, expected a tensor without: mini-batch "
                "values are not differentiated in the directions"
            )
        rows = direction_rows(library.to_numpy(given), dims, "inner_projections")
    return on_lines, contiguous(rows, x.dtype), draw
