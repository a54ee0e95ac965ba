"""Results of sliced transport: immutable, in the library that the data came in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import Array
from ._plan import SparsePlan
from ._slices import Slices

__all__ = ["MaxSlicedResult", "SlicedPlanResult", "SlicedResult"]


@dataclass(frozen=True, eq=False, repr=False)
class SlicedResult:
    """A sliced transport cost: the mean over directions, and what each direction gave.

    Immutable; arrays are of the library that the data came in. Made by `sliced_wasserstein` and
    `sliced_wasserstein_sphere`, not by hand.
    """

    _slices: Slices
    _costs: npt.NDArray[np.float64]  # (B, L)
    _values: Array  # (B,)
    p: float
    """The power of the cost."""

    def __reduce__(self) -> tuple[Any, ...]:
        values = self._slices.library.detach(self._values)
        return type(self), (self._slices, self._costs, values, self.p)

    @property
    def value(self) -> Any:
        """The mean of W_p^p over the directions, not rooted: a float, a 0-d tensor, or (B,).

        float64. A tensor is differentiable (once) in every input that requires a gradient, also in
        given projections; its gradient in weights is centred to sum 0.
        """
        if self._slices.batch is None:
            return self._slices.library.scalar(self._values[0])
        return self._values

    @property
    def distance(self) -> Any:
        """``value ** (1 / p)``, the sliced Wasserstein distance (for masses of sum 1).

        At 0 its gradient is taken as 0.
        """
        return self._slices.library.root(self.value, self.p)

    @property
    def costs(self) -> Array:
        """W_p^p along each direction, float64: (L,), or (B, L). Tensors: not differentiable."""
        return self._wrap(self._one(self._costs))

    @property
    def projections(self) -> Array:
        """The directions, as they were given or drawn: (d, L), or (L, d, 2) on the sphere."""
        return self._slices.projections

    @property
    def standard_error(self) -> Any:
        """The standard error of `value` as an estimate of the mean over all directions.

        The standard deviation of `costs` over the root of their number: right for independent
        directions, and usually too large for orthogonal and quasi-random ones. NaN for a single
        direction. A float, or (B,).
        """
        error = self._one(self._errors)
        return float(error) if error.ndim == 0 else self._wrap(error)

    def confidence_interval(self, level: float = 0.95) -> tuple[Any, Any]:
        """An interval that holds the mean over all directions with so much probability.

        Parameters
        ----------
        level
            The probability, between 0 and 1.

        Returns
        -------
        low, high : float, or array of shape (B,)
            `value` less and plus a normal quantile of `standard_error`; low is 0 at least. NaN for
            a single direction.

        Raises
        ------
        ValueError
            A level that is not between 0 and 1.

        Examples
        --------
        >>> import otcore
        >>> result = otcore.sliced.sliced_wasserstein([[0.0, 0.0]], [[3.0, 4.0]], seed=0)
        >>> low, high = result.confidence_interval()
        >>> low < 12.5 < high  # the mean of (3 cos t + 4 sin t)^2
        True
        """
        if not 0 < level < 1:
            raise ValueError(f"level: {level}, expected a number between 0 and 1")
        half = NormalDist().inv_cdf((1 + level) / 2) * self._errors
        mean = self._costs.mean(axis=1)
        low, high = (self._one(end) for end in (np.maximum(mean - half, 0.0), mean + half))
        if low.ndim == 0:
            return float(low), float(high)
        return self._wrap(low), self._wrap(high)

    @cached_property
    def _errors(self) -> npt.NDArray[np.float64]:
        count = self._costs.shape[1]
        if count == 1:
            return np.full(len(self._costs), np.nan)
        return self._costs.std(axis=1, ddof=1) / np.sqrt(count)  # type: ignore[no-any-return]

    def _one(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(array[0]) if self._slices.batch is None else array

    def _wrap(self, array: npt.NDArray[Any]) -> Array:
        return self._slices.library.wrap(array, self._slices.sources)

    def __repr__(self) -> str:
        count = self._costs.shape[1]
        if self._slices.batch is not None:
            return f"SlicedResult({len(self._costs)} problems, n_projections={count})"
        return (
            f"SlicedResult(value={self._costs.mean():.6g}, "
            f"standard_error={self.standard_error:.2g}, n_projections={count})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class MaxSlicedResult:
    """A max-sliced transport cost and the direction where it is attained.

    Immutable. Made by `max_sliced_wasserstein`, not by hand.
    """

    _slices: Slices
    _value: Array  # (1,)
    _direction: npt.NDArray[np.float64]
    p: float
    """The power of the cost."""
    n_iter: int
    """Steps of the ascent."""
    status: str
    """ "converged", or "max_iter"."""

    def __reduce__(self) -> tuple[Any, ...]:
        value = self._slices.library.detach(self._value)
        rest = (self._direction, self.p, self.n_iter, self.status)
        return type(self), (self._slices, value, *rest)

    @property
    def value(self) -> Any:
        """W_p^p along `direction`, not rooted: a float, or a 0-d float64 tensor.

        A tensor is differentiable (once) in X, Y, a and b, with the direction held fixed, which by
        the envelope theorem is the gradient of the maximum. Where the maximum is at a kink (two
        points of one side have the same projection) it is that of one of the plans there.
        """
        return self._slices.library.scalar(self._value[0])

    @property
    def distance(self) -> Any:
        """``value ** (1 / p)``; at 0 its gradient is taken as 0."""
        return self._slices.library.root(self.value, self.p)

    @property
    def direction(self) -> Array:
        """The unit vector, (d,), in the data's dtype. Tensors: not differentiable."""
        direction = self._direction.astype(self._slices.x.dtype)
        return self._slices.library.wrap(direction, self._slices.sources)

    def __repr__(self) -> str:
        value = float(self._slices.library.detach(self._value)[0])
        return f"MaxSlicedResult(value={value:.6g}, status={self.status!r}, n_iter={self.n_iter})"


