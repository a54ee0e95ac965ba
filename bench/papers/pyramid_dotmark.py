"""Pyramid mini-batches on DOTmark's classic images of 64 x 64: table 1 and the alignment.

*Pyramid Mini-Batch Optimal Transport*, section 4. Its text speaks of one-dimensional alignments,
and its numbers are those of images taken as their 4096 intensities, points on a line. Over all
pairs of the ten images, and for images 6 and 9 alone, which come near the paper's numbers:

- the mean over batches of the root W_2, as the paper has it: no bound of W_2, it can be less;
- the root of the mean over batches of W_2^2: an upper bound;
- the mean over batches of W_1, an upper bound of W_1: there long ways are not punished;
- and what users of DOTmark mean: pixels as points of the grid, weighted by their intensity, again
  the root of the mean, in pixels, beside the exact W_2.

The alignment is a gradient flow of intensities by batches of 100 to t = 50, Euler's scheme as in
`pyramid_flow.py`; stated is by which part the exact W_2 is reduced.

    python bench/papers/pyramid_dotmark.py               # ../shared/data, or OTCORE_SHARED_DATA
"""

from __future__ import annotations

import argparse
from itertools import combinations, islice

import numpy as np
from matplotlib.figure import Figure
from pyramid_common import (
    COLORS,
    METHODS,
    Values,
    flow,
    load,
    picture_parser,
    print_table,
    save,
    tree_of,
)

import otcore
from otcore.minibatch import pmb_ot

PAPER = {
    "random": (25639.1, 18636.8, 17690.5),
    "interleaving": (19076.4, 17987.6, 14654.8),
    "joint": (19210.4, 17969.4, 14616.7),
}
PAPER_REDUCTION = {"random": 0.88, "interleaving": 0.99, "joint": 0.99}
BATCHES = (10, 100, 1000)
PAPER_PAIR = (5, 8)
EVERY = "mean of all pairs"
KINDS = ("mean of roots", "root of mean", "W_1", "grid")


def main() -> None:
    parser = picture_parser(__doc__, "pyramid_dotmark")
    parser.add_argument("--images", type=int, default=10, help="pairs of the first so many")
    parser.add_argument("--side", type=int, choices=(32, 64), default=64)
    parser.add_argument("--step", type=float, default=0.1)
    parser.add_argument("--until", type=float, default=50.0, help="time of the alignment's end")
    parser.add_argument("--refresh", type=int, default=20, help="steps between new trees")
    parser.add_argument("--alignments", type=int, default=5, help="of so many pairs")
    arguments = parser.parse_args()
    (images,) = load("dotmark", f"ClassicImages_{arguments.side}")
    pixels = images.reshape(len(images), -1).astype(np.float64)
    pairs = list(combinations(range(min(arguments.images, len(pixels))), 2))
    found = {pair: estimates(pixels, pair, arguments.seed) for pair in pairs}
    tell_estimates(found)
    chosen = sorted(pairs, key=lambda pair: pair != PAPER_PAIR)[: arguments.alignments]
    left = {pair: align(pixels, pair, arguments) for pair in chosen}
    tell_alignment(left)
    save(picture(found, left, arguments.step), arguments.output)


# ---------------------------------------------------------------------------------------------
# Estimates: by kind and method, one for each batch size; under "exact" the exact ones

Estimates = dict[tuple[str, str], list[float]]


def estimates(pixels: Values, pair: tuple[int, int], seed: int) -> Estimates:
    """All estimates of W_2 between two images."""
    x, y = (pixels[each] for each in pair)
    line = otcore.oned.wasserstein(x, y, p=2) ** 0.5
    first = otcore.oned.wasserstein(x, y, p=1)
    X, Y = x[:, None], y[:, None]
    side = round(len(x) ** 0.5)
    G = np.stack(np.meshgrid(*[np.arange(float(side))] * 2, indexing="ij"), -1).reshape(-1, 2)
    a, b = x / x.sum(), y / y.sum()
    exact = float(otcore.solve_sample(G, G, a, b).value) ** 0.5
    found: Estimates = {
        (kind, "exact"): [float(value)] * len(BATCHES)
        for kind, value in zip(KINDS, (line, line, first, exact), strict=True)
    }
    for method in METHODS:
        tree, on_grid = tree_of(method, X, Y, seed=seed), tree_of(method, G, G, seed, a, b)
        passes = [pmb_ot(X, Y, m=m, tree=tree, seed=seed) for m in BATCHES]
        weighted = [pmb_ot(G, G, m=m, tree=on_grid, seed=seed) for m in BATCHES]
        found["mean of roots", method] = [float(each.mean_root) for each in passes]
        found["root of mean", method] = [float(each.value) ** 0.5 for each in passes]
        found["W_1", method] = [
            float(pmb_ot(X, Y, m=m, tree=tree, seed=seed, metric="euclidean").value)
            for m in BATCHES
        ]
        found["grid", method] = [float(each.value) ** 0.5 for each in weighted]
    return found


