"""Which part of the coupled mass joins equal labels: table 2 of the pyramid paper, on other data.

*Pyramid Mini-Batch Optimal Transport*, table 2, couples features of ImageNet with those of its
blurred pictures; here, with squared Euclidean costs and labels that the methods do not see:

- MNIST and USPS, the same number of each (MNIST's drawn at random): digits of MNIST, which lie in
  the middle 20 x 20 pixels, brought to USPS's 16 x 16 by means over areas; values in [0, 1].
- Office-Caltech10, amazon and webcam: GoogLeNet's features, divided by their lengths. 958 and 295
  points: batches are taken by mass, of at most m points of each side.

Each number is the mean of `--passes` passes, each with a tree of its own. "exact" is the plan of
all points; "chance" couples everything with everything.

    python bench/papers/pyramid_labels.py                # ../shared/data, or OTCORE_SHARED_DATA
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from pyramid_common import (
    COLORS,
    METHODS,
    Values,
    load,
    picture_parser,
    print_table,
    save,
    tree_of,
)

import otcore
from otcore.minibatch import pmb_ot

BATCHES = (10, 50, 200, 500, 1000, 2000, 5000)
PAPER = {
    "random": (0.006, 0.02, 0.06, 0.11, 0.16, 0.22, 0.32),
    "interleaving": (0.18, 0.29, 0.40, 0.48, 0.54, 0.60, 0.69),
    "joint": (0.21, 0.31, 0.40, 0.47, 0.52, 0.59, 0.66),
}


@dataclass(frozen=True)
class Features:
    """Two labelled clouds."""

    name: str
    X: Values
    Y: Values
    labels_x: Values
    labels_y: Values

    def share(self, result: Any) -> float:
        """Which part of the mass of a plan joins equal labels."""
        plan = result.sparse_plan.tocoo()
        equal = self.labels_x[plan.row] == self.labels_y[plan.col]
        return float(plan.data[equal].sum() / plan.data.sum())

    def chance(self) -> float:
        classes = np.union1d(self.labels_x, self.labels_y)
        parts = [
            (labels[:, None] == classes).mean(axis=0) for labels in (self.labels_x, self.labels_y)
        ]
        return float(parts[0] @ parts[1])


def main() -> None:
    parser = picture_parser(__doc__, "pyramid_labels")
    parser.add_argument("--points", type=int, default=7291, help="digits of each side, at most")
    parser.add_argument("--passes", type=int, default=3)
    arguments = parser.parse_args()
    figure = Figure(figsize=(12.0, 5.0), dpi=110, facecolor="white")
    panels = figure.subplots(1, 2)
    for axes, data in zip(
        panels, (digits(arguments.points, arguments.seed), office()), strict=True
    ):
        smaller = min(len(data.X), len(data.Y))
        sizes = [m for m in BATCHES if m < smaller]
        exact = data.share(otcore.solve_sample(data.X, data.Y))
        rows = []
        for method in METHODS:
            found = np.zeros(len(sizes))
            for seed in range(arguments.seed, arguments.seed + arguments.passes):
                tree = tree_of(method, data.X, data.Y, seed)
                passes = (pmb_ot(data.X, data.Y, m=m, tree=tree, seed=seed) for m in sizes)
                found += [data.share(each) for each in passes]
            found /= arguments.passes
            rows.append([method, *(f"{share:.3f}" for share in found), f"{exact:.3f}"])
            axes.plot(sizes, found, "-o", color=COLORS[method], label=method)
        for method, shares in PAPER.items():
            known = [f"{share:g}" for share in shares[: len(sizes)]]
            rows.append([f"{method}, the paper's data", *known, ""])
        print(f"Table 2, {data.name}: {len(data.X)} and {len(data.Y)} points")
        print(f"Share of equal labels; chance {data.chance():.3f}\n")
        print_table(["method", *(f"m = {m}" for m in sizes), "exact"], rows)
        axes.axhline(exact, color="black", linestyle="--", label="exact")
        axes.axhline(data.chance(), color="black", linestyle=":", label="chance")
        axes.set_xscale("log")
        axes.set_xlabel("batch size")
        axes.set_title(data.name, loc="left")
    panels[0].set_ylabel("share of equal labels")
    panels[0].legend()
    save(figure, arguments.output)


def digits(n: int, seed: int) -> Features:
    mnist, of_mnist = load("mnist", "x_train", "y_train")
    usps, of_usps = load("usps", "x_train", "y_train")
    rng = np.random.default_rng(seed)
    n = min(n, len(usps))
    i, j = (rng.choice(len(labels), size=n, replace=False) for labels in (of_mnist, of_usps))
    shrink = areas(20, 16)
    X = shrink @ (mnist[i, 4:24, 4:24] / np.float32(255)) @ shrink.T
    Y = usps[j] / np.float32(2000)
    X, Y = (np.ascontiguousarray(each.reshape(n, -1), np.float32) for each in (X, Y))
    return Features("MNIST to USPS", X, Y, of_mnist[i], of_usps[j])


def areas(size: int, fewer: int) -> Values:
    """The matrix that takes means over pieces of equal length: (fewer, size)."""
    ends = np.linspace(0.0, size, fewer + 1)
    pixel = np.arange(size)
    low = np.maximum(ends[:-1, None], pixel)
    high = np.minimum(ends[1:, None], pixel + 1)
    return np.maximum(high - low, 0.0) * (fewer / size)


def office() -> Features:
    names = ("amazon_x", "webcam_x", "amazon_y", "webcam_y")
    X, Y, labels_x, labels_y = load("office", *names)
    X, Y = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (X, Y))
    return Features("Office, amazon to webcam", X, Y, labels_x, labels_y)


if __name__ == "__main__":
    main()
