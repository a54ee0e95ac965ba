"""Bad input to mini-batch transport: clear errors that name the argument."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from minibatch_cases import A, B, X, Y
from otcore.minibatch import barycentric_map, bomb_ot, m_ot

LABELS = np.repeat([0, 1], [37, 3])
BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"k": None}, TypeError, "k: None, expected an integer, or a pair"),
    ({"k": 0}, ValueError, "k: 0, expected an integer from 1"),
    ({"k": 2.0}, TypeError, "k: float, expected an integer"),
    ({"k": (2, 3, 4)}, ValueError, r"k: \(2, 3, 4\), expected one integer, or a pair"),
    ({"m": True}, TypeError, "m: bool, expected an integer"),
    ({"m": -1}, ValueError, "m: -1, expected an integer from 1"),
    ({"m": 36}, ValueError, "m: batches of 36 points, expected at most the 35 points of Y"),
    ({"m": (41, 5)}, ValueError, "m: batches of 41 points, expected at most the 40 points of X"),
    ({"sampling": "disjoint", "k": 8}, ValueError, "k, m: 8 disjoint batches of 5, expected k"),
    ({"sampling": "random"}, ValueError, "sampling: 'random', expected one of 'independent'"),
    ({"sampling": "disjoint", "replacement": True}, ValueError, "replacement: True, expected"),
    ({"replacement": 1}, TypeError, "replacement: int, expected a bool"),
    ({"labels_x": LABELS[:-1]}, ValueError, r"labels_x: shape \(39,\), expected \(40,\)"),
    ({"labels_x": LABELS * 0.5}, TypeError, "labels_x: dtype float64, expected integers"),
    ({"labels_x": LABELS, "m": 8}, ValueError, "labels_x: class 1 has 3 points, expected at least"),
    ({"metric": "manhattan"}, ValueError, "metric: 'manhattan', expected one of"),
    ({"metric": "cosine", "root": True}, ValueError, "root: True for metric 'cosine'"),
    ({"batch_weights": "size"}, ValueError, "batch_weights: 'size', expected one of 'uniform', 'm"),
    ({"seed": -1}, ValueError, "seed: -1, expected"),
    ({"seed": "x"}, TypeError, "seed: str, expected"),
    ({"n_threads": 0}, ValueError, "n_threads: 0, expected"),
    ({"a": A[:-1]}, ValueError, r"a: shape \(39,\), expected \(40,\)"),
    ({"a": -A}, ValueError, r"a\[\d+\] is -0\.\d+, expected finite weights, not negative"),
    ({"b": 0 * B}, ValueError, "b: the weights of batch 0 sum to 0, expected a positive"),
    ({"X": X[:, 0]}, ValueError, r"X: shape \(40,\), expected"),
    ({"Y": Y[:, :2]}, ValueError, r"Y: shape \(35, 2\), expected"),
    ({"X": X * np.nan}, ValueError, r"X\[\d+, 0\] is nan, expected finite"),
    ({"X": X * 1e200}, ValueError, "X, Y: ground costs overflow"),
    ({"X": 0 * X, "metric": "cosine"}, ValueError, r"X: row \d+ is a zero vector"),
    ({"X": torch.as_tensor(X)}, TypeError, "X is a torch tensor and Y is not"),
    ({"X": X * 1j}, TypeError, "X: dtype complex128"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD)
def test_bad_input(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"X": X, "Y": Y, "k": 3, "m": 5} | changes
    calls: list[Any] = [m_ot, bomb_ot]
    if "labels_x" not in changes:  # which maps do not take
        calls.append(partial(barycentric_map, iterations=2))
    for call in calls:
        with pytest.raises(error, match=message):
            call(**arguments)


BAD_BATCHES: list[tuple[Any, type[Exception], str]] = [
    ([[0, 1]], TypeError, "batches: list, expected a pair of index arrays"),
    (([[0, 40]], [[0, 1]]), ValueError, "batches: index 40, expected rows of X: 0 to 39"),
    (([[0, 1]], [[-1, 1]]), ValueError, "batches: index -1, expected rows of Y: 0 to 34"),
    (([0, 1], [[0, 1]]), ValueError, r"batches: shape \(2,\), expected \(k, m\)"),
    (([[0.0, 1.0]], [[0, 1]]), TypeError, "batches: dtype float64, expected integers"),
    ((np.zeros((0, 2), int), [[0, 1]]), ValueError, r"batches: shape \(0, 2\), expected"),
]


@pytest.mark.parametrize(("batches", "error", "message"), BAD_BATCHES)
def test_bad_batches(batches: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        bomb_ot(X, Y, batches=batches)


@pytest.mark.parametrize(
    "beside",
    [
        {"k": 2},
        {"m": 2},
        {"seed": 0},
        {"sampling": "disjoint"},
        {"replacement": True},
        {"labels_x": LABELS},
    ],
)
def test_batches_leave_nothing_to_draw(beside: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(beside))}: given, expected nothing beside"):
        bomb_ot(X, Y, batches=([[0, 1]], [[0, 1]]), **beside)


def test_bad_couplings() -> None:
    with pytest.raises(ValueError, match="pairs: 'some', expected 'all' or 'diagonal'"):
        m_ot(X, Y, k=2, m=3, pairs="some")
    with pytest.raises(ValueError, match="k: 2 and 3 batches, expected the same number"):
        m_ot(X, Y, k=(2, 3), m=3, pairs="diagonal")
    with pytest.raises(ValueError, match="batch_weights: 'mass' with diagonal pairs"):
        m_ot(X, Y, k=2, m=3, pairs="diagonal", batch_weights="mass")
    for bad in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"outer_reg: .*expected a positive, finite number"):
            bomb_ot(X, Y, k=2, m=3, outer_reg=bad)
    with pytest.raises(TypeError, match="outer_reg: str, expected a number"):
        bomb_ot(X, Y, k=2, m=3, outer_reg="1")  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="cosine is not a power of a metric"):
        _ = bomb_ot(X, Y, k=2, m=3, metric="cosine").distance


def test_bad_maps() -> None:
    options: dict[str, Any] = {"k": 2, "m": 3}
    with pytest.raises(ValueError, match="method: 'exact', expected 'bomb' or 'm'"):
        barycentric_map(X, Y, iterations=1, method="exact", **options)
    with pytest.raises(ValueError, match="iterations: 0, expected"):
        barycentric_map(X, Y, iterations=0, **options)
    with pytest.raises(ValueError, match="pairs: 'diagonal', expected 'all' with method='bomb'"):
        barycentric_map(X, Y, iterations=1, pairs="diagonal", **options)
    with pytest.raises(ValueError, match=r"outer_reg: 1\.0, expected None with method='m'"):
        barycentric_map(X, Y, iterations=1, method="m", outer_reg=1.0, **options)
    with pytest.raises(TypeError, match="progress: int, expected a bool or a callable"):
        barycentric_map(X, Y, iterations=1, progress=3, **options)  # type: ignore[arg-type]