def tell_estimates(found: dict[tuple[int, int], Estimates]) -> None:
    for title, chosen in ((EVERY, list(found)), ("images 6 and 9 (the paper)", [PAPER_PAIR])):
        if not set(chosen) <= set(found):
            continue
        rows = []
        for kind in KINDS:
            for method in (*METHODS, "exact"):
                means = np.mean([found[pair][kind, method] for pair in chosen], axis=0)
                cells = [f"{value:.4g}" if kind == "grid" else f"{value:.0f}" for value in means]
                if title != EVERY and kind == KINDS[0] and method in PAPER:
                    cells = [f"{c} ({p:.0f})" for c, p in zip(cells, PAPER[method], strict=True)]
                rows.append([kind, method, *cells])
        print(f"Table 1, {title}\n")
        print_table(["estimate", "method", *(f"m = {m}" for m in BATCHES)], rows)
    above = {
        method: sum(
            np.greater(each["root of mean", method], each["root of mean", "random"])
            for each in found.values()
        )
        for method in METHODS[1:]
    }
    for method, counts in above.items():
        print(f"pairs with {method} above random (root of mean), m = {BATCHES}: {counts}")
    print()


# ---------------------------------------------------------------------------------------------
# Alignment


def align(
    pixels: Values, pair: tuple[int, int], arguments: argparse.Namespace
) -> dict[str, list[float]]:
    """W_2 after every step, as a part of that at the start."""
    x, y = (pixels[each] for each in pair)
    before = otcore.oned.wasserstein(x, y, p=2)
    left = {}
    for method in METHODS:
        steps = flow(
            x[:, None], y[:, None], method, 100, step=arguments.step, refresh=arguments.refresh
        )
        count = round(arguments.until / arguments.step)
        left[method] = [
            float(otcore.oned.wasserstein(moved[:, 0], y, p=2) / before) ** 0.5
            for moved, _, _ in islice(steps, count)
        ]
    return left


def tell_alignment(left: dict[tuple[int, int], dict[str, list[float]]]) -> None:
    rows = []
    for method in METHODS:
        ends = [each[method][-1] for each in left.values()]
        cells = [f"{100 * (1 - value):.1f} %" for value in (ends[0], np.mean(ends))]
        rows.append([method, *cells, f"{100 * PAPER_REDUCTION[method]:.0f} %"])
    first = next(iter(left))
    print("Alignment by batches of 100: reduction of W_2\n")
    pair = f"images {first[0] + 1} and {first[1] + 1}"
    print_table(["method", pair, f"mean of {len(left)} pairs", "paper"], rows)


def picture(
    found: dict[tuple[int, int], Estimates],
    left: dict[tuple[int, int], dict[str, list[float]]],
    step: float,
) -> Figure:
    """Estimates against batch size, and how the alignments go on."""
    figure = Figure(figsize=(16.0, 9.0), dpi=110, facecolor="white")
    panels = figure.subplots(2, 3)
    for axes, kind in zip(panels.flat, KINDS, strict=False):
        for method, color in (*COLORS.items(), ("exact", "black")):
            means = np.mean([each[kind, method] for each in found.values()], axis=0)
            style = "--" if method == "exact" else "-o"
            axes.plot(BATCHES, means, style, color=color, label=method)
        axes.set_xscale("log")
        axes.set_xlabel("batch size")
        axes.set_title(kind, loc="left")
    panels.flat[0].legend()
    panels.flat[5].axis("off")
    axes = panels.flat[4]
    for each in left.values():
        for method, parts in each.items():
            times = step * np.arange(1, len(parts) + 1)
            axes.semilogy(times, parts, color=COLORS[method], linewidth=0.8)
    axes.set_xlabel("time")
    axes.set_title("alignment: part of W_2 left", loc="left")
    return figure


if __name__ == "__main__":
    main()
