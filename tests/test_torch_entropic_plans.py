"""Derivatives of entropic plans, potentials and products against unrolled iterations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

import otcore
from entropic_unrolled import RELAXATIONS, derivatives, leaves, squared_distances, unrolled

RNG = np.random.default_rng(60)
N, K, D = 6, 5, 3
M = RNG.random((N, K))
X, Y = RNG.random((N, D)), RNG.random((K, D))
A, B = RNG.dirichlet(np.full(N, 3.0)), RNG.dirichlet(np.full(K, 3.0))
U, V = torch.as_tensor(RNG.normal(size=(N, 2))), torch.as_tensor(RNG.normal(size=(K, 2)))
METRICS = ["sqeuclidean", "euclidean", "cityblock", "cosine", ("minkowski", 3), ("minkowski", 1.5)]
REG = 0.3
EXACTLY: dict[str, Any] = {"reg": REG, "tol": 1e-13}

each_relaxation = pytest.mark.parametrize("unbalanced", RELAXATIONS, ids=str)

# A loss of each thing that a result says, and the same of the oracle's plan and potentials.
LOSSES: dict[str, tuple[Callable[[Any], Tensor], Callable[[Any], Tensor]]] = {
    "potential_a": (lambda r: r.potential_a.sin().sum(), lambda o: o.f.sin().sum()),
    "potential_b": (lambda r: r.potential_b.sin().sum(), lambda o: o.g.sin().sum()),
    "plan": (lambda r: r.plan.sqrt().sum(), lambda o: o.plan.sqrt().sum()),
    "apply": (lambda r: r.apply(V).square().sum(), lambda o: (o.plan @ V).square().sum()),
    "apply_t": (lambda r: r.apply_t(U).square().sum(), lambda o: (o.plan.T @ U).square().sum()),
    "marginals": (
        lambda r: r.marginal_a.square().sum() + r.marginal_b.sin().sum(),
        lambda o: o.plan.sum(1).square().sum() + o.plan.sum(0).sin().sum(),
    ),
    "value_linear": (lambda r: r.value_linear, lambda o: o.cost),
}


def check(losses: list[Tensor], tensors: list[Tensor], *, balanced: bool) -> None:
    found, expected = (derivatives(loss, tensors, balanced=balanced) for loss in losses)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


def softmaxed(a: Tensor, b: Tensor, unbalanced: Any) -> tuple[Tensor, Tensor]:
    """Balanced weights change with their masses fixed and the same."""
    return (a.softmax(-1), b.softmax(-1)) if unbalanced is None else (a, b)


def outputs(result: Any) -> tuple[Tensor, ...]:
    return (
        *result.potentials,
        result.plan,
        result.apply(V),
        result.apply_t(U[:, 0]),
        *result.marginals,
    )


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
@each_relaxation
def test_as_unrolled(losses: Any, unbalanced: Any) -> None:
    """Unbalanced problems of different masses."""
    tensors = leaves(M, A, B if unbalanced is None else 2 * B)
    mine, theirs = losses
    result = otcore.solve(*tensors, unbalanced=unbalanced, **EXACTLY)
    reference = unrolled(*tensors, REG, unbalanced)
    check([mine(result), theirs(reference)], tensors, balanced=unbalanced is None)


@pytest.mark.parametrize("unbalanced", [None, (0.5, 2.0)], ids=str)
def test_as_unrolled_of_points(unbalanced: Any) -> None:
    tensors = x, y, a, b = leaves(X, Y, A, B)
    result = otcore.solve_sample(x, y, a, b, unbalanced=unbalanced, **EXACTLY)
    reference = unrolled(squared_distances(x, y), a, b, REG, unbalanced)
    for mine, theirs in LOSSES.values():
        check([mine(result), theirs(reference)], tensors, balanced=unbalanced is None)
    images = reference.plan @ y / reference.plan.sum(1, keepdim=True)
    both = [points.square().sum() for points in (result.barycentric_map(), images)]
    check(both, tensors, balanced=unbalanced is None)


@each_relaxation
def test_weights_of_zero(unbalanced: Any) -> None:
    """Points without mass have potentials, and derivatives in their masses."""
    a, b = A.copy(), B.copy()
    a[1] = b[2] = b[4] = 0
    tensors = leaves(M, a / a.sum(), b / b.sum())
    result = otcore.solve(*tensors, unbalanced=unbalanced, **EXACTLY)
    reference = unrolled(*tensors, REG, unbalanced)
    full, empty = tensors[1].detach() > 0, tensors[2].detach() == 0
    for name, (mine, theirs) in LOSSES.items():
        if "potential" not in name and name != "plan":  # whose root has no derivative at 0
            check([mine(result), theirs(reference)], tensors, balanced=unbalanced is None)
    # Of potentials, all but what two points without mass would do to each other.
    for mine, theirs in LOSSES["potential_a"], LOSSES["potential_b"]:
        found, expected = (
            derivatives(loss, tensors, balanced=False) for loss in (mine(result), theirs(reference))
        )
        torch.testing.assert_close(found[0], expected[0], rtol=1e-7, atol=1e-9)
        for place, seen in ((1, full), (2, ~empty)):
            one, other = found[place][seen], expected[place][seen]
            if unbalanced is None:
                one, other = one - one.mean(), other - other.mean()
            torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("unbalanced", [None, (0.5, 2.0)], ids=str)
def test_gradcheck_of_points(metric: Any, unbalanced: Any) -> None:
    def all_of(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
        a, b = softmaxed(a, b, unbalanced)
        how = {**EXACTLY, "metric": metric, "unbalanced": unbalanced}
        result = otcore.solve_sample(x, y, a, b, **how)
        return *outputs(result), result.barycentric_map(), result.value_linear

    assert gradcheck(all_of, leaves(X, Y, A, B))


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
@pytest.mark.parametrize("unbalanced", [None, 1.0])
def test_single_points(shape: tuple[int, int], unbalanced: Any) -> None:
    costs = RNG.random(shape)
    a, b = (RNG.random(length) for length in shape)
    tensors = leaves(costs, a / a.sum(), b / b.sum())
    result = otcore.solve(*tensors, unbalanced=unbalanced, **EXACTLY)
    reference = unrolled(*tensors, REG, unbalanced)
    for name in ("potential_a", "potential_b", "plan", "value_linear"):
        mine, theirs = LOSSES[name]
        check([mine(result), theirs(reference)], tensors, balanced=unbalanced is None)


def test_batches() -> None:
    """Weights that all share, and one problem of a batch."""
    tensors = costs, a, b = leaves(np.stack([M, M[::-1]]), A, np.stack([B, B[::-1]]))
    results = otcore.solve_batch(costs, a, b, **EXACTLY)
    alone = [otcore.solve(costs[i], a, b[i], **EXACTLY) for i in range(2)]
    scale = torch.tensor([1.0, -2.0], dtype=torch.float64)
    values = torch.stack([V, 2 * V])
    for mine in (
        lambda r, _: r.plan.square().sum((-2, -1)),
        lambda r, _: r.potential_a.sin().sum(-1) + r.marginal_b.sin().sum(-1),
        lambda r, i: r.apply(values if i is None else values[i]).sin().sum((-2, -1)),
    ):
        whole = torch.autograd.grad((scale * mine(results, None)).sum(), tensors)
        for parts in (alone, list(results)):
            loss = sum(scale[i] * mine(part, i) for i, part in enumerate(parts))
            for one, other in zip(whole, torch.autograd.grad(loss, tensors), strict=True):
                torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
def test_plans_that_are_formed_again(monkeypatch: pytest.MonkeyPatch, metric: str) -> None:
    """Products by the core instead of kept plans, and a few rows at a time."""
    a, b = A.copy(), B.copy()
    a[1] = b[2] = 0.0
    tensors = leaves(np.stack([X, 2 * X]), np.stack([Y, Y - 1]), a / a.sum(), b / b.sum())

    def gradients() -> list[Tensor]:
        result = otcore.solve_sample_batch(*tensors, metric=metric, **EXACTLY)
        loss = sum(out.sin().sum() for out in (*result.potentials, result.plan))
        first = torch.autograd.grad(result.value.sum(), tensors, create_graph=True)
        second = torch.autograd.grad(sum(grad.sin().sum() for grad in first), tensors)
        return [*torch.autograd.grad(loss, tensors), *first, *second]

    whole = gradients()
    monkeypatch.setattr("otcore.torch.entropic_plans._KEPT", 1)
    for module in ("entropic_plans", "entropic_slopes"):
        monkeypatch.setattr(f"otcore.torch.{module}.PAIRS_AT_ONCE", K)
    for one, other in zip(whole, gradients(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_short_dtypes(dtype: torch.dtype) -> None:
    """Derivatives are those of the rounded points, in their dtype."""
    rounded = [torch.tensor(points).to(dtype) for points in (X, Y)]
    grads = []
    for kind in (dtype, torch.float64):
        tensors = [points.to(kind).requires_grad_() for points in rounded]
        result = otcore.solve_sample(*tensors, reg=REG)
        assert result.plan.dtype == (torch.float64 if kind == torch.float64 else torch.float32)
        first = torch.autograd.grad(result.value, tensors, create_graph=True)
        loss = result.barycentric_map().square().sum() + first[0].double().square().sum()
        grads.append(torch.autograd.grad(loss, tensors))
    for short, double in zip(*grads, strict=True):
        assert short.dtype == dtype
        error = 1e-4 if dtype == torch.float32 else 1e-2
        torch.testing.assert_close(short.double(), double, rtol=0, atol=error * double.abs().max())


def test_plans_that_barely_hang_together_warn() -> None:
    """Nearly a permutation: two points exchange exp(-1 / reg) of their mass."""
    costs = 1.0 - np.eye(4)
    for reg, poor in ((0.1, False), (0.02, True)):
        tensors = leaves(costs, A[:4] / A[:4].sum(), A[:4] / A[:4].sum())
        plan = otcore.solve(*tensors, reg=reg, tol=1e-12).plan
        if poor:
            with pytest.warns(otcore.errors.ConvergenceWarning, match="larger reg"):
                plan[0, 1].backward()
        else:
            plan[0, 1].backward()


def test_a_loss_that_is_no_number_is_none_in_the_gradient() -> None:
    (costs,) = leaves(M)
    plan = otcore.solve(costs, reg=REG).plan
    plan.backward(torch.full_like(plan, torch.nan))
    assert costs.grad.isnan().all()


def test_no_graph_without_need() -> None:
    (costs,) = leaves(M)
    with torch.no_grad():
        result = otcore.solve(costs, reg=REG)
        assert not any(out.requires_grad for out in (*outputs(result), result.value))
    assert all(out.requires_grad for out in outputs(result))  # asked for where gradients are on
