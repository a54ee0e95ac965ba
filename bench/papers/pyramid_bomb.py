"""Past the pyramid paper: how near a pass comes to the exact value, and what BoMb-OT adds to it.

X and Y are drawn from one mixture of 100 Gaussians with centres uniform in [-10, 10]^d ("one"), or
from two such mixtures ("two"), where no point has a near partner. All plans have the right
marginals, so all values are upper bounds of the exact W_2^2; stated is by how much they exceed it.

- By batch size: all batches of a pass, n / m problems of m x m.
- With an outer coupling of batches (BoMb-OT): over all (n / m)^2 pairs of batches it takes as many
  costs as the exact problem. So it is also made over near pairs alone, each batch of X with
  the `--near` batches of Y of nearest means and with its own: a sparse outer problem. Beside it, a
  pass with batches `--near` times as large takes as many costs.
- By solving again: a plan of a pass is a one-to-one map. Batches of near x with the partners they
  have, then of near y with theirs, and so on for `--near` passes, can only lower its cost.

    python bench/papers/pyramid_bomb.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from pyramid_common import (
    COLORS,
    METHODS,
    Values,
    picture_parser,
    print_table,
    save,
    tree_of,
)
from scipy.sparse import coo_array

import otcore
from otcore.minibatch import bomb_ot, pmb_ot

BATCHES = (10, 50, 200, 1000, 5000)
KINDS = ("one", "two")


def main() -> None:
    parser = picture_parser(__doc__, "pyramid_bomb")
    parser.add_argument("--points", type=int, default=10_000, help="of each side")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[2, 16, 64])
    parser.add_argument("--outer-points", type=int, default=4000, help="for outer couplings")
    parser.add_argument("--m", type=int, default=100, help="batches for outer couplings")
    parser.add_argument("--near", type=int, default=8)
    arguments = parser.parse_args()
    settings = [(kind, d) for kind in KINDS for d in arguments.dimensions]
    excess = {setting: by_size(*setting, arguments) for setting in settings}
    sizes = [m for m in BATCHES if m < arguments.points]
    print(f"Excess of a pass over the exact W_2^2, {arguments.points} points\n")
    rows = [
        [kind, f"{d}", method, *(f"{100 * value:.1f} %" for value in values)]
        for (kind, d), methods in excess.items()
        for method, values in methods.items()
    ]
    print_table(["mixtures", "d", "batches", *(f"m = {m}" for m in sizes)], rows)
    tell_outer(settings, arguments)
    save(picture(excess, sizes), arguments.output)


def clouds(kind: str, d: int, n: int, seed: int) -> tuple[Values, Values]:
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-10.0, 10.0, size=(2, 100, d))
    if kind == "one":
        centres[1] = centres[0]
    X, Y = (
        (each[rng.integers(100, size=n)] + rng.normal(size=(n, d))).astype(np.float32)
        for each in centres
    )
    return X, Y


def by_size(kind: str, d: int, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """The excess of a pass for each method and batch size."""
    X, Y = clouds(kind, d, arguments.points, arguments.seed)
    exact = float(otcore.solve_sample(X, Y).value)
    sizes = [m for m in BATCHES if m < arguments.points]
    found = {}
    for method in METHODS:
        tree = tree_of(method, X, Y, arguments.seed)
        passes = (pmb_ot(X, Y, m=m, tree=tree, seed=arguments.seed) for m in sizes)
        found[method] = [float(each.value) / exact - 1 for each in passes]
    return found


# ---------------------------------------------------------------------------------------------
# Outer couplings


def tell_outer(settings: list[tuple[str, int]], arguments: argparse.Namespace) -> None:
    n, m, near = arguments.outer_points, arguments.m, arguments.near
    columns: dict[str, list[str]] = {}
    for kind, d in settings:
        X, Y = clouds(kind, d, n, arguments.seed)
        seconds, exact = timed(lambda X=X, Y=Y: float(otcore.solve_sample(X, Y).value))
        columns.setdefault("exact | n^2", []).append(f"{seconds:.2f} s")
        for name, way in ways(X, Y, m, near, arguments.seed).items():
            seconds, value = timed(way)
            cell = f"{100 * (value / exact - 1):.1f} %, {seconds:.2f} s"
            columns.setdefault(name, []).append(cell)
    print(f"Excess with outer couplings, {n} points, batches of {m} where nothing else stands\n")
    heads = [f"{kind}, d = {d}" for kind, d in settings]
    rows = [[*name.split(" | "), *cells] for name, cells in columns.items()]
    print_table(["plan", "costs", *heads], rows)


def ways(X: Values, Y: Values, m: int, near: int, seed: int) -> dict[str, Callable[[], float]]:
    """Plans by name and number of costs; a call makes the plan, tree included, for its value."""

    def a_pass(method: str, m: int) -> Callable[[], float]:
        return lambda: float(pmb_ot(X, Y, m=m, tree=tree_of(method, X, Y, seed), seed=seed).value)

    def all_pairs(method: str) -> Callable[[], float]:
        return lambda: float(bomb_ot(X, Y, batches=stacked(method, X, Y, m, seed)).value)

    return {
        "random | n m": a_pass("random", m),
        "joint | n m": a_pass("joint", m),
        f"random, m = {near * m} | {near} n m": a_pass("random", near * m),
        f"joint, m = {near * m} | {near} n m": a_pass("joint", near * m),
        f"random + BoMb, near pairs | {near} n m": lambda: near_pairs(
            "random", X, Y, m, near, seed
        ),
        f"joint + BoMb, near pairs | {near} n m": lambda: near_pairs("joint", X, Y, m, near, seed),
        f"random, solved again | {near} n m": lambda: again("random", X, Y, m, near, seed),
        f"joint, solved again | {near} n m": lambda: again("joint", X, Y, m, near, seed),
        "random + BoMb | n^2": all_pairs("random"),
        "joint + BoMb | n^2": all_pairs("joint"),
    }


def stacked(method: str, X: Values, Y: Values, m: int, seed: int) -> tuple[Values, Values]:
    """The batches of a pass; m divides the number of points."""
    index_x, index_y = zip(*tree_of(method, X, Y, seed).batches(m, seed=seed), strict=True)
    return np.stack(index_x), np.stack(index_y)


def near_pairs(method: str, X: Values, Y: Values, m: int, near: int, seed: int) -> float:
    """The value of BoMb-OT whose outer problem has the pairs of near batches alone."""
    index_x, index_y = stacked(method, X, Y, m, seed)
    apart = otcore.cost.cost_matrix(X[index_x].mean(axis=1), Y[index_y].mean(axis=1))
    np.fill_diagonal(apart, -1.0)
    i, j = np.nonzero(apart <= np.partition(apart, near - 1, axis=1)[:, [near - 1]])
    costs = otcore.solve_sample_batch(X[index_x[i]], Y[index_y[j]]).value
    return float(otcore.solve(coo_array((costs, (i, j)), apart.shape)).value)


def again(method: str, X: Values, Y: Values, m: int, passes: int, seed: int) -> float:
    """The value of a pass whose plan is solved again, in batches by nearness of x or of y."""
    tree = tree_of(method, X, Y, seed)
    result = pmb_ot(X, Y, m=m, tree=tree, seed=seed)
    partner = np.asarray(result.sparse_plan.tocsr().argmax(axis=1)).ravel()
    value = float(result.value)
    for k in range(1, passes):
        index_x, index_y = (np.stack(side) for side in zip(*tree.batches(m, seed=k), strict=True))
        if k % 2:
            index_y = partner[index_x]
        else:
            index_x = np.argsort(partner)[index_y]
        found = otcore.solve_sample_batch(X[index_x], Y[index_y])
        partner[index_x] = np.take_along_axis(index_y, found.plan.argmax(axis=2), axis=1)
        value = float(found.value.mean())
    return value


def timed(run: Callable[[], float]) -> tuple[float, float]:
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def picture(excess: dict[tuple[str, int], dict[str, list[float]]], sizes: list[int]) -> Figure:
    """The excess against batch size."""
    dimensions = len(excess) // len(KINDS)
    figure = Figure(figsize=(4.5 * dimensions, 8.0), dpi=110, facecolor="white")
    panels = figure.subplots(len(KINDS), dimensions, squeeze=False)
    for axes, ((kind, d), methods) in zip(panels.flat, excess.items(), strict=True):
        for method, values in methods.items():
            axes.loglog(sizes, values, "-o", color=COLORS[method], label=method)
        axes.set_title(f"{kind} mixture{'s' * (kind == 'two')}, d = {d}", loc="left")
        axes.set_xlabel("batch size")
        axes.set_ylabel("excess over the exact W_2^2")
    panels.flat[0].legend()
    return figure


if __name__ == "__main__":
    main()
