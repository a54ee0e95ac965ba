"""Entropic transport problems whose answers are known without iterating.

The objective is <P, C> + reg KL(P | a x b), where KL(P | Q) = sum P log(P / Q) - P + Q, and for
unbalanced problems + rho_a KL(P 1 | a) + rho_b KL(P^T 1 | b). Most answers come from the form of
the optimum: P_ij = a_i b_j exp((f_i + g_j - C_ij) / reg) with the right marginals is *the* optimum,
so a problem is made for the plan and the potentials that are wanted. Why each value is right stands
at its generator; ``test_entropic_problems.py`` checks it by plain iterations.

Unlike the exact problems' these costs are logarithms: float64 holds them up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from problems import Metric, reference_costs

Array = NDArray[Any]
Rho = tuple[float, float]  # infinite: the marginal is a constraint

BALANCED: Rho = (np.inf, np.inf)


@dataclass(frozen=True, eq=False)
class EntropicProblem:
    """One problem and its answer: a matrix ``M`` or points ``X``, ``Y``; None is uniform."""

    name: str
    reg: float
    value: float
    value_linear: float
    accuracy: float  # how far `value` may be from that of the arrays as they are
    M: Array | None = None
    X: Array | None = None
    Y: Array | None = None
    a: Array | None = None
    b: Array | None = None
    metric: Metric = "sqeuclidean"
    rho: Rho = BALANCED
    plan: Array | None = None

    def __repr__(self) -> str:
        n, m = self.costs().shape
        return f"<{self.name} {n}x{m}>"

    @property
    def data(self) -> Any:
        """What the checker takes: the matrix, or the pair of point sets."""
        return self.M if self.M is not None else (self.X, self.Y)

    @property
    def unbalanced(self) -> Rho | None:
        """The argument of the same name."""
        return None if self.rho == BALANCED else self.rho

    def weights(self) -> tuple[Array, Array]:
        """Both weight vectors in float64, the uniform ones written out."""
        n, m = self.costs().shape
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

    def astype(self, dtype: DTypeLike) -> EntropicProblem:
        """The same problem with rounded arrays: its value moves by what `accuracy` then says.

        The value's derivatives in costs and weights are the plan and the potentials, which are of
        the size of the costs and, in weights, of rho.
        """
        if np.dtype(dtype) == np.float64:
            return self

        def cast(array: Array | None) -> Array | None:
            return None if array is None else array.astype(dtype)

        a, b = self.weights()
        C, unit = self.costs(), 2.0**-24
        scale = np.abs(C).max() + self.reg + sum(rho for rho in self.rho if rho < np.inf)
        moved = 16 * unit * scale * (a.sum() + b.sum())
        made = replace(self, accuracy=self.accuracy + moved, plan=None)
        return replace(
            made, M=cast(self.M), X=cast(self.X), Y=cast(self.Y), a=cast(self.a), b=cast(self.b)
        )


# ---------------------------------------------------------------------------------------------
# From the plan to the problem


def xlogy_sum(p: Array, ratio: Array) -> float:
    """sum p log(ratio), 0 where p is."""
    return float(np.sum(p * np.log(np.where(p > 0, ratio, 1.0))))


def kl(p: Array, q: Array) -> float:
    """sum p log(p / q) - p + q, for q > 0 where p is."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=q > 0)
    return xlogy_sum(p, ratio) - float(p.sum()) + float(q.sum())


def objective(P: Array, C: Array, a: Array, b: Array, reg: float, rho: Rho) -> float:
    """The value of a plan, straight from the definition."""
    value = float(np.sum(P * C)) + reg * kl(P, np.outer(a, b))
    for rows, weights, strength in ((P.sum(1), a, rho[0]), (P.sum(0), b, rho[1])):
        if strength < np.inf:
            value += strength * kl(rows, weights)
    return value


def from_plan(
    name: str, P: Array, f: Array, g: Array, reg: float, rho: Rho = BALANCED
) -> EntropicProblem:
    """The problem whose optimal plan is the positive matrix P, with these potentials.

    The optimality conditions are P = a b exp((f + g - C) / reg), and a = P 1 for the balanced
    problem, a = P 1 exp(f / rho_a) for the unbalanced one: they are solved for C, a and b.
    """
    a = P.sum(1) * (np.exp(f / rho[0]) if rho[0] < np.inf else 1.0)
    b = P.sum(0) * (np.exp(g / rho[1]) if rho[1] < np.inf else 1.0)
    C = f[:, None] + g - reg * np.log(P / np.outer(a, b))
    size = np.abs(C).max() + np.abs(f).max() + np.abs(g).max() + reg
    size += sum(strength for strength in rho if strength < np.inf)
    return EntropicProblem(
        name=name,
        reg=reg,
        value=objective(P, C, a, b, reg, rho),
        value_linear=float(np.sum(P * C)),
        accuracy=64 * 2.0**-53 * size * float(P.sum() + a.sum() + b.sum()),
        M=C,
        a=a,
        b=b,
        rho=rho,
        plan=P,
    )


