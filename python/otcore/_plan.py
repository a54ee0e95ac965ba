"""Transport plans: what all can do, and those that are lists of (row, column, mass)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from ._arrays import (
    Array,
    Library,
    open_door,
    real_dtype,
    require_finite,
    shape_error,
    sum_by_index,
)
from ._core import ExactSolution

Entries: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]


class Plan(Protocol):
    """A plan between n and m points, or a batch of them, whose arrays lead with B."""

    def dense(self) -> npt.NDArray[Any]:
        """(n, m) or (B, n, m) in the data's dtype."""

    def entries(self) -> Entries:
        """Rows, columns and masses of what counts; not for batches."""

    def sparse(self) -> Any:
        """`entries` as scipy CSR or torch sparse COO, in the data's dtype; not for batches."""

    def row_sums(self) -> npt.NDArray[np.float64]:
        """(n,) or (B, n)."""

    def col_sums(self) -> npt.NDArray[np.float64]:
        """(m,) or (B, m)."""

    def apply(self, V: npt.ArrayLike) -> Array:
        """The plan times V of shape (m,) or (m, c); for a batch (B, m) or (B, m, c)."""

    def apply_t(self, V: npt.ArrayLike) -> Array:
        """The transposed plan times V of shape (n,) or (n, c); for a batch (B, n) or (B, n, c)."""


class Operand(NamedTuple):
    """The V of `apply`, checked."""

    library: Library
    values: Array
    dtype: np.dtype[Any]
    columns: tuple[int, ...]  # (), or (c,)


def check_operand(V: npt.ArrayLike, data: Array, lead: tuple[int, ...], size: int) -> Operand:
    """V of shape (*lead, size) or (*lead, size, c), in the library of the result's data."""
    library, (_, values) = open_door((("the result's data", data), ("V", V)))
    array = library.to_numpy(values)
    dtype = real_dtype(array, "V")
    shape = (*lead, size)
    if array.shape[: len(shape)] != shape or array.ndim > len(shape) + 1 or not array.size:
        text = ", ".join(map(str, shape))
        raise shape_error("V", array.shape, f"({text}{'' if lead else ','}) or ({text}, c)")
    require_finite(array, "V")
    return Operand(library, library.cast(values, dtype), dtype, array.shape[len(shape) :])


@dataclass(frozen=True, slots=True, eq=False)
class SparsePlan:
    """A plan between n and m points, or a batch of them. Triples at one place add up."""

    library: Library
    sources: Sequence[Array | None]  # the caller's arrays that the plan depends on
    dtype: np.dtype[Any]  # of the data, and so of dense and sparse plans
    batch: int | None  # None: one plan; B: plan b is at rows b*n + i and columns b*m + j
    n: int
    m: int
    rows: npt.NDArray[np.int64]
    cols: npt.NDArray[np.int64]
    mass: npt.NDArray[np.float64]

    @property
    def _lead(self) -> tuple[int, ...]:
        return () if self.batch is None else (self.batch,)

    def dense(self) -> npt.NDArray[Any]:
        shape = (*self._lead, self.n, self.m)
        place = self.rows * self.m + self.cols % self.m
        plan = sum_by_index(place, self.mass, int(np.prod(shape)))
        return plan.reshape(shape).astype(self.dtype, copy=False)

    def entries(self) -> Entries:
        return self.rows, self.cols, self.mass

    def sparse(self) -> Any:
        mass = self.mass.astype(self.dtype, copy=False)
        return self.library.sparse(self.rows, self.cols, mass, (self.n, self.m), self.sources)

    def row_sums(self) -> npt.NDArray[np.float64]:
        return self._sums(self.rows, self.n)

    def col_sums(self) -> npt.NDArray[np.float64]:
        return self._sums(self.cols, self.m)

    def apply(self, V: npt.ArrayLike) -> Array:
        return self._times(V, self.rows, self.cols, self.n, self.m)

    def apply_t(self, V: npt.ArrayLike) -> Array:
        return self._times(V, self.cols, self.rows, self.m, self.n)

    def _sums(self, index: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.float64]:
        total = (self.batch or 1) * size
        sums: Any = np.bincount(index, weights=self.mass, minlength=total)
        return sums.reshape(*self._lead, size)  # type: ignore[no-any-return]

    def _times(
        self,
        V: npt.ArrayLike,
        target: npt.NDArray[np.int64],
        source: npt.NDArray[np.int64],
        out_size: int,
        in_size: int,
    ) -> Array:
        operand = check_operand(V, self.sources[0], self._lead, in_size)
        result = operand.library.weighted_sum(
            target,
            source,
            self.mass,
            operand.values.reshape(-1, *operand.columns),
            (self.batch or 1) * out_size,
            self.sources,
        )
        return result.reshape(*self._lead, out_size, *operand.columns)


def stacked_entries(solution: ExactSolution, n: int, m: int) -> Entries:
    """Rows, columns and masses of all plans of a batch; plan b at rows b*n + i, columns b*m + j."""
    used = np.arange(solution.rows.shape[1]) < solution.count[:, None]
    start = np.arange(len(solution.count))[:, None]
    return (solution.rows + start * n)[used], (solution.cols + start * m)[used], solution.mass[used]
