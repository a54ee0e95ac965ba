"""Sliced transport: oracles in numpy and POT, closed forms, directions, gradients, bad input."""

from __future__ import annotations

import copy
import itertools
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import ot
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

import otcore
from otcore.sliced import (
    SlicedResult,
    expected_sliced,
    max_sliced_wasserstein,
    min_pivot_sliced,
    sliced_wasserstein,
    sliced_wasserstein_sphere,
)
from problems import reference_costs

POWERS = [1, 1.5, 2, 2.7, 3]


def clouds(n: int, m: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) * 1.5 + 0.3


def sphere(n: int, d: int, seed: int = 0) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(n, d))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def masses(n: int, m: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    if n > 4:
        a[::4] = 0
    return a / a.sum(), b


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


# ---------------------------------------------------------------------------------------------
# Values


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


# ---------------------------------------------------------------------------------------------
# Directions


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


# ---------------------------------------------------------------------------------------------
# Gradients


def tensors(n: int, m: int, d: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    x, y = (torch.as_tensor(z).requires_grad_() for z in clouds(n, m, d, seed))
    return x, y


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize(("n", "m"), [(6, 6), (5, 7), (1, 3)])
def test_gradients(p: float, n: int, m: int) -> None:
    x, y = tensors(n, m, 3)
    s, t = (torch.linspace(0, 1, k, dtype=torch.float64).requires_grad_() for k in (n, m))
    projections = torch.as_tensor(np.random.default_rng(0).normal(size=(3, 5))).requires_grad_()

    def value(x: Tensor, y: Tensor, s: Tensor, t: Tensor, projections: Tensor) -> Tensor:
        return sliced_wasserstein(
            x, y, s.softmax(-1), t.softmax(-1), p=p, projections=projections
        ).value

    assert gradcheck(value, (x, y, s, t, projections))
    uniform = (x, y, projections)
    assert gradcheck(lambda x, y, q: sliced_wasserstein(x, y, p=p, projections=q).value, uniform)
    for one in range(2):  # each alone
        pair = [z if k == one else z.detach() for k, z in enumerate((x, y))]
        assert gradcheck(
            lambda z, pair=pair, one=one: (
                sliced_wasserstein(
                    *(z if k == one else w for k, w in enumerate(pair)), p=p, seed=0
                ).value
            ),
            (pair[one],),
        )


def test_gradients_of_batches() -> None:
    x, y = (torch.randn(3, n, 2, dtype=torch.float64).requires_grad_() for n in (5, 4))
    s = torch.zeros(3, 5, dtype=torch.float64, requires_grad=True)
    projections = torch.randn(2, 6, dtype=torch.float64).requires_grad_()
    assert gradcheck(
        lambda x, y, s, q: sliced_wasserstein(x, y, s.softmax(-1), projections=q).value,
        (x, y, s, projections),
    )


def test_gradients_are_those_of_pot() -> None:
    for n, m in ((300, 300), (3000, 3000), (200, 150)):
        x, y = tensors(n, m, 9)
        result = sliced_wasserstein(x, y, seed=0)
        expected = ot.sliced_wasserstein_distance(x, y, projections=result.projections)
        ours = torch.autograd.grad(result.distance, (x, y))
        theirs = torch.autograd.grad(expected, (x, y))
        for left, right in zip(ours, theirs, strict=True):
            torch.testing.assert_close(left, right, rtol=1e-9, atol=1e-12)


def test_gradients_where_nothing_moves() -> None:
    x = torch.as_tensor(clouds(8, 1, 3)[0]).requires_grad_()
    for p in POWERS:
        result = sliced_wasserstein(x, x.detach().flip(0), p=p, seed=0)
        (grad,) = torch.autograd.grad(result.distance, x)
        assert not grad.any()


def test_gradients_through_features_and_dtypes() -> None:
    x, y = tensors(6, 5, 3)
    layer = torch.nn.Linear(3, 2).double()
    value = sliced_wasserstein(x, y, features=layer, seed=0).value
    value.backward()
    assert layer.weight.grad is not None
    assert x.grad.any()
    single = x.detach().float().requires_grad_()
    sliced_wasserstein(single, y.detach().float(), seed=0).value.backward()
    assert single.grad.dtype == torch.float32
    torch.testing.assert_close(
        single.grad.double(),
        torch.autograd.grad(sliced_wasserstein(x, y, seed=0).value, x)[0],
        rtol=1e-4,
        atol=1e-6,
    )


def test_gradients_are_taken_once() -> None:
    x, y = tensors(6, 5, 3)
    value = sliced_wasserstein(x, y, seed=0).value
    (grad,) = torch.autograd.grad(value, x, create_graph=True)
    with pytest.raises(RuntimeError, match="not differentiable again"):
        grad.sum().backward()
    with pytest.raises(RuntimeError, match="not differentiable"):
        sliced_wasserstein(x, y, seed=0).costs.sum().backward()


# ---------------------------------------------------------------------------------------------
# The largest slice


def test_max_sliced_of_a_translation() -> None:
    x, t = clouds(200, 1, 10)
    result = max_sliced_wasserstein(x, x + t, seed=0)
    assert result.status == "converged"
    assert result.value == pytest.approx((t**2).sum(), rel=1e-9)
    direction = result.direction * np.sign(result.direction @ t[0])
    np.testing.assert_allclose(direction, t[0] / np.linalg.norm(t), atol=1e-5)


@pytest.mark.parametrize("p", POWERS)
def test_max_sliced_is_above_every_slice(p: float) -> None:
    x, y = clouds(60, 40, 3)
    a, b = masses(60, 40)
    many = sliced_wasserstein(x, y, a, b, p=p, n_projections=3000, seed=0)
    result = max_sliced_wasserstein(x, y, a, b, p=p, seed=1)
    assert result.value >= many.costs.max() * (1 - 1e-3)
    at = sliced_wasserstein(x, y, a, b, p=p, projections=result.direction[:, None])
    assert at.value == pytest.approx(result.value, rel=1e-12)


def test_max_sliced_gradients() -> None:
    """At a smooth maximum: that of a translation."""
    x, t = tensors(12, 1, 3)
    y = (x.detach() + t.detach()).requires_grad_()
    s = torch.zeros(12, dtype=torch.float64, requires_grad=True)
    assert gradcheck(
        lambda x, y, s: max_sliced_wasserstein(x, y, s.softmax(0), seed=0, tol=1e-15).value,
        (x, y, s),
    )


def test_max_sliced_options() -> None:
    x, y = clouds(60, 40, 6)
    with pytest.warns(otcore.ConvergenceWarning, match=r"^max_iter: 2"):
        result = max_sliced_wasserstein(x, y, seed=0, max_iter=2)
    assert (result.status, result.n_iter) == ("max_iter", 2)
    with pytest.raises(ValueError, match=r"^projections: direction 1 is 0"):
        max_sliced_wasserstein(x, y, projections=np.eye(6)[:, :2] * [1.0, 0.0])
    with pytest.raises(ValueError, match=r"^tol: -1"):
        max_sliced_wasserstein(x, y, tol=-1)
    same = max_sliced_wasserstein(x, x, seed=0)
    assert same.value == 0
    one = max_sliced_wasserstein(x, y, seed=0, n_threads=1)
    assert one.value == max_sliced_wasserstein(x, y, seed=0, n_threads=2).value


# ---------------------------------------------------------------------------------------------
# The sphere


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


# ---------------------------------------------------------------------------------------------
# Plans


@pytest.mark.parametrize(
    "metric", ["sqeuclidean", "euclidean", "cityblock", "cosine", ("minkowski", 3.0)]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_plans(metric: Any, weighted: bool) -> None:
    x, y = clouds(40, 30, 3)
    a, b = masses(40, 30) if weighted else (np.full(40, 1 / 40), np.full(30, 1 / 30))
    costs = reference_costs(x, y, metric)
    exact = otcore.solve(costs, a, b).value
    given = (a, b) if weighted else (None, None)
    projections = np.random.default_rng(0).normal(size=(3, 20))
    best = min_pivot_sliced(x, y, *given, metric=metric, projections=projections)
    mean = expected_sliced(x, y, *given, metric=metric, projections=projections)
    for result in (best, mean):
        np.testing.assert_allclose(result.plan.sum(1), a, atol=1e-15)
        np.testing.assert_allclose(result.plan.sum(0), b, atol=1e-15)
        assert result.value == pytest.approx((result.plan * costs).sum(), rel=1e-12)
        assert result.value >= exact
        np.testing.assert_allclose(result.sparse_plan.toarray(), result.plan, rtol=1e-13)
    assert best.value == best.costs.min()
    assert best.sparse_plan.nnz <= 69
    assert mean.value == pytest.approx(mean.costs.mean(), rel=1e-12)
    cold = expected_sliced(x, y, *given, metric=metric, projections=projections, beta=np.inf)
    assert np.array_equal(cold.plan, best.plan)
    beta = 3.0
    warm = expected_sliced(x, y, *given, metric=metric, projections=projections, beta=beta)
    weights = np.exp(-beta * warm.costs)
    np.testing.assert_allclose(warm.weights, weights / weights.sum(), rtol=1e-10)
    assert best.value <= warm.value <= mean.value
    np.testing.assert_allclose(
        best.barycentric_map()[a > 0], (best.plan @ y)[a > 0] / a[a > 0, None]
    )


def test_plans_against_pot() -> None:
    x, y = clouds(40, 40, 3)
    projections = np.random.default_rng(0).normal(size=(3, 20))
    plan, cost = ot.min_sliced_transport_plan(x, y, projections=projections)
    best = min_pivot_sliced(x, y, projections=projections)
    np.testing.assert_allclose(best.plan, plan, atol=1e-15)
    assert best.value == pytest.approx(cost, rel=1e-12)
    plan, cost = ot.expected_sliced_plan(x, y, projections=projections, beta=0.5)
    mean = expected_sliced(x, y, projections=projections, beta=0.5)
    np.testing.assert_allclose(mean.plan, plan, atol=1e-14)
    assert mean.value == pytest.approx(cost, rel=1e-12)


def test_gradients_of_plans() -> None:
    x, y = tensors(7, 5, 3)
    projections = torch.as_tensor(np.random.default_rng(0).normal(size=(3, 6)))
    for solve, metric in itertools.product(
        (min_pivot_sliced, expected_sliced), ("sqeuclidean", "euclidean")
    ):
        assert gradcheck(
            lambda x, y, solve=solve, metric=metric: (
                solve(x, y, metric=metric, projections=projections).value
            ),
            (x, y),
        )
    result = min_pivot_sliced(x, y, projections=projections)
    with pytest.raises(RuntimeError, match="not differentiable"):
        result.plan.sum().backward()


# ---------------------------------------------------------------------------------------------
# Arrays and bad input


def test_libraries() -> None:
    x, y = clouds(20, 20, 3)
    expected = sliced_wasserstein(x, y, seed=0)
    tensor = sliced_wasserstein(torch.as_tensor(x), torch.as_tensor(y), seed=0)
    assert isinstance(tensor.value, Tensor)
    assert tensor.value.shape == ()
    assert float(tensor.value) == expected.value
    assert isinstance(tensor.costs, Tensor)
    assert isinstance(tensor.projections, Tensor)
    assert tensor.standard_error == expected.standard_error
    strided = np.zeros((40, 6))
    strided[::2, ::2] = x
    assert sliced_wasserstein(strided[::2, ::2], y.tolist(), seed=0).value == expected.value
    assert sliced_wasserstein(np.asfortranarray(x), y, seed=0).value == expected.value


def test_results_pickle_and_show_themselves() -> None:
    x, y = tensors(9, 9, 3)
    for result in (
        sliced_wasserstein(x, y, seed=0),
        max_sliced_wasserstein(x, y, seed=0),
        min_pivot_sliced(x, y, seed=0),
    ):
        for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
            assert other.value.item() == result.value.item()
            assert not other.value.requires_grad
        assert repr(result).startswith(f"{type(result).__name__}(value=")
    batch = sliced_wasserstein(x[None], y[None], seed=0)
    assert repr(batch) == "SlicedResult(1 problems, n_projections=50)"
    assert isinstance(batch, SlicedResult)


X, Y = clouds(5, 4, 3)
BAD: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    ((X[0], Y), {}, ValueError, r"^X: shape \(3,\)"),
    ((X, Y[:, :2]), {}, ValueError, r"^Y: shape \(4, 2\)"),
    ((X[:0], Y), {}, ValueError, r"^X: shape \(0, 3\)"),
    ((X[None], Y[None].repeat(2, 0)), {}, ValueError, r"^Y: shape \(2, 4, 3\)"),
    ((X, Y, [1.0, 2.0]), {}, ValueError, r"^a: shape \(2,\)"),
    ((X, Y, None, -np.ones(4)), {}, ValueError, r"^b: b\[0\] is -1"),
    ((X, Y, np.ones(5), np.ones(4)), {}, ValueError, r"^a, b: sum"),
    ((np.where(X[1, 2] == X, np.nan, X), Y), {}, ValueError, r"^X: X\[1, 2\] is nan"),
    ((X, np.where(Y[3, 0] == Y, np.inf, Y)), {}, ValueError, r"^Y: Y\[3, 0\] is inf"),
    ((X * 1e200, Y), {}, ValueError, r"^X, Y, projections: the projections"),
    ((X, Y), {"projections": X}, ValueError, r"^projections: shape \(5, 3\)"),
    ((X, Y), {"projections": X.T * np.nan}, ValueError, r"^projections: projections\[0, 0\]"),
    ((X, Y), {"n_projections": 0}, ValueError, "^n_projections: 0"),
    ((X, Y), {"n_projections": 2.5}, TypeError, "^n_projections: float"),
    ((X, Y), {"p": 0.5}, ValueError, r"^p: 0\.5"),
    ((X, Y), {"p": "2"}, TypeError, "^p: str"),
    ((X, Y), {"directions": "sobol"}, ValueError, "^directions: 'sobol'"),
    ((X, Y), {"seed": -1}, ValueError, "^seed: -1"),
    ((X, torch.as_tensor(Y)), {}, TypeError, "Y is a torch tensor and X is not"),
    ((X * 1j, Y), {}, TypeError, "^X: dtype complex128"),
]


@pytest.mark.parametrize(("arguments", "options", "error", "message"), BAD)
def test_bad_input(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        sliced_wasserstein(*arguments, **options)


def test_bad_input_of_the_others() -> None:
    u = sphere(4, 3)
    with pytest.raises(ValueError, match=r"^Y: row 2 has squared length 4"):
        sliced_wasserstein_sphere(u, u * [[1], [1], [2], [1]])
    with pytest.raises(ValueError, match=r"^projections: shape \(3, 2\)"):
        sliced_wasserstein_sphere(u, u, projections=np.eye(3)[:, :2])
    with pytest.raises(ValueError, match=r"^X: points of 1 coordinate"):
        sliced_wasserstein_sphere([[1.0]], [[1.0]])
    with pytest.raises(ValueError, match=r"^X: shape \(1, 5, 3\)"):
        max_sliced_wasserstein(X[None], Y[None])
    with pytest.raises(ValueError, match=r"^metric: 'mahalanobis'"):
        min_pivot_sliced(X, Y, metric="mahalanobis")
    with pytest.raises(ValueError, match=r"^X: row 0 is a zero vector"):
        expected_sliced(X * 0, Y, metric="cosine")
    for beta, error in ((-1, ValueError), ("1", TypeError)):
        with pytest.raises(error, match=r"^beta: "):
            expected_sliced(X, Y, beta=beta)  # type: ignore[arg-type]
    batch = np.stack([X, np.where(X[1, 2] == X, np.nan, X)])
    with pytest.raises(ValueError, match=r"^X: X\[1, 1, 2\] is nan"):
        sliced_wasserstein(batch, batch[:1].repeat(2, 0))
