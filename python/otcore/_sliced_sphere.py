"""Sliced transport between points of a sphere, by circles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._options import check_power
from ._sliced_result import SlicedResult
from ._sliced_values import solve_slices
from ._slices import Sampling, check_slices

__all__ = ["sliced_wasserstein_sphere"]

# How far from 1 the squared length of points on the sphere may be.
_SPHERE_TOLERANCE = 1e-4


def sliced_wasserstein_sphere(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    n_projections: int = 50,
    p: float = 2,
    projections: npt.ArrayLike | None = None,
    seed: Any = None,
    n_threads: int | None = None,
) -> SlicedResult:
    """The spherical sliced Wasserstein cost between points of a sphere.

    The mean over planes through the origin of W_p^p on the unit circle in each, of circumference 1,
    to which points go by projection and scaling; abs(x - y) is the shorter arc. It is not rooted,
    unlike that of POT's function of this name.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Unit vectors, d >= 2, up to 1e-4 in their squared length; dtypes as in `sliced_wasserstein`.
    Y : array_like, shape (m, d)
        The second ones.
    a : array_like, shape (n,), optional
        Masses of X, as in `sliced_wasserstein`.
    b : array_like, shape (m,), optional
        Masses of Y.
    n_projections
        How many planes to draw, independent and uniform.
    p
        The power, a finite number >= 1.
    projections : array_like, shape (L, d, 2), optional
        An orthonormal basis of each plane, taken as it is.
    seed, n_threads
        As in `sliced_wasserstein`.

    Returns
    -------
    SlicedResult
        As that of `sliced_wasserstein`; tensors are differentiable in X, Y and given projections,
        not in masses. A point in no direction of a plane goes to angle 0, with gradient 0.

    Raises
    ------
    ValueError
        As `sliced_wasserstein`, and for points that are not on the sphere (with their index).
    TypeError
        As `sliced_wasserstein`.

    References
    ----------
    .. [1] C. Bonet et al., Spherical sliced-Wasserstein, ICLR 2023.
    .. [2] J. Delon, J. Salomon, A. Sobolevski, Fast transport optimization for Monge costs on the
       circle, SIAM J. Appl. Math. 70, 2010.

    Examples
    --------
    >>> import otcore
    >>> planes = [[[1.0, 0.0], [0.0, 1.0]]]
    >>> X, Y = [[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [-1.0, 0.0]]
    >>> otcore.sliced.sliced_wasserstein_sphere(X, Y, p=1, projections=planes).value
    0.25
    """
    power = check_power(p)
    sampling = Sampling(n_projections, "gaussian", seed)
    slices = check_slices(X, Y, a, b, projections, sampling, planes=True, batches=False)
    for name, points in (("X", slices.x[0]), ("Y", slices.y[0])):
        _require_sphere(name, points)
    return solve_slices(slices, power, n_threads, circles=True)


def _require_sphere(name: str, points: npt.NDArray[Any]) -> None:
    squares = np.einsum("ik,ik->i", points, points, dtype=np.float64)
    off = ~(np.abs(squares - 1) <= _SPHERE_TOLERANCE)
    if off.any():
        i = int(np.argmax(off))
        raise ValueError(
            f"{name}: row {i} has squared length {squares[i]:.6g}, expected unit vectors (up to "
            f"{_SPHERE_TOLERANCE:g})"
        )
