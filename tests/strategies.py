"""Hypothesis strategies: exact problems of every kind, mostly without a known answer.

Shapes and kinds are drawn by Hypothesis, so that failures shrink to small ones; the numbers come
from a seeded generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import torch
from numpy.typing import NDArray

from problems import Metric

Array = NDArray[Any]

LIBRARIES = ("numpy", "torch")
METRICS: tuple[Metric, ...] = (
    "sqeuclidean",
    "euclidean",
    "cityblock",
    "cosine",
    ("minkowski", 1.5),
    ("minkowski", 3),
)
COSTS = ("normal", "ties", "binary", "constant", "low-rank", "huge", "tiny", "offset")
WEIGHTS = ("uniform", "equal", "random", "integers", "zeros", "heavy", "wide", "large")


@dataclass(frozen=True, eq=False)
class Instance:
    """Arguments of one call: ``data`` is the matrix or the pair of point sets."""

    data: Any
    a: Any
    b: Any
    metric: Metric

    def numpy(self) -> tuple[Any, Array | None, Array | None]:
        def plain(array: Any) -> Any:
            return array.numpy() if isinstance(array, torch.Tensor) else array

        points = isinstance(self.data, tuple)
        data = tuple(plain(p) for p in self.data) if points else plain(self.data)
        return data, plain(self.a), plain(self.b)


def make_costs(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Array:
    n, m = shape[-2:]
    base = rng.normal(size=shape)
    if kind == "ties":
        return rng.integers(-2, 3, size=shape) * 1.0
    if kind == "binary":
        return rng.integers(0, 2, size=shape) * 1.0
    if kind == "constant":
        return np.full(shape, 2.5)
    if kind == "low-rank":  # potentials only: all plans cost the same up to rounding
        return np.asarray(
            rng.normal(size=(*shape[:-2], n, 1)) + rng.normal(size=(*shape[:-2], 1, m))
        )
    if kind == "huge":
        return base * 1e30
    if kind == "tiny":
        return base * 1e-30
    if kind == "offset":
        return base + 1e4
    return base


def make_weights(rng: np.random.Generator, kind: str, n: int, m: int) -> tuple[Array, Array]:
    """Two weight vectors of (nearly) the same sum."""

    def side(size: int) -> Array:
        if kind == "equal":
            return np.ones(size)
        if kind == "integers":
            return rng.integers(1, 10, size=size) * 1.0
        if kind == "zeros":
            w = rng.random(size) * (rng.random(size) < 0.5)
            w[rng.integers(size)] = 1.0
            return w
        if kind == "heavy":
            w = rng.random(size) * 1e-7
            w[rng.integers(size)] = 1.0
            return w
        if kind == "wide":
            return 10.0 ** rng.uniform(-12, 0, size=size)
        return rng.random(size) + 1e-3

    a, b = side(n), side(m)
    total = 1e6 if kind == "large" else 1.0
    return a / a.sum() * total, b / b.sum() * total


@st.composite
def instances(draw: st.DrawFn, max_size: int = 60, batch: int = 0) -> Instance:
    """One problem, or ``batch`` problems of one shape (weights shared or per problem)."""
    n, m = draw(st.integers(1, max_size)), draw(st.integers(1, max_size))
    if draw(st.booleans()):
        m = n
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lead = (batch,) if batch else ()
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    weights = draw(st.sampled_from(WEIGHTS))
    if weights == "wide":
        dtype = np.float64  # float32 sums would differ by more than the tolerance
    convert = torch.from_numpy if draw(st.sampled_from(LIBRARIES)) == "torch" else np.asarray

    def out(array: Array) -> Any:
        return convert(np.ascontiguousarray(array.astype(dtype)))

    metric: Metric = "sqeuclidean"
    if draw(st.booleans()):
        d = draw(st.integers(1, 20))
        metric = draw(st.sampled_from(METRICS))
        offset = draw(st.sampled_from([0.0, 100.0]))
        data: Any = tuple(out(rng.normal(size=(*lead, size, d)) + offset) for size in (n, m))
    else:
        data = out(make_costs(rng, draw(st.sampled_from(COSTS)), (*lead, n, m)))
    if weights == "uniform":
        return Instance(data, None, None, metric)
    if batch and draw(st.booleans()):
        pairs = [make_weights(rng, weights, n, m) for _ in range(batch)]
        a, b = (np.stack(side) for side in zip(*pairs, strict=True))
    else:
        a, b = make_weights(rng, weights, n, m)
    return Instance(data, out(a), out(b), metric)
