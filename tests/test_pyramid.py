"""The face of pyramids: threads and seeds, libraries, pickles, bad input, interruption."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

import otcore
from otcore.pyramid import PyramidTree
from pyramid_cases import MODES, clouds, masses, same_tree


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_nothing(mode: str, dtype: Any) -> None:
    """More points than one thread splits alone, more than are packed once."""
    x, y = (points.astype(dtype) for points in clouds(30_000, 25_000, 40))
    trees = [
        PyramidTree(x, y, mode=mode, n_iter=4, seed=2, n_threads=threads) for threads in (1, 2, 5)
    ]
    assert same_tree(trees[0], trees[1])
    assert same_tree(trees[0], trees[2])
    assert same_tree(trees[0].reassign(x, n_threads=1), trees[0].reassign(x, n_threads=3))


def test_seeds() -> None:
    x, y = clouds(500, 500, 4)
    assert same_tree(PyramidTree(x, y, seed=5), PyramidTree(x, y, seed=5))
    assert not same_tree(PyramidTree(x, y, seed=5), PyramidTree(x, y, seed=6))
    tree = PyramidTree(x, y, seed=np.random.default_rng(0))
    assert same_tree(tree, PyramidTree(x, y, seed=np.random.default_rng(0)))
    np.random.seed(3)  # noqa: NPY002
    first = next(tree.batches(50))[0]
    np.random.seed(3)  # noqa: NPY002
    np.testing.assert_array_equal(first, next(tree.batches(50))[0])
    assert not np.array_equal(first, next(tree.batches(50))[0])


LEVELS_SCRIPT = """
import numpy as np, otcore
rng = np.random.default_rng(0)
centres = 20 * rng.normal(size=(30, 5))
x, y = (centres[rng.integers(30, size=3000)] + 0.1 * rng.normal(size=(3000, 5)) for _ in range(2))
for mode in ("joint", "interleaving"):
    for dtype, depth in ((np.float32, 1), (np.float64, None)):
        tree = otcore.pyramid.PyramidTree(
            x.astype(dtype), y.astype(dtype), mode=mode, branching=10, depth=depth, seed=1
        )
        pairs = list(tree.batches(64, seed=0))
        assert sorted(np.concatenate([i for i, _ in pairs]).tolist()) == list(range(3000))
        print(tree.statistics().leaf_sizes.tolist())
