"""Colour transfer three ways: exact OT, m-OT and BoMb-OT on scikit-learn's two photographs.

Writes one picture (source, target and the three results, each above its palette) and prints a
table: seconds of the map, mini-batch iterations per second, Wasserstein-2 distance between the
palettes before and after, colours that only the further pass reached. `make demo` runs it; by hand:

    pip install "otcore[cli,plot]"
    python examples/color_transfer.py --output color_transfer.png
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image

from otcore.color_transfer import METHODS, fit_palette, map_palette, palette_distance, recolor

INK, MUTED, ACCENT = "#1f2328", "#6e7781", "#c2571a"


class Panel(NamedTuple):
    title: str
    image: np.ndarray
    colors: np.ndarray
    distance: float  # Wasserstein-2 from `colors` to the target's palette


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("color_transfer.png"))
    parser.add_argument("--colors", type=int, default=3000, help="palette size")
    parser.add_argument("--iterations", type=int, default=5000, help="mini-batch iterations")
    arguments = parser.parse_args()

    source, target = load_sample_image("flower.jpg"), load_sample_image("china.jpg")
    palette = fit_palette(source, arguments.colors)
    goal = fit_palette(target, arguments.colors)
    before = palette_distance(palette.colors, goal.colors)
    panels = [
        Panel("Source", source, palette.colors, before),
        Panel("Target", target, goal.colors, 0.0),
    ]
    row = "{:<10}{:>9}{:>14}{:>11}{:>10}{:>8}".format
    lines = [row("method", "seconds", "iterations/s", "W2 before", "W2 after", "filled")]
    for method, name in reversed(METHODS.items()):
        mapped = map_palette(
            palette.colors,
            goal.colors,
            method=method,
            k=10,
            m=10,
            iterations=arguments.iterations,
            progress=sys.stderr.isatty(),
        )
        after = palette_distance(mapped.colors, goal.colors)
        panels.append(Panel(name, recolor(source, palette, mapped.colors), mapped.colors, after))
        speed = f"{mapped.n_iter / mapped.seconds:.0f}" if mapped.n_iter else "-"
        seconds = f"{mapped.seconds:.2f}"
        lines.append(row(name, seconds, speed, f"{before:.1f}", f"{after:.1f}", mapped.n_filled))

    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    draw(panels).savefig(arguments.output)
    print(*lines, f"picture: {arguments.output}", sep="\n")


def draw(panels: list[Panel]) -> Figure:
    """Source, target and a chart of the distances above the results."""
    figure = Figure(figsize=(15.0, 8.3), dpi=120, facecolor="white")
    rows = figure.add_gridspec(
        2, 3, left=0.015, right=0.985, bottom=0.015, top=0.955, wspace=0.045, hspace=0.12
    )
    cells = [rows[0, 0], rows[0, 1], rows[1, 0], rows[1, 1], rows[1, 2]]
    for cell, panel in zip(cells, panels, strict=True):
        picture, strip = cell.subgridspec(2, 1, height_ratios=[7.4, 1], hspace=0.03).subplots()
        picture.imshow(panel.image, aspect="auto")
        strip.imshow(palette_strip(panel.colors), aspect="auto", interpolation="nearest")
        picture.set_title(panel.title, loc="left", fontsize=14, fontweight="bold", color=INK)
        for axes in (picture, strip):
            axes.set_axis_off()
    # The chart leaves room inside its cell for its labels.
    inner = rows[0, 2].subgridspec(3, 2, width_ratios=[0.24, 1], height_ratios=[0.1, 1, 0.08])
    draw_distances(figure.add_subplot(inner[1, 1]), [panels[0], *panels[2:]])
    return figure


def draw_distances(axes: Axes, panels: list[Panel]) -> None:
    names = [panel.title for panel in panels]
    distances = [panel.distance for panel in panels]
    bars = axes.barh(names, distances, height=0.55, color=[MUTED] + [ACCENT] * (len(panels) - 1))
    axes.bar_label(bars, fmt="%.1f", padding=5, fontsize=12, color=INK)
    axes.invert_yaxis()
    axes.set_title("Distance to the target's palette", loc="left", fontsize=13, color=INK, pad=14)
    axes.set_xlabel("Wasserstein-2, colour levels (0 to 255)", fontsize=10.5, color=MUTED)
    axes.set_xlim(0, 1.15 * max(distances))
    axes.tick_params(axis="y", length=0, labelsize=12.5, labelcolor=INK)
    axes.tick_params(axis="x", length=0, labelsize=10, labelcolor=MUTED)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_color(MUTED)


def palette_strip(colors: np.ndarray, height: int = 24, width: int = 160) -> np.ndarray:
    """The palette as a band, dark to light, each column warm to cold; any number of colours."""
    by_luma = colors[np.argsort(colors @ [0.299, 0.587, 0.114], kind="stable")]
    quantiles = np.linspace(0, len(colors) - 1, width * height).round().astype(int)
    band = by_luma[quantiles].reshape(width, height, 3)
    warm_first = np.argsort(band[:, :, 2] - band[:, :, 0], axis=1, kind="stable")
    band = np.take_along_axis(band, warm_first[:, :, None], axis=1)
    return band.transpose(1, 0, 2).round().astype(np.uint8)


if __name__ == "__main__":
    main()
