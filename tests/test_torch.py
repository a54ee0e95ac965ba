"""Tensors: gradients of values and costs, and that nothing is silently cut off from the graph."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

import otcore
from otcore.cost import parse_metric
from otcore.torch._library import TORCH
from otcore.torch.functions import cost_pair_gradient, plan_gradient

METRICS = ["sqeuclidean", "euclidean", "cityblock", "cosine", ("minkowski", 3), ("minkowski", 1.5)]
RNG = np.random.default_rng(11)


def normal(*shape: int, grad: bool = False) -> Tensor:
    return torch.as_tensor(RNG.normal(size=shape)).requires_grad_(grad)


def direct_costs(x: Tensor, y: Tensor, metric: Any) -> Tensor:
    """Ground costs as formulas that torch differentiates by itself; x, y of shape (..., d)."""
    difference = x - y
    match metric:
        case "sqeuclidean":
            return difference.square().sum(-1)
        case "euclidean":
            return difference.square().sum(-1).sqrt()
        case "cityblock":
            return difference.abs().sum(-1)
        case "cosine":
            return 1 - torch.nn.functional.cosine_similarity(x, y, dim=-1)
        case ("minkowski", p):
            return difference.abs().pow(p).sum(-1)
    raise AssertionError(metric)


# ---------------------------------------------------------------------------------------------
# Gradients in data


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("batch", [(), (3,)])
def test_points(metric: Any, batch: tuple[int, ...]) -> None:
    solve = otcore.solve_sample_batch if batch else otcore.solve_sample
    x, y = normal(*batch, 6, 3, grad=True), normal(*batch, 4, 3, grad=True)
    assert gradcheck(lambda x, y: solve(x, y, metric=metric).value, (x, y))


@pytest.mark.parametrize("batch", [(), (3,)])
def test_costs_and_weights(batch: tuple[int, ...]) -> None:
    """Weights through softmax, which keeps the masses equal; shared by a batch or each its own."""
    solve = otcore.solve_batch if batch else otcore.solve
    costs = normal(*batch, 6, 4, grad=True)
    own = (normal(*batch, 6, grad=True), normal(*batch, 4, grad=True))
    shared = (normal(6, grad=True), normal(4, grad=True))

    def value(costs: Tensor, s: Tensor, t: Tensor) -> Tensor:
        return solve(costs, s.softmax(-1), t.softmax(-1)).value

    assert gradcheck(value, (costs, *own))
    assert gradcheck(value, (costs, *shared))
    assert gradcheck(value, (costs, own[0], shared[1]))


def test_total_mass_scales_the_gradient() -> None:
    x, y = normal(5, 2, grad=True), normal(5, 2, grad=True)
    weights = torch.full((5,), 3.0, dtype=torch.float64)
    assert gradcheck(lambda x, y: otcore.solve_sample(x, y, weights, weights).value, (x, y))


@pytest.mark.parametrize("needed", [*itertools.product([False, True], repeat=4)])
def test_any_subset_of_inputs(needed: tuple[bool, ...]) -> None:
    generator = np.random.default_rng(5)
    shapes = ((6, 2), (5, 2), (6,), (5,))
    tensors = [torch.as_tensor(generator.random(shape)) for shape in shapes]
    tensors[2:] = [weights / weights.sum() for weights in tensors[2:]]
    everything = [tensor.clone().requires_grad_() for tensor in tensors]
    otcore.solve_sample(*everything).value.backward()
    some = [t.clone().requires_grad_(need) for t, need in zip(tensors, needed, strict=True)]
    value = otcore.solve_sample(*some).value
    assert value.requires_grad == any(needed)
    if any(needed):
        value.backward()
    for tensor, reference, need in zip(some, everything, needed, strict=True):
        assert (tensor.grad is not None) == need
        if need:
            assert torch.equal(tensor.grad, reference.grad)


def test_gradients_of_weights_are_centred() -> None:
    a, b = (torch.full((k,), 1 / k, dtype=torch.float64, requires_grad=True) for k in (6, 4))
    result = otcore.solve(normal(6, 4), a, b)
    (2 * result.value).backward()
    for weights, potential in ((a, result.potential_a), (b, result.potential_b)):
        centred = potential.detach() - potential.detach().mean()
        torch.testing.assert_close(weights.grad, 2 * centred, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", ("minkowski", 1)])
def test_kinks_have_gradient_zero(metric: Any) -> None:
    x = normal(5, 3, grad=True)
    y = x.detach().clone().requires_grad_()
    result = otcore.solve_sample(x, y, metric=metric)
    (result.value + result.distance).backward()
    assert not x.grad.any()
    assert not y.grad.any()


def test_distance() -> None:
    x, y = normal(5, 3, grad=True), normal(4, 3, grad=True)
    for metric in METRICS:
        if metric != "cosine":
            assert gradcheck(
                lambda x, y, m=metric: otcore.solve_sample(x, y, metric=m).distance, (x, y)
            )
    batch = otcore.solve_sample_batch(x[None], y[None])
    assert torch.equal(batch.distance[0], otcore.solve_sample(x, y).distance)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_gradient_of_euclidean_at_any_scale(scale: float) -> None:
    x, y = (scale * normal(5, 3)).requires_grad_(), scale * normal(5, 3)
    otcore.solve_sample(x, y, metric="euclidean").value.backward()
    torch.testing.assert_close(
        torch.linalg.vector_norm(x.grad, dim=1), torch.full((5,), 0.2).double()
    )


def test_one_batch_entry_alone() -> None:
    x = normal(3, 4, 2, grad=True)
    otcore.solve_sample_batch(x, normal(3, 5, 2))[1].value.backward()
    assert x.grad[1].any()
    assert not x.grad[[0, 2]].any()


# ---------------------------------------------------------------------------------------------
# dtypes and layouts


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_gradients_arrive_in_the_inputs_dtype(dtype: torch.dtype) -> None:
    x = normal(5, 2).to(dtype).requires_grad_()
    y = normal(4, 2, grad=True)
    a = torch.tensor([0.125, 0.25, 0.125, 0.25, 0.25], dtype=dtype, requires_grad=True)
    otcore.solve_sample(x, y, a).value.backward()
    assert (x.grad.dtype, y.grad.dtype, a.grad.dtype) == (dtype, torch.float64, dtype)
    wide = x.detach().double().requires_grad_()
    otcore.solve_sample(wide, y.detach(), a.detach()).value.backward()
    assert torch.equal(x.grad, wide.grad.to(dtype))
    costs = normal(5, 4).to(dtype).requires_grad_()
    otcore.solve(costs).value.backward()
    assert costs.grad.dtype == dtype
    torch.testing.assert_close(costs.grad.sum(), torch.tensor(1.0, dtype=dtype))


def test_gradients_of_strided_inputs() -> None:
    base = normal(3, 6, grad=True)
    otcore.solve_sample(base.T, normal(5, 3)).value.backward()
    assert base.grad.shape == (3, 6)
    costs = normal(4, 5, grad=True)
    result = otcore.solve(costs.T)
    result.value.backward()
    assert torch.equal(costs.grad, result.plan.detach().T)


# ---------------------------------------------------------------------------------------------
# What has no gradient says so

NOT_DIFFERENTIABLE = [
    "plan",
    "sparse_plan",
    "potential_a",
    "potential_b",
    "marginal_a",
    "marginal_b",
]


@pytest.mark.parametrize("name", NOT_DIFFERENTIABLE)
@pytest.mark.parametrize("which", range(4))
def test_plans_and_potentials_refuse(name: str, which: int) -> None:
    tensors = [normal(5, 2), normal(5, 2), torch.full((5,), 0.2), torch.full((5,), 0.2)]
    tensors[which].requires_grad_()
    result = otcore.solve_sample(*tensors)
    with torch.no_grad():
        assert not getattr(result, name).requires_grad
    tensor = getattr(result, name)  # also after an access without grad
    assert tensor.requires_grad
    assert not tensor.detach().requires_grad
    with pytest.raises(RuntimeError, match=r"not differentiable.*\.value.*\.detach"):
        (result.value + tensor.to_dense().sum()).backward()


def test_maps_refuse() -> None:
    x = normal(5, 2, grad=True)
    result = otcore.solve_sample(x, normal(5, 2))
    for image in (result.barycentric_map(), result.apply(normal(5)), result.apply_t(normal(5))):
        with pytest.raises(RuntimeError, match="not differentiable"):
            image.sum().backward()
    batch = otcore.solve_sample_batch(x[None], normal(1, 5, 2))
    for tensor in (batch.plan, batch.potential_a, batch.barycentric_map(), batch[0].plan):
        with pytest.raises(RuntimeError, match="not differentiable"):
            tensor.sum().backward()
    assert not batch.gap.requires_grad
    assert not batch.marginal_error.requires_grad


def test_without_gradients_results_are_plain() -> None:
    result = otcore.solve(normal(5, 4))
    for name in ["value", *NOT_DIFFERENTIABLE]:
        assert not getattr(result, name).requires_grad
    with torch.no_grad():
        assert not otcore.solve(normal(5, 4, grad=True)).value.requires_grad


def test_apply_is_differentiable_in_its_argument() -> None:
    result = otcore.solve(normal(5, 4))
    V, W = normal(4, 2, grad=True), normal(5, grad=True)
    assert gradcheck(result.apply, (V,))
    assert gradcheck(result.apply_t, (W,))
    result.apply(V.float()).sum().backward()
    torch.testing.assert_close(V.grad, result.plan.sum(0)[:, None].expand(4, 2), rtol=1e-6, atol=0)


def test_second_derivatives_refuse() -> None:
    x = normal(5, 2, grad=True)
    value = otcore.solve_sample(x, normal(5, 2)).value
    (grad,) = torch.autograd.grad(value, x, create_graph=True)
    with pytest.raises(RuntimeError, match="not differentiable again"):
        grad.sum().backward()


def test_data_changed_before_backward() -> None:
    x = normal(5, 2, grad=True)
    value = otcore.solve_sample(x, normal(5, 2)).value
    with torch.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


# ---------------------------------------------------------------------------------------------
# Ground costs


@pytest.mark.parametrize("metric", METRICS)
def test_cost_matrix(metric: Any) -> None:
    x, y = normal(5, 3, grad=True), normal(4, 3, grad=True)
    costs = otcore.cost.cost_matrix(x, y, metric=metric)
    expected = direct_costs(x[:, None], y[None], metric)
    torch.testing.assert_close(costs, expected, rtol=1e-12, atol=1e-15)
    assert gradcheck(lambda x, y: otcore.cost.cost_matrix(x, y, metric=metric), (x, y))
    assert not otcore.cost.cost_matrix(x.detach(), y.detach(), metric=metric).requires_grad


def test_cost_matrix_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, weight = normal(40, 3, grad=True), normal(30, 3, grad=True), normal(40, 30)
    expected = torch.autograd.grad((otcore.cost.cost_matrix(x, y) * weight).sum(), (x, y))
    monkeypatch.setattr("otcore.torch.functions.PAIRS_AT_ONCE", 70)
    blocks = torch.autograd.grad((otcore.cost.cost_matrix(x, y) * weight).sum(), (x, y))
    for one, other in zip(expected, blocks, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)


def test_cost_matrix_dtypes() -> None:
    x, y = normal(5, 3).half().requires_grad_(), normal(4, 3).float().requires_grad_()
    costs = otcore.cost.cost_matrix(x, y)
    assert costs.dtype == torch.float32
    costs.sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (torch.float16, torch.float32)


@pytest.mark.parametrize("entries", [20, 200])
@pytest.mark.parametrize("metric", METRICS)
def test_pair_and_plan_gradients(metric: Any, entries: int) -> None:
    """Against torch's derivative of the formulas; pairs repeat, few for the points and many."""
    ground = parse_metric(metric)
    x, y = normal(6, 3, grad=True), normal(5, 3, grad=True)
    rows, cols = (torch.as_tensor(RNG.integers(0, k, entries)) for k in (6, 5))
    mass = normal(entries)
    total = (mass * direct_costs(x[rows], y[cols], metric)).sum()
    expected = torch.autograd.grad(total, (x, y))
    actual = plan_gradient(ground, x.detach(), y.detach(), rows, cols, mass)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)
    nothing, alone = plan_gradient(ground, x.detach(), y.detach(), rows, cols, mass, (False, True))
    assert nothing is None
    assert alone is not None
    assert alone.equal(actual[1])
    in_x = cost_pair_gradient(ground, x.detach()[rows], y.detach()[cols])
    torch.testing.assert_close(
        torch.zeros(6, 3).double().index_add(0, rows, mass[:, None] * in_x), expected[0]
    )


# ---------------------------------------------------------------------------------------------
# Threads


def test_torchs_threads_limit_ours() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert TORCH.n_threads() == 1
        torch.set_num_threads(1000)
        assert TORCH.n_threads() == otcore.info()["threads"]
    finally:
        torch.set_num_threads(threads)


def test_results_of_tensors_that_require_gradients_are_printed_without_a_warning() -> None:
    result = otcore.solve(normal(3, 4, grad=True))
    assert repr(result).startswith(f"OTResult(value={result.value.item():.6g}, status='optimal'")