@dataclass(frozen=True, eq=False, repr=False)
class SlicedPlanResult:
    """A transport plan in space that was made of plans of slices.

    Immutable. Made by `min_pivot_sliced` and `expected_sliced`, not by hand.
    """

    _slices: Slices
    _value: Array  # 0-d
    _costs: npt.NDArray[np.float64]  # (L,)
    _weights: npt.NDArray[np.float64]  # (L,)
    _plan: SparsePlan

    def __reduce__(self) -> tuple[Any, ...]:
        value = self._slices.library.detach(self._value)
        return type(self), (self._slices, value, self._costs, self._weights, self._plan)

    @property
    def value(self) -> Any:
        """The ground cost of the plan, an upper bound of the transport cost, float64.

        A tensor is differentiable (once) in X and Y, with the plan held fixed.
        """
        return self._slices.library.scalar(self._value)

    @property
    def costs(self) -> Array:
        """The ground cost of each direction's plan, float64 (L,). Tensors: not differentiable."""
        return self._wrap(self._costs)

    @property
    def weights(self) -> Array:
        """The part that each direction's plan has in this one, float64 (L,), of sum 1."""
        return self._wrap(self._weights)

    @property
    def projections(self) -> Array:
        """The directions, (d, L)."""
        return self._slices.projections

    @property
    def sparse_plan(self) -> Any:
        """The plan as a scipy CSR array (the extra ``otcore[sparse]``) or a torch sparse tensor.

        In the data's dtype; its marginals are the weights of the points. Not differentiable.
        """
        return self._plan.sparse()

    @cached_property
    def _dense(self) -> npt.NDArray[Any]:
        return self._plan.dense()

    @property
    def plan(self) -> Array:
        """The plan as a dense array (n, m), made at the first use. Not differentiable."""
        return self._wrap(self._dense)

    def apply(self, V: npt.ArrayLike) -> Array:
        """The plan times V of shape (m,) or (m, c), as `otcore.OTResult.apply`."""
        return self._plan.apply(V)

    def apply_t(self, V: npt.ArrayLike) -> Array:
        """The transposed plan times V of shape (n,) or (n, c)."""
        return self._plan.apply_t(V)

    def barycentric_map(self) -> Array:
        """Where each x is sent on average, (n, d); NaN for points without mass."""
        library = self._slices.library
        targets: Array = self._slices.sources[1]
        mass = self._wrap(self._plan.row_sums())[:, None]
        with np.errstate(invalid="ignore"):
            mean = self._plan.apply(targets) / mass
        return library.cast(mean, self._slices.x.dtype)

    def _wrap(self, array: npt.NDArray[Any]) -> Array:
        return self._slices.library.wrap(array, self._slices.sources)

    def __repr__(self) -> str:
        value = float(self._slices.library.detach(self._value))
        shape = self._plan.n, self._plan.m
        return (
            f"SlicedPlanResult(value={value:.6g}, shape={shape}, n_projections={len(self._costs)})"
        )