"""


def test_levels_agree() -> None:
    """In float64, where rounding decides no label, and in float32 on clusters far apart."""
    outputs = set()
    for isa in otcore.info()["isa_supported"]:
        done = subprocess.run(
            [sys.executable, "-c", LEVELS_SCRIPT],
            env={**os.environ, "OTCORE_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_tensors() -> None:
    x, y = clouds(100, 80, 3)
    tree = PyramidTree(torch.from_numpy(x).requires_grad_(), torch.from_numpy(y), seed=0)
    assert same_tree(tree, PyramidTree(x, y, seed=0))
    assert same_tree(tree.reassign(torch.from_numpy(x)), tree)
    for index_x, mass_x, index_y, mass_y in tree.mass_batches(16, seed=0):
        for array in (index_x, mass_x, index_y, mass_y):
            assert isinstance(array, torch.Tensor)
        assert index_x.dtype == torch.int64
        assert mass_x.dtype == torch.float64
        assert torch.from_numpy(x)[index_x].shape == (len(index_x), 3)
    torch.manual_seed(0)
    first = next(tree.batches(16))[0]
    torch.manual_seed(0)
    assert torch.equal(first, next(tree.batches(16))[0])


def test_lists_and_half_floats() -> None:
    tree = PyramidTree([[0, 1], [2, 3]], [[1, 1], [2, 2]], seed=0)
    assert len(list(tree.batches(1, seed=0))) == 2
    x, y = clouds(50, 50, 2)
    half = PyramidTree(x.astype(np.float16), y.astype(np.float16), seed=0)
    single = PyramidTree(
        x.astype(np.float16).astype(np.float32), y.astype(np.float16).astype(np.float32), seed=0
    )
    assert same_tree(half, single)


def test_strides_do_not_matter() -> None:
    x, y = clouds(100, 100, 4)
    assert same_tree(
        PyramidTree(np.asfortranarray(x), y[:, ::-1][:, ::-1], seed=0), PyramidTree(x, y, seed=0)
    )


def test_pickles() -> None:
    x, y = clouds(90, 60, 2)
    a, b = masses(90, 60)
    for tree in (
        PyramidTree(x, y, mode="interleaving", leaf_size=5, seed=0),
        PyramidTree(x.astype(np.float32), y.astype(np.float32), a, b, seed=0),
        PyramidTree(torch.from_numpy(x), torch.from_numpy(y), seed=0),
    ):
        copy = pickle.loads(pickle.dumps(tree))
        assert same_tree(tree, copy)
        assert repr(copy) == repr(tree)
        for left, right in zip(tree.batches(7, seed=1), copy.batches(7, seed=1), strict=True):
            assert type(left[0]) is type(right[0])
            np.testing.assert_array_equal(left[0], right[0])
        assert same_tree(tree.reassign(x), copy.reassign(x))


def test_damaged_pickles_are_refused() -> None:
    x, y = clouds(50, 50, 2)
    core = PyramidTree(x, y, leaf_size=10, seed=0)._core
    state = list(core.__getstate__())
    fresh = type(core).__new__(type(core))
    for entry, damage in (
        (5, lambda nodes: np.where(nodes == nodes.max(), 10**6, nodes).astype(np.int32)),
        (5, lambda nodes: nodes[:-1]),
        (6, lambda centres: centres[:-1]),
        (7, lambda dims: 0),
        (8, lambda scale: -1.0),
        (9, lambda order: np.full_like(order, 3)),
        (10, lambda order: order + 1),
    ):
        broken = list(state)
        broken[entry] = damage(broken[entry])
        with pytest.raises(ValueError, match="tree"):
            fresh.__setstate__(tuple(broken))
    with pytest.raises(ValueError, match="state"):
        fresh.__setstate__(tuple(state[:-1]))


def test_repr_and_statistics() -> None:
    x, y = clouds(100, 80, 2)
    tree = PyramidTree(x, y, branching=4, depth=1, seed=0)
    assert repr(tree) == "PyramidTree(joint, 100 and 80 points, 5 nodes, 4 leaves, depth 1)"
    assert tree.statistics().nodes_per_level.tolist() == [1, 4]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"branching": 1}, ValueError, "branching: 1, expected an integer from 2"),
        ({"branching": 2.5}, TypeError, "branching: float"),
        ({"depth": -1}, ValueError, "depth: -1, expected an integer from 0"),
        ({"leaf_size": 0}, ValueError, "leaf_size: 0"),
        ({"n_samples": 0}, ValueError, "n_samples: 0"),
        ({"n_iter": 0}, ValueError, "n_iter: 0"),
        ({"n_threads": 0}, ValueError, "n_threads: 0"),
        ({"seed": -1}, ValueError, "seed: -1"),
        ({"mode": "disjoint"}, ValueError, "mode: 'disjoint', expected one of 'joint'"),
        ({"Y": np.zeros((5, 3))}, ValueError, r"Y: shape \(5, 3\)"),
        ({"X": np.zeros(5)}, ValueError, r"X: shape \(5,\).*reshape"),
        ({"X": np.zeros((0, 2))}, ValueError, "X: shape"),
        ({"X": np.array([[0.0, 1.0], [np.nan, 0.0]])}, ValueError, r"X: X\[1, 0\] is nan"),
        ({"Y": np.array([[0.0, 1.0], [0.0, -np.inf]])}, ValueError, r"Y: Y\[1, 1\] is -inf"),
        ({"a": np.array([0.5, -0.5])}, ValueError, r"a: a\[1\] is -0.5"),
        ({"a": np.ones(3)}, ValueError, r"a: shape \(3,\)"),
        ({"a": np.ones(2)}, ValueError, r"a, b: sum\(a\) = 2"),
        ({"X": np.zeros((2, 2), dtype=complex)}, TypeError, "X: dtype complex128"),
        ({"X": torch.zeros(2, 2)}, TypeError, "X is a torch tensor and Y is not"),
    ],
)
def test_errors(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {"X": np.eye(2), "Y": np.eye(2) + 1.0, "seed": 0}
    with pytest.raises(error, match=message):
        PyramidTree(**(arguments | change))


def test_errors_of_methods() -> None:
    x, y = clouds(20, 20, 2)
    tree = PyramidTree(x, y, seed=0)
    for m, error in ((0, ValueError), (-3, ValueError), (2.0, TypeError)):
        with pytest.raises(error, match="m: "):
            tree.batches(m, seed=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"X: shape \(19, 2\), expected \(20, 2\)"):
        tree.reassign(X=x[:-1])
    with pytest.raises(ValueError, match="Y: shape"):
        tree.reassign(Y=y[:, :1])
    y[3, 1] = np.inf
    with pytest.raises(ValueError, match=r"Y: Y\[3, 1\] is inf"):
        tree.reassign(Y=y)


def test_bad_points_outside_the_sample_are_found() -> None:
    x, y = clouds(5000, 5000, 2)
    x[1234, 1] = np.nan
    with pytest.raises(ValueError, match=r"X: X\[1234, 1\] is nan"):
        PyramidTree(x, y, n_samples=10, seed=0)


INTERRUPT_SCRIPT = """
import signal, threading, time, os
import numpy as np, otcore
x = np.random.default_rng(0).normal(size=(100_000, 100))
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.perf_counter()
try:
    otcore.pyramid.PyramidTree(x, x, n_iter=10_000, branching=64, seed=0)
except KeyboardInterrupt:
    print(time.perf_counter() - start)
"""


def test_interrupt() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT_SCRIPT], capture_output=True, text=True, check=True
    )
    assert 0.2 < float(done.stdout) < 3.0
