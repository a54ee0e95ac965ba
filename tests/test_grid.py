"""Transport between images: the same as between their pixels as points, and known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import otcore
from checks import check_result, same_value
from comparison.optimality import require_optimal
from problems import Array, Metric, reference_costs
from shared_data import load

METRICS: list[Metric] = ["sqeuclidean", "euclidean", "cityblock", ("minkowski", 3.0)]


def positions(shape: tuple[int, ...], spacing: Any = 1.0) -> Array:
    """Where the pixels are, from the definition."""
    return np.array(list(np.ndindex(shape))) * np.broadcast_to(spacing, len(shape))


def images(*shapes: tuple[int, ...], zeros: float = 0.3, seed: int = 0) -> list[Array]:
    """Random images of sum 1 with black pixels."""
    rng = np.random.default_rng(seed)
    drawn = [rng.random(shape) * (rng.random(shape) >= zeros) for shape in shapes]
    return [image / image.sum() for image in drawn]


def check(
    A: Array, B: Array, *, metric: Metric = "sqeuclidean", spacing: Any = 1.0, **options: Any
) -> otcore.OTResult:
    """Solved, certified, and of the value of the cost matrix between all pixels."""
    result = otcore.solve_grid(A, B, metric=metric, spacing=spacing, **options)
    X, Y = positions(A.shape, spacing), positions(B.shape, spacing)
    a, b = A.ravel(), B.ravel()
    check_result(result, (X, Y), a, b, metric=metric)
    M = reference_costs(X, Y, metric)
    assert same_value(result.value, otcore.solve(M, a, b).value, M, float(a.sum()))
    return result


SHAPES = [
    ((40,), (55,)),
    ((700,), (600,)),
    ((1, 9), (7, 1)),
    ((12, 9), (12, 9)),
    ((26, 26), (26, 26)),
    ((30, 22), (17, 40)),
    ((9, 9, 9), (10, 8, 7)),
    ((3, 4, 2, 5), (4, 2, 3, 3)),
]


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize(("first", "second"), SHAPES, ids=str)
def test_against_the_cost_matrix(
    first: tuple[int, ...], second: tuple[int, ...], metric: Metric
) -> None:
    check(*images(first, second), metric=metric)


@pytest.mark.parametrize("spacing", [0.25, (2.0, 0.1), [1, 3], np.array([1e-3, 1e3]), 1e100])
def test_spacing(spacing: Any) -> None:
    check(*images((14, 11), (9, 15)), spacing=spacing)


def test_spacing_scales_the_value() -> None:
    A, B = images((14, 11), (9, 15))
    assert otcore.solve_grid(A, B, spacing=4.0).value == 16 * otcore.solve_grid(A, B).value
    distances = [otcore.solve_grid(A, B, spacing=s, metric="euclidean").distance for s in (1, 4)]
    assert distances[1] == pytest.approx(4 * distances[0], rel=1e-12)


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("shift", [(3, 5), (0, 7), (11, 0)])
def test_an_image_that_moved(shift: tuple[int, int], metric: Metric) -> None:
    """All costs are convex in the displacement: the translation is optimal (Jensen)."""
    A = np.zeros((30, 30))
    A[4:18, 2:20] = np.random.default_rng(1).integers(0, 9, size=(14, 18))
    result = otcore.solve_grid(A, np.roll(A, shift, axis=(0, 1)), metric=metric)
    step = reference_costs(np.zeros((1, 2)), np.array([shift]) * 1.0, metric)[0, 0]
    assert result.value == pytest.approx(step * A.sum(), rel=1e-12)


def test_an_image_against_itself() -> None:
    (A,) = images((25, 30))
    result = check(A, A)
    assert result.value == 0.0
    rows, cols = result.sparse_plan.tocoo().coords
    assert np.array_equal(rows, cols)


def test_one_axis_meets_the_line() -> None:
    A, B = images((900,), (800,))
    places = np.arange(900.0)
    for p in (1.0, 2.0, 3.0):
        expected = otcore.oned.wasserstein(places, places[:800], A, B, p=p)
        result = otcore.solve_grid(A, B, metric=("minkowski", p))
        assert result.value == pytest.approx(expected, rel=1e-9)


def test_single_pixels() -> None:
    """All mass in one pixel; one pixel in all."""
    A, B = np.zeros((20, 20)), np.zeros((30, 25))
    A[3, 4], B[3 + 3, 4 + 4] = 2.0, 2.0
    assert check(A, B).value == 2 * 25.0
    assert check(A, B).sparse_plan.nnz == 1
    assert otcore.solve_grid([5.0], [[5.0]][0]).value == 0.0
    check(np.array([[2.0]]), 2.0 * images((30, 30))[0])


def test_potentials_are_images() -> None:
    """Those of black pixels too are feasible, and the largest that are."""
    A, B = images((26, 24), (22, 28), zeros=0.6)
    result = check(A, B)
    f, g = result.potential_a.reshape(A.shape), result.potential_b.reshape(B.shape)
    M = reference_costs(positions(A.shape), positions(B.shape)).reshape(A.shape + B.shape)
    slack = M - f[..., None, None] - g
    assert slack.min() >= -1e-10
    np.testing.assert_allclose(slack.min(axis=(2, 3)), 0.0, atol=1e-10)
    bound = slack.reshape(A.size, *B.shape)[A.ravel() > 0].min(axis=0)
    np.testing.assert_allclose(bound, 0.0, atol=1e-10)


def test_barycentric_map_gives_positions() -> None:
    A, B = images((12, 13), (14, 11), zeros=0.5)
    image = otcore.solve_grid(A, B, spacing=(1.0, 2.0)).barycentric_map()
    assert image.shape == (12 * 13, 2)
    assert np.array_equal(np.isnan(image[:, 0]), A.ravel() == 0)
    with np.errstate(invalid="ignore"):
        mean = np.nansum(A.ravel()[:, None] * image, axis=0)
    np.testing.assert_allclose(mean, B.ravel() @ positions(B.shape, (1.0, 2.0)), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float16, np.float32, ">f8"])
def test_any_real_dtype(dtype: Any) -> None:
    rng = np.random.default_rng(2)
    A = rng.integers(0, 2, size=(20, 20)).astype(dtype)
    B = rng.permutation(A.ravel()).reshape(16, 25)
    expected = otcore.solve_grid(A.astype(np.float64), B.astype(np.float64))
    result = otcore.solve_grid(A, B)
    assert result.value == expected.value
    assert result.plan.dtype == result.marginal_a.dtype == np.float64


def test_lists_and_memory_layouts() -> None:
    A, B = images((9, 12), (9, 12))
    expected = otcore.solve_grid(A, B).potential_a
    assert np.array_equal(otcore.solve_grid(A.tolist(), B.tolist()).potential_a, expected)
    strided = np.full((18, 24), np.nan)[::2, ::2]
    strided[:] = A
    assert np.array_equal(otcore.solve_grid(strided, np.asfortranarray(B)).potential_a, expected)


def test_sums_that_rounding_left_different() -> None:
    A, B = images((20, 20), (20, 20))
    assert otcore.solve_grid(A, B * (1 + 1e-7)).status == "optimal"
    narrow = (B * (1 + 3e-5)).astype(np.float32)
    assert otcore.solve_grid(A, narrow).status == "optimal"


# ---------------------------------------------------------------------------------------------
# Calls


def test_tensors_have_gradients() -> None:
    """The centred potentials, in the shape of the images, in any direction that keeps the mass."""
    A, B = (torch.tensor(x, requires_grad=True) for x in images((14, 12), (12, 15), zeros=0.2))
    result = otcore.solve_grid(A, B)
    assert isinstance(result.potential_a, torch.Tensor)
    result.value.backward()
    f = result.potential_a.detach()
    assert A.grad.shape == A.shape
    np.testing.assert_allclose(A.grad.flatten(), f - f.mean(), atol=1e-12)
    direction = torch.zeros_like(A)
    heavy = A.detach().flatten().topk(2).indices
    direction.view(-1)[heavy[0]], direction.view(-1)[heavy[1]] = 1.0, -1.0
    step = 1e-7
    ahead, behind = (
        otcore.solve_grid(A.detach() + s * direction, B.detach()).value for s in (step, -step)
    )
    slope = (ahead - behind) / (2 * step)
    assert float(slope) == pytest.approx(float((A.grad * direction).sum()), abs=1e-5)


def test_float32_tensors() -> None:
    A, B = (torch.tensor(x).float().requires_grad_() for x in images((14, 12), (12, 15)))
    value = otcore.solve_grid(A, B).value
    assert value.dtype == torch.float64
    value.backward()
    assert A.grad.dtype == torch.float32
    with pytest.raises(RuntimeError, match="not differentiable"):
        otcore.solve_grid(A, B).potential_a.sum().backward()


def test_integer_tensors() -> None:
    A = torch.arange(12).reshape(3, 4)
    assert otcore.solve_grid(A, A.flip(0)).plan.dtype == torch.float64


def test_warm_start() -> None:
    A, B = images((27, 27), (27, 27))
    first = otcore.solve_grid(A, B)
    brighter = A * (1 + 0.01 * np.random.default_rng(3).random(A.shape))
    brighter /= brighter.sum()
    for start in (first, first.potentials, (np.zeros(A.size), np.full(B.size, 1e9))):
        check(brighter, B, potentials_init=start)


def test_options_reach_the_solver() -> None:
    A, B = images((27, 27), (27, 27))
    full = otcore.solve_grid(A, B, n_threads=1)
    assert full.value == otcore.solve_grid(A, B, n_threads=2).value
    with pytest.warns(otcore.ConvergenceWarning, match="gap") as caught:
        stopped = otcore.solve_grid(A, B, max_iter=1)
    assert caught[0].filename == __file__
    assert stopped.status == "max_iter"
    assert stopped.value - stopped.gap <= full.value * (1 + 1e-12)
    with pytest.warns(otcore.ConvergenceWarning):
        assert otcore.solve_grid(A, B, time_limit=1e-9).status == "time_limit"
    assert otcore.solve_grid(A, B, max_memory=10**9).value == full.value
    with pytest.raises(ValueError, match="max_memory: 1000 bytes"):
        otcore.solve_grid(A, B, max_memory=1000)
    calls: list[tuple[int, int]] = []
    otcore.solve_grid(A, B, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == calls[-1][1]


def test_plot_and_repr() -> None:
    result = otcore.solve_grid(*images((8, 9), (9, 8)))
    assert "shape=(72, 72)" in repr(result)
    pytest.importorskip("matplotlib").use("agg")
    assert result.plot().collections


@pytest.mark.parametrize("kind", ["ClassicImages", "GRFrough", "CauchyDensity"])
def test_real_images(kind: str) -> None:
    (pictures,) = load("dotmark", f"{kind}_32")
    result = otcore.solve_grid(pictures[0], pictures[1])
    grid = positions((32, 32))
    a, b = (picture.ravel().astype(np.float64) for picture in pictures[:2])
    require_optimal(result, grid, grid, a, b)
    check(pictures[2] * 1.0, pictures[3] * 1.0)


# ---------------------------------------------------------------------------------------------
# Bad input

GOOD = np.ones((2, 3))


def spoilt(value: float) -> Array:
    image = np.ones((2, 3))
    image[1, 2] = value
    return image


@pytest.mark.parametrize(
    ("first", "second", "options", "message"),
    [
        (spoilt(np.nan), GOOD, {}, r"image_a: nan at \[1, 2\], expected finite"),
        (GOOD, spoilt(np.inf), {}, r"image_b: inf at \[1, 2\], expected finite"),
        (GOOD, spoilt(-0.5), {}, r"image_b: -0.5 at \[1, 2\], expected masses >= 0"),
        (0 * GOOD, GOOD, {}, r"image_a: masses sum to 0.0, expected a positive"),
        (GOOD * 1e308, GOOD, {}, r"image_a: masses sum to inf, expected a positive, finite"),
        (GOOD, 2 * GOOD, {}, r"image_a, image_b: masses sum to 6.0 and 12.0, expected equal"),
        (GOOD, GOOD * (1 + 2e-6), {}, r"expected equal sums \(up to 1e-06 relative\)"),
        (GOOD, np.ones((2, 0)), {}, r"image_b: shape \(2, 0\), expected at least one axis"),
        (1.0, GOOD, {}, r"image_a: shape \(\), expected at least one axis"),
        (GOOD, np.ones(6), {}, r"image_b: shape \(6,\), expected as many axes as image_a"),
        (GOOD, GOOD, {"metric": "cosine"}, "metric: 'cosine', expected a distance"),
        (GOOD, GOOD, {"metric": "cos"}, "metric: 'cos', expected one of"),
        (GOOD, GOOD, {"spacing": 0.0}, "spacing: 0.0, expected a positive, finite"),
        (GOOD, GOOD, {"spacing": (1.0, -1.0)}, "spacing: -1.0, expected a positive, finite"),
        (GOOD, GOOD, {"spacing": (1.0, np.inf)}, "spacing: inf, expected a positive, finite"),
        (GOOD, GOOD, {"spacing": [1.0]}, "spacing: 1 numbers, expected one, or 2"),
        (GOOD, GOOD, {"spacing": 1e160}, r"spacing: 1e\+160, expected a finite cost"),
        (GOOD, GOOD, {"potentials_init": (np.zeros(6), np.zeros(5))}, "potentials_init: shape"),
        (GOOD, GOOD, {"time_limit": 0.0}, "time_limit: 0.0"),
    ],
)
def test_bad_values(first: Any, second: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        otcore.solve_grid(first, second, **options)


@pytest.mark.parametrize(
    ("first", "second", "options", "message"),
    [
        (GOOD.astype(complex), GOOD, {}, "image_a: dtype complex128"),
        (GOOD, [["a"]], {}, "image_b: dtype"),
        (GOOD, torch.ones(2, 3), {}, "image_b is a torch tensor and image_a is not"),
        (GOOD, GOOD, {"spacing": "1"}, "spacing: str, expected a number"),
        (GOOD, GOOD, {"spacing": None}, "spacing: NoneType, expected a number"),
        (GOOD, GOOD, {"spacing": (1.0, "2")}, "spacing: str, expected a number"),
        (GOOD, GOOD, {"potentials_init": 3}, "potentials_init: a int"),
        (GOOD, GOOD, {"max_iter": 1.5}, "max_iter: float"),
    ],
)
def test_bad_types(first: Any, second: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        otcore.solve_grid(first, second, **options)
