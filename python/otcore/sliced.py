"""Sliced optimal transport: the mean, or the largest, of the costs of projections on lines.

Points are projected on many directions, and transport on each line is sorting, so n points in d
dimensions and L directions take L n (d + log n) steps. On the sphere, points are projected on
circles. The plans of slices are plans in space, too, and the best of them is often a good one.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ._options import check_power
from ._sliced_max import max_sliced_wasserstein
from ._sliced_plans import expected_sliced, min_pivot_sliced
from ._sliced_result import MaxSlicedResult, SlicedPlanResult, SlicedResult
from ._sliced_sphere import sliced_wasserstein_sphere
from ._sliced_values import solve_slices
from ._slices import Features, Sampling, check_slices

__all__ = [
    "MaxSlicedResult",
    "SlicedPlanResult",
    "SlicedResult",
    "expected_sliced",
    "max_sliced_wasserstein",
    "min_pivot_sliced",
    "sliced_wasserstein",
    "sliced_wasserstein_sphere",
]


def sliced_wasserstein(
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
    features: Features | None = None,
    n_threads: int | None = None,
) -> SlicedResult:
    """The sliced Wasserstein cost between two clouds of points, or of a batch of pairs of clouds.

    The mean over directions theta of W_p^p between the projections <x, theta> and <y, theta>. It is
    not rooted: ``.distance`` is its p-th root, which is what ``ot.sliced_wasserstein_distance`` of
    POT returns.

    Parameters
    ----------
    X : array_like, shape (n, d) or (B, n, d)
        The first points: a numpy array, a list or a torch tensor on the CPU. float32 and float64
        are projected and sorted as they are; half floats become float32, integers and bool float64.
    Y : array_like, shape (m, d) or (B, m, d)
        The second points. Of two dtypes the wider counts. All problems of a batch share the
        directions.
    a : array_like, shape (n,) or (B, n), optional
        Masses of X, not negative, with a positive sum, which need not be 1. Rounded to the points'
        dtype. None is 1/n each.
    b : array_like, shape (m,) or (B, m), optional
        Masses of Y. The sums of a and b may differ by 1e-6 relative (1e-4 if the points or one of
        the masses are float32 or narrower); that is normalised.
    n_projections
        How many directions to draw.
    p
        The power, a finite number >= 1.
    projections : array_like, shape (d, L), optional
        The directions, as columns; taken as they are, of any length. `n_projections`, `directions`
        and `seed` are not used then.
    directions
        How to draw: ``"gaussian"``, independent; ``"orthogonal"``, independent blocks of d
        orthogonal ones; ``"quasi"``, a randomly shifted low-discrepancy sequence (equal angles in
        the plane). The value is an unbiased estimate of the mean over the sphere for all three;
        the last two have less variance.
    seed
        None, an int from 0 to 2^64 - 1, or a generator of numpy or torch.
    features
        A function from an array of points (of their library) to an array of features, (n, k) or
        (B, n, k), which are sliced in place of the points: a generalised sliced distance, say with
        polynomials or a network. With tensors the value is differentiable through it.
    n_threads
        At most so many threads; None is the default. The result is the same for any number.

    Returns
    -------
    SlicedResult
        With ``value``, ``distance``, ``costs`` of every direction, ``standard_error``,
        ``confidence_interval()`` and ``projections``. The values of tensors are differentiable
        (once) in X, Y, a, b and given projections. Memory beside the input is a few times n + m
        numbers for each thread, whatever the number of directions; gradients take their own size
        in float64 and a block of slices.

    Raises
    ------
    ValueError
        A wrong shape; NaN or infinity (with its index); projections or costs that overflow;
        negative masses, no mass, or masses that differ; p below 1; an unknown `directions`.
    TypeError
        Arrays of two libraries or devices (both named), or not of real numbers.

    References
    ----------
    .. [1] N. Bonneel, J. Rabin, G. Peyre, H. Pfister, Sliced and Radon Wasserstein barycenters of
       measures, J. Math. Imaging Vision 51, 2015.
    .. [2] M. Rowland et al., Orthogonal estimation of Wasserstein distances, AISTATS 2019.
    .. [3] S. Kolouri et al., Generalized sliced Wasserstein distances, NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> result = otcore.sliced.sliced_wasserstein(X, X + [3.0, 0.0, 0.0], seed=1)
    >>> round(result.value, 3)  # 9 / 3, up to the choice of directions
    2.74
    >>> result.costs.shape
    (50,)
    >>> sampled = otcore.sliced.sliced_wasserstein(X, 2 * X, directions="quasi", seed=1)
    >>> float(sampled.distance) == sampled.value ** 0.5
    True
    """
    power = check_power(p)
    sampling = Sampling(n_projections, directions, seed)
    slices = check_slices(X, Y, a, b, projections, sampling, features=features)
    return solve_slices(slices, power, n_threads, circles=False)
