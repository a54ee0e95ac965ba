"""Who takes part in `scale`, and on what: otcore from points, POT in three modes.

POT's `dist` is part of its time. Its lazy mode computes costs as it needs them. Its sparse mode
solves the problem on pairs that the caller chooses, and proves nothing about others: here each
point's nearest neighbours, found through all costs as is usual, and, as a gift, the pairs of an
optimal plan, without which there may be no plan on them.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import ot
from scipy.sparse import coo_matrix

import otcore

from .contest import Contender, Values
from .optimality import certify

_ITERATIONS = 10**9  # POT's default limit ends large problems before the optimum
_NEIGHBOURS = 32
_WARM_UP = 600  # points, enough for the way that large problems take


@dataclass(frozen=True, eq=False)
class Clouds:
    """Two clouds and their masses; None is uniform."""

    X: Values
    Y: Values
    a: Values | None = None
    b: Values | None = None

    def solve(self, start: otcore.OTResult | None = None) -> otcore.OTResult:
        return otcore.solve_sample(self.X, self.Y, self.a, self.b, potentials_init=start)

    def part(self, count: int) -> Clouds:
        """The first points, uniform."""
        return Clouds(self.X[:count], self.Y[:count])

    def weights(self) -> tuple[Values, Values]:
        a = np.full(len(self.X), 1 / len(self.X)) if self.a is None else self.a
        b = np.full(len(self.Y), 1 / len(self.Y)) if self.b is None else self.b
        return a, b


@dataclass(frozen=True, eq=False)
class Images(Clouds):
    """The pixels of two images, and their values as masses of sum 1."""

    images: tuple[Values, Values] | None = None

    @staticmethod
    def of(first: Values, second: Values) -> Images:
        a, b = first / first.sum(), second / second.sum()
        axes = np.meshgrid(*(np.arange(side) * 1.0 for side in a.shape), indexing="ij")
        pixels = np.stack(axes, -1).reshape(-1, a.ndim)
        return Images(pixels, pixels, a.ravel(), b.ravel(), (a, b))

    def solve(self, start: otcore.OTResult | None = None) -> otcore.OTResult:
        assert self.images is not None
        return otcore.solve_grid(*self.images, potentials_init=start)


class _Once:
    """A call on each problem, whose last results are its answers: what takes a minute is not done
    again for them."""

    def __init__(
        self,
        problems: Sequence[Clouds],
        solve: Callable[[Clouds], Any],
        value: Callable[[Clouds, Any], float],
    ) -> None:
        self._problems, self._solve, self._value = problems, solve, value
        self._results: list[Any] = []
        self._warnings: list[warnings.WarningMessage] = []

    def run(self) -> None:
        with warnings.catch_warnings(record=True) as self._warnings:
            warnings.simplefilter("always")
            self._results = [self._solve(problem) for problem in self._problems]

    def answers(self) -> Values:
        for each in self._warnings:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        pairs = zip(self._problems, self._results, strict=True)
        return np.array([self._value(problem, result) for problem, result in pairs])


def ours(
    problems: Sequence[Clouds], name: str = "otcore", start: otcore.OTResult | None = None
) -> Contender:
    """otcore; an answer that does not stand the check is NaN."""
    once = _Once(problems, lambda clouds: clouds.solve(start), _checked_value)
    return Contender(name, once.run, once.answers, problems[0].part(_WARM_UP).solve)


def _checked_value(clouds: Clouds, result: otcore.OTResult) -> float:
    found = certify(result, clouds.X, clouds.Y, clouds.a, clouds.b)
    print(f"  {found}", file=sys.stderr, flush=True)
    if result.status == "optimal" and not found.faults:
        return float(result.value)
    print(f"  NOT OPTIMAL: {result.status}; {'; '.join(found.faults)}", file=sys.stderr)
    return float("nan")


def dense(problems: Sequence[Clouds]) -> Contender:
    def solve(clouds: Clouds) -> float:
        M = ot.dist(clouds.X, clouds.Y)
        return float(ot.emd2(*clouds.weights(), M, numItermax=_ITERATIONS))

    return _pot("POT `dist` + `emd2`", solve, problems, problems[0].part(_WARM_UP))


def lazy(problems: Sequence[Clouds]) -> Contender:
    def solve(clouds: Clouds) -> float:
        options = {"numItermax": _ITERATIONS, "return_matrix": False}
        return float(ot.emd2_lazy(clouds.X, clouds.Y, *clouds.weights(), **options))

    return _pot("POT `emd2_lazy`", solve, problems, problems[0].part(_WARM_UP))


def sparse(problems: Sequence[Clouds]) -> Contender:
    small = problems[0].part(_WARM_UP)
    plans = {each: each.solve().sparse_plan.tocoo().coords for each in (*problems, small)}

    def solve(clouds: Clouds) -> float:
        M = ot.dist(clouds.X, clouds.Y)
        pairs = _near_pairs(M, *plans[clouds])
        return float(ot.emd2(*clouds.weights(), pairs, numItermax=_ITERATIONS))

    name = f"POT `dist`, {_NEIGHBOURS} neighbours, sparse `emd2`"
    return _pot(name, solve, problems, small)


def _near_pairs(M: Values, rows: npt.NDArray[Any], cols: npt.NDArray[Any]) -> coo_matrix:
    """The costs of each point's nearest neighbours on both sides, and of the pairs given."""
    chosen = np.zeros(M.shape, bool)
    chosen[rows, cols] = True
    nearest = np.argpartition(M, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    np.put_along_axis(chosen, nearest, True, axis=1)
    nearest = np.argpartition(M, _NEIGHBOURS, axis=0)[:_NEIGHBOURS]
    np.put_along_axis(chosen, nearest, True, axis=0)
    rows, cols = np.nonzero(chosen)
    return coo_matrix((M[rows, cols], (rows, cols)), shape=M.shape)


def _pot(
    name: str, solve: Callable[[Clouds], float], problems: Sequence[Clouds], small: Clouds
) -> Contender:
    once = _Once(problems, solve, lambda _, value: value)
    return Contender(name, once.run, once.answers, lambda: solve(small))
