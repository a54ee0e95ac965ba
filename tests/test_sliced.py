"""Costs of slices: oracles in numpy and POT, closed forms, dtypes, batches, threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import ot
import pytest
import torch

import otcore
from otcore.sliced import sliced_wasserstein
from sliced_cases import POWERS, clouds, masses


def line_cost(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray, p: float) -> float:
    """W_p^p on the line: the integral over the merged quantiles."""
    i, j = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    ends_a, ends_b = np.cumsum(a[i]), np.cumsum(b[j])
    ends = np.sort(np.concatenate([ends_a, ends_b]))
    middles = (ends + np.concatenate([[0.0], ends[:-1]])) / 2
    at_x = x[i][np.minimum(np.searchsorted(ends_a, middles), len(x) - 1)]
    at_y = y[j][np.minimum(np.searchsorted(ends_b, middles), len(y) - 1)]
    return float((np.diff(ends, prepend=0.0) * np.abs(at_x - at_y) ** p).sum())


def oracle(
    x: np.ndarray, y: np.ndarray, a: Any, b: Any, projections: np.ndarray, p: float
) -> np.ndarray:
    a = np.full(len(x), 1 / len(x)) if a is None else a
    b = np.full(len(y), 1 / len(y)) if b is None else b
    pairs = zip((x @ projections).T, (y @ projections).T, strict=True)
    return np.array([line_cost(u, v, a, b, p) for u, v in pairs])


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "m", "d"), [(60, 60, 5), (90, 35, 3), (1, 20, 2), (1, 1, 4)])
def test_against_an_oracle(p: float, weighted: bool, n: int, m: int, d: int) -> None:
    x, y = clouds(n, m, d)
    a, b = masses(n, m) if weighted else (None, None)
    result = sliced_wasserstein(x, y, a, b, n_projections=23, p=p, seed=1)
    expected = oracle(x, y, a, b, result.projections, p)
    np.testing.assert_allclose(result.costs, expected, rtol=1e-10)
    assert result.value == pytest.approx(expected.mean(), rel=1e-12)
    assert result.distance == result.value ** (1 / p)
    assert result.standard_error == pytest.approx(expected.std(ddof=1) / np.sqrt(23))


@pytest.mark.parametrize("n", [2, 7, 16, 17, 47, 100, 1000, 3000])
@pytest.mark.parametrize("d", [1, 2, 7, 8, 9, 33])
def test_sizes(n: int, d: int) -> None:
    """Every remainder of the kernels' blocks."""
    x, y = clouds(n, n, d)
    for count in (1, 15, 16, 17, 40):
        result = sliced_wasserstein(x, y, n_projections=count, seed=0)
        expected = oracle(x, y, None, None, result.projections, 2)
        np.testing.assert_allclose(result.costs, expected, rtol=1e-10)


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_against_pot(p: float, weighted: bool) -> None:
    x, y = clouds(70, 50, 4)
    a, b = masses(70, 50) if weighted else (None, None)
    result = sliced_wasserstein(x, y, a, b, p=p, seed=3)
    expected = ot.sliced_wasserstein_distance(x, y, a, b, p=p, projections=result.projections)
    assert result.distance == pytest.approx(expected, rel=1e-10)


def test_ties_and_equal_points() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, size=(80, 3)).astype(float)
    y = rng.integers(0, 3, size=(80, 3)).astype(float)
    for p in POWERS:
        result = sliced_wasserstein(x, y, p=p, seed=0)
        expected = oracle(x, y, None, None, result.projections, p)
        np.testing.assert_allclose(result.costs, expected, rtol=1e-10)
        assert sliced_wasserstein(x, x[::-1], p=p, seed=0).value == 0
        constant = sliced_wasserstein(np.ones((9, 3)), np.ones((4, 3)), p=p, seed=0)
        assert constant.value == 0
        assert constant.standard_error == 0


