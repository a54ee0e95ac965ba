"""Loaders of mini-batches of two data sets: which batches, in which processes, from which files."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from otcore.pyramid import PyramidTree
from otcore.torch.data import PairedBatchLoader, PairedDataset, PyramidBatchSampler
from otcore.torch.training import bomb_backward

N, M = 103, 60
# Points that say who they are.
X, Y = torch.arange(float(N))[:, None], torch.arange(float(M))[:, None]
TREE = PyramidTree(X, Y[torch.randperm(M, generator=torch.Generator().manual_seed(0))], seed=0)
SQUARE = PyramidTree(X, X + 0.3, seed=0)
LABELS = np.arange(N) % 3

MANY_WORKERS = pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")

MODES: dict[str, dict[str, Any]] = {
    "random": {"X": X, "Y": Y},
    "stratified": {"X": X, "Y": Y, "labels_x": LABELS, "mode": "stratified"},
    "pyramid": {"X": X, "Y": Y, "tree": TREE, "mode": "pyramid"},
}


def numbers(batches: Any) -> Any:
    """The points of a loader's answers, as nested lists."""
    if isinstance(batches, Tensor):
        return batches.flatten().tolist()
    return [numbers(batch) for batch in batches]


def test_random_batches_pass_through_both_sides() -> None:
    loader = PairedBatchLoader(X, Y, m=10, k=2, seed=0)
    groups = list(loader)
    assert len(groups) == len(loader) == 5  # 10 whole batches of X
    of_x = [batch for x, _ in groups for batch in numbers(x)]
    of_y = [batch for _, y in groups for batch in numbers(y)]
    assert len(set(chain(*of_x))) == 100
    for whole in (of_y[:6], of_y[6:]):  # a pass has 6 batches
        assert len(set(chain(*whole))) == 10 * len(whole)
    assert of_y[0] != of_y[6]


def test_the_last_batches_may_be_kept() -> None:
    loader = PairedBatchLoader(X, Y, m=(10, 8), seed=0, drop_last=False)
    pairs = list(loader)
    assert len(pairs) == len(loader) == 11
    assert sorted(chain(*(numbers(x) for x, _ in pairs))) == list(range(N))
    assert [len(x) for x, _ in pairs] == [10] * 10 + [3]
    assert [len(y) for _, y in pairs] == [8] * 7 + [4] + [8] * 3


def test_stratified_batches_have_all_classes() -> None:
    loader = PairedBatchLoader(
        X, Y, m=9, k=(2, 1), labels_x=LABELS, mode="stratified", steps=3, seed=0
    )
    for x, y in loader:
        assert (len(x), len(y)) == (2, 1)
        for batch in x:
            assert np.bincount(LABELS[batch.long().flatten()]).tolist() == [3, 3, 3]


@pytest.mark.parametrize(("tree", "y"), [(SQUARE, X), (TREE, Y)])
def test_pyramid_batches_are_those_of_a_pass(tree: PyramidTree, y: Tensor) -> None:
    loader = PairedBatchLoader(X, y, m=10, tree=tree, mode="pyramid", seed=3, drop_last=False)
    found = [numbers(pair) for pair in loader]
    loader.set_epoch(0)
    expected = [numbers(pair) for pair in tree.batches(10, seed=loader.sampler.epoch_seed)]
    assert found == expected
    assert len(found) == len(loader)
    assert set(chain(*(x for x, _ in found))) == set(range(N))
    groups = [
        numbers(group)
        for group in PairedBatchLoader(X, y, m=10, k=4, tree=tree, mode="pyramid", seed=3)
    ]
    assert groups == [[[*x], [*y]] for x, y in grouped(found, 4)]


def grouped(pairs: list[Any], k: int) -> list[Any]:
    """Whole groups of k pairs of whole batches."""
    whole = [pair for pair in pairs if max(map(len, pair)) == 10]
    return [
        list(zip(*whole[start : start + k], strict=True))
        for start in range(0, len(whole) - k + 1, k)
    ]


