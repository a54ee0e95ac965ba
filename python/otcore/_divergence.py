"""Results of the Sinkhorn divergence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import FLOAT64, Array
from ._entropic_answer import plan_weights
from ._problem import Problem
from .result import BatchResult, OTResult

# From best to worst.
_STATUSES = ("converged", "stalled", "max_iter", "time_limit", "interrupted")


@dataclass(frozen=True, eq=False, repr=False)
class SelfTransport:
    """Entropic transport of a set to itself. Made by `otcore.entropic.self_transport`.

    Attributes
    ----------
    result : OTResult or BatchResult
        The whole answer.
    """

    result: OTResult | BatchResult

    @property
    def value(self) -> Any:
        """The entropic value, as `OTResult.value`; of a batch (B,)."""
        return self.result.value

    @property
    def potential(self) -> Array:
        """The potential f of both sides, float64 (n,) or (B, n); not differentiable."""
        problem = self.result._problem
        return problem.library.wrap(self._potential(), problem.sources)

    @property
    def status(self) -> Any:
        """As `OTResult.status`."""
        return self.result.status

    def require(self, problem: Problem, name: str) -> None:
        """ValueError where this is the answer of another problem."""
        mine = self.result._problem
        assert mine.entropic is not None
        assert problem.entropic is not None
        same = (
            mine.metric == problem.metric
            and (mine.entropic.reg, mine.entropic.rho)
            == (problem.entropic.reg, problem.entropic.rho)
            and mine.batched == problem.batched
            and mine.dtype == problem.dtype
            and np.array_equal(mine.data[0], problem.data[0])
            and _same_weights(mine.a, problem.a)
        )
        if not same:
            raise ValueError(
                f"{name}: of other points, weights, reg, metric or unbalanced, expected what "
                "self_transport returned for these"
            )

    def _potential(self) -> npt.NDArray[np.float64]:
        # The gauge moved a constant from one side to the other.
        solution, index = self.result._solution, self.result._index
        return (solution.potential_a[index] + solution.potential_b[index]) / 2

    def __repr__(self) -> str:
        return f"SelfTransport({self.result!r})"


@dataclass(frozen=True, eq=False, repr=False)
class DivergenceResult:
    """A Sinkhorn divergence. Made by `otcore.entropic.sinkhorn_divergence`.

    Attributes
    ----------
    cross : OTResult or BatchResult
        The problem between the two sets.
    self_x, self_y : SelfTransport
        Those of each set with itself.
    """

    cross: OTResult | BatchResult
    self_x: SelfTransport
    self_y: SelfTransport

    @property
    def value(self) -> Any:
        """The divergence: a float or a 0-d float64 tensor; of a batch float64 (B,)."""
        value = self.cross.value - (self.self_x.value + self.self_y.value) / 2
        problem = self.cross._problem
        assert problem.entropic is not None
        if problem.entropic.balanced:
            return value
        a, b = (_mass(problem, side) for side in (0, 1))
        return value + problem.entropic.reg / 2 * (a - b) ** 2

    @property
    def potentials(self) -> tuple[Array, Array]:
        """(`potential_a`, `potential_b`)."""
        return self.potential_a, self.potential_b

    @property
    def potential_a(self) -> Array:
        """Potential of X, float64 (n,) or (B, n): that of `cross` less that of `self_x`.

        In balanced problems the derivative of the value in a, up to a constant. Not differentiable.
        """
        return self._wrap(self._differences()[0])

    @property
    def potential_b(self) -> Array:
        """Potential of Y, float64 (m,) or (B, m), of b-weighted mean 0 in balanced problems."""
        return self._wrap(self._differences()[1])

    @property
    def status(self) -> Any:
        """The worst status of the three problems; of a batch a list."""
        parts = [part.status for part in (self.cross, self.self_x, self.self_y)]
        if isinstance(parts[0], str):
            return max(parts, key=_STATUSES.index)
        return [max(statuses, key=_STATUSES.index) for statuses in zip(*parts, strict=True)]

    def _wrap(self, array: npt.NDArray[np.float64]) -> Array:
        problem = self.cross._problem
        return problem.library.wrap(array, problem.sources)

    def _differences(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        cross, problem = self.cross, self.cross._problem
        f = cross._solution.potential_a[cross._index] - self.self_x._potential()
        g = cross._solution.potential_b[cross._index] - self.self_y._potential()
        assert problem.entropic is not None
        if not problem.entropic.balanced:
            return f, g
        b = np.stack([plan_weights(problem, k)[1] for k in range(problem.size[0])])
        b = b / b.sum(axis=-1, keepdims=True)
        shift = (b.reshape(g.shape) * g).sum(axis=-1, keepdims=True)
        return f + shift, g - shift

    def __repr__(self) -> str:
        if isinstance(self.cross, BatchResult):
            count, n, m = self.cross._problem.size
            return f"DivergenceResult({count} problems of shape ({n}, {m}))"
        value = float(self.cross._problem.library.detach(self.value))
        return f"DivergenceResult(value={value:.6g}, status={self.status!r})"


def _mass(problem: Problem, side: int) -> Any:
    """The total mass of a side: 1 where weights are uniform; of a tensor differentiable."""
    weights = problem.sources[2 + side]
    if weights is None:
        return 1.0
    library = problem.library
    return library.cast(library.cast(weights, problem.dtype), FLOAT64).sum(-1)


def _same_weights(
    first: npt.NDArray[np.float64] | None, second: npt.NDArray[np.float64] | None
) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)
