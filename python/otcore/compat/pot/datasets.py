"""POT's ``ot.datasets``: the histograms and clouds that its examples start from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._coverage import missing
from .utils import check_random_state

__all__ = ["make_1D_gauss", "make_2D_samples_gauss"]


def make_1D_gauss(n: int, m: float, s: float) -> npt.NDArray[np.float64]:  # noqa: N802
    """A Gaussian on the positions 0, 1, ..., n - 1, with sum 1.

    Parameters
    ----------
    n
        How many positions.
    m
        The mean.
    s
        The standard deviation.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.datasets.make_1D_gauss(3, 1.0, 1.0).round(3)
    array([0.274, 0.452, 0.274])
    """
    density: npt.NDArray[np.float64] = np.exp(-0.5 * np.square((np.arange(n) - m) / s))
    density /= density.sum()
    return density


def make_2D_samples_gauss(  # noqa: N802
    n: int, m: npt.ArrayLike, sigma: npt.ArrayLike, random_state: Any = None
) -> npt.NDArray[np.float64]:
    """Points drawn from a Gaussian; the same as POT's for the same `random_state`.

    Parameters
    ----------
    n
        How many.
    m : array_like, shape (d,)
        The mean.
    sigma : array_like, shape (d, d)
        The covariance.
    random_state
        As in `otcore.compat.pot.utils.check_random_state`.

    Returns
    -------
    ndarray, shape (n, d)

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.datasets.make_2D_samples_gauss(3, [0.0, 9.0], [[1.0, 0.0], [0.0, 1.0]]).shape
    (3, 2)
    """
    mean = np.asarray(m)
    variances, axes = np.linalg.eigh(np.asarray(sigma, dtype=np.float64))
    root = (axes * np.sqrt(variances.clip(0.0))) @ axes.T
    points: npt.NDArray[np.float64] = check_random_state(random_state).randn(n, len(mean)) @ root
    points += mean
    return points


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
