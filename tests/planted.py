"""Problems built around their own optimum: potentials and a plan first, the costs after them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from problems import Problem, dyadic, dyadic_weights, exact_inner


def random_forest(
    rng: np.random.Generator, n: int, m: int, components: int
) -> tuple[list[int], list[int]]:
    """Edges of a random forest of bipartite trees that covers n rows and m columns."""
    row_order, col_order = list(rng.permutation(n)), list(rng.permutation(m))
    rows, cols = row_order[:components], col_order[:components]
    row_nodes, col_nodes = list(rows), list(cols)
    rest = [("row", i) for i in row_order[components:]]
    rest += [("col", j) for j in col_order[components:]]
    for k in rng.permutation(len(rest)):
        side, node = rest[k]
        if side == "row":
            rows.append(node)
            cols.append(col_nodes[rng.integers(len(col_nodes))])
            row_nodes.append(node)
        else:
            rows.append(row_nodes[rng.integers(len(row_nodes))])
            cols.append(node)
            col_nodes.append(node)
    return rows, cols


def planted(
    rng: np.random.Generator,
    n: int,
    m: int,
    *,
    name: str = "planted",
    components: int = 1,
    masses: str = "integer",
    zero_rows: int = 0,
    zero_cols: int = 0,
    ties: bool = False,
    offset: float = 0.0,
    total: float = 1.0,
    log2_scale: int = 0,
    float32: bool = True,
) -> Problem:
    """Potentials f, g and a plan P on a random forest; C = f + g there, f + g + slack elsewhere.

    f + g <= C everywhere with equality where P > 0, so P and (f, g) are optimal by complementary
    slackness and the value is <P, C>. ``zero_rows`` and ``zero_cols`` of the n and m weigh nothing,
    and their costs lie far below the others: a solver that moves mass there would gain. With
    ``ties`` the slack is 0 or 1 over integer potentials. ``offset`` shifts all costs, ``total``
    scales all masses, and costs are multiplied by 2^log2_scale.
    """
    live_n, live_m = n - zero_rows, m - zero_cols
    rows, cols = random_forest(rng, live_n, live_m, min(components, live_n, live_m))
    if masses == "equal":
        mass = np.ones(len(rows))
    elif masses == "integer":
        mass = rng.integers(1, 65, size=len(rows)) / 64.0
    elif masses == "wide":  # 2^-40 .. 1: twelve orders of magnitude
        mass = 2.0 ** rng.integers(-40, 1, size=len(rows))
        mass[0], mass[-1] = 2.0**-40, 1.0
    else:
        assert masses == "heavy"  # one edge outweighs all the others a million times
        mass = np.full(len(rows), 2.0**-20)
        mass[0] = 1.0
    P = np.zeros((n, m))
    row_of, col_of = rng.permutation(n), rng.permutation(m)  # zero weights anywhere, not at the end
    P[row_of[rows], col_of[cols]] = mass * total

    if ties:
        f, g = rng.integers(-3, 4, size=n) * 1.0, rng.integers(-3, 4, size=m) * 1.0
        slack = rng.integers(0, 2, size=(n, m)) * 1.0
    else:
        f, g = dyadic(rng, n), dyadic(rng, m)
        slack = rng.integers(0, 2**8, size=(n, m)) / 2.0**8
    f[row_of[live_n:]] -= 64.0
    g[col_of[live_m:]] -= 64.0
    f += offset
    C = f[:, None] + g + np.where(P > 0, 0.0, slack)
    scale = 2.0**log2_scale
    C, f, g = C * scale, f * scale, g * scale
    return Problem(
        name=name,
        value=exact_inner(P, C),
        M=C,
        a=P.sum(1),
        b=P.sum(0),
        plan=P,
        potentials=(f, g),
        float32=float32,
    )


def permutation(rng: np.random.Generator, n: int, *, ties: bool = False) -> Problem:
    """A planted perfect matching with uniform weights."""
    made = planted(rng, n, n, components=n, masses="equal", ties=ties)
    assert made.plan is not None
    assert made.M is not None
    return Problem(
        name="permutation-ties" if ties else "permutation",
        value=float(Fraction(exact_inner(made.plan, made.M)) / n),
        M=made.M,
        plan=made.plan / n,
        potentials=made.potentials,
    )


def constant_costs(rng: np.random.Generator, n: int, m: int, *, cost: float = 0.75) -> Problem:
    """All costs equal: every plan is optimal and costs cost * total mass."""
    return Problem(
        name="constant",
        value=cost,
        M=np.full((n, m), cost),
        a=dyadic_weights(rng, n),
        b=dyadic_weights(rng, m),
        potentials=(np.full(n, cost), np.zeros(m)),
    )
