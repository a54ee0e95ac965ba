"""Gradient flows of mini-batch transport between mixtures in 100 dimensions: table 3, figures 4, 5.

*Pyramid Mini-Batch Optimal Transport*, section 4.2: two mixtures of Gaussians of 10, 100 and 1000
centres uniform in [-10, 10]^100, 10,000 points each. The points of X follow dX/dt = -N grad L in
Euler's scheme to t = 50; the table has the exact W_2 that is left. What the paper leaves open is
here:

- L is W_2^2 / 2: a point x moves to its partner y with speed y - x; with W_2^2 time is half.
- A step takes all batches of one pass: every point moves in every step.
- `--step` of time, 0.1. Not larger: random batches give a point another partner in every step, and
  the mean of many is what a flow goes to; with a step of 1 any permutation would end at W_2 = 0.
- `--refresh`: a new tree every 20 steps; between, X goes down the old one anew.
- Centres are chosen with equal weights, components have the covariance 1.

    python bench/papers/pyramid_flow.py                  # the paper's sizes
    python bench/papers/pyramid_flow.py --quick          # 2000 points
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from matplotlib.figure import Figure
from pyramid_common import (
    COLORS,
    METHODS,
    Values,
    flow,
    picture_parser,
    print_table,
    save,
)

import otcore

DIMENSION = 100
TIMES = (1.0, 5.0, 50.0)
PAPER_START = {10: 79.29, 100: 74.07, 1000: 70.81}
PAPER = {  # (centres, method): residual W_2 at t = 50 for batches of 10, 100, 1000
    (10, "random"): (35.81, 21.62, 16.24),
    (10, "interleaving"): (19.36, 14.13, 4.50),
    (10, "joint"): (15.96, 10.58, 2.79),
    (100, "random"): (50.36, 34.60, 20.88),
    (100, "interleaving"): (22.18, 12.71, 4.27),
    (100, "joint"): (18.54, 9.16, 3.57),
    (1000, "random"): (53.64, 48.24, 31.86),
    (1000, "interleaving"): (37.65, 18.63, 8.82),
    (1000, "joint"): (32.86, 15.29, 4.98),
}
BATCHES = (10, 100, 1000)


@dataclass
class Flow:
    """What is left at the times that are looked at, and what the flow cost until then."""

    residual: dict[float, float] = field(default_factory=dict)
    seconds: dict[float, tuple[float, float]] = field(default_factory=dict)
    """Of trees and passes, and of solving and moving."""


def main() -> None:
    parser = picture_parser(__doc__, "pyramid_flow")
    parser.add_argument("--points", type=int, default=10_000, help="of each side")
    parser.add_argument("--centres", type=int, nargs="+", default=list(PAPER_START))
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--step", type=float, default=0.1)
    parser.add_argument("--until", type=float, default=50.0, help="time of the end")
    parser.add_argument("--refresh", type=int, default=20, help="steps between new trees")
    parser.add_argument("--quick", action="store_true", help="2000 points")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.points = 2000
    times = sorted({min(each, arguments.until) for each in TIMES})
    flows: dict[tuple[int, str, int], Flow] = {}
    start: dict[int, float] = {}
    for centres in arguments.centres:
        X, Y = mixtures(centres, arguments.points, arguments.seed)
        start[centres] = distance(X, Y)
        for method in arguments.methods:
            for m in arguments.batches:
                flows[centres, method, m] = run(X, Y, method, m, times, arguments)
    tell(arguments, flows, start, times)
    save(picture(arguments, flows, times), arguments.output)


def mixtures(centres: int, n: int, seed: int) -> tuple[Values, Values]:
    """Two mixtures of standard normal clouds around centres of their own, in float32."""
    rng = np.random.default_rng(seed)
    clouds = []
    for _ in range(2):
        middles = rng.uniform(-10.0, 10.0, size=(centres, DIMENSION))
        drawn = middles[rng.integers(centres, size=n)] + rng.normal(size=(n, DIMENSION))
        clouds.append(drawn.astype(np.float32))
    return clouds[0], clouds[1]


def distance(X: Values, Y: Values) -> float:
    return math.sqrt(max(0.0, float(otcore.solve_sample(X, Y).value)))


def run(
    X: Values, Y: Values, method: str, m: int, times: list[float], arguments: argparse.Namespace
) -> Flow:
    """A flow, stopped at the times to see what is left."""
    result = Flow()
    stops = {round(each / arguments.step): each for each in times}
    steps = flow(X, Y, method, m, step=arguments.step, refresh=arguments.refresh)
    for k, (moved, in_trees, in_solves) in enumerate(islice(steps, max(stops)), start=1):
        if k in stops:
            result.residual[stops[k]] = distance(moved, Y)
            result.seconds[stops[k]] = in_trees, in_solves
    return result


def tell(
    arguments: argparse.Namespace,
    flows: dict[tuple[int, str, int], Flow],
    start: dict[int, float],
    times: list[float],
) -> None:
    sizes = f"{arguments.points} points, step {arguments.step:g}, refresh {arguments.refresh}"
    print(f"Table 3: exact W_2 at t = {times[-1]:g}; {sizes}\n")
    rows = []
    for centres in arguments.centres:
        before = f"{start[centres]:.2f} ({PAPER_START.get(centres, math.nan)})"
        rows.append([f"{centres}", "start", *[before] * len(arguments.batches)])
        for method in arguments.methods:
            cells = [f"{centres}", method]
            for m in arguments.batches:
                left = flows[centres, method, m].residual[times[-1]]
                cells.append(f"{left:.2f} ({published(centres, method, m)})")
            rows.append(cells)
    print_table(["centres", "method", *(f"m = {m} (paper)" for m in arguments.batches)], rows)

    print("Figures 4 and 5: exact W_2 at times; seconds of trees + solves to the last\n")
    rows = []
    for (centres, method, m), each in flows.items():
        trees, solves = each.seconds[times[-1]]
        left = [f"{each.residual[t]:.2f}" for t in times]
        rows.append([f"{centres}", method, f"{m}", *left, f"{trees:.2f} + {solves:.2f}"])
    print_table(["centres", "method", "m", *(f"t = {t:g}" for t in times), "seconds"], rows)


def published(centres: int, method: str, m: int) -> float:
    """The paper's number; NaN where it has none."""
    known = PAPER.get((centres, method), ())
    return dict(zip(BATCHES, known, strict=False)).get(m, math.nan)


