"""Which points the mini-batches of both sides hold: samplers for torch's DataLoader."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch.utils.data import Sampler

from .. import _core
from .._batches import Count, count_pair, labels_of
from .._options import positive_int
from .._random import core_seed
from ..pyramid import PyramidTree
from ._library import TORCH
from ._pair_dataset import Group, Index


class PairSampler(Sampler[Group]):
    """Groups of k mini-batches of each side, for one epoch after another.

    Every epoch has a seed of its own; group t of an epoch depends on that, and on t, alone.
    """

    def __init__(self, seed: Any, drop_last: bool, num_replicas: int, rank: int) -> None:
        self.seed = core_seed(seed, TORCH)
        self._drop_last = bool(drop_last)
        self._replicas = positive_int(num_replicas, "num_replicas")
        self._rank = positive_int(rank, "rank", least=0)
        if self._rank >= self._replicas:
            raise ValueError(f"rank: {rank}, expected less than num_replicas, {num_replicas}")
        self.set_epoch(0)

    def set_epoch(self, epoch: int, *, skip: int = 0) -> None:
        """Chooses the epoch that the next iteration is of.

        Parameters
        ----------
        epoch
            From 0.
        skip
            How many groups (of this rank) to leave out at the beginning.
        """
        self.epoch = positive_int(epoch, "epoch", least=0)
        self._skip = positive_int(skip, "skip", least=0)

    @property
    def epoch_seed(self) -> int:
        """The seed of the epoch."""
        sequence = np.random.SeedSequence((self.seed, self.epoch))
        return int(sequence.generate_state(1, np.uint64)[0])

    def __len__(self) -> int:
        """How many groups this rank has in an epoch."""
        count = self.count()
        return count // self._replicas if self._drop_last else -(-count // self._replicas)

    def __iter__(self) -> Iterator[Group]:
        count, length = self.count(), len(self)
        for t in range(self._skip, length):
            # As torch's DistributedSampler: ranks that would have one less begin again.
            yield self.group((self._rank + t * self._replicas) % count)

    @abstractmethod
    def count(self) -> int:
        """How many groups all ranks have in an epoch."""

    @abstractmethod
    def group(self, t: int) -> Group:
        """Group t of the epoch."""


class RandomPairs(PairSampler):
    """Each side passes through its points in random orders, again and again."""

    def __init__(
        self, sizes: tuple[int, int], k: Count, m: Count, steps: int | None, *more: Any
    ) -> None:
        super().__init__(*more)
        self._sizes, self._k, self._m = sizes, count_pair(k, "k"), count_pair(m, "m")
        self._in_pass = []
        for side, n, size in zip("XY", sizes, self._m, strict=True):
            if size > n:
                raise ValueError(f"m: {size}, expected at most the {n} points of {side}")
            self._in_pass.append(n // size if self._drop_last else -(-n // size))
        self._steps = default_steps(steps, self._in_pass, self._k)
        self._orders: list[tuple[Any, Index | None]] = [(None, None)] * 2  # the last of each side

    def count(self) -> int:
        return self._steps

    def group(self, t: int) -> Group:
        x, y = (
            [self._batch(side, number) for number in range(t * k, (t + 1) * k)]
            for side, k in enumerate(self._k)
        )
        return x, y

    def _batch(self, side: int, number: int) -> Index:
        which, place = divmod(number, self._in_pass[side])
        order = self._order(side, which)
        return order[place * self._m[side] : (place + 1) * self._m[side]]

    def _order(self, side: int, which: int) -> Index:
        """All points of a side in the random order of a pass."""
        n, seed = self._sizes[side], self.epoch_seed
        key = seed, which
        last, order = self._orders[side]
        if order is None or last != key:
            order = _core.sample_batches(
                n,
                1,
                n,
                sampling="disjoint",
                labels=None,
                seed=seed,
                stream=2 * which + side,
                side="xy"[side],
            )[0]
            self._orders[side] = key, order
        return order


class StratifiedPairs(PairSampler):
    """Batches that have as many points of every class, each drawn anew."""

    def __init__(
        self,
        sizes: tuple[int, int],
        k: Count,
        m: Count,
        steps: int | None,
        labels: tuple[Any, Any],
        *more: Any,
    ) -> None:
        super().__init__(*more)
        self._sizes, self._k, self._m = sizes, count_pair(k, "k"), count_pair(m, "m")
        self._labels = [
            labels_of(given, name, n)
            for given, name, n in zip(labels, ("labels_x", "labels_y"), sizes, strict=True)
        ]
        in_pass = [max(1, n // size) for n, size in zip(sizes, self._m, strict=True)]
        self._steps = default_steps(steps, in_pass, self._k)
        self.group(0)  # finds what is wrong with the labels

    def count(self) -> int:
        return self._steps

    def group(self, t: int) -> Group:
        x, y = (
            list(
                _core.sample_batches(
                    self._sizes[side],
                    self._k[side],
                    self._m[side],
                    sampling="independent",
                    labels=self._labels[side],
                    seed=self.epoch_seed,
                    stream=2 * t + side,
                    side="xy"[side],
                )
            )
            for side in (0, 1)
        )
        return x, y


class PyramidBatchSampler(PairSampler):
    """Mini-batches of near points, from the passes of a `otcore.pyramid.PyramidTree`.

    A batch sampler for a DataLoader over a `PairedDataset`; every epoch is one pass, in which each
    point has its turn. To other data it may go through ``sampler=``, with ``batch_size=None``.

    Parameters
    ----------
    tree
        Over the points of both sides, or features of them. A moved one
        (`PyramidTree.reassign`) may be set later, as the attribute `tree`; the next epoch has it.
    m
        Points of each side in a batch, as in `PyramidTree.batches`.
    k
        Batches of each side in a group.
    seed : None, int, numpy.random.Generator or torch.Generator
        Of all epochs. None is drawn from torch's global generator. Several ranks need the same one.
    drop_last
        Whether to leave out a last batch with fewer than m points on both sides, a last group with
        fewer than k batches, and the groups that not all ranks would have one of. Else such groups
        come as they are, and ranks that have one less begin again.
    num_replicas
        How many processes share the groups of an epoch, as torch's DistributedSampler has it; not
        for `otcore.torch.training.bomb_backward` with ranks, which take the same groups.
    rank
        Which of them this is.

    Yields
    ------
    x, y
        Sequences of k index arrays (int64) each.

    Raises
    ------
    ValueError, TypeError
        A `tree` that is none; numbers that are out of range.

    Examples
    --------
    >>> import torch
    >>> from otcore.pyramid import PyramidTree
    >>> from otcore.torch.data import PairedDataset, PyramidBatchSampler
    >>> X, Y = torch.randn(1000, 2), torch.randn(1000, 2)
    >>> sampler = PyramidBatchSampler(PyramidTree(X, Y, seed=0), 50, k=4, seed=0)
    >>> len(sampler)
    5
    >>> loader = torch.utils.data.DataLoader(
    ...     PairedDataset(X, Y), batch_sampler=sampler, collate_fn=tuple
    ... )
    >>> for epoch in range(2):
    ...     sampler.set_epoch(epoch)
    ...     for batches_x, batches_y in loader:
    ...         pass
    >>> len(batches_x), batches_x[0].shape
    (4, torch.Size([50, 2]))
    """

    def __init__(
        self,
        tree: PyramidTree,
        m: int,
        *,
        k: int = 1,
        seed: Any = None,
        drop_last: bool = True,
        num_replicas: int = 1,
        rank: int = 0,
    ) -> None:
        if not isinstance(tree, PyramidTree):
            raise TypeError(f"tree: {type(tree).__name__}, expected a PyramidTree")
        self.tree = tree
        self._m, self._k = positive_int(m, "m"), positive_int(k, "k")
        self._pass: tuple[Any, list[tuple[Index, Index]]] = (None, [])
        super().__init__(seed, drop_last, num_replicas, rank)
        batches = len(self._batches())
        if self._k > batches:
            raise ValueError(f"k: {k}, expected at most the {batches} batches of a pass")

    def count(self) -> int:
        batches = len(self._batches())
        return batches // self._k if self._drop_last else -(-batches // self._k)

    def group(self, t: int) -> Group:
        x, y = zip(*self._batches()[t * self._k : (t + 1) * self._k], strict=True)
        return x, y

    def _batches(self) -> list[tuple[Index, Index]]:
        """Those of the epoch, whose pass is kept."""
        which = self.tree, self.epoch, self.seed
        if self._pass[0] != which:
            pairs = [
                (np.asarray(index_x), np.asarray(index_y))
                for index_x, index_y in self.tree.batches(self._m, seed=self.epoch_seed)
            ]
            last = max(map(len, pairs[-1]))
            if self._drop_last and last < self._m and len(pairs) > 1:
                pairs.pop()
            self._pass = which, pairs
        return self._pass[1]


def default_steps(steps: int | None, in_pass: Sequence[int], k: tuple[int, int]) -> int:
    """Groups in an epoch; None: what takes the side that has more of them through its points."""
    if steps is not None:
        return positive_int(steps, "steps")
    return max(1, *(batches // each for batches, each in zip(in_pass, k, strict=True)))