def planted(
    rng: np.random.Generator,
    n: int,
    m: int,
    *,
    reg: float = 1.0,
    scale: float = 1.0,
    sharp: float = 0.5,
    spread: float = 1.0,
    total: float = 1.0,
    rho: Rho = BALANCED,
    name: str = "planted",
) -> EntropicProblem:
    """Any plan and potentials of the size `scale`.

    The plan is a mixture: `sharp` of its mass follows the order of the rows, as an exact plan does,
    the rest is spread over all pairs, by numbers over `spread` decades. Plain iterations contract
    by about sharp^2, whatever `reg` and `scale` are.
    """
    diffuse = 10.0 ** rng.uniform(-spread, 0, size=(n, m))
    matched = np.zeros((n, m))
    longest = max(n, m)
    matched[np.arange(longest) * n // longest, np.arange(longest) * m // longest] = 1.0
    P = (1 - sharp) * diffuse / diffuse.sum() + sharp * matched / matched.sum()
    f, g = scale * rng.uniform(-1, 1, size=n), scale * rng.uniform(-1, 1, size=m)
    return from_plan(name, total * P, f, g, reg, rho)


def separable(
    rng: np.random.Generator, n: int, m: int, *, reg: float, scale: float = 1.0, offset: float = 0.0
) -> EntropicProblem:
    """C = u + v: all plans of the same marginals cost the same, so a x b is optimal for any reg."""
    u, v = scale * rng.normal(size=n), scale * rng.normal(size=m) + offset
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    return replace(from_plan("separable", np.outer(a, b), u, v, reg), a=a, b=b, M=u[:, None] + v)


def two_by_two(a: float, b: float, cross: float, reg: float) -> EntropicProblem:
    """Weights (a, 1 - a) and (b, 1 - b), cost `cross` for changing sides and 0 for staying.

    One number p = P_00 is free. The cross ratio p (1 - a - b + p) / ((a - p) (b - p)) of the
    optimum is that of exp(-C / reg), which is K = exp(2 cross / reg): a quadratic in p, here in the
    form without cancellation.
    """
    K = np.exp(2 * cross / reg)
    half = (1 + (K - 1) * (a + b)) / 2
    p = K * a * b / (half + np.sqrt(half * half - (K - 1) * K * a * b))
    P = np.array([[p, a - p], [b - p, 1 - a - b + p]])
    C = cross * (1 - np.eye(2))
    weights = np.array([a, 1 - a]), np.array([b, 1 - b])
    return EntropicProblem(
        name="two-by-two",
        reg=reg,
        value=objective(P, C, *weights, reg, BALANCED),
        value_linear=float(np.sum(P * C)),
        accuracy=64 * 2.0**-53 * (abs(cross) + reg),
        M=C,
        a=weights[0],
        b=weights[1],
        plan=P,
    )


def one_point(
    rng: np.random.Generator, m: int, *, reg: float, transpose: bool = False
) -> EntropicProblem:
    """All mass at one point: the only plan is the product of the marginals, KL = 0."""
    X, Y, b = rng.normal(size=(1, 3)), rng.normal(size=(m, 3)), rng.dirichlet(np.ones(m))
    value = float(reference_costs(X, Y)[0] @ b)
    made = EntropicProblem(
        name="one-point-row",
        reg=reg,
        value=value,
        value_linear=value,
        accuracy=64 * 2.0**-53 * value,
        X=X,
        Y=Y,
        a=np.ones(1),
        b=b,
        plan=b[None, :],
    )
    if transpose:
        made = replace(made, name="one-point-column", X=Y, Y=X, a=b, b=np.ones(1), plan=b[:, None])
    return made


def blocks(rng: np.random.Generator, sizes: list[int], *, reg: float) -> EntropicProblem:
    """Blocks of equal costs, 2000 reg apart: no mass leaves a block, and inside it is a product.

    With m_k the mass of block k, P_ij = a_i b_j / m_k inside, so KL = sum_k m_k log(1 / m_k). The
    potentials of the blocks are free against each other.
    """
    label = np.repeat(np.arange(len(sizes)), sizes)
    masses = rng.dirichlet(np.full(len(sizes), 4.0))
    a, b = np.empty((2, len(label)))
    for k in range(len(sizes)):
        a[label == k], b[label == k] = masses[k] * rng.dirichlet(np.ones(sizes[k]), 2)
    inside = label[:, None] == label
    level = rng.uniform(0, 1, size=len(sizes)) * reg
    C = np.where(inside, level[label], 2000 * reg)
    linear = float(masses @ level)
    return EntropicProblem(
        name="blocks",
        reg=reg,
        value=linear + reg * xlogy_sum(masses, 1 / masses),
        value_linear=linear,
        accuracy=64 * 2.0**-53 * 2000 * reg,
        M=C,
        a=a,
        b=b,
    )


# ---------------------------------------------------------------------------------------------
# Gaussians, by quadrature


def gauss_hermite(mean: Array, variance: Array, nodes: int) -> tuple[Array, Array]:
    """Points and weights that integrate the density of independent Gaussian coordinates.

    The tensor grid of the `nodes`-point rule, exact for polynomials of degree 2 nodes - 1 in each
    coordinate; weights reach down to about exp(-2 nodes) per coordinate.
    """
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = w / w.sum()
    d = len(mean)
    points = np.stack(np.meshgrid(*[x] * d, indexing="ij"), -1).reshape(-1, d)
    weights = np.prod(np.stack(np.meshgrid(*[w] * d, indexing="ij"), -1).reshape(-1, d), axis=1)
    return mean + np.sqrt(variance) * points, weights


def gaussians(
    mean: list[float], var_a: list[float], var_b: list[float], *, reg: float, nodes: int
) -> EntropicProblem:
    """N(0, var_a) to N(mean, var_b), independent coordinates, squared distance, by quadrature.

    The closed form of Janati, Muzellec, Peyre and Cuturi, "Entropic optimal transport between
    unbalanced Gaussian measures has a closed form" (2020), theorem 1, with reg = 2 s^2: coordinates
    add up, and with D = sqrt(4 A B + s^4) each has

        value  = mean^2 + A + B - D + s^2 (1 - log(2 s^2)) + s^2 log(D + s^2)
        linear = mean^2 + A + B - 2 K, with the covariance K = (D - s^2) / 2 of the plan.

    The potentials are quadratic, so on quadrature points the integrals of the optimality conditions
    are right up to the rule's error, which falls geometrically with the nodes as long as the kernel
    is wide compared with their distance: `accuracy` holds for reg >= the variances.
    """
    m, A, B = (np.asarray(each, dtype=np.float64) for each in (mean, var_a, var_b))
    assert reg >= max(A.max(), B.max())
    s2 = reg / 2
    D = np.sqrt(4 * A * B + s2 * s2)
    value = m**2 + A + B - D + s2 * (1 - np.log(2 * s2)) + s2 * np.log(D + s2)
    linear = m**2 + A + B - (D - s2)
    X, a = gauss_hermite(np.zeros_like(m), A, nodes)
    Y, b = gauss_hermite(m, B, nodes)
    return EntropicProblem(
        name=f"gaussians-{len(mean)}d",
        reg=reg,
        value=float(value.sum()),
        value_linear=float(linear.sum()),
        accuracy=1e-9 * float(value.sum()),
        X=X,
        Y=Y,
        a=a,
        b=b,
    )


# ---------------------------------------------------------------------------------------------
# The list


def catalogue() -> list[EntropicProblem]:
    """Every kind of problem, small: balanced ones first."""
    rng = np.random.default_rng(30)
    made = [
        one_point(rng, 7, reg=0.5),
        one_point(rng, 5, reg=10.0, transpose=True),
        planted(rng, 1, 1, name="single"),
        two_by_two(0.5, 0.5, 1.0, 0.3),
        two_by_two(0.2, 0.7, 1.0, 0.1),
        two_by_two(0.3, 0.3, -2.0, 5.0),
        separable(rng, 9, 13, reg=0.1),
        separable(rng, 13, 9, reg=10.0),
        separable(rng, 8, 8, reg=1.0, offset=100.0),
        separable(rng, 6, 10, reg=1e6),
        planted(rng, 12, 12, sharp=0.9),
        planted(rng, 40, 25),
        planted(rng, 17, 60, spread=6.0, name="wide-plan"),
        planted(rng, 20, 20, total=1000.0, name="mass-1000"),
        planted(rng, 20, 20, total=1e-3, name="mass-1e-3"),
        *(
            planted(rng, 21, 18, reg=ratio, scale=1.0, name=f"reg-{ratio:g}")
            for ratio in (1e-6, 1e-4, 1e-2)
        ),
        *(
            planted(rng, 15, 19, reg=0.1 * scale, scale=scale, name=f"costs-{scale:g}")
            for scale in (1e-20, 1e20)
        ),
        blocks(rng, [3, 5, 4], reg=0.5),
        gaussians([1.0], [1.0], [0.5], reg=1.0, nodes=32),
        gaussians([0.5], [0.7], [1.5], reg=4.0, nodes=24),
        gaussians([1.0, -0.5], [1.0, 0.3], [0.5, 0.8], reg=2.0, nodes=16),
        planted(rng, 14, 11, rho=(1.0, 1.0), name="unbalanced"),
        planted(rng, 14, 11, rho=(0.2, 5.0), name="unbalanced-two-sides"),
        planted(rng, 14, 11, rho=(1.0, np.inf), name="semi-unbalanced-rows"),
        planted(rng, 11, 14, rho=(np.inf, 0.5), name="semi-unbalanced-columns"),
        planted(rng, 12, 12, reg=0.1, rho=(100.0, 100.0), name="unbalanced-stiff"),
        planted(rng, 12, 12, total=50.0, rho=(2.0, 1.0), name="unbalanced-mass-50"),
    ]
    seen: dict[str, int] = {}
    named = []
    for problem in made:
        count = seen[problem.name] = seen.get(problem.name, 0) + 1
        named.append(problem if count == 1 else replace(problem, name=f"{problem.name}-{count}"))
    return named


CATALOGUE = catalogue()
