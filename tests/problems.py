"""Optimal transport problems whose answers are known without solving them.

Every generator returns a :class:`Problem`: data, weights, the exact value, and where they are known
an optimal plan and potentials. The numbers are dyadic rationals with few bits, so differences,
squares and sums of them are exact in float64, most of them are exact in float32 too (``float32`` is
then true and ``astype`` loses nothing), and ``value`` is the exact value rounded once.

Why each value is right stands at its generator; ``test_problems.py`` checks it by weak duality and
against SciPy and POT.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Metric = str | tuple[str, float]


@dataclass(frozen=True, eq=False)
class Problem:
    """One problem and its answer: a matrix ``M`` or points ``X``, ``Y``; None is uniform."""

    name: str
    value: float
    M: Array | None = None
    X: Array | None = None
    Y: Array | None = None
    a: Array | None = None
    b: Array | None = None
    metric: Metric = "sqeuclidean"
    plan: Array | None = None
    potentials: tuple[Array, Array] | None = None
    float32: bool = True

    def __post_init__(self) -> None:
        assert (self.M is None) != (self.X is None), "either a matrix or points"
        assert (self.X is None) == (self.Y is None), "points come in pairs"
        if self.float32:
            for array in (self.M, self.X, self.Y, self.a, self.b):
                assert array is None or np.array_equal(array.astype(np.float32), array), self.name

    def __repr__(self) -> str:
        return f"<{self.name} {self.shape[0]}x{self.shape[1]}>"

    @property
    def shape(self) -> tuple[int, int]:
        if self.M is not None:
            return self.M.shape[0], self.M.shape[1]
        assert self.X is not None
        assert self.Y is not None
        return len(self.X), len(self.Y)

    @property
    def data(self) -> Array | tuple[Array, Array]:
        """What the checker takes: the matrix, or the pair of point sets."""
        if self.M is not None:
            return self.M
        assert self.X is not None
        assert self.Y is not None
        return self.X, self.Y

    def weights(self) -> tuple[Array, Array]:
        """Both weight vectors in float64, the uniform ones written out."""
        n, m = self.shape
        a = np.full(n, 1 / n) if self.a is None else self.a
        b = np.full(m, 1 / m) if self.b is None else self.b
        return a.astype(np.float64), b.astype(np.float64)

    def costs(self) -> Array:
        """The cost matrix in float64, by the definition of the metric."""
        if self.M is not None:
            return self.M.astype(np.float64)
        assert self.X is not None
        assert self.Y is not None
        return reference_costs(self.X, self.Y, self.metric)

    def astype(self, dtype: DTypeLike) -> Problem:
        """The same problem with arrays of another dtype (float32 only where it loses nothing)."""
        assert self.float32 or np.dtype(dtype) == np.float64, f"{self.name} needs float64"

        def cast(array: Array | None) -> Array | None:
            return None if array is None else array.astype(dtype)

        return replace(
            self, M=cast(self.M), X=cast(self.X), Y=cast(self.Y), a=cast(self.a), b=cast(self.b)
        )

    def as_matrix(self) -> Problem:
        """The same problem given by its cost matrix (float64)."""
        M = self.costs()
        exact = self.float32 and np.array_equal(M.astype(np.float32), M)
        return replace(self, name=self.name + "-matrix", M=M, X=None, Y=None, float32=exact)


# ---------------------------------------------------------------------------------------------
# Numbers


def reference_costs(X: Array, Y: Array, metric: Metric = "sqeuclidean") -> Array:
    """c(x, y) for all pairs in float64, straight from the definitions; O(n m d) memory."""
    X, Y = X.astype(np.float64), Y.astype(np.float64)
    if metric == "cosine":
        norms = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(Y, axis=1)
        return np.asarray(1 - X @ Y.T / norms)
    diff = np.abs(X[:, None, :] - Y[None, :, :])
    if metric == "sqeuclidean":
        return np.asarray((diff * diff).sum(-1))
    if metric == "euclidean":
        return np.asarray(np.sqrt((diff * diff).sum(-1)))
    if metric == "cityblock":
        return np.asarray(diff.sum(-1))
    assert isinstance(metric, tuple)
    assert metric[0] == "minkowski"
    return np.asarray((diff ** metric[1]).sum(-1))


def exact_inner(P: Array, C: Array) -> float:
    """<P, C>, summed in rational arithmetic and rounded once."""
    total = sum(
        (
            Fraction(float(P[i, j])) * Fraction(float(C[i, j]))
            for i, j in zip(*np.nonzero(P), strict=True)
        ),
        Fraction(0),
    )
    return float(total)


def dyadic(rng: np.random.Generator, shape: Any, *, bits: int = 8) -> Array:
    """Uniform multiples of 2^-bits in [-1, 1]."""
    return rng.integers(-(2**bits), 2**bits + 1, size=shape) / 2.0**bits


def gaussian(rng: np.random.Generator, shape: Any, *, bits: int = 8) -> Array:
    """Normal samples rounded to multiples of 2^-bits."""
    return np.asarray(np.round(rng.normal(size=shape) * 2.0**bits) / 2.0**bits)


def dyadic_weights(rng: np.random.Generator, n: int, *, total: float = 1.0) -> Array:
    """n positive weights, multiples of 2^-16 (times total), that sum to total exactly."""
    cuts = np.sort(rng.choice(2**16 - 1, size=n - 1, replace=False) + 1)
    return np.diff(cuts, prepend=0, append=2**16) / 2.0**16 * total


# ---------------------------------------------------------------------------------------------
# Points


def dirac(rng: np.random.Generator, m: int, d: int, *, transpose: bool = False) -> Problem:
    """All mass at one point: the only plan has the other side's weights."""
    x, Y, b = dyadic(rng, (1, d)), dyadic(rng, (m, d)), dyadic_weights(rng, m)
    value = exact_inner(b[None, :], reference_costs(x, Y))
    if transpose:
        return Problem(name="dirac-column", value=value, X=Y, Y=x, a=b, plan=b[:, None])
    return Problem(name="dirac-row", value=value, X=x, Y=Y, b=b, plan=b[None, :])


