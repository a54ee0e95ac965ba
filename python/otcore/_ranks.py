"""Work that several processes share: what `otcore` needs of them, and how it is divided."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

# Of answers, the worst first.
_STATUSES = ("interrupted", "time_limit", "max_iter", "stalled", "converged", "optimal")


class Ranks(Protocol):
    """Processes that make the same calls, such as `otcore.torch.distributed.Ranks`.

    What fails on one of them raises on all.
    """

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""

    @property
    def size(self) -> int:
        """How many there are."""

    def share(self, work: Callable[[], T]) -> list[T]:
        """What work() returns on each rank, in their order, to all of them."""

    def first(self, work: Callable[[], T]) -> T:
        """What work() returns on rank 0, which alone calls it, to all of them."""


def balanced(loads: npt.ArrayLike, parts: int) -> list[int]:
    """Bounds of `parts` runs of nearly equal load: run r is bounds[r] to bounds[r + 1].

    Examples
    --------
    >>> balanced([1, 1, 1, 1, 1], 2)
    [0, 3, 5]
    """
    ends = np.cumsum(loads)
    # A load belongs to the run that the middle of it falls into.
    middles = ends - np.asarray(loads) / 2.0
    inner = np.searchsorted(middles, ends[-1] * np.arange(1, parts) / parts, side="right")
    return [0, *inner.tolist(), len(ends)]


def require_same(
    ranks: Ranks,
    arrays: Iterable[npt.NDArray[np.generic] | None],
    arguments: str,
    choice: T | None = None,
) -> T | None:
    """ValueError on all ranks if some have other arrays than rank 0; else rank 0's choice."""
    parts = [b"" if array is None else array.tobytes() for array in arrays]
    digest = hashlib.blake2b(b"|".join(parts)).digest()
    answers = ranks.share(lambda: (digest, choice))
    for rank, (other, _) in enumerate(answers):
        if other != answers[0][0]:
            raise ValueError(
                f"{arguments}: others on rank {rank} than on rank 0, expected the same on all ranks"
            )
    return answers[0][1]


def worst(statuses: Sequence[str]) -> str:
    """The worst of the statuses of several answers."""
    return min(statuses, key=_STATUSES.index)