def test_a_moved_tree_is_for_the_next_epoch() -> None:
    loader = PairedBatchLoader(X, X, m=10, tree=SQUARE, mode="pyramid", seed=3)
    far = PyramidTree(X, -X, seed=0)
    before = numbers(loader)
    loader.sampler.tree = far  # type: ignore[attr-defined]
    loader.set_epoch(0)
    assert numbers(loader) != before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("k", [None, 2])
def test_batches_depend_on_seed_and_epoch_alone(mode: str, k: int | None) -> None:
    def loader(seed: Any) -> PairedBatchLoader:
        return PairedBatchLoader(**MODES[mode], m=6, k=k, seed=seed)

    first = loader(7)
    epochs = [numbers(first), numbers(first)]
    assert epochs[0] != epochs[1]
    again = loader(7)
    again.set_epoch(1)
    assert numbers(again) == epochs[1]
    assert numbers(loader(8)) != epochs[0]
    of_generators = [numbers(loader(torch.Generator().manual_seed(1))) for _ in range(2)]
    assert of_generators[0] == of_generators[1]
    torch.manual_seed(5)
    drawn = numbers(loader(None))
    torch.manual_seed(5)
    assert numbers(loader(None)) == drawn


class Items(Dataset[Any]):
    """Points and labels, one by one, and who has read them."""

    def __init__(self, points: Tensor) -> None:
        self.points = points

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        info = torch.utils.data.get_worker_info()
        return self.points[i], -1 if info is None else info.id


@MANY_WORKERS
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_read_the_same_batches(context: str, tmp_path: Path) -> None:
    path = tmp_path / "y.npy"
    np.save(path, Y.numpy())
    mapped = np.load(path, mmap_mode="r")

    def loader(**options: Any) -> PairedBatchLoader:
        return PairedBatchLoader(Items(X), mapped, m=10, k=2, seed=0, **options)

    alone = [(numbers([x[0] for x in xs]), numbers(ys)) for xs, ys in loader()]
    helped = loader(num_workers=2, multiprocessing_context=context, persistent_workers=True)
    readers = set()
    for _ in range(2):
        helped.set_epoch(0)
        found = []
        for xs, ys in helped:
            found.append((numbers([x[0] for x in xs]), numbers(ys)))
            readers |= {int(x[1][0]) for x in xs}
        assert found == alone
    assert readers == {0, 1}


def test_a_memory_map_is_sent_as_its_name(tmp_path: Path) -> None:
    path = tmp_path / "y.npy"
    large = np.lib.format.open_memmap(path, "w+", np.float32, (1_000_000, 4))  # type: ignore[no-untyped-call]
    large[-1] = 7.0
    sent = pickle.dumps(PairedDataset(X, large))
    assert len(sent) < 20_000
    x, y = pickle.loads(sent).__getitems__(([np.array([2])], [np.array([999_999])]))
    assert (numbers(x), numbers(y)) == ([[2.0]], [[7.0] * 4])
    part = pickle.loads(pickle.dumps(PairedDataset(X, large[-3:])))  # no map of its own
    assert numbers(part.__getitems__(([], [np.array([2])]))) == [[], [[7.0] * 4]]


@MANY_WORKERS
@pytest.mark.parametrize("workers", [0, 2])
def test_it_goes_on_where_it_was(workers: int) -> None:
    options: dict[str, Any] = {"m": 6, "k": 2, "num_workers": workers}
    whole = PairedBatchLoader(X, Y, seed=4, **options)
    epochs = [numbers(whole), numbers(whole)]
    left = PairedBatchLoader(X, Y, seed=4, **options)
    for number, _ in enumerate(left, start=1):
        if number == 3:
            state = pickle.loads(pickle.dumps(left.state_dict()))
            break
    other = PairedBatchLoader(X, Y, seed=99, **options)
    other.load_state_dict(state)
    assert numbers(other) == epochs[0][3:]
    assert numbers(other) == epochs[1]
    assert numbers(left) == epochs[1]  # an epoch that was left is not gone through again


