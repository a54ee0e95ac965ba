"""Two data sets that mini-batches are read from, side by side."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

Index: TypeAlias = npt.NDArray[np.int64]
Group: TypeAlias = tuple[Sequence[Index], Sequence[Index]]  # x batches and y batches
Collate: TypeAlias = Callable[[list[Any]], Any]


class PairedDataset(Dataset[Any]):
    """Reads groups of mini-batches of both sides, in worker processes too.

    Parameters
    ----------
    X, Y
        The data sets: tensors or numpy arrays (memory maps stay such in spawned workers), whose
        rows are taken at once, or map-style data sets of torch, whose items are put together.
    collate_fn
        Puts the items of a batch of a data set together; None: torch's default.
    """

    def __init__(self, X: Any, Y: Any, collate_fn: Collate | None = None) -> None:
        self._sides = checked_data(X, "X"), checked_data(Y, "Y")
        self._collate = default_collate if collate_fn is None else collate_fn

    @property
    def sizes(self) -> tuple[int, int]:
        """How many points each side has."""
        return len(self._sides[0]), len(self._sides[1])

    def __getitems__(self, group: Group) -> tuple[list[Any], list[Any]]:
        """The batches of a group: what torch's DataLoader reads them by."""
        x, y = (
            [self._read(side, index) for index in batches]
            for side, batches in zip(self._sides, group, strict=True)
        )
        return x, y

    def __getstate__(self) -> dict[str, Any]:
        sides = tuple(_MapOfFile.of(side) or side for side in self._sides)
        return {"_sides": sides, "_collate": self._collate}

    def __setstate__(self, state: dict[str, Any]) -> None:
        x, y = (side.open() if isinstance(side, _MapOfFile) else side for side in state["_sides"])
        self._sides = x, y
        self._collate = state["_collate"]

    def _read(self, side: Any, index: Index) -> Any:
        if isinstance(side, Tensor):
            return side[torch.from_numpy(index)]
        if isinstance(side, np.ndarray):
            return torch.from_numpy(np.asarray(side[index]))
        if hasattr(side, "__getitems__"):
            return self._collate(side.__getitems__(index.tolist()))
        return self._collate([side[i] for i in index.tolist()])


class _MapOfFile(NamedTuple):
    """How to open a memory map again; pickling one would copy the file."""

    filename: str
    dtype: np.dtype[Any]
    offset: int
    shape: tuple[int, ...]
    order: Any

    @classmethod
    def of(cls, array: Any) -> _MapOfFile | None:
        # A slice of a map looks like one, but has not its offset; its base is an array.
        if not isinstance(array, np.memmap) or not isinstance(array.base, mmap.mmap):
            return None
        if array.filename is None or not (array.flags.c_contiguous or array.flags.f_contiguous):
            return None
        order = "C" if array.flags.c_contiguous else "F"
        return cls(str(array.filename), array.dtype, array.offset, array.shape, order)

    def open(self) -> np.memmap[Any, Any]:
        return np.memmap(
            self.filename, self.dtype, "r", offset=self.offset, shape=self.shape, order=self.order
        )


def checked_data(data: Any, name: str) -> Any:
    """The data set, where it has numbered items."""
    if not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise TypeError(
            f"{name}: {type(data).__name__}, expected a tensor, a numpy array or a map-style "
            "Dataset (with __len__ and __getitem__)"
        )
    if not len(data):
        raise ValueError(f"{name}: empty, expected at least one point")
    return data
