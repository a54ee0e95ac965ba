"""How the proximal point method converges, beside Sinkhorn's algorithm: three figures of its paper.

Y. Xie, X. Wang, R. Wang, H. Zha, "A fast proximal point method for computing exact Wasserstein
distance" (2020), figures 2 to 4 (2.2 to 2.4 of Y. Xie's thesis), with numbers:

- 2.2: |W_t - W| against steps, two mixtures on 256 bins of the line, for L = 1, 10 and 100 inner
  iterations. The proximal point method goes on to the exact value for every beta, Sinkhorn's stays
  at its bias. A step costs L updates of both sides.
- 2.3: seconds to a relative precision of 1e-4 on uniform points in 16 dimensions, against their
  number. Sinkhorn's precision is that to its own limit; the table states how far that is off. In
  float64: exponents grow with the steps, and with them what float32 rounds.
- 2.4: the plans of 2.2 after some steps, over the exact plan.

    pip install "otcore[plot]"
    python bench/papers/ipot_convergence.py --output build/ipot
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import otcore

BINS = 256
BETAS = (1.0, 0.1, 0.01, 0.001)  # beta and eps of figures 2.2 and 2.4; costs are 1 at most
INNER = (1, 10, 100)
DIMENSION, PRECISION = 16, 1e-4
SPEED_BETAS, SPEED_REGS = (1.0, 0.1, 0.01), (0.1, 0.01, 0.001)
MOST = 4000  # steps: what has not come there by then is left out
COLORS = ("#2f6f9f", "#c2571a", "#3a7d44", "#7b4b94")


@dataclass(frozen=True)
class Way:
    """A method and its parameter: a figure's line."""

    method: str  # "ipot" or "sinkhorn"
    reg: float
    inner_iter: int = 1

    def __str__(self) -> str:
        name, letter = ("IPOT", "beta") if self.method == "ipot" else ("Sinkhorn", "eps")
        return f"{name}, {letter} = {self.reg:g}"

    def steps(self, solve: Callable[..., Any], *data: Any, count: int) -> Any:
        """The result of exactly so many steps, without acceleration."""
        options: dict[str, Any] = {"scheme": "plain"}
        if self.method == "ipot":
            options = {"inner_iter": self.inner_iter}
        with warnings.catch_warnings():  # that it stopped there is no news
            warnings.simplefilter("ignore", otcore.ConvergenceWarning)
            passes = count * self.inner_iter
            return solve(*data, method=self.method, reg=self.reg, tol=0, max_iter=passes, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("ipot"), help="folder for pictures")
    parser.add_argument(
        "--figures", nargs="+", choices=FIGURES, default=list(FIGURES), help="which of them"
    )
    parser.add_argument("--largest", type=int, default=4096, help="points in figure 2.3, at most")
    parser.add_argument("--datasets", type=int, default=2, help="means of so many in figure 2.3")
    parser.add_argument("--steps", type=int, default=2000, help="in figures 2.2 and 2.4, at most")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.figures:
        picture = arguments.output / f"figure_{name}.png"
        FIGURES[name](arguments).savefig(picture)
        print(f"picture: {picture}\n")


# ---------------------------------------------------------------------------------------------
# Two mixtures on a line


