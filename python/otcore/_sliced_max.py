"""The largest slice: transport along the direction where it costs most."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import contiguous
from ._options import check_power, check_threads, positive_int
from ._sliced_result import MaxSlicedResult
from ._sliced_values import slice_values
from ._slices import Sampling, Slices, check_slices
from .errors import ConvergenceWarning

__all__ = ["max_sliced_wasserstein"]


def max_sliced_wasserstein(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    n_projections: int = 50,
    p: float = 2,
    projections: npt.ArrayLike | None = None,
    directions: str = "gaussian",
    seed: Any = None,
    max_iter: int = 200,
    tol: float = 1e-9,
    n_threads: int | None = None,
) -> MaxSlicedResult:
    """The max-sliced Wasserstein cost: W_p^p along the direction where it is largest.

    Directions are drawn, and the eight best are followed uphill. The maximum is a local one, the
    best that was found. (POT's ``max_sliced_wasserstein_distance`` takes the largest cost among the
    directions drawn, rooted, and does not climb.)

    Parameters
    ----------
    X : array_like, shape (n, d)
        The first points; dtypes as in `sliced_wasserstein`.
    Y : array_like, shape (m, d)
        The second points.
    a : array_like, shape (n,), optional
        Masses of X, as in `sliced_wasserstein`.
    b : array_like, shape (m,), optional
        Masses of Y.
    n_projections
        How many directions to draw.
    p
        The power, a finite number >= 1.
    projections : array_like, shape (d, L), optional
        The directions to choose the starts from, as columns; their lengths do not matter.
    directions, seed, n_threads
        As in `sliced_wasserstein`.
    max_iter
        At most so many steps.
    tol
        A direction is done when a step gains less than this part of its cost.

    Returns
    -------
    MaxSlicedResult
        With ``value``, ``distance``, ``direction``, ``n_iter`` and ``status``. The value of tensors
        is differentiable (once) in X, Y, a and b.

    Raises
    ------
    ValueError
        As `sliced_wasserstein`, and for a direction of length 0.
    TypeError
        As `sliced_wasserstein`.

    Warns
    -----
    ConvergenceWarning
        `max_iter` came first.

    References
    ----------
    .. [1] I. Deshpande et al., Max-sliced Wasserstein distance and its use for GANs, CVPR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> result = otcore.sliced.max_sliced_wasserstein(X, X + [0.0, 3.0, 4.0], seed=0)
    >>> round(result.value, 6)
    25.0
    >>> np.abs(result.direction).round(3)
    array([0. , 0.6, 0.8])
    """
    power = check_power(p)
    sampling = Sampling(n_projections, directions, seed)
    slices = check_slices(X, Y, a, b, projections, sampling, batches=False)
    direction, n_iter, status = climb(slices, power, max_iter, tol, n_threads)
    row = contiguous(direction[None], slices.x.dtype)
    best = slices._replace(sources=(*slices.sources[:4], None), directions=row)
    values = slice_values(best, power, n_threads, circles=False)
    value = slices.library.sliced_value(values, best.sources)
    return MaxSlicedResult(best, value, direction, power, n_iter, status)


def climb(
    slices: Slices, power: float, max_iter: int, tol: float, n_threads: int | None
) -> tuple[npt.NDArray[np.float64], int, str]:
    """The best direction, the steps that led there, and the status; for what the public calls."""
    limit = positive_int(max_iter, "max_iter")
    tolerance = _check_tolerance(tol)
    threads = check_threads(n_threads)
    _, direction, n_iter, converged = _core.sliced_maximum(
        slices.x,
        slices.y,
        slices.a,
        slices.b,
        slices.directions,
        power,
        mass_tolerance=slices.mass_tolerance,
        max_iter=limit,
        tolerance=tolerance,
        n_threads=threads or slices.library.n_threads(),
    )
    if not converged:
        warnings.warn(
            f"max_iter: {limit} steps did not bring the gain of a step below tol = {tolerance:.2g}",
            ConvergenceWarning,
            stacklevel=3,
        )
    return direction, n_iter, "converged" if converged else "max_iter"


def _check_tolerance(tol: object) -> float:
    if not isinstance(tol, Real) or isinstance(tol, bool):
        raise TypeError(f"tol: {type(tol).__name__}, expected a number")
    if not float(tol) >= 0:
        raise ValueError(f"tol: {tol}, expected a number >= 0")
    return float(tol)
