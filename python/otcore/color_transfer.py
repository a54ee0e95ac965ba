"""Colour transfer: give one photograph the colours of another.

Both photographs are reduced to palettes by K-means, one palette is mapped onto the other by optimal
transport (exact, m-OT or BoMb-OT), and every pixel is moved as its palette colour is moved. This is
Algorithm 3 of "On Transportation of Mini-batches: A Hierarchical Approach" (Nguyen et al., 2022).

Palettes need scikit-learn: ``pip install "otcore[cli]"``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import minibatch
from ._extras import import_extra
from ._options import positive_int
from ._progress import Progress
from .solve import solve_sample

__all__ = [
    "METHODS",
    "Palette",
    "PaletteMap",
    "fit_palette",
    "map_palette",
    "palette_distance",
    "recolor",
]

METHODS = {"bomb": "BoMb-OT", "m": "m-OT", "exact": "Exact OT"}

_LLOYD_STEPS = 10

FloatArray = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Palette:
    """The colours of an image, each standing for the pixels nearest to it.

    Attributes
    ----------
    colors : ndarray of shape (n_colors, 3), float64
        Red, green, blue, from 0 to 255.
    labels : ndarray of shape (height, width), int64
        The row of `colors` that stands for each pixel.
    """

    colors: FloatArray
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True)
class PaletteMap:
    """Where a map sends each colour of a palette.

    Attributes
    ----------
    colors : ndarray of shape (n_colors, 3), float64
        The image of each colour: an average of colours of the target palette.
    n_filled : int
        How many colours no mini-batch had drawn, so that a further pass had to map them.
    n_iter : int
        Mini-batch iterations; 0 for the exact map.
    seconds : float
        Wall-clock time of the map.
    """

    colors: FloatArray
    n_filled: int
    n_iter: int
    seconds: float


def fit_palette(image: Image, n_colors: int = 3000, *, seed: int = 0) -> Palette:
    """Reduce an image to a palette by K-means.

    Ten steps of scikit-learn's K-means on the distinct colours, weighted by how many pixels have
    them. An image that has no more than `n_colors` distinct colours keeps them as they are.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
    n_colors : int
        Palette size, at least 1.
    seed : int
        Not negative.

    Returns
    -------
    Palette

    Raises
    ------
    ValueError
        If `image` is not such an array or is empty, or `n_colors` is less than 1.
    ImportError
        If scikit-learn is missing.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.zeros((4, 6, 3), dtype=np.uint8)
    >>> stripes[:, 3:] = [200, 100, 0]
    >>> fit_palette(stripes).colors
    array([[  0.,   0.,   0.],
           [200., 100.,   0.]])
    """
    image = _check_image(image)
    n_colors = positive_int(n_colors, "n_colors")
    codes = image.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    codes, labels, counts = np.unique(codes, return_inverse=True, return_counts=True)
    colors = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.float64)
    labels = labels.reshape(image.shape[:2])
    if len(colors) <= n_colors:
        return Palette(colors, labels.astype(np.int64))
    cluster = import_extra("sklearn.cluster", extra="cli", purpose="a palette")
    k_means = cluster.KMeans(
        n_colors, init="random", n_init=1, max_iter=_LLOYD_STEPS, random_state=seed
    ).fit(colors, sample_weight=counts)
    return Palette(k_means.cluster_centers_, k_means.labels_.astype(np.int64)[labels])


def map_palette(
    source: FloatArray,
    target: FloatArray,
    *,
    method: str = "bomb",
    k: int = 10,
    m: int = 10,
    iterations: int = 5000,
    seed: int = 0,
    n_threads: int | None = None,
    progress: Progress = False,
) -> PaletteMap:
    """Map one palette onto another by a barycentric map.

    Every colour has the same weight, whatever the method and however many pixels it stands for, as
    in the paper: the methods are comparable, and rare colours take part.

    Parameters
    ----------
    source, target : ndarray of shape (n, 3) and (n', 3), float64
        The palettes' colours.
    method : {"bomb", "m", "exact"}
        BoMb-OT, m-OT, or exact OT between the whole palettes.
    k, m, iterations, seed : int
        Number and size of the mini-batches of an iteration, number of iterations, and the seed of
        the draws; `method="exact"` uses none of them.
    n_threads : int, optional
        As in :func:`otcore.solve_sample`.
    progress : bool or callable
        As in :func:`otcore.solve_sample`.

    Returns
    -------
    PaletteMap

    Raises
    ------
    ValueError
        If `method` is not one of the three, or another argument is unfit for it.
    otcore.SolveInterrupted
        On Ctrl-C.

    Examples
    --------
    >>> import numpy as np
    >>> source = np.array([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])
    >>> target = np.array([[200.0, 0.0, 0.0], [100.0, 0.0, 0.0]])
    >>> map_palette(source, target, method="exact").colors
    array([[100.,   0.,   0.],
           [200.,   0.,   0.]])
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r}, expected one of {', '.join(map(repr, METHODS))}")
    start = time.perf_counter()
    if method == "exact":
        exact = solve_sample(source, target, n_threads=n_threads, progress=progress)
        return PaletteMap(exact.barycentric_map(), 0, 0, time.perf_counter() - start)
    result = minibatch.barycentric_map(
        source,
        target,
        k=k,
        m=m,
        iterations=iterations,
        method=method,
        seed=seed,
        n_threads=n_threads,
        progress=progress,
    )
    return PaletteMap(result.map, result.n_filled, result.iterations, time.perf_counter() - start)


def palette_distance(
    source: FloatArray, target: FloatArray, *, n_threads: int | None = None
) -> float:
    """The Wasserstein-2 distance between two palettes with equal weights, in colour levels."""
    return float(solve_sample(source, target, n_threads=n_threads).distance)


def recolor(image: Image, palette: Palette, colors: FloatArray) -> Image:
    """Move every pixel as its palette colour moves.

    The pixel is displaced by ``colors - palette.colors`` at its label, not replaced by the new
    colour: detail finer than the palette survives, and the identity map gives back the image.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8
    palette : Palette
        The palette of `image`.
    colors : ndarray of shape (n_colors, 3)
        The new colour of each palette entry.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        Rounded, and clipped to 0..255.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    image = _check_image(image)
    if palette.labels.shape != image.shape[:2]:
        raise ValueError(
            f"palette: labels of shape {palette.labels.shape}, "
            f"expected {image.shape[:2]}, the size of the image"
        )
    if colors.shape != palette.colors.shape:
        raise ValueError(f"colors: shape {colors.shape}, expected {palette.colors.shape}")
    moved = (colors - palette.colors)[palette.labels]
    moved += image
    np.rint(moved, out=moved)
    return np.clip(moved, 0, 255, out=moved).astype(np.uint8)


def _check_image(image: Image) -> Image:
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(
            f"image: {image.dtype} array of shape {image.shape}, "
            "expected uint8 of shape (height, width, 3)"
        )
    return image