def mixtures() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Bins of [0, 1], squared distances, and two mixtures of Gaussians on the bins."""
    x = (np.arange(BINS) + 0.5) / BINS

    def mixture(*parts: tuple[float, float, float]) -> np.ndarray:
        density = sum(w / s * np.exp(-((x - m) ** 2) / (2 * s * s)) for w, m, s in parts)
        return np.asarray(density / np.sum(density))

    a = mixture((0.6, 0.2, 0.06), (0.4, 0.55, 0.08))
    b = mixture((0.5, 0.4, 0.1), (0.5, 0.8, 0.05))
    return x, (x[:, None] - x) ** 2, a, b


def convergence(arguments: argparse.Namespace) -> Figure:
    """Figure 2.2."""
    x, C, a, b = mixtures()
    exact = otcore.solve(C, a, b).value
    counts = np.unique(np.geomspace(1, arguments.steps, 34).round().astype(int))
    shown = [counts[np.abs(counts - goal).argmin()] for goal in (10, 100, 1000, arguments.steps)]
    shown = sorted(set(shown))
    row = ("{:<6}{:<24}" + "{:>12}" * len(shown)).format
    print(f"Figure 2.2: |W_t - W| after t steps, W = {exact:.6g}")
    print(row("L", "method", *(f"t = {count}" for count in shown)))
    figure = Figure(figsize=(13.0, 10.0), dpi=110, facecolor="white")
    grid = figure.subplots(2, 2)
    for axes, inner in zip(grid.flat, INNER, strict=False):
        tried = counts[counts * inner <= 10 * arguments.steps]
        for color, reg in zip(COLORS, BETAS, strict=True):
            for method in ("ipot", "sinkhorn"):
                way = Way(method, reg, inner)
                reached = {
                    count: way.steps(otcore.solve, C, a, b, count=int(count)) for count in tried
                }
                errors = {t: abs(found.value_linear - exact) for t, found in reached.items()}
                if method == "ipot" or inner == INNER[0]:
                    print(row(inner, str(way), *(cell(errors.get(t)) for t in shown)))
                style = "-" if method == "ipot" else ":"
                axes.semilogy(tried, list(errors.values()), style, color=color, label=str(way))
        axes.set_title(f"L = {inner}", loc="left")
        axes.set_xlabel("steps")
        axes.set_ylabel("|W_t - W|")
    grid.flat[0].legend(fontsize=8)
    margins = grid.flat[3]
    margins.fill_between(x, a, alpha=0.6, color=COLORS[0])
    margins.fill_between(x, b, alpha=0.6, color=COLORS[1])
    margins.set_title("the two mixtures", loc="left")
    figure.tight_layout()
    return figure


def cell(error: float | None) -> str:
    return "" if error is None else f"{error:.1e}"


def plans(arguments: argparse.Namespace) -> Figure:
    """Figure 2.4."""
    _, C, a, b = mixtures()
    exact = otcore.solve(C, a, b)
    near = neighbourhood(exact.plan > 0, width=2)
    counts = sorted({min(count, arguments.steps) for count in (20, 200, 2000)})
    ways = [Way(method, reg) for method in ("ipot", "sinkhorn") for reg in BETAS]
    row = "{:<24}{:>7}{:>16}{:>20}".format
    print("Figure 2.4: plans beside the exact one")
    print(row("method", "steps", "value - exact", "mass > 2 bins off"))
    figure = Figure(figsize=(2.1 * len(ways), 2.4 * len(counts)), dpi=110, facecolor="white")
    grid = figure.subplots(len(counts), len(ways), squeeze=False)
    for column, way in zip(grid.T, ways, strict=True):
        column[0].set_title(str(way), fontsize=9)
        for axes, count in zip(column, counts, strict=True):
            found = way.steps(otcore.solve, C, a, b, count=count)
            off = float(found.plan[~near].sum())
            print(row(str(way), count, f"{found.value_linear - exact.value:.1e}", f"{off:.1e}"))
            draw_plan(axes, found.plan, exact.plan)
            if way == ways[0]:
                axes.set_ylabel(f"{count} steps", fontsize=9)
    figure.tight_layout(pad=0.6)
    return figure


def neighbourhood(support: np.ndarray, width: int) -> np.ndarray:
    """Entries at most so many rows or columns from the support."""
    grown = support.copy()
    for shift in range(1, width + 1):
        for axis in (0, 1):
            for step in (shift, -shift):
                grown |= np.roll(support, step, axis)
    return grown


def draw_plan(axes: Axes, plan: np.ndarray, exact: np.ndarray) -> None:
    """The plan in colour, the exact one as a line upon it."""
    brightest = max(float(np.quantile(plan[exact > 0], 0.9)), float(plan.max()) * 1e-3)
    axes.imshow(plan, cmap="Reds", vmin=0.0, vmax=brightest, interpolation="nearest")
    rows, columns = np.nonzero(exact)
    axes.plot(columns, rows, color="black", linewidth=0.5)
    axes.set_xticks([])
    axes.set_yticks([])


# ---------------------------------------------------------------------------------------------
# Uniform points


def scalability(arguments: argparse.Namespace) -> Figure:
    """Figure 2.3."""
    sizes = [64 * 2**k for k in range(20) if 64 * 2**k <= arguments.largest]
    ways = [Way("ipot", beta) for beta in SPEED_BETAS] + [
        Way("sinkhorn", reg) for reg in SPEED_REGS
    ]
    seconds: dict[str, list[list[float]]] = {str(way): [] for way in ways}
    seconds["exact"] = []
    row = "{:>7}  {:<24}{:>12}{:>9}{:>16}".format
    print(f"Figure 2.3: seconds to a relative precision of {PRECISION:g}, d = {DIMENSION}")
    print(row("n", "method", "seconds", "steps", "value/exact - 1"))
    for n in sizes:
        drawn = [draw(seed, n) for seed in range(arguments.datasets)]
        times, values = zip(*(timed(otcore.solve_sample, X, Y) for X, Y in drawn), strict=True)
        exact = [float(each.value) for each in values]
        seconds["exact"].append(list(times))
        print(row(n, "exact", f"{np.mean(times):.3g}", "", ""))
        for way in ways:
            runs = [reach(way, X, Y, value) for (X, Y), value in zip(drawn, exact, strict=True)]
            there = [run for run in runs if run is not None]
            seconds[str(way)].append([run[0] for run in there])
            if len(there) < len(runs):
                print(row(n, str(way), "-", f"> {MOST}", ""))
                continue
            time_, count, bias = (np.mean(each) for each in zip(*there, strict=True))
            print(row(n, str(way), f"{time_:.3g}", f"{count:.0f}", f"{bias:.1e}"))

    figure = Figure(figsize=(9.0, 6.5), dpi=110, facecolor="white")
    axes = figure.subplots()
    colors = [*COLORS[: len(SPEED_BETAS)], *COLORS[: len(SPEED_REGS)], "black"]
    for color, (name, times_of) in zip(colors, seconds.items(), strict=True):
        points = [(n, np.mean(t), np.std(t)) for n, t in zip(sizes, times_of, strict=True) if t]
        if points:
            style = {"I": "-o", "S": ":s", "e": "--"}[name[0]]
            where, mean, deviation = zip(*points, strict=True)
            axes.errorbar(where, mean, deviation, fmt=style, color=color, label=name, capsize=3)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("points on each side")
    axes.set_ylabel("seconds")
    axes.set_title(f"to a relative precision of {PRECISION:g}, float64", loc="left")
    axes.legend()
    figure.tight_layout()
    return figure


def draw(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Uniform points in the unit cube: costs are about 2.7, and 7 at most."""
    X, Y = np.random.default_rng(seed).random((2, n, DIMENSION))
    return X, Y


