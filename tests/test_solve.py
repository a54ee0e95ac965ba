"""The public solve functions: which arrays go in and come out, what a result offers, gradients."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

import otcore
import problems
from checks import assert_same, check_result, to_numpy

RNG = np.random.default_rng(7)
M = RNG.random((6, 5))
X, Y = RNG.random((6, 3)), RNG.random((5, 3))
A, B = problems.dyadic_weights(RNG, 6), problems.dyadic_weights(RNG, 5)


# ---------------------------------------------------------------------------------------------
# Arrays in, arrays out


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numpy_dtypes(dtype: Any) -> None:
    result = otcore.solve(M.astype(dtype), A.astype(dtype), B.astype(dtype))
    check_result(result, M.astype(dtype), A.astype(dtype), B.astype(dtype))
    assert result.plan.dtype == dtype
    points = otcore.solve_sample(X.astype(dtype), Y.astype(dtype))
    check_result(points, (X.astype(dtype), Y.astype(dtype)))
    assert points.plan.dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_torch_dtypes(dtype: torch.dtype) -> None:
    matrix, a, b = (torch.as_tensor(array).to(dtype) for array in (M, A, B))
    result = otcore.solve(matrix, a, b)
    check_result(result, matrix, a, b)
    assert result.plan.dtype == dtype
    assert result.sparse_plan.layout == torch.sparse_coo
    x, y = (torch.as_tensor(array).to(dtype) for array in (X, Y))
    check_result(otcore.solve_sample(x, y), (x, y))


def test_torch_and_numpy_agree_to_the_bit() -> None:
    tensors = otcore.solve(*(torch.as_tensor(array) for array in (M, A, B)))
    arrays = otcore.solve(M, A, B)
    assert_same(tensors, arrays)


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint16, np.bool_])
def test_integers_become_float64(dtype: Any) -> None:
    costs = RNG.integers(0, 2, size=(4, 7)).astype(dtype)
    result = otcore.solve(costs)
    check_result(result, costs.astype(np.float64))
    assert result.plan.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float16, torch.float16, torch.bfloat16])
def test_half_floats_become_float32(dtype: Any) -> None:
    dyadic = problems.dyadic(RNG, (4, 5), bits=3)
    if dtype is np.float16:
        result = otcore.solve(dyadic.astype(dtype))
        assert result.plan.dtype == np.float32
    else:
        result = otcore.solve(torch.as_tensor(dyadic).to(dtype))
        assert result.plan.dtype == torch.float32
    assert float(result.value) == otcore.solve(dyadic).value


def test_lists() -> None:
    result = otcore.solve(M.tolist(), A.tolist(), B.tolist())
    assert_same(result, otcore.solve(M, A, B))
    assert type(result.value) is float
    mixed = otcore.solve(torch.as_tensor(M), A.tolist(), None)
    assert isinstance(mixed.plan, torch.Tensor)


def test_points_of_two_precisions_take_the_wider() -> None:
    result = otcore.solve_sample(X.astype(np.float32), Y)
    check_result(result, (X.astype(np.float32).astype(np.float64), Y))
    assert result.plan.dtype == np.float64


def test_memory_layouts() -> None:
    expected = otcore.solve(M, A, B)
    wide = np.zeros((12, 10))
    wide[::2, ::2] = M
    backwards = M[::-1, ::-1].copy()[::-1, ::-1]
    read_only = M.copy()
    read_only.flags.writeable = False
    swapped = M.astype(M.dtype.newbyteorder())
    for layout in (np.asfortranarray(M), wide[::2, ::2], backwards, read_only, swapped):
        assert_same(otcore.solve(layout, A, B), expected)
    tensor = torch.as_tensor(np.asfortranarray(M))
    assert not tensor.is_contiguous()
    assert_same(otcore.solve(tensor, torch.as_tensor(A), torch.as_tensor(B)), expected)
    backing = np.frombuffer(bytearray(M.nbytes + 1), np.uint8)[1:]
    unaligned = backing.view(np.float64).reshape(M.shape)
    unaligned[...] = M
    assert_same(otcore.solve(unaligned, A, B), expected)


def test_inputs_are_left_alone() -> None:
    copies = [array.copy() for array in (M, A, B)]
    otcore.solve(*copies)
    for copy, original in zip(copies, (M, A, B), strict=True):
        assert np.array_equal(copy, original)


def test_weights_are_cast_to_the_data() -> None:
    """float64 weights beside float32 costs are read as float32."""
    single = M.astype(np.float32)
    a, b = RNG.dirichlet(np.ones(6)), RNG.dirichlet(np.ones(5))
    result = otcore.solve(single, a, b)
    check_result(result, single, a, b)
    assert_same(result, otcore.solve(single, a.astype(np.float32), b.astype(np.float32)))


@pytest.mark.parametrize(
    ("dtype", "difference"), [(np.float64, 9e-7), (np.float32, 9e-5), (np.float64, -9e-7)]
)
def test_small_mass_differences_are_normalised(dtype: Any, difference: float) -> None:
    costs, a = M.astype(dtype), A.astype(dtype)
    b = (B * (1 + difference)).astype(dtype)
    check_result(otcore.solve(costs, a, b), costs, a, b)


def test_float32_marginals_of_many_points() -> None:
    """Sums of 5000 float32 weights are off by more than float64's tolerance."""
    n = 5000
    w = np.full(n, 1 / n, dtype=np.float32)
    points = RNG.random((8, 2)).astype(np.float32)
    result = otcore.solve_sample(np.zeros((n, 2), np.float32), points, w, None)
    assert result.value == pytest.approx(float((points.astype(float) ** 2).sum(1).mean()), rel=1e-6)