def translation(
    rng: np.random.Generator,
    n: int,
    d: int,
    *,
    metric: Metric = "sqeuclidean",
    weighted: bool = False,
    offset: float = 0.0,
) -> Problem:
    """Y = X + t, shuffled. The cost is a convex function h of y - x, so by Jensen's inequality no
    plan is cheaper than h(E y - E x) = h(t), which the translation attains."""
    t = dyadic(rng, (1, d))
    X = gaussian(rng, (n, d)) + offset
    order = rng.permutation(n)
    w = dyadic_weights(rng, n) if weighted else None
    plan = np.zeros((n, n))
    plan[order, np.arange(n)] = 1 / n if w is None else w[order]
    value = float(reference_costs(np.zeros((1, d)), t, metric)[0, 0])
    label = metric if isinstance(metric, str) else f"{metric[0]}{metric[1]:g}"
    return Problem(
        name=f"translation-{label}" + ("-far" if offset else ""),
        value=value,
        X=X,
        Y=(X + t)[order],
        a=w,
        b=None if w is None else w[order],
        metric=metric,
        plan=plan,
    )


def brenier(
    rng: np.random.Generator, n: int, d: int, *, kind: str, weighted: bool = False
) -> Problem:
    """Y = grad phi(X) for a convex phi, shuffled: the pairing is optimal for squared distances.

    The support {(x, grad phi(x))} is cyclically monotone (Rockafellar), hence optimal (Brenier).
    ``kind``: "linear" is phi = x'Ax/2 with an integer positive definite A (a map between
    Gaussians), "cubic" is phi = sum x^4/4, "split" is phi = sum (x^2/2 + |x|).
    """
    X = gaussian(rng, (n, d), bits=6)
    if kind == "linear":
        L = rng.integers(-2, 3, size=(d, d))
        image = X @ (L @ L.T + np.eye(d))
    elif kind == "cubic":
        image = X**3
    else:
        assert kind == "split"
        image = X + np.sign(X)
    order = rng.permutation(n)
    w = dyadic_weights(rng, n) if weighted else None
    weights = np.full(n, 1 / n) if w is None else w
    plan = np.zeros((n, n))
    plan[order, np.arange(n)] = weights[order]
    moved = ((X - image) ** 2).sum(1)
    scaled = sum(
        (Fraction(w) * Fraction(c) for w, c in zip(weights, moved, strict=True)), Fraction(0)
    )
    return Problem(
        name=f"brenier-{kind}",
        value=float(scaled),
        X=X,
        Y=image[order],
        a=w,
        b=None if w is None else w[order],
        plan=plan,
    )