def reach(way: Way, X: np.ndarray, Y: np.ndarray, exact: float) -> tuple[float, int, float] | None:
    """Seconds and steps from which on the linear value is within the precision of the limit, and
    the relative bias of the value there; None where that takes more than MOST steps.

    Steps are tried in a geometric sequence of ratio 1.25, and again beyond the last that was off,
    since values come from above and below.
    """
    limit = exact
    if way.method == "sinkhorn":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", otcore.ConvergenceWarning)
            settled = otcore.solve_sample(X, Y, reg=way.reg)
        limit = float(settled.value_linear)
    count, first = 4, 0
    while first == 0 or count <= 2 * first:
        if count > MOST:
            return None
        value = float(way.steps(otcore.solve_sample, X, Y, count=count).value_linear)
        near = abs(value - limit) <= PRECISION * limit
        first = 0 if not near else first or count
        count = math.ceil(1.25 * count)
    used, found = timed(way.steps, otcore.solve_sample, X, Y, count=first)
    return used, first, float(found.value_linear) / exact - 1


def timed(run: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    found = run(*arguments, **options)
    return time.perf_counter() - start, found


FIGURES: dict[str, Callable[[argparse.Namespace], Figure]] = {
    "2.2": convergence,
    "2.3": scalability,
    "2.4": plans,
}

if __name__ == "__main__":
    main()
