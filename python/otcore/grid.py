"""Masses on regular grids: images, volumes, histograms of equal bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core, exact
from ._arrays import (
    FLOAT32,
    FLOAT64,
    contiguous,
    open_door,
    real_dtype,
    require_finite,
    shape_error,
)
from ._options import positive, solver_options
from ._problem import MASS_TOLERANCE, SINGLE_MASS_TOLERANCE, Problem, planned_arcs
from ._progress import Progress
from ._shapes import column_potentials
from .cost import Metric, MetricLike, parse_metric
from .result import OTResult

__all__ = ["solve_grid"]


def solve_grid(
    image_a: npt.ArrayLike,
    image_b: npt.ArrayLike,
    *,
    metric: MetricLike = "sqeuclidean",
    spacing: float | Sequence[float] = 1.0,
    potentials_init: tuple[npt.ArrayLike, npt.ArrayLike] | OTResult | None = None,
    max_iter: int | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: Progress = False,
    max_memory: int | None = None,
) -> OTResult:
    """Exact optimal transport between two images: masses on the pixels of a regular grid.

    As `otcore.solve_sample` with pixel [i, j, ...] at (i, j, ...) * spacing, in both images, and
    its value as the mass there. Pixels without mass carry nothing.

    Parameters
    ----------
    image_a : array_like, shape (s_1, ..., s_d)
        Masses, not negative, with a positive sum, which need not be 1: a histogram (d = 1), an
        image, a volume, ... A numpy array, a list or a torch tensor on the CPU, of any real dtype.
    image_b : array_like, shape (t_1, ..., t_d)
        Masses on the same grid. The shape may differ, as long as the number of axes is the same:
        pixel [0, 0, ...] of both is at the same place. The sums of both images may differ by 1e-6
        relative (1e-4 where one is float32 or narrower); that is normalised.
    metric
        ``"sqeuclidean"``, ``"euclidean"``, ``"cityblock"`` or ``("minkowski", p)``, between
        positions: defined in `otcore.cost.cost_matrix`.
    spacing
        The distance between neighbouring pixels, positive: one for all axes, or one for each.
    potentials_init, max_iter, n_threads, time_limit, progress
        As in `otcore.solve`; potentials are as the result has them.
    max_memory
        As in `otcore.solve_sample`.

    Returns
    -------
    OTResult
        With n = s_1 ... s_d and m = t_1 ... t_d points: pixels in C order, those without mass
        included. So ``potential_a.reshape(image_a.shape)`` is an image, and
        ``numpy.unravel_index(sparse_plan.tocoo().coords[0], image_a.shape)`` says which pixels mass
        leaves. Pixels without mass have the largest potentials that are feasible, and NaN in
        ``barycentric_map()``, which gives positions. Plans and marginals are float64 like the
        positions. For tensors ``value`` is differentiable in both images: the gradients are the
        potentials, centred, as masses can only change with their sum fixed.

    Raises
    ------
    ValueError
        Different numbers of axes, or none; an empty image; masses that are negative, NaN or
        infinite (with the index), without a positive sum, or of different sums; spacing that is not
        positive, not one for each axis, or makes a cost overflow; an unknown metric, or
        ``"cosine"``, which means nothing here; a max_memory that the problem does not fit in.
    TypeError
        Images of two libraries, or not of real numbers.
    SolveInterrupted
        Ctrl-C; carries the result so far.

    Warns
    -----
    ConvergenceWarning
        A limit came before the optimum: states the gap reached.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> image = np.array([[0, 3, 1], [0, 0, 0]])
    >>> result = otcore.solve_grid(image, np.roll(image, 1, axis=0), spacing=(0.5, 2.0))
    >>> result.value                                   # a mass of 4 moved by 0.5, squared
    1.0
    >>> rows, cols = result.sparse_plan.tocoo().coords
    >>> [tuple(map(int, np.unravel_index(k, image.shape))) for k in (rows[0], cols[0])]
    [(0, 1), (1, 1)]
    """
    options = solver_options(max_iter, n_threads, time_limit, progress, max_memory)
    problem = _grid_problem(image_a, image_b, parse_metric(metric), spacing, potentials_init)
    return exact.solve_one(problem, options)


def _grid_problem(
    image_a: npt.ArrayLike,
    image_b: npt.ArrayLike,
    metric: Metric,
    spacing: float | Sequence[float],
    potentials_init: Any,
) -> Problem:
    """The pixels as points, checked."""
    if metric.name == "cosine":
        raise ValueError("metric: 'cosine', expected a distance between positions")
    named = (("image_a", image_a), ("image_b", image_b))
    library, images = open_door(named)
    arrays = [library.to_numpy(image) for image in images]
    for (name, _), array in zip(named, arrays, strict=True):
        if not array.ndim or not array.size:
            raise shape_error(name, array.shape, "at least one axis, no side empty")
    if arrays[0].ndim != arrays[1].ndim:
        expected = f"as many axes as image_a of shape {arrays[0].shape}"
        raise shape_error("image_b", arrays[1].shape, expected)
    steps = _steps(spacing, arrays[0].ndim)
    (a, b), tolerance = _masses(arrays)
    points = [_positions(array.shape, steps) for array in arrays]
    _check_reach(points, spacing, metric)
    start = None
    if potentials_init is not None:
        start = column_potentials(potentials_init, (a.size, b.size))
    return Problem(
        library,
        (*(library.adopt(side, "positions") for side in points), *images),
        tuple(side[None] for side in points),
        metric,
        a,
        b,
        tolerance,
        batched=False,
        start=start,
        start_plan=planned_arcs(potentials_init),
    )


def _steps(spacing: Any, axes: int) -> npt.NDArray[np.float64]:
    """The distance between pixels along each axis."""
    if not isinstance(spacing, (Sequence, np.ndarray)) or isinstance(spacing, str):
        return np.full(axes, positive(spacing, "spacing"))
    if len(spacing) != axes:
        raise ValueError(f"spacing: {len(spacing)} numbers, expected one, or {axes}: one an axis")
    return np.array([positive(step, "spacing") for step in spacing])


def _masses(
    images: Sequence[npt.NDArray[Any]],
) -> tuple[list[npt.NDArray[np.float64]], float]:
    """Both images as weights in a row, and the difference of their sums that is normalised."""
    weights, sums, tolerance = [], [], MASS_TOLERANCE
    for name, image in zip(("image_a", "image_b"), images, strict=True):
        if real_dtype(image, name) == FLOAT32:
            tolerance = SINGLE_MASS_TOLERANCE
        array: Any = contiguous(image, FLOAT64)
        require_finite(array, name)
        if (array < 0).any():
            index = np.unravel_index(int(np.argmax(array < 0)), array.shape)
            where = ", ".join(map(str, index))
            raise ValueError(f"{name}: {array[index]} at [{where}], expected masses >= 0")
        with np.errstate(over="ignore"):
            total = float(array.sum())
        if not (total > 0 and math.isfinite(total)):
            raise ValueError(f"{name}: masses sum to {total}, expected a positive, finite sum")
        weights.append(array.ravel())
        sums.append(total)
    if abs(sums[0] - sums[1]) > tolerance * max(sums):
        raise ValueError(
            f"image_a, image_b: masses sum to {sums[0]} and {sums[1]}, expected equal sums "
            f"(up to {tolerance:g} relative): divide each image by its sum"
        )
    return weights, tolerance


def _positions(shape: tuple[int, ...], steps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n, d): where the pixels are, in C order."""
    axes = [np.arange(side) * step for side, step in zip(shape, steps, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return grid.reshape(-1, len(shape))


def _check_reach(
    points: Sequence[npt.NDArray[np.float64]], spacing: object, metric: Metric
) -> None:
    """ValueError where the cost between opposite corners is too large a number."""
    corner = np.maximum(points[0][-1:], points[1][-1:])
    if not np.isfinite(_core.cost_matrix(np.zeros_like(corner), corner, *metric, 1)).all():
        raise ValueError(f"spacing: {spacing}, expected a finite cost between opposite corners")
