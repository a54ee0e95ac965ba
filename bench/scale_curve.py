"""How exact transport from points grows: time and memory against the number of points.

    pip install "otcore[bench,plot]"
    python bench/scale_curve.py --largest 100000

Normal points, as many on each side, uniform masses, squared Euclidean costs, two threads. Each size
is solved in a process of its own, in which nothing else has needed memory before. Prints a table
with the exponent of a power law through the sizes from 5000 on, and draws both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import otcore
from comparison.machine import THREADS, describe
from comparison.memory import peak_extra_memory_here
from comparison.optimality import require_optimal

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "scale_curve.png"
SIZES = (1000, 2000, 5000)  # and their multiples by ten
FITTED = 5000  # from here on: below, what every call costs bends the curve
COLORS = ("#2f6f9f", "#c2571a", "#4f8a3c", "#7b4fa3")


@dataclass(frozen=True)
class Point:
    """One size: seconds, and bytes beside the input (None where the system does not say)."""

    n: int
    seconds: float
    memory: int | None


def main() -> None:
    arguments = parse()
    if arguments.one:
        print(json.dumps(solve(*arguments.one, check=arguments.check)))
        return
    curves = {}
    for d in arguments.dimensions:
        curves[d] = [measure(n, d, arguments.check) for n in sizes(arguments.largest)]
    print(f"\n{describe()}\n")
    print(table(curves))
    draw(curves, arguments.output)
    print(f"\nwritten: {arguments.output}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time and memory of exact transport from points.")
    parser.add_argument("--largest", type=int, default=20000, help="points on a side, at most")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[2, 3, 16, 64], metavar="D")
    parser.add_argument("-o", "--output", type=Path, default=PICTURE, help="the picture")
    parser.add_argument("--check", action="store_true", help="recompute each certificate as well")
    parser.add_argument("--one", type=int, nargs=2, metavar=("N", "D"), help=argparse.SUPPRESS)
    return parser.parse_args()


def sizes(largest: int) -> list[int]:
    """1000, 2000, 5000, 10000, ... up to `largest`."""
    powers = (10**k for k in range(len(str(largest))))
    return [size for power in powers for base in SIZES if (size := base * power) <= largest]


def measure(n: int, d: int, check: bool) -> Point:
    """One size, in a process of its own."""
    command = [sys.executable, __file__, "--one", str(n), str(d), *["--check"] * check]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    point = Point(n, *json.loads(done.stdout))
    print(f"d = {d}, n = {n}: {point.seconds:.3g} s", file=sys.stderr, flush=True)
    return point


def solve(n: int, d: int, *, check: bool) -> tuple[float, int | None]:
    """Seconds and bytes of one call, after a small one that loads the code and starts threads."""
    otcore.set_num_threads(THREADS)
    rng = np.random.default_rng(n + d)
    X, Y = rng.standard_normal((2, n, d))
    otcore.solve_sample(X[:600], Y[:600])
    results, seconds = [], []

    def run() -> None:
        start = time.perf_counter()
        results.append(otcore.solve_sample(X, Y))
        seconds.append(time.perf_counter() - start)

    memory = peak_extra_memory_here(run)
    if not results:  # a system that does not tell
        run()
    assert results[0].status == "optimal"
    if check:
        require_optimal(results[0], X, Y)
    return seconds[0], memory


def exponent(points: Sequence[Point]) -> float:
    """Of the power law that fits the large sizes best; NaN for fewer than two."""
    large = [point for point in points if point.n >= FITTED]
    if len(large) < 2:
        return float("nan")
    logs = np.log([[point.n, point.seconds] for point in large])
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


def table(curves: dict[int, list[Point]]) -> str:
    """Markdown: a row for each size, time and memory for each dimension, exponents below."""
    head = ["n = m", *(f"d = {d}" for d in curves)]
    rows = [
        [str(points[0].n), *(f"{p.seconds:.3g} s, {_megabytes(p.memory)}" for p in points)]
        for points in zip(*curves.values(), strict=True)
    ]
    rows.append(["exponent", *(f"{exponent(points):.2f}" for points in curves.values())])
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _megabytes(memory: int | None) -> str:
    return "?" if memory is None else f"{memory / 1e6:.0f} MB"


def draw(curves: dict[int, list[Point]], path: Path) -> None:
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    time_axes, memory_axes = figure.subplots(1, 2)
    for (d, points), color in zip(curves.items(), COLORS * len(curves), strict=False):
        n = [point.n for point in points]
        label = f"d = {d}, n^{exponent(points):.2f}"
        time_axes.plot(n, [point.seconds for point in points], "o-", color=color, label=label)
        memory = [np.nan if p.memory is None else max(p.memory, 1) / 1e6 for p in points]
        memory_axes.plot(n, memory, "o-", color=color, label=f"d = {d}")
    _finish(time_axes, "seconds")
    _finish(memory_axes, "MB beside the input")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _finish(axes: Axes, label: str) -> None:
    axes.set(xscale="log", yscale="log", xlabel="points on each side", ylabel=label)
    axes.grid(True, which="both", color="#dddddd", linewidth=0.5)
    axes.legend(frameon=False)


if __name__ == "__main__":
    main()
