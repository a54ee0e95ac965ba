"""What mini-batches do to a transport plan: OT, m-OT and BoMb-OT between ten points and ten points.

Writes one picture with a row for each number k and size m of mini-batches: the matching between
the points and the plan as a matrix, for one draw of the batches. Prints a table of means over many
draws: the entries of the plan, and its L1 distance to the optimal one. The setting is that of
appendix D.6 of "On Transportation of Mini-batches: A Hierarchical Approach" (Nguyen et al., 2022).

    pip install "otcore[plot,sparse]"
    python examples/minibatch_plans.py --output minibatch_plans.png
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

import otcore

SETTINGS = [(20, 2), (20, 8), (8, 2), (2, 8)]  # (k, m)
METHODS = {"m-OT": otcore.minibatch.m_ot, "BoMb-OT": otcore.minibatch.bomb_ot}
N, DRAWS = 10, 100
BLUE, ORANGE, INK = "#2f6f9f", "#c2571a", "#1f2328"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("minibatch_plans.png"))
    arguments = parser.parse_args()

    rng = np.random.default_rng(1)
    X = rng.standard_normal((N, 2))
    Y = rng.multivariate_normal([4.0, 4.0], [[1.0, -0.8], [-0.8, 1.0]], size=N)
    Y = Y[otcore.solve_sample(X, Y).plan.argmax(axis=1)]  # partners: the optimal plan is diagonal
    optimal = otcore.solve_sample(X, Y).plan

    figure = Figure(figsize=(15.0, 10.4), dpi=110, facecolor="white")
    grid = figure.subplots(len(SETTINGS), 6)
    row = "{:<9}{:<10}{:>8}{:>13}".format
    print(row("(k, m)", "method", "entries", "L1 distance"))
    for axes, (k, m) in zip(grid, SETTINGS, strict=True):
        draw_plan(axes[:2], "OT", X, Y, optimal)
        for pair, (name, method) in zip((axes[2:4], axes[4:]), METHODS.items(), strict=True):
            plans = np.stack(
                [method(X, Y, k=k, m=m, seed=seed).sparse_plan.toarray() for seed in range(DRAWS)]
            )
            draw_plan(pair, f"{name}, k = {k}, m = {m}", X, Y, plans[0])
            entries = np.count_nonzero(plans) / DRAWS
            distance = np.abs(plans - optimal).sum() / DRAWS
            print(row(f"({k}, {m})", name, f"{entries:.1f}", f"{distance:.3f}"))
    figure.tight_layout(pad=1.2)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.output)
    print(f"picture: {arguments.output}")


def draw_plan(
    axes: tuple[Axes, Axes], title: str, X: np.ndarray, Y: np.ndarray, plan: np.ndarray
) -> None:
    """Lines between the points, the darker the more mass they carry, and the plan as a matrix."""
    matching, matrix = axes
    rows, columns = np.nonzero(plan)
    lines = np.stack([X[rows], Y[columns]], axis=1)
    opacity = np.clip(plan[rows, columns] * N, 0.04, 1.0)
    matching.add_collection(LineCollection(list(lines), colors=INK, alpha=opacity, linewidths=1.1))
    matching.scatter(*X.T, color=BLUE, s=26, zorder=2)
    matching.scatter(*Y.T, color=ORANGE, s=26, zorder=2)
    matching.set_title(title, loc="left", fontsize=12, fontweight="bold", color=INK)
    matching.set_axis_off()
    matrix.imshow(plan, cmap="Greys", vmin=0.0, vmax=1.0 / N)
    matrix.set_xticks([])
    matrix.set_yticks([])


if __name__ == "__main__":
    main()
