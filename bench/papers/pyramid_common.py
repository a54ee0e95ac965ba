"""What the scripts on the Pyramid Mini-Batch paper share: trees, data, tables."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import otcore
from otcore.pyramid import PyramidTree

Values = npt.NDArray[Any]

METHODS = ("random", "interleaving", "joint")
COLORS = {"random": "#777777", "interleaving": "#2f6f9f", "joint": "#c2571a"}
_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def tree_of(
    method: str,
    X: Values,
    Y: Values,
    seed: int,
    a: Values | None = None,
    b: Values | None = None,
) -> PyramidTree:
    """The tree whose batches a method takes; that of random batches is the root alone."""
    if method == "random":
        return PyramidTree(X, Y, a, b, depth=0, seed=seed)
    return PyramidTree(X, Y, a, b, mode=method, seed=seed)


def flow(
    X: Values, Y: Values, method: str, m: int, *, step: float, refresh: int
) -> Iterator[tuple[Values, float, float]]:
    """Euler's scheme for dX/dt = -N grad W_2^2 / 2 by batches of m, all of a pass in a step.

    After each step: X, and the seconds so far of trees, and of solving and moving. There is a new
    tree every `refresh` steps; between, X goes down the old one anew.
    """
    in_trees = in_solves = 0.0
    tree = tree_of(method, X, Y, seed=0)
    for k in count():
        began = time.perf_counter()
        fresh = k % refresh == 0
        tree = tree_of(method, X, Y, seed=k) if fresh else tree.reassign(X=X)
        in_trees += time.perf_counter() - began
        began = time.perf_counter()
        images = otcore.minibatch.pmb_ot(X, Y, m=m, tree=tree, seed=k).barycentric_map()
        X = X + X.dtype.type(step) * (images - X)
        in_solves += time.perf_counter() - began
        yield X, in_trees, in_solves


def load(name: str, *keys: str) -> list[Values]:
    """Arrays of a benchmark data set; ends the program where it is not at hand."""
    path = Path(os.environ.get("OTCORE_SHARED_DATA", _DATA)) / f"{name}.npz"
    if not path.is_file():
        sys.exit(f"data not present: {path} (OTCORE_SHARED_DATA names the folder to look in)")
    with np.load(path) as arrays:
        return [arrays[key] for key in keys]


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """In Markdown, with all columns but the first to the right."""
    print("| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def picture_parser(description: str | None, name: str) -> argparse.ArgumentParser:
    """A parser of the options that all scripts have."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("build") / f"{name}.png")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path)
    print(f"picture: {path}")
