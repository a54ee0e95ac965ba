"""The problems that every solver, dtype and instruction set level is tried on: small and large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planted import constant_costs, permutation, planted
from problems import (
    Metric,
    Problem,
    brenier,
    dirac,
    grid_shift,
    identical,
    line,
    translation,
)

METRICS: list[Metric] = ["sqeuclidean", "euclidean", "cityblock", ("minkowski", 3.0)]


def _small(rng: np.random.Generator) -> list[Problem]:
    return [
        planted(rng, 1, 1, name="single"),
        dirac(rng, 9, 2),
        dirac(rng, 1, 3),
        dirac(rng, 7, 1, transpose=True),
        permutation(rng, 2),
        permutation(rng, 17),
        permutation(rng, 33, ties=True),
        planted(rng, 12, 7),
        planted(rng, 7, 12, name="planted-wide"),
        planted(rng, 16, 16, name="planted-forest", components=5),
        planted(rng, 20, 24, name="ties", ties=True),
        planted(rng, 24, 24, name="ties-degenerate", ties=True, components=12, masses="equal"),
        planted(rng, 13, 15, name="zeros", zero_rows=4, zero_cols=5, components=3),
        planted(rng, 9, 30, name="heavy", masses="heavy"),
        planted(rng, 11, 10, name="wide-weights", masses="wide", float32=False),
        planted(rng, 14, 11, name="negative", offset=-16.0),
        planted(rng, 14, 11, name="offset", offset=4096.0),
        planted(rng, 12, 9, name="mass-1024", total=1024.0),
        planted(rng, 12, 9, name="mass-tiny", total=2.0**-40),
        planted(rng, 10, 13, name="costs-1e-300", log2_scale=-997, float32=False),
        planted(rng, 10, 13, name="costs-1e300", log2_scale=993, float32=False),
        planted(rng, 10, 13, name="costs-1e-30", log2_scale=-100),
        planted(rng, 10, 13, name="costs-1e30", log2_scale=100),
        constant_costs(rng, 8, 5),
        constant_costs(rng, 6, 6, cost=0.0),
        identical(rng, 15, 3),
        *(translation(rng, 18, 3, metric=metric) for metric in METRICS),
        translation(rng, 10, 2, weighted=True),
        translation(rng, 10, 2, offset=4096.0),
        *(brenier(rng, 20, 2, kind=kind) for kind in ("linear", "cubic", "split")),
        brenier(rng, 12, 3, kind="linear", weighted=True),
        *(line(rng, 15, 11, metric=metric) for metric in METRICS),
        line(rng, 16, 16, few=True),
        grid_shift(rng, 5, (1, 2)),
        grid_shift(rng, 5, (2, 1), metric="cityblock"),
    ]


def _large(rng: np.random.Generator) -> list[Problem]:
    return [
        permutation(rng, 200),
        permutation(rng, 129, ties=True),
        planted(rng, 150, 90),
        planted(rng, 64, 257, name="planted-wide"),
        planted(rng, 120, 120, name="zeros", zero_rows=30, zero_cols=20, components=9),
        brenier(rng, 150, 5, kind="linear"),
        line(rng, 128, 100, metric="cityblock"),
        grid_shift(rng, 12, (3, 2)),
        grid_shift(rng, 12, (3, 2), metric="cityblock"),
    ]


def _named(problems: list[Problem]) -> list[Problem]:
    """Unique names: the generator's, and a number where it made several."""
    seen: dict[str, int] = {}
    named = []
    for problem in problems:
        count = seen[problem.name] = seen.get(problem.name, 0) + 1
        name = problem.name if count == 1 else f"{problem.name}-{count}"
        named.append(replace(problem, name=name))
    return named


SMALL = _named(_small(np.random.default_rng(20)))
LARGE = _named(_large(np.random.default_rng(21)))