@pytest.mark.parametrize("method", ["auto", "exact"])
def test_methods(method: str) -> None:
    assert_same(otcore.solve(M, method=method), otcore.solve(M))
    assert_same(otcore.solve_sample(X, Y, method=method), otcore.solve_sample(X, Y))


# ---------------------------------------------------------------------------------------------
# What a result offers


def test_distance_is_the_root_for_powers_of_metrics() -> None:
    for metric, power in (
        ("sqeuclidean", 2),
        ("euclidean", 1),
        ("cityblock", 1),
        (("minkowski", 3), 3),
    ):
        result = otcore.solve_sample(X, Y, metric=metric)
        assert result.distance == pytest.approx(result.value ** (1 / power), rel=1e-15)
        assert type(result.distance) is float


def test_distance_of_a_set_to_itself_is_zero() -> None:
    result = otcore.solve_sample(X, X.copy())
    assert result.distance == 0
    assert np.array_equal(result.plan, np.eye(6) / 6)


@pytest.mark.parametrize(
    "result", [otcore.solve(M), otcore.solve_sample(X, Y, metric="cosine")], ids=["M", "cosine"]
)
def test_no_distance_without_a_metric(result: Any) -> None:
    with pytest.raises(AttributeError, match=r"^distance: .*value"):
        _ = result.distance


def test_sparse_plan_is_csr() -> None:
    result = otcore.solve(M, A, B)
    assert scipy.sparse.issparse(result.sparse_plan)
    assert result.sparse_plan.format == "csr"
    assert result.sparse_plan.nnz <= 10
    assert np.array_equal(result.sparse_plan.toarray(), result.plan)


def test_potentials_and_marginals_come_in_pairs() -> None:
    result = otcore.solve(M, A, B)
    assert np.array_equal(result.potentials[0], result.potential_a)
    assert np.array_equal(result.potentials[1], result.potential_b)
    assert np.array_equal(result.marginals[0], result.marginal_a)
    assert np.array_equal(result.marginals[1], result.marginal_b)
    np.testing.assert_allclose(result.marginal_a, A, rtol=1e-14)
    np.testing.assert_allclose(result.marginal_b, B, rtol=1e-14)


def test_results_are_immutable() -> None:
    result = otcore.solve(M)
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        result.value = 0.0


