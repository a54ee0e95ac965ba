"""Transport by the mini-batches of a pyramid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import otcore
from minibatch_cases import A, Array, B, X, Y
from otcore.minibatch import bomb_ot, m_ot, pmb_ot
from otcore.pyramid import PyramidTree
from test_threads import run_script

EQUAL = Y[:30], X[:30]


def mixtures(n: int, centres: int, d: int) -> tuple[Array, Array]:
    """Two clouds around the same far centres."""
    rng = np.random.default_rng(6)
    places = rng.uniform(-10, 10, (centres, d))
    labels = np.arange(n) % centres
    x, y = (places[rng.permutation(labels)] + rng.normal(size=(n, d)) for _ in range(2))
    return x, y


@pytest.mark.parametrize("mode", ["joint", "interleaving"])
@pytest.mark.parametrize("m", [1, 3, 8, 40])
@pytest.mark.parametrize("weights", ["", "a", "ab"])
@pytest.mark.parametrize("equal", [False, True])
def test_marginals_are_exact_and_the_value_is_a_bound(
    mode: str, m: int, weights: str, equal: bool
) -> None:
    x, y = EQUAL if equal else (X, Y)
    a = 3 * A[: len(x)] if "a" in weights else None
    b = B[: len(y)] * (a.sum() / B[: len(y)].sum()) if a is not None and "b" in weights else None
    if a is not None and b is None:
        a = a / a.sum()
    result = pmb_ot(x, y, a, b, m=m, mode=mode, leaf_size=6, seed=0)
    rows = np.full(len(x), 1 / len(x)) if a is None else a / a.sum()
    cols = np.full(len(y), 1 / len(y)) if b is None else b / b.sum()
    np.testing.assert_allclose(result.marginal_a, rows, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(result.marginal_b, cols, rtol=1e-13, atol=1e-16)
    assert result.weights.sum() == pytest.approx(1)
    assert result.value == pytest.approx(result.weights @ result.costs, rel=1e-14)
    ground = otcore.cost.cost_matrix(x, y)
    assert result.value == pytest.approx(np.sum(result.plan * ground), rel=1e-12)
    exact = otcore.solve(ground, rows, cols).value
    assert result.value >= exact * (1 - 1e-12)
    assert result.distance == pytest.approx(result.value**0.5)
    assert result.mean_root == pytest.approx(result.weights @ np.sqrt(result.costs))
    assert result.mean_root <= result.distance * (1 + 1e-12)
    assert (result.status, result.inner_error) == ("optimal", 0.0)
    assert result.inner_gap <= 1e-12
    assert all(max(len(i), len(j)) <= m for i, j in result.batches())
    assert len(list(result.batches())) == len(result.costs)
    assert result.barycentric_map().shape == x.shape


def test_one_batch_is_the_whole_problem() -> None:
    x, y = EQUAL
    result = pmb_ot(x, y, m=30, seed=1)
    exact = otcore.solve_sample(x, y)
    assert result.value == pytest.approx(exact.value, rel=1e-13)
    np.testing.assert_allclose(result.plan, exact.plan, atol=1e-15)


def test_batches_are_those_of_the_tree() -> None:
    x, y = EQUAL
    tree = PyramidTree(x, y, leaf_size=5, seed=4)
    drawn = pmb_ot(x, y, m=7, leaf_size=5, seed=4)
    given = pmb_ot(x, y, m=7, tree=tree, seed=4)
    assert given.tree is tree
    assert drawn.value == given.value
    costs = []
    for (rows, cols), own in zip(tree.batches(7, seed=4), given.batches(), strict=True):
        assert np.array_equal(rows, own[0])
        assert np.array_equal(cols, own[1])
        costs.append(otcore.solve_sample(x[rows], y[cols]).value)
    np.testing.assert_allclose(given.costs, costs, rtol=1e-13)
    weighted = PyramidTree(X, Y, A, B, seed=4)
    assert pmb_ot(X, Y, m=7, tree=weighted, seed=4).value == pmb_ot(X, Y, A, B, m=7, seed=4).value


@pytest.mark.parametrize("mode", ["joint", "interleaving"])
def test_near_batches_are_better_than_random_ones(mode: str) -> None:
    x, y = mixtures(1000, 10, 10)
    near = pmb_ot(x, y, m=50, mode=mode, seed=0).value
    random = m_ot(x, y, k=20, m=50, sampling="disjoint", pairs="diagonal", seed=0).value
    assert near < 0.8 * random


def test_batches_of_a_tree_serve_bomb() -> None:
    """The recipe of the documentation: the outer coupling repairs what the tree matched badly."""
    x, y = mixtures(600, 10, 4)
    y = y + 3.0
    result = pmb_ot(x, y, m=50, seed=0)
    batches = [np.stack(side) for side in zip(*result.batches(), strict=True)]
    coupled = bomb_ot(x, y, batches=batches)
    assert coupled.value <= result.value
    np.testing.assert_allclose(coupled.marginal_a, 1 / 600)


@pytest.mark.parametrize("inner", ["exact", "sinkhorn", "ipot"])
@pytest.mark.parametrize("weighted", [False, True])
def test_any_threads_give_the_same_bits(inner: str, weighted: bool) -> None:
    options: Any = {"inner": inner, "inner_reg": 0.1 if inner == "sinkhorn" else None}
    sides = (X, Y, A, B) if weighted else EQUAL
    first = pmb_ot(*sides, m=6, seed=2, n_threads=1, **options)
    for n_threads in (2, 5):
        other = pmb_ot(*sides, m=6, seed=2, n_threads=n_threads, **options)
        assert other.value == first.value
        assert np.array_equal(other.costs, first.costs)
        assert np.array_equal(other.plan, first.plan)


def test_entropic_inner_problems() -> None:
    exact = pmb_ot(*EQUAL, m=6, seed=2)
    ipot = pmb_ot(*EQUAL, m=6, seed=2, inner="ipot", inner_tol=1e-6)
    assert ipot.value == pytest.approx(exact.value, rel=1e-4)
    assert ipot.status == "converged"
    options: Any = {"m": 6, "seed": 2, "inner": "sinkhorn", "inner_reg": 0.05}
    linear = pmb_ot(*EQUAL, inner_value="linear", **options)
    objective = pmb_ot(*EQUAL, **options)
    assert exact.value < linear.value < objective.value
    np.testing.assert_allclose(linear.marginal_a, 1 / 30, atol=1e-6)
    with pytest.warns(otcore.ConvergenceWarning, match="inner problems stopped"):
        pmb_ot(*EQUAL, inner_max_iter=2, inner_tol=1e-12, **options)


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine", ("minkowski", 3.0)])
def test_other_metrics(metric: Any) -> None:
    result = pmb_ot(X, Y, m=9, metric=metric, seed=0)
    ground = otcore.cost.cost_matrix(X, Y, metric=metric)
    assert result.value == pytest.approx(np.sum(result.plan * ground), rel=1e-12)
    if metric == "cosine":
        for name in ("distance", "mean_root"):
            with pytest.raises(AttributeError, match="cosine is not a power of a metric"):
                getattr(result, name)


def test_memory_maps(tmp_path: Path) -> None:
    x, y = (side.astype(np.float32) for side in EQUAL)
    for name, side in (("x", x), ("y", y)):
        np.save(tmp_path / f"{name}.npy", side)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    assert pmb_ot(*mapped, m=7, seed=0).value == pmb_ot(x, y, m=7, seed=0).value


@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_hold_the_plan_fixed(weighted: bool) -> None:
    x, y = (torch.tensor(side, requires_grad=True) for side in EQUAL)
    weights = (torch.tensor(A[:30]), torch.tensor(A[:30].copy())) if weighted else ()
    result = pmb_ot(x, y, *weights, m=7, seed=0)
    result.value.backward()
    grads = x.grad, y.grad
    x.grad = y.grad = None
    (result.plan.detach() * torch.cdist(x, y) ** 2).sum().backward()
    for one, other in zip(grads, (x.grad, y.grad), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match="a, b: require a gradient"):
        pmb_ot(x, y, torch.tensor(A[:30], requires_grad=True), m=7)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"m": 0}, ValueError, "m: 0, expected an integer from 1"),
    ({"mode": "fixed"}, ValueError, "mode: 'fixed', expected one of 'joint'"),
    ({"inner": "sliced"}, ValueError, "inner: 'sliced', expected one of 'exact', 'sinkhorn', 'ip"),
    ({"inner": "unbalanced"}, ValueError, "inner: 'unbalanced', expected one of"),
    ({"inner": "sinkhorn"}, ValueError, "inner_reg: None, expected a positive number"),
    ({"metric": "manhattan"}, ValueError, "metric: 'manhattan', expected one of"),
    ({"a": -A}, ValueError, r"a\[\d+\] is -0\.\d+, expected finite weights"),
    ({"a": 2 * A}, ValueError, "a, b: sum"),
    ({"X": X * np.nan}, ValueError, r"X\[0, 0\] is nan, expected finite"),
    ({"X": X * 1e200}, ValueError, "X, Y: ground costs overflow"),
    ({"X": 0 * X, "metric": "cosine"}, ValueError, r"X: row \d+ is a zero vector"),
    ({"Y": Y[:, :2]}, ValueError, r"Y: shape \(35, 2\), expected"),
    ({"branching": 1}, ValueError, "branching: 1, expected an integer from 2"),
    ({"tree": 3}, TypeError, "tree: int, expected a PyramidTree"),
    ({"tree": PyramidTree(X, X)}, ValueError, "tree: over 40 and 40 points, expected one over"),
    ({"tree": PyramidTree(X, Y), "a": A}, ValueError, "a: given, expected nothing beside tree"),
    ({"tree": PyramidTree(X, Y), "depth": 3}, ValueError, "depth: given, expected nothing"),
    ({"tree": PyramidTree(X, Y), "mode": "interleaving"}, ValueError, "mode: given, expected"),
    ({"seed": -1}, ValueError, "seed: -1, expected"),
    ({"progress": 1}, TypeError, "progress: int, expected a bool or a callable"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD)
def test_bad_input(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pmb_ot(**{"X": X, "Y": Y, "m": 5} | changes)


def test_progress_counts_batches() -> None:
    calls: list[tuple[int, int]] = []
    result = pmb_ot(*EQUAL, m=4, seed=0, progress=lambda *counts: calls.append(counts))
    assert calls[-1] == (len(result.costs),) * 2


def test_ctrl_c_stops_a_pass() -> None:
    printed = run_script("""
        import os, signal, threading
        import numpy as np, otcore

        x = np.random.default_rng(0).random((200_000, 3))
        tree = otcore.pyramid.PyramidTree(x, x, seed=0)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            otcore.minibatch.pmb_ot(x, x[::-1], tree=tree, m=2000, seed=0, n_threads=2)
        except otcore.SolveInterrupted as stopped:
            result = stopped.result
            print(result.status, result.value, np.isnan(result.costs).any())
    """)
    assert printed.strip() == "interrupted nan True"