def picture(
    arguments: argparse.Namespace, flows: dict[tuple[int, str, int], Flow], times: list[float]
) -> Figure:
    """Residual against batch size (figure 4) and against seconds (figure 5)."""
    shown = arguments.centres[-1]
    figure = Figure(figsize=(12.0, 5.0), dpi=110, facecolor="white")
    by_size, by_time = figure.subplots(1, 2, sharey=True)
    for method in arguments.methods:
        for t, style in zip(times, (":", "--", "-")[-len(times) :], strict=True):
            left = [flows[shown, method, m].residual[t] for m in arguments.batches]
            label = f"{method}, t = {t:g}"
            by_size.plot(
                arguments.batches, left, style, marker="o", color=COLORS[method], label=label
            )
        for m in arguments.batches:
            each = flows[shown, method, m]
            seconds = [sum(each.seconds[t]) for t in times]
            by_time.plot(seconds, list(each.residual.values()), "-o", color=COLORS[method])
            by_time.annotate(f"{m}", (seconds[-1], each.residual[times[-1]]))
    by_size.set_xlabel("batch size")
    by_size.set_ylabel("exact W_2 left")
    by_size.set_title(f"{shown} centres", loc="left")
    by_size.legend(fontsize=7, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    by_time.set_xlabel("seconds")
    by_time.set_title("numbers are batch sizes", loc="left")
    for axes in (by_size, by_time):
        axes.set_xscale("log")
    return figure


if __name__ == "__main__":
    main()
