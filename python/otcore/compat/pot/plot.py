"""POT's ``ot.plot``, with matplotlib (the extra ``otcore[plot]``) on the current figure.

Not imported with the package: ``import otcore.compat.pot.plot``, as for POT's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..._arrays import open_door
from ..._extras import import_extra
from ._coverage import missing

__all__ = ["plot1D_mat", "plot2D_samples_mat"]


def plot1D_mat(  # noqa: N802
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    title: str = "",
    plot_style: str = "yx",
    a_label: str = "",
    b_label: str = "",
    color_source: str = "b",
    color_target: str = "r",
    coupling_cmap: str = "gray_r",
) -> tuple[Any, Any, Any]:
    """A matrix as an image, with the histograms of its rows and columns beside it.

    Parameters
    ----------
    a : array_like, shape (n,)
        The histogram of the rows.
    b : array_like, shape (m,)
        The histogram of the columns.
    M : array_like, shape (n, m)
        Costs or a plan.
    title, a_label, b_label
        Titles of the three parts.
    plot_style
        ``"yx"``: a on the left, downwards, b above. ``"xy"``: a below, b on the left, upwards.
    color_source, color_target, coupling_cmap
        matplotlib's colours of a and b, and colour map of the image.

    Returns
    -------
    tuple of matplotlib.axes.Axes
        Of a, b and M.

    Raises
    ------
    AssertionError
        An unknown plot_style.
    """
    if plot_style not in ("yx", "xy"):
        raise AssertionError(f"plot_style: {plot_style!r}, expected 'yx' or 'xy'")
    pyplot = import_extra("matplotlib.pyplot", extra="plot", purpose="plot1D_mat")
    rows, columns, image = (_plain(name, x) for name, x in (("a", a), ("b", b), ("M", M)))
    grid = pyplot.gcf().add_gridspec(3, 3)
    down = plot_style == "yx"
    image_axes = pyplot.subplot(grid[1:, 1:] if down else grid[:2, 1:])
    a_axes = pyplot.subplot(grid[1:, 0] if down else grid[2, 1:])
    b_axes = pyplot.subplot(grid[0, 1:] if down else grid[:2, 0])
    shown = image if down else image.T
    origin = "upper" if down else "lower"
    image_axes.imshow(
        shown, cmap=coupling_cmap, origin=origin, aspect="auto", interpolation="nearest"
    )
    _histogram(a_axes, rows, color_source, upright=not down)
    _histogram(b_axes, columns, color_target, upright=down)
    if down:
        a_axes.set_ylim(image_axes.get_ylim())
        a_axes.invert_xaxis()
        b_axes.set_xlim(image_axes.get_xlim())
    else:
        a_axes.set_xlim(image_axes.get_xlim())
        b_axes.set_ylim(image_axes.get_ylim())
        b_axes.invert_xaxis()
    for axes, text in ((image_axes, title), (a_axes, a_label), (b_axes, b_label)):
        axes.set_title(text)
        axes.set_xticks([])
        axes.set_yticks([])
    return a_axes, b_axes, image_axes


def plot2D_samples_mat(  # noqa: N802
    xs: npt.ArrayLike, xt: npt.ArrayLike, G: Any, thr: float = 1e-8, **kwargs: Any
) -> None:
    """Lines between points of the plane that exchange mass, the darker the more.

    Parameters
    ----------
    xs : array_like, shape (n, 2)
        The first points.
    xt : array_like, shape (m, 2)
        The second points.
    G : array_like or sparse, shape (n, m)
        The plan.
    thr
        Entries up to this part of the largest are left out.
    **kwargs
        For `matplotlib.pyplot.plot`. The colour is black unless given; ``alpha`` is that of the
        largest entry.
    """
    pyplot = import_extra("matplotlib.pyplot", extra="plot", purpose="plot2D_samples_mat")
    if not {"c", "color"} & kwargs.keys():
        kwargs["color"] = "k"
    alpha = kwargs.pop("alpha", 1.0)
    x, y = _plain("xs", xs), _plain("xt", xt)
    dense = getattr(G, "toarray", None) or getattr(G, "to_dense", None)
    plan = _plain("G", dense() if dense else G)
    strength = plan / plan.max()
    for i, j in np.argwhere(strength > thr):
        ends = np.stack([x[i], y[j]])
        pyplot.plot(ends[:, 0], ends[:, 1], alpha=alpha * strength[i, j], **kwargs)


def _plain(name: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    library, (array,) = open_door(((name, value),))
    return library.to_numpy(array)


def _histogram(axes: Any, masses: npt.NDArray[Any], color: str, *, upright: bool) -> None:
    places = np.arange(len(masses))
    if upright:
        axes.plot(places, masses, color=color)
        axes.fill_between(places, masses, color=color, alpha=0.5)
    else:
        axes.plot(masses, places, color=color)
        axes.fill_betweenx(places, masses, color=color, alpha=0.5)


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