@pytest.mark.parametrize("drop_last", [True, False])
def test_replicas_share_the_groups(drop_last: bool) -> None:
    whole = numbers(PairedBatchLoader(X, Y, m=6, seed=1, drop_last=drop_last))
    parts = [
        numbers(
            PairedBatchLoader(X, Y, m=6, seed=1, drop_last=drop_last, num_replicas=4, rank=rank)
        )
        for rank in range(4)
    ]
    assert len({len(part) for part in parts}) == 1
    in_turn = [group for groups in zip(*parts, strict=True) for group in groups]
    if drop_last:
        assert in_turn == whole[: len(whole) // 4 * 4]
    else:
        assert in_turn == whole + whole[: len(in_turn) - len(whole)]


def test_a_batch_sampler_of_ones_own_loader() -> None:
    sampler = pickle.loads(pickle.dumps(PyramidBatchSampler(SQUARE, 10, k=2, seed=0)))
    loader: DataLoader[Any] = DataLoader(
        PairedDataset(X, X), batch_sampler=sampler, collate_fn=tuple
    )
    assert len(loader) == 5
    epochs = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        epochs.append(numbers(loader))
    assert epochs[0] != epochs[1]
    same = PairedBatchLoader(X, X, m=10, k=2, tree=SQUARE, mode="pyramid", seed=0)
    assert epochs == [numbers(same), numbers(same)]


def test_items_are_put_together() -> None:
    labelled = TensorDataset(X, torch.arange(N))
    (x, label), y = next(iter(PairedBatchLoader(labelled, Y.numpy(), m=5, seed=0)))
    assert x.shape == y.shape == (5, 1)
    assert torch.equal(x.flatten().long(), label)
    longest = PairedBatchLoader(labelled, Y, m=5, seed=0, collate_fn=len)
    assert [x for x, _ in longest] == [5] * len(longest)
    assert next(iter(PairedBatchLoader(labelled, [3.0] * 9, m=5, seed=0)))[1].shape == (5,)


def test_training_takes_the_groups() -> None:
    network = torch.nn.Linear(1, 1)
    for x, y in PairedBatchLoader(X, Y, m=6, k=4, steps=2, seed=0):
        step = bomb_backward(network, None, (x, y))
        assert step.costs.shape == (4, 4)
    assert network.weight.grad is not None


def small(**options: Any) -> Callable[[], object]:
    return lambda: PairedBatchLoader(**({"X": X, "Y": Y, "m": 5} | options))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (small(X=3), TypeError, "X: int, expected a tensor"),
        (small(Y=Y[:0]), ValueError, "Y: empty"),
        (small(m=61), ValueError, "m: 61, expected at most the 60 points of Y"),
        (small(k=0), ValueError, "k: 0"),
        (small(steps=0), ValueError, "steps: 0"),
        (small(mode="near"), ValueError, "mode: 'near'"),
        (small(mode="stratified"), ValueError, "labels_x, labels_y: None"),
        (small(labels_x=LABELS), ValueError, "labels_x, labels_y: given"),
        (small(labels_y=LABELS, mode="stratified"), ValueError, "labels_y: shape"),
        (small(labels_x=LABELS * 1.0, mode="stratified"), TypeError, "labels_x: dtype"),
        (small(labels_x=LABELS == 0, m=90, mode="stratified"), ValueError, "labels_x: class"),
        (small(mode="pyramid"), ValueError, "tree: None"),
        (small(tree=TREE), ValueError, "tree: given"),
        (small(tree=SQUARE, mode="pyramid"), ValueError, "tree: over 103 and 103 points"),
        (small(tree=4, mode="pyramid"), TypeError, "tree: int"),
        (small(tree=TREE, mode="pyramid", steps=3), ValueError, "steps: 3"),
        (small(tree=TREE, mode="pyramid", k=(1, 2)), ValueError, "k: "),
        (small(tree=TREE, mode="pyramid", k=90), ValueError, "k: 90, expected at most"),
        (small(rank=2, num_replicas=2), ValueError, "rank: 2"),
        (small(seed="a"), TypeError, "seed: str"),
        (small(batch_size=4), TypeError, "batch_size: given, expected m"),
        (small(shuffle=True), TypeError, "shuffle: given"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text.replace("(", r"\(")):
        call()
