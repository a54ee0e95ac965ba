"""Which points make up the mini-batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from checks import to_numpy
from minibatch_cases import RNG, Array, X, Y
from otcore.minibatch import bomb_ot, m_ot


def test_seeds() -> None:
    def batches(seed: Any, points: Any = X) -> Array:
        return to_numpy(bomb_ot(points, points, k=3, m=7, seed=seed).batches_x)

    assert np.array_equal(batches(5), batches(5))
    assert not np.array_equal(batches(5), batches(6))
    first = batches(np.random.default_rng(1))
    assert np.array_equal(first, batches(np.random.default_rng(1)))
    generator = torch.Generator().manual_seed(1)
    assert not np.array_equal(batches(generator), batches(generator))

    tensor = torch.as_tensor(X)
    np.random.seed(3)  # noqa: NPY002
    first = batches(None)
    second = batches(None)
    np.random.seed(3)  # noqa: NPY002
    assert np.array_equal(first, batches(None))
    assert not np.array_equal(first, second)
    torch.manual_seed(3)
    first = batches(None, tensor)
    torch.manual_seed(3)
    assert np.array_equal(first, batches(None, tensor))


def test_both_sides_draw_for_themselves() -> None:
    result = bomb_ot(X, X, k=4, m=10, seed=0)
    assert not np.array_equal(result.batches_x, result.batches_y)


def test_every_point_is_drawn_as_often() -> None:
    result = m_ot(X[:10], Y[:10], k=4000, m=3, pairs="diagonal", seed=0)
    for batches in (result.batches_x, result.batches_y):
        assert all(len(set(batch)) == 3 for batch in batches.tolist())
        for place in range(3):  # also in each place of a batch
            counts = np.bincount(batches[:, place], minlength=10)
            assert np.abs(counts - 400).max() < 6 * np.sqrt(400)
        pairs = np.zeros((10, 10))
        for batch in batches:
            pairs[np.ix_(batch, batch)] += 1
        off_diagonal = pairs[~np.eye(10, dtype=bool)]
        expected = 4000 * 3 * 2 / 90
        assert np.abs(off_diagonal - expected).max() < 6 * np.sqrt(expected)


def test_disjoint_and_replacement() -> None:
    disjoint = bomb_ot(X, Y, k=5, m=7, sampling="disjoint", seed=0)
    assert len(np.unique(disjoint.batches_x)) == len(np.unique(disjoint.batches_y)) == 35
    repeated = bomb_ot(X[:4], Y[:4], k=2, m=30, replacement=True, seed=0)
    assert len(np.unique(repeated.batches_x)) == 4
    assert repeated.marginal_a.sum() == pytest.approx(1)


@pytest.mark.parametrize("sampling", ["independent", "disjoint"])
def test_stratified_batches(sampling: str) -> None:
    labels = np.repeat([7, -1, 3], [15, 14, 11])
    tensor = torch.as_tensor(labels[:35])
    result = bomb_ot(X, Y, k=2, m=8, sampling=sampling, labels_x=labels, labels_y=tensor, seed=0)
    for batches in (result.batches_x, result.batches_y):
        for batch in batches:
            assert len(set(batch.tolist())) == 8
            counts = np.unique(labels[batch], return_counts=True)[1]
            assert sorted(counts.tolist()) == [2, 3, 3]
    one_side = bomb_ot(X, Y, k=2, m=(6, 5), labels_x=labels.tolist(), seed=0)
    assert np.array_equal(np.unique(labels[one_side.batches_x[0]]), [-1, 3, 7])


def test_given_batches() -> None:
    x, y = RNG.integers(0, 40, (3, 4)), RNG.integers(0, 35, (2, 5)).astype(np.uint8)
    for given_x, given_y in ((x, y), (x.tolist(), y.tolist()), map(torch.as_tensor, (x, y))):
        result = bomb_ot(X, Y, batches=(given_x, given_y))
        assert np.array_equal(result.batches_x, x)
        assert np.array_equal(result.batches_y, y)
        assert result.batches_x.dtype == np.int64
    kept = result.batches_x.copy()
    mutable = x.copy()
    result = bomb_ot(X, Y, batches=(mutable, y))
    mutable[:] = 0
    assert np.array_equal(result.batches_x, kept)