def quantile_merge(x: Array, y: Array, a: Array, b: Array) -> Array:
    """The monotone plan between weighted points of the line, in rational arithmetic."""
    plan = np.zeros((len(x), len(y)))
    left = [(i, Fraction(float(a[i]))) for i in np.argsort(x, kind="stable")]
    right = [(j, Fraction(float(b[j]))) for j in np.argsort(y, kind="stable")]
    while left and right:
        (i, mass_i), (j, mass_j) = left.pop(0), right.pop(0)
        moved = min(mass_i, mass_j)
        plan[i, j] = float(moved)
        if mass_i > moved:
            left.insert(0, (i, mass_i - moved))
        if mass_j > moved:
            right.insert(0, (j, mass_j - moved))
    return plan


def line(
    rng: np.random.Generator, n: int, m: int, *, metric: Metric = "sqeuclidean", few: bool = False
) -> Problem:
    """Points of the line: for a convex cost of the difference the monotone plan is optimal.

    With ``few`` the points take few distinct values, so many plans are optimal.
    """
    bits = 2 if few else 8
    X, Y = dyadic(rng, (n, 1), bits=bits), dyadic(rng, (m, 1), bits=bits)
    a, b = dyadic_weights(rng, n), dyadic_weights(rng, m)
    plan = quantile_merge(X[:, 0], Y[:, 0], a, b)
    label = metric if isinstance(metric, str) else f"{metric[0]}{metric[1]:g}"
    value = exact_inner(plan, reference_costs(X, Y, metric))
    return Problem(name=f"line-{label}", value=value, X=X, Y=Y, a=a, b=b, metric=metric, plan=plan)


def grid_shift(
    rng: np.random.Generator, side: int, shift: tuple[int, int], *, metric: Metric = "sqeuclidean"
) -> Problem:
    """An image moved by whole pixels: a translation on a grid, with zero weights and many ties."""
    inner = np.zeros((side, side))
    inner[: side - shift[0], : side - shift[1]] = rng.integers(
        0, 8, size=(side - shift[0], side - shift[1])
    )
    moved = np.roll(inner, shift, axis=(0, 1))
    pixels = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1)
    points = pixels.reshape(-1, 2) * 1.0
    total = float(inner.sum())
    step = reference_costs(np.zeros((1, 2)), np.array([shift]) * 1.0, metric)[0, 0]
    plan = np.zeros((side * side, side * side))
    sources = np.flatnonzero(inner)
    plan[sources, sources + shift[0] * side + shift[1]] = inner.ravel()[sources]
    return Problem(
        name=f"grid-{metric}",
        value=float(step) * total,
        X=points,
        Y=points,
        a=inner.ravel(),
        b=moved.ravel(),
        metric=metric,
        plan=plan,
    )


def identical(
    rng: np.random.Generator, n: int, d: int, *, metric: Metric = "sqeuclidean"
) -> Problem:
    """X = Y with the same weights: nothing moves, value 0."""
    X, w = gaussian(rng, (n, d)), dyadic_weights(rng, n)
    return Problem(
        name="identical",
        value=0.0,
        X=X,
        Y=X.copy(),
        a=w,
        b=w.copy(),
        metric=metric,
        plan=np.diag(w),
        potentials=(np.zeros(n), np.zeros(n)),
    )