@pytest.mark.parametrize("columns", [(), (1,), (4,)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_apply(columns: tuple[int, ...], dtype: Any) -> None:
    result = otcore.solve(M.astype(dtype), A.astype(dtype), B.astype(dtype))
    V, W = RNG.random((5, *columns)).astype(dtype), RNG.random((6, *columns)).astype(dtype)
    tolerance = 20 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(result.apply(V), result.plan @ V, rtol=tolerance)
    np.testing.assert_allclose(result.apply_t(W), result.plan.T @ W, rtol=tolerance)
    assert result.apply(V).dtype == dtype


def test_apply_torch() -> None:
    result = otcore.solve(torch.as_tensor(M))
    V = torch.as_tensor(RNG.random((5, 2)))
    assert torch.allclose(result.apply(V), result.plan @ V, rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    "V", [np.ones(6), np.ones((5, 2, 2)), np.ones((6, 5)), np.ones((5, 0)), np.float64(1)]
)
def test_apply_checks_its_argument(V: Any) -> None:
    for result in (otcore.solve(M), otcore.solve(M, reg=0.1)):
        with pytest.raises(ValueError, match=r"^V: shape .* expected \(5,\) or \(5, c\)"):
            result.apply(V)


def test_barycentric_map() -> None:
    """Each source goes to the mean of its targets; a translation's map is the translation."""
    problem = problems.translation(np.random.default_rng(0), 12, 2, weighted=True)
    assert problem.X is not None
    assert problem.Y is not None
    result = otcore.solve_sample(problem.X, problem.Y, problem.a, problem.b)
    step = result.barycentric_map() - problem.X
    np.testing.assert_allclose(step, np.broadcast_to(step[0], (12, 2)), atol=1e-13)
    assert (step[0] ** 2).sum() == pytest.approx(problem.value, rel=1e-13)
    with pytest.raises(ValueError, match="points"):
        otcore.solve(M).barycentric_map()


def test_barycentric_map_of_points_without_mass() -> None:
    image = otcore.solve_sample(X, Y, [0.5, 0.5, 0, 0, 0, 0]).barycentric_map()
    assert np.isfinite(image[:2]).all()
    assert np.isnan(image[2:]).all()


def test_repr_is_short_and_readable() -> None:
    text = repr(otcore.solve(M))
    assert "OTResult" in text
    assert "optimal" in text
    assert len(text) < 400
    assert "BatchResult" in repr(otcore.solve_batch(M[None]))


# ---------------------------------------------------------------------------------------------
# Options


def test_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    otcore.solve_batch(np.stack([M] * 50), progress=True)
    assert "50" in capsys.readouterr().err


def test_info() -> None:
    info = otcore.info()
    assert info["version"] == otcore.__version__
    assert isinstance(info["threads"], int)
    assert info["cuda"] is False


def test_no_warning_when_optimal(recwarn: pytest.WarningsRecorder) -> None:
    otcore.solve(M)
    assert not list(recwarn)


# ---------------------------------------------------------------------------------------------
# Gradients: the value is piecewise smooth, and its gradient is the plan, or the potentials


def test_gradient_in_the_costs_is_the_plan() -> None:
    costs = torch.as_tensor(M).requires_grad_()
    result = otcore.solve(costs)
    result.value.backward()
    assert np.array_equal(costs.grad.numpy(), otcore.solve(M).plan)


def test_gradient_in_the_weights_is_the_potentials() -> None:
    """On the simplex: up to a constant, which the gauge fixes for b."""
    a, b = (torch.as_tensor(w).requires_grad_() for w in (A, B))
    result = otcore.solve(torch.as_tensor(M), a, b)
    result.value.backward()
    for weights, potential in ((a, result.potential_a), (b, result.potential_b)):
        difference = weights.grad - potential.detach()
        assert float(difference.max() - difference.min()) <= 1e-14


def test_gradient_in_the_points() -> None:
    x, y = (torch.as_tensor(p).requires_grad_() for p in (X, Y))
    otcore.solve_sample(x, y).value.backward()
    plan = otcore.solve_sample(X, Y).plan
    expected = 2 * (plan.sum(1)[:, None] * X - plan @ Y)
    np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-14)
    expected = 2 * (plan.sum(0)[:, None] * Y - plan.T @ X)
    np.testing.assert_allclose(y.grad.numpy(), expected, atol=1e-14)


@pytest.mark.parametrize(
    "metric", ["sqeuclidean", "euclidean", "cityblock", "cosine", ("minkowski", 3)]
)
def test_gradcheck_in_the_points(metric: Any) -> None:
    x, y = (torch.as_tensor(p).requires_grad_() for p in (X, Y))

    def value(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return otcore.solve_sample(x, y, metric=metric).value

    assert torch.autograd.gradcheck(value, (x, y))


def test_gradcheck_in_the_costs_and_of_batches() -> None:
    costs = torch.as_tensor(RNG.random((3, 4, 5))).requires_grad_()
    assert torch.autograd.gradcheck(lambda c: otcore.solve_batch(c).value, (costs,))
    x, y = (torch.as_tensor(RNG.random((3, k, 2))).requires_grad_() for k in (4, 5))
    assert torch.autograd.gradcheck(lambda x, y: otcore.solve_sample_batch(x, y).value, (x, y))


def test_gradcheck_in_the_weights() -> None:
    """Along the simplex: softmax keeps the masses equal."""
    s, t = (torch.as_tensor(RNG.normal(size=k)).requires_grad_() for k in (6, 5))

    def value(s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return otcore.solve(torch.as_tensor(M), s.softmax(0), t.softmax(0)).value

    assert torch.autograd.gradcheck(value, (s, t))


def test_float32_gradients_have_the_inputs_dtype() -> None:
    x = torch.as_tensor(X, dtype=torch.float32).requires_grad_()
    result = otcore.solve_sample(x, torch.as_tensor(Y, dtype=torch.float32))
    assert result.value.dtype == torch.float64
    result.value.backward()
    assert x.grad.dtype == torch.float32


def test_nothing_is_silently_detached() -> None:
    """What is not differentiable refuses; what is, says so."""
    x = torch.as_tensor(X).requires_grad_()
    result = otcore.solve_sample(x, torch.as_tensor(Y))
    assert result.value.requires_grad
    for name in ("plan", "potential_a", "potential_b"):
        with pytest.raises(RuntimeError):
            getattr(result, name).sum().backward()
    assert not otcore.solve_sample(x.detach(), torch.as_tensor(Y)).value.requires_grad


def test_value_and_plan_of_a_result_agree() -> None:
    result = otcore.solve_sample(X, Y, metric="euclidean")
    costs = problems.reference_costs(X, Y, "euclidean")
    assert math.isclose((to_numpy(result.plan) * costs).sum(), result.value, rel_tol=1e-14)