def test_translation() -> None:
    """The value is the mean of |<t, theta>|^p."""
    x, t = clouds(50, 1, 3)
    for p in POWERS:
        result = sliced_wasserstein(x, x[::-1] + t, p=p, seed=0)
        expected = np.abs(t @ result.projections)[0] ** p
        np.testing.assert_allclose(result.costs, expected, rtol=1e-12)


def test_far_from_the_origin() -> None:
    """Centring keeps float32 projections accurate."""
    x, y = clouds(500, 500, 3)
    x, y = (x + 1000).astype(np.float32), (y + 1000).astype(np.float32)
    result = sliced_wasserstein(x, y, seed=0)
    expected = oracle(
        x.astype(float), y.astype(float), None, None, result.projections.astype(float), 2
    )
    np.testing.assert_allclose(result.costs, expected, rtol=1e-4)


def test_float32() -> None:
    x, y = clouds(3000, 2000, 6)
    single = sliced_wasserstein(x.astype(np.float32), y.astype(np.float32), seed=0)
    assert single.projections.dtype == np.float32
    assert single.costs.dtype == np.float64
    assert single.value == pytest.approx(sliced_wasserstein(x, y, seed=0).value, rel=1e-5)


def test_a_batch_is_its_problems() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 40, 3)), rng.normal(size=(7, 30, 3))
    a, b = rng.dirichlet(np.ones(40), 7), rng.dirichlet(np.ones(30))
    for weights in ((None, None), (a, b), (a[0], None)):
        batch = sliced_wasserstein(x, y, *weights, seed=5, n_projections=20)
        assert batch.value.shape == (7,)
        assert batch.costs.shape == (7, 20)
        assert batch.standard_error.shape == (7,)
        assert (batch.confidence_interval()[0] <= batch.value).all()
        for k in range(7):
            row = [None if w is None else w[k] if w.ndim == 2 else w for w in weights]
            one = sliced_wasserstein(x[k], y[k], *row, projections=batch.projections)
            assert one.value == batch.value[k]
            assert np.array_equal(one.costs, batch.costs[k])


def test_many_points() -> None:
    x, y = clouds(200_000, 150_000, 3)
    result = sliced_wasserstein(x, y, n_projections=3, seed=0)
    expected = oracle(x, y, None, None, result.projections, 2)
    np.testing.assert_allclose(result.costs, expected, rtol=1e-9)


@pytest.mark.parametrize("n_threads", [2, 3])
def test_threads(n_threads: int) -> None:
    for n, m in ((40, 30), (9000, 9000)):
        x, y = (torch.as_tensor(z).requires_grad_() for z in clouds(n, m, 5))
        s = torch.zeros(n, dtype=torch.float64, requires_grad=True)
        outputs = []
        for threads in (1, n_threads):
            value = sliced_wasserstein(x, y, s.softmax(0), seed=0, n_threads=threads).value
            outputs.append((value, *torch.autograd.grad(value, (x, y, s))))
        for one, other in zip(*outputs, strict=True):
            assert torch.equal(one, other)


ISA_SCRIPT = """
import numpy as np, otcore, torch
rng = np.random.default_rng(0)
x, y = (torch.as_tensor(rng.normal(size=(n, 11))).requires_grad_() for n in (130, 70))
result = otcore.sliced.sliced_wasserstein(x, y, seed=0)
result.value.backward()
single = otcore.sliced.sliced_wasserstein(x.float(), y.float(), seed=0)
print(otcore.info()["isa"], result.value.item(), x.grad.square().sum().item(),
      y.grad.square().sum().item(), single.value.item())
"""


def test_levels_agree() -> None:
    answers = []
    for isa in otcore.info()["isa_supported"]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", ISA_SCRIPT],
            cwd=Path(__file__).parent,
            env={**os.environ, "OTCORE_ISA": isa},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        name, *numbers = done.stdout.split()
        assert name == isa
        answers.append([float(number) for number in numbers])
    for other in answers[1:]:
        np.testing.assert_allclose(other[:3], answers[0][:3], rtol=1e-13)
        np.testing.assert_allclose(other[3], answers[0][3], rtol=1e-6)
