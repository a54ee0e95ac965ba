"""Pictures of transport plans, with matplotlib (the extra ``otcore[plot]``)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import Real
from ._extras import import_extra

# Larger plans are drawn with several entries to a cell: one pixel each would not be seen.
_MOST_CELLS = 512


def plot_matching(
    x: Real,
    y: Real,
    rows: npt.NDArray[np.int64],
    cols: npt.NDArray[np.int64],
    mass: npt.NDArray[np.float64],
    *,
    ax: Any = None,
) -> Any:
    """Points of the plane, x (n, 2) and y (m, 2), and a line for each (row, column, mass)."""
    ax = ax or _new_axes()
    collections = import_extra("matplotlib.collections", extra="plot", purpose="plot")
    strength = mass / mass.max(initial=np.finfo(np.float64).tiny)
    colours = np.zeros((len(mass), 4))
    colours[:, 3] = 0.1 + 0.6 * strength
    lines = np.stack([x[rows], y[cols]], axis=1)
    ax.add_collection(collections.LineCollection(lines, colors=colours, linewidths=1.0, zorder=1))
    ax.scatter(*x.T, s=16, label="X", zorder=2)
    ax.scatter(*y.T, s=16, label="Y", zorder=2)
    ax.set_aspect("equal")
    ax.legend()
    return ax


def plot_plan(
    rows: npt.NDArray[np.int64],
    cols: npt.NDArray[np.int64],
    mass: npt.NDArray[np.float64],
    shape: tuple[int, int],
    *,
    ax: Any = None,
) -> Any:
    """The plan of this shape as an image: row 0 at the top, white where there is no mass."""
    ax = ax or _new_axes()
    n, m = shape
    cells = min(n, _MOST_CELLS), min(m, _MOST_CELLS)
    image, _, _ = np.histogram2d(rows, cols, bins=cells, range=((0, n), (0, m)), weights=mass)
    drawn = ax.imshow(
        image, cmap="Greys", extent=(-0.5, m - 0.5, n - 0.5, -0.5), interpolation="nearest"
    )
    ax.figure.colorbar(drawn, ax=ax, label="mass")
    ax.set_xlabel("column")
    ax.set_ylabel("row")
    return ax


def _new_axes() -> Any:
    pyplot = import_extra("matplotlib.pyplot", extra="plot", purpose="plot")
    return pyplot.subplots()[1]
