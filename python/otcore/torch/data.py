"""Mini-batches of two data sets, for training with mini-batch transport."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

from .._batches import Count
from .._options import check_choice
from ..pyramid import PyramidTree
from ._pair_dataset import Collate, PairedDataset
from ._pair_samplers import PairSampler, PyramidBatchSampler, RandomPairs, StratifiedPairs

__all__ = ["PairedBatchLoader", "PairedDataset", "PyramidBatchSampler"]

# Arguments of DataLoader that have another name here, or no meaning.
_OURS = {
    "batch_size": "m",
    "shuffle": "mode and seed",
    "sampler": "mode",
    "batch_sampler": "mode",
    "generator": "seed",
}


class PairedBatchLoader:
    """Iterates over mini-batches of two data sets: groups of k batches of each.

    What `otcore.torch.training.bomb_backward` takes. Which points a batch holds is decided here, in
    this process, by the seed, the epoch and the step alone: it is the same for any number of
    workers, and on every platform.

    Parameters
    ----------
    X, Y
        The data sets: tensors, numpy arrays or memory maps, of which the rows drawn are read, or
        map-style data sets of torch.
    m : int or (int, int)
        Points in a batch, or in one of X and one of Y.
    k : int or (int, int), optional
        Batches of each side in a group. None: single pairs of batches in place of groups.
    mode
        ``"random"``: each side goes through its points in random orders, one pass after another.
        ``"stratified"``: every batch is drawn anew, with as many points of each class.
        ``"pyramid"``: batches of near points, from a pass of `tree`; batch i of a group of X
        belongs to batch i of Y.
    labels_x, labels_y : array_like of int, shapes (n,) and (n',), optional
        For ``"stratified"``: the classes, of one side or both.
    tree
        For ``"pyramid"``: a tree over the points, or over features of them. Another may be set
        later, as ``loader.sampler.tree``.
    steps
        How many groups an epoch has. None: as many as it takes the larger side through its points.
        For ``"pyramid"``, whose epoch is a pass, None.
    seed : None, int, numpy.random.Generator or torch.Generator
        Of all epochs; None is drawn from torch's global generator.
    drop_last
        Whether the last batch of a pass is left out where it has fewer than m points.
    num_replicas, rank
        As in `PyramidBatchSampler`: a part of the groups for each process.
    collate_fn
        Makes a batch of the items of a data set of torch; None: torch's default.
    **options
        Of torch's DataLoader: `num_workers`, `multiprocessing_context`, `prefetch_factor`,
        `persistent_workers`, `pin_memory`, `timeout`, `worker_init_fn`, ...

    Yields
    ------
    x, y
        Lists of kx and ky batches; with k=None the batches. A batch is a tensor (m, ...), or what
        `collate_fn` makes of items.

    Raises
    ------
    ValueError
        Batches larger than the data; labels, tree or steps that do not go with the mode; a class
        with too few points.
    TypeError
        Data that have no numbered items; arguments of DataLoader that are decided here.

    Notes
    -----
    Every iteration is an epoch: the next one has other batches. `set_epoch` chooses one.
    Reproducible random transforms in workers need the same number of them; their seed is the
    epoch's. `state_dict` tells how far the iteration is, workers reading ahead or not, and a loader
    that is made with the same arguments goes on from there after `load_state_dict`.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.data import PairedBatchLoader
    >>> X, Y = torch.randn(1000, 2), torch.randn(500, 2)
    >>> loader = PairedBatchLoader(X, Y, m=20, k=4, seed=0)
    >>> len(loader)
    12
    >>> for x, y in loader:
    ...     pass
    >>> len(x), y[0].shape, loader.epoch
    (4, torch.Size([20, 2]), 1)
    """

    def __init__(
        self,
        X: Any,
        Y: Any,
        *,
        m: Count,
        k: Count | None = None,
        mode: str = "random",
        labels_x: Any = None,
        labels_y: Any = None,
        tree: PyramidTree | None = None,
        steps: int | None = None,
        seed: Any = None,
        drop_last: bool = True,
        num_replicas: int = 1,
        rank: int = 0,
        collate_fn: Collate | None = None,
        **options: Any,
    ) -> None:
        check_choice("mode", mode, ("random", "stratified", "pyramid"))
        for name, ours in _OURS.items():
            if name in options:
                raise TypeError(f"{name}: given, expected {ours} in its place")
        labelled = labels_x is not None or labels_y is not None
        for name, given, of_mode in (
            ("labels_x, labels_y", labelled, "stratified"),
            ("tree", tree is not None, "pyramid"),
        ):
            if given != (mode == of_mode):
                wish = f"what mode={mode!r} needs" if not given else f"None with mode={mode!r}"
                raise ValueError(f"{name}: {'given' if given else 'None'}, expected {wish}")
        self.dataset = PairedDataset(X, Y, collate_fn)
        self._single = k is None
        self.sampler: PairSampler
        sizes, count = self.dataset.sizes, 1 if k is None else k
        shared = seed, drop_last, num_replicas, rank
        if mode == "random":
            self.sampler = RandomPairs(sizes, count, m, steps, *shared)
        elif mode == "stratified":
            labels = labels_x, labels_y
            self.sampler = StratifiedPairs(sizes, count, m, steps, labels, *shared)
        else:
            self.sampler = _pyramid_sampler(tree, sizes, count, m, steps, *shared)
        self._generator = torch.Generator()
        self._loader: DataLoader[Any] = DataLoader(
            self.dataset,
            batch_sampler=self.sampler,  # type: ignore[arg-type]
            collate_fn=_as_they_are,
            generator=self._generator,
            **options,
        )
        self.epoch = 0
        self._step = 0
        self._goes_on = False

    def __len__(self) -> int:
        """How many groups an epoch has."""
        return len(self.sampler)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        if self._step and not self._goes_on:  # the last iteration was left before its end
            self.set_epoch(self.epoch + 1)
        self._goes_on = False
        self.sampler.set_epoch(self.epoch, skip=self._step)
        self._generator.manual_seed(self.sampler.epoch_seed)
        for x, y in self._loader:
            self._step += 1
            yield (x[0], y[0]) if self._single else (x, y)
        self.set_epoch(self.epoch + 1)

    def set_epoch(self, epoch: int) -> None:
        """Has the next iteration be this epoch, from its beginning."""
        self.sampler.set_epoch(epoch)
        self.epoch, self._step, self._goes_on = epoch, 0, False

    def state_dict(self) -> dict[str, int]:
        """How far the iteration is: what `load_state_dict` takes."""
        return {"seed": self.sampler.seed, "epoch": self.epoch, "step": self._step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Has the next iteration go on where another loader, or this, was: after its last group."""
        self.sampler.seed = state["seed"]
        self.set_epoch(state["epoch"])
        self._step, self._goes_on = state["step"], True


def _pyramid_sampler(
    tree: Any, sizes: tuple[int, int], k: Count, m: Count, steps: int | None, *shared: Any
) -> PyramidBatchSampler:
    for name, value in (("m", m), ("k", k)):
        if isinstance(value, tuple | list):
            raise ValueError(f"{name}: {value!r}, expected one number with mode='pyramid'")
    if steps is not None:
        raise ValueError(f"steps: {steps}, expected None with mode='pyramid'")
    seed, drop_last, num_replicas, rank = shared
    sampler = PyramidBatchSampler(
        tree,
        m,  # type: ignore[arg-type]
        k=k,  # type: ignore[arg-type]
        seed=seed,
        drop_last=drop_last,
        num_replicas=num_replicas,
        rank=rank,
    )
    if tree._core.shape != sizes:
        n_x, n_y = tree._core.shape
        raise ValueError(
            f"tree: over {n_x} and {n_y} points, expected one over the {sizes[0]} of X and the "
            f"{sizes[1]} of Y"
        )
    return sampler


def _as_they_are(batches: Any) -> Any:
    return batches
