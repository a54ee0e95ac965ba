"""OTResult.plot(): what is drawn, and where."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

import otcore

RNG = np.random.default_rng(0)
M = RNG.random((5, 4))


@pytest.fixture(autouse=True)
def _no_display() -> Iterator[None]:
    backend = plt.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


@pytest.mark.parametrize("tensors", [False, True])
def test_points_of_the_plane(tensors: bool) -> None:
    X, Y = RNG.normal(size=(6, 2)), RNG.normal(size=(4, 2))
    data = [torch.as_tensor(p).requires_grad_() for p in (X, Y)] if tensors else [X, Y]
    ax = otcore.solve_sample(*data).plot()
    lines, x, y = ax.collections
    plan = otcore.solve_sample(X, Y).plan
    ends = [(X[i], Y[j]) for i, j in np.argwhere(plan)]
    assert np.array_equal(lines.get_segments(), ends)
    assert np.array_equal(np.argsort(lines.get_colors()[:, 3]), np.argsort(plan[plan > 0]))
    assert np.array_equal(x.get_offsets(), X)
    assert np.array_equal(y.get_offsets(), Y)
    ax.figure.canvas.draw()


def test_one_of_a_batch() -> None:
    X = RNG.normal(size=(3, 6, 2))
    ax = otcore.solve_sample_batch(X, X + 1)[2].plot()
    assert np.array_equal(ax.collections[1].get_offsets(), X[2])


def test_plans_are_images() -> None:
    _, ax = plt.subplots()
    result = otcore.solve(M)
    assert result.plot(ax) is ax
    assert np.array_equal(ax.images[0].get_array(), result.plan)
    assert ax.images[0].get_extent() == [-0.5, 3.5, 4.5, -0.5]
    ax.figure.canvas.draw()


def test_large_plans_are_summed_into_cells() -> None:
    result = otcore.solve_sample(RNG.random((1100, 1)), RNG.random((3, 1)))
    image = result.plot().images[0].get_array()
    assert image.shape == (512, 3)
    np.testing.assert_allclose(image.sum(0), 1 / 3, rtol=1e-12)
