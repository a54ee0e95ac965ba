"""Directions of slices: how they are drawn, what their spread tells, features in their place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from otcore.sliced import sliced_wasserstein
from sliced_cases import clouds


@pytest.mark.parametrize("kind", ["gaussian", "orthogonal", "quasi"])
@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_directions_are_uniform(kind: str, d: int) -> None:
    x = np.zeros((1, d))
    drawn = [
        sliced_wasserstein(x, x, n_projections=2 * d, directions=kind, seed=s).projections
        for s in range(600)
    ]
    all_of_them = np.concatenate(drawn, axis=1)
    np.testing.assert_allclose(np.linalg.norm(all_of_them, axis=0), 1, rtol=1e-12)
    second = all_of_them @ all_of_them.T / all_of_them.shape[1]
    np.testing.assert_allclose(second, np.eye(d) / d, atol=0.05)
    if kind == "orthogonal":
        for block in (drawn[0][:, :d], drawn[0][:, d:]):
            np.testing.assert_allclose(block.T @ block, np.eye(d), atol=1e-13)


@pytest.mark.parametrize(("kind", "d"), [("orthogonal", 8), ("quasi", 2), ("quasi", 3)])
def test_spread_directions_have_less_variance(kind: str, d: int) -> None:
    x, y = clouds(30, 30, d)
    y = y * np.linspace(1, 3, d)

    def spread(name: str) -> float:
        values = [
            sliced_wasserstein(x, y, n_projections=24, directions=name, seed=s).value
            for s in range(100)
        ]
        return float(np.std(values))

    assert spread(kind) < 0.8 * spread("gaussian")


def test_seeds() -> None:
    x, y = clouds(9, 9, 3)
    for kind in ("gaussian", "orthogonal", "quasi"):
        one = sliced_wasserstein(x, y, seed=7, directions=kind)
        other = sliced_wasserstein(x, y, seed=7, directions=kind)
        assert one.value == other.value
        assert one.value != sliced_wasserstein(x, y, seed=8, directions=kind).value
    np.random.seed(0)  # noqa: NPY002
    first = sliced_wasserstein(x, y).value
    np.random.seed(0)  # noqa: NPY002
    assert sliced_wasserstein(x, y).value == first
    generator = np.random.default_rng(0)
    assert sliced_wasserstein(x, y, seed=generator) != sliced_wasserstein(x, y, seed=generator)


def test_confidence_interval() -> None:
    x, y = clouds(40, 40, 5)
    exact = sliced_wasserstein(x, y, n_projections=20000, seed=0).value
    hits = 0
    for seed in range(200):
        low, high = sliced_wasserstein(x, y, seed=seed).confidence_interval(0.9)
        hits += low < exact < high
    assert 160 <= hits <= 195
    single = sliced_wasserstein(x, y, n_projections=1, seed=0)
    assert np.isnan(single.standard_error)
    with pytest.raises(ValueError, match=r"^level: 1\.5"):
        single.confidence_interval(1.5)


def test_features() -> None:
    x, y = clouds(20, 30, 2)

    def squares(points: Any) -> Any:
        return points**2

    projections = np.eye(2)
    result = sliced_wasserstein(x, y, features=squares, projections=projections)
    assert result.value == sliced_wasserstein(x**2, y**2, projections=projections).value
    lists = sliced_wasserstein(
        x.tolist(), y.tolist(), features=squares, projections=projections.tolist()
    )
    assert lists.value == result.value
    with pytest.raises(TypeError, match=r"^features: int"):
        sliced_wasserstein(x, y, features=3)  # type: ignore[arg-type]
