"""Slices of the sphere: exact transport on circles, POT, closed forms, gradients."""

from __future__ import annotations

import numpy as np
import ot
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

import otcore
from otcore.sliced import sliced_wasserstein_sphere
from sliced_cases import POWERS, masses, sphere, tensors


def circle_oracle(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray, p: float) -> float:
    arc = np.abs(x[:, None] - y)
    return float(otcore.solve(np.minimum(arc, 1 - arc) ** p, a, b).value)


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "m", "d"), [(30, 30, 3), (25, 40, 4), (1, 7, 2)])
def test_sphere_against_exact_transport(p: float, weighted: bool, n: int, m: int, d: int) -> None:
    x, y = sphere(n, d), sphere(m, d, 1)
    a, b = masses(n, m) if weighted else (np.full(n, 1 / n), np.full(m, 1 / m))
    given = (a, b) if weighted else (None, None)
    result = sliced_wasserstein_sphere(x, y, *given, p=p, n_projections=5, seed=0)
    expected = []
    for plane in result.projections:
        u, v = (np.arctan2(*(z @ plane).T[::-1]) / (2 * np.pi) % 1 for z in (x, y))
        expected.append(circle_oracle(u, v, a, b, p))
    np.testing.assert_allclose(result.costs, expected, rtol=1e-9)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_sphere_against_pot(p: float) -> None:
    x, y = sphere(60, 4), sphere(60, 4, 1)
    result = sliced_wasserstein_sphere(x, y, p=p, seed=0)
    expected = ot.sliced_wasserstein_sphere(x, y, p=p, projections=result.projections)
    assert result.distance == pytest.approx(expected, rel=1e-5)


def test_planes_are_orthonormal() -> None:
    planes = sliced_wasserstein_sphere(sphere(2, 5), sphere(2, 5), seed=0).projections
    assert planes.shape == (50, 5, 2)
    products = np.einsum("lki,lkj->lij", planes, planes)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(2), (50, 2, 2)), atol=1e-13)


def test_sphere_extremes() -> None:
    x, pole = sphere(40, 3), np.array([[0.0, 0.0, 1.0]])
    assert sliced_wasserstein_sphere(x, x[::-1], seed=0).value == 0
    plane = np.eye(3)[None, :, :2]
    assert sliced_wasserstein_sphere(pole, [[1.0, 0.0, 0.0]], projections=plane).value == 0
    half = sliced_wasserstein_sphere([[1.0, 0, 0]], [[-1.0, 0, 0]], p=3, projections=plane)
    assert half.value == pytest.approx(0.125, rel=1e-15)
    crowd = np.tile([[np.cos(6.2), np.sin(6.2), 0.0]], (5, 1))
    other = np.tile([[np.cos(0.1), np.sin(0.1), 0.0]], (3, 1))
    value = sliced_wasserstein_sphere(crowd, other, p=1, projections=plane).value
    assert value == pytest.approx((0.1 + 2 * np.pi - 6.2) / (2 * np.pi), rel=1e-12)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_sphere_gradients(p: float) -> None:
    """Along the sphere: the points are normalised first."""
    x, y = tensors(6, 5, 3)
    planes = torch.randn(4, 3, 2, dtype=torch.float64).requires_grad_()

    def value(x: Tensor, y: Tensor, planes: Tensor) -> Tensor:
        units = (torch.nn.functional.normalize(z, dim=1) for z in (x, y))
        return sliced_wasserstein_sphere(*units, p=p, projections=planes).value

    assert gradcheck(value, (x, y, planes))


def test_sphere_refuses_gradients_of_weights() -> None:
    a = torch.full((6,), 1 / 6, dtype=torch.float64, requires_grad=True)
    value = sliced_wasserstein_sphere(
        torch.as_tensor(sphere(6, 3)), torch.as_tensor(sphere(6, 3)), a
    )
    with pytest.raises(RuntimeError, match="not differentiable in the weights"):
        value.value.backward()
