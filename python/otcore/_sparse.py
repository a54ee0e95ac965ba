"""Sparse cost matrices: scipy's and torch's, recognised without importing either.

Stored entries are the pairs that may carry mass, zeros among them at a cost of 0; entries that are
stored twice add up, as they do in both libraries. A matrix is taken apart into its pattern and its
entries, and the entries pass the door like any array.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ._arrays import Array, Real, real_dtype, shape_error, torch_type

# The core numbers columns in 32 bits.
_MOST_COLUMNS = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class SparseCosts:
    """One problem's costs as the core takes them: compressed rows, columns ascending."""

    starts: npt.NDArray[np.int64]  # (n + 1,)
    cols: npt.NDArray[np.int32]  # (E,)
    entries: Real  # (E,)
    m: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(1, n, m): as a batch of one."""
        return 1, len(self.starts) - 1, self.m

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.entries.dtype

    def places(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Where in `entries` these stored pairs are."""
        of_row = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        keys = of_row * self.m + self.cols
        return np.searchsorted(keys, rows * self.m + cols)


class Stored(NamedTuple):
    """A sparse matrix by rows: its pattern, and its entries in the library they came in."""

    starts: npt.NDArray[np.int64]
    cols: npt.NDArray[np.int32]
    entries: Array  # (E,): numpy, or a tensor that is differentiable in the matrix
    shape: tuple[int, int]


def is_sparse(value: object) -> bool:
    """Whether this is a scipy sparse matrix or array, or a torch sparse tensor."""
    issparse = getattr(sys.modules.get("scipy.sparse"), "issparse", None)
    return bool(issparse is not None and issparse(value)) or _is_sparse_tensor(value)


def take_apart(M: Any, name: str) -> Stored:
    """The pattern and the entries of a sparse matrix.

    Raises ValueError for a wrong shape, TypeError for a dtype or layout that is not read.
    """
    shape = tuple(M.shape)
    hybrid = _is_sparse_tensor(M) and M.dense_dim() > 0
    if len(shape) != 2 or 0 in shape or hybrid:
        raise shape_error(name, shape, "(n, m), no side empty, both sparse")
    if shape[1] > _MOST_COLUMNS:
        raise shape_error(name, shape, f"at most {_MOST_COLUMNS} columns")
    if _is_sparse_tensor(M):
        starts, cols, entries = _take_tensor_apart(M, name)
    else:
        dtype = real_dtype(M, name)
        csr = M.astype(dtype, copy=False).tocsr()
        if not csr.has_canonical_format:
            csr = csr.copy()
            csr.sum_duplicates()
        starts, cols, entries = csr.indptr, csr.indices, csr.data
    return Stored(
        np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(cols, np.int32), entries, shape
    )


def _is_sparse_tensor(value: object) -> bool:
    tensor = torch_type("Tensor")
    if tensor is None or not isinstance(value, tensor):
        return False
    return bool(value.is_sparse or value.layout == torch_type("sparse_csr"))


def _take_tensor_apart(M: Any, name: str) -> tuple[Any, Any, Any]:
    if not M.is_floating_point():
        if M.is_complex():
            raise TypeError(f"{name}: dtype {M.dtype}, expected real numbers")
        M = M.to(torch_type("float64"))
    coo = M.to_sparse_coo().coalesce()
    rows, cols = coo.indices().cpu().numpy()
    starts = np.searchsorted(rows, np.arange(M.shape[0] + 1))
    return starts, cols, coo.values()
