"""What the scripts on the Pyramid Mini-Batch paper share: trees, data, tables."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from otcore.pyramid import PyramidTree

Values = npt.NDArray[Any]

METHODS = ("random", "interleaving", "joint")
COLORS = {"random": "#777777", "interleaving": "#2f6f9f", "joint": "#c2571a"}
_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def tree_of(method: str, X: Values, Y: Values, seed: int) -> PyramidTree:
    """The tree whose batches a method takes; that of random batches is the root alone."""
    if method == "random":
        return PyramidTree(X, Y, depth=0, seed=seed)
    return PyramidTree(X, Y, mode=method, seed=seed)


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
