"""Functions of tensors under autograd, torch.func, vmap and torch.compile."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, gradcheck

from operator_cases import CASES, Case

# torch imports its own decompositions this way under vmap of jvp and of compiled gradients.
# Proximal point steps do not always get to their tolerance; agreement with peers needs none.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::otcore.ConvergenceWarning"),
]

AGAIN = "not differentiable again"

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_batch = pytest.mark.parametrize(
    ("case", "batch"),
    [(case, batch) for case in CASES for batch in ((), (3,)) if case.batches or not batch],
    ids=lambda x: x.name if isinstance(x, Case) else None,
)


def tracked(tensors: list[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone().requires_grad_() for tensor in tensors]


def gradients(function: Any, tensors: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    leaves = tracked(tensors)
    value = function(*leaves)
    return value.detach(), list(torch.autograd.grad((value * 1.7).sum(), leaves))


def same(one: Any, other: Any) -> bool:
    return all(torch.equal(x, y) for x, y in zip(one, other, strict=True))


# ---------------------------------------------------------------------------------------------
# Values and gradients


@each_batch
def test_as_otcores_own_functions(case: Case, batch: tuple[int, ...]) -> None:
    tensors = case.tensors(*batch)
    value, grads = gradients(case, tensors)
    expected, expected_grads = gradients(case.expected, tensors)
    assert torch.equal(value, expected)
    assert value.dtype == torch.float64
    assert same(grads, expected_grads)
    assert torch.equal(case(*tensors), value)  # past the operator


@each_batch
def test_gradcheck(case: Case, batch: tuple[int, ...]) -> None:
    """What approximates another value has about its gradient."""
    tensors = case.tensors(*batch)
    if case.limit is None:
        assert gradcheck(case, tracked(tensors), check_batched_grad=not batch)
        return
    limit, limit_grads = gradients(replace(case, function=case.limit), tensors)
    value, grads = gradients(case, tensors)
    for one, other in zip((value, *grads), (limit, *limit_grads), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=3e-3)


@each_case
def test_any_subset_of_inputs(case: Case) -> None:
    tensors = case.tensors()
    _, everything = gradients(case, tensors)
    for needed in itertools.product([False, True], repeat=len(tensors)):
        some = [t.clone().requires_grad_(need) for t, need in zip(tensors, needed, strict=True)]
        value = case(*some)
        assert value.requires_grad == any(needed)
        if any(needed):
            (value * 1.7).backward()
        for tensor, grad, need in zip(some, everything, needed, strict=True):
            assert (tensor.grad is not None) == need
            if need:
                assert torch.equal(tensor.grad, grad)


# ---------------------------------------------------------------------------------------------
# torch.func


@each_case
def test_func_grad(case: Case) -> None:
    tensors = case.tensors()
    found = torch.func.grad(lambda *t: 1.7 * case(*t), tuple(range(len(tensors))))(*tensors)
    assert same(found, gradients(case, tensors)[1])


@each_case
def test_vmap(case: Case) -> None:
    """Over all arguments, over the last axis, with some shared, and of batches."""
    tensors, places = case.tensors(mapped=3), tuple(range(len(case.shapes)))
    alone = [[t[i] for t in tensors] for i in range(3)]
    expected = torch.stack([case(*one) for one in alone])
    assert torch.equal(torch.vmap(case)(*tensors), expected)
    last = [t.movedim(0, -1) for t in tensors]
    assert torch.equal(torch.vmap(case, in_dims=-1)(*last), expected)
    for shared in places:
        arguments = [t[0] if place == shared else t for place, t in enumerate(tensors)]
        in_dims = tuple(None if place == shared else 0 for place in places)
        loop = [
            [t if d is None else t[i] for t, d in zip(arguments, in_dims, strict=True)]
            for i in range(3)
        ]
        expected = torch.stack([case(*one) for one in loop])
        assert torch.equal(torch.vmap(case, in_dims=in_dims)(*arguments), expected)
    if case.batches:
        batches = case.tensors(3, mapped=2)
        expected = torch.stack([case(*(t[i] for t in batches)) for i in range(2)])
        assert torch.equal(torch.vmap(case)(*batches), expected)
        inner = tuple(None if place in case.shared else 0 for place in places)
        assert torch.equal(torch.vmap(torch.vmap(case, inner))(*batches), expected)


@each_case
def test_vmap_of_grad_and_grad_of_vmap(case: Case) -> None:
    tensors, places = case.tensors(mapped=3), tuple(range(len(case.shapes)))
    grad = torch.func.grad(case, places)
    loop = [grad(*(t[i] for t in tensors)) for i in range(3)]
    expected = [torch.stack(parts) for parts in zip(*loop, strict=True)]
    for found in (
        torch.vmap(grad)(*tensors),
        torch.func.grad(lambda *t: torch.vmap(case)(*t).sum(), places)(*tensors),
        torch.func.vjp(torch.vmap(case), *tensors)[1](torch.ones(3, dtype=torch.float64)),
    ):
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-14, atol=1e-15)


# ---------------------------------------------------------------------------------------------
# torch.compile


def compiled(function: Any, backend: str = "aot_eager") -> Any:
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, backend=backend)


@each_case
def test_compiled_step(case: Case) -> None:
    """Another batch size compiles once more, for any."""
    step = compiled(lambda *tensors: 3 * case(*tensors).sum())
    for batch in ((), (3,), (4,)) if case.batches else ((),):
        tensors = case.tensors(*batch)
        value, grads = gradients(step, tensors)
        expected, expected_grads = gradients(lambda *t: 3 * case(*t).sum(), tensors)
        assert torch.equal(value, expected)
        assert same(grads, expected_grads)
    assert torch.equal(step(*tensors), expected)


@each_case
def test_compiled_transforms(case: Case) -> None:
    tensors, places = case.tensors(mapped=3), tuple(range(len(case.shapes)))
    grad = torch.func.grad(case, places)
    one = [t[0] for t in tensors]
    assert same(compiled(grad)(*one), grad(*one))
    assert torch.equal(
        compiled(torch.vmap(lambda *t: case(*t)))(*tensors), torch.vmap(case)(*tensors)
    )
    assert same(compiled(torch.vmap(grad))(*tensors), torch.vmap(grad)(*tensors))


# ---------------------------------------------------------------------------------------------
# What there is not


@each_case
def test_second_derivatives_refuse(case: Case) -> None:
    tensors = case.tensors()
    for place in range(len(tensors)):
        leaves = tracked(tensors)
        (grad,) = torch.autograd.grad(case(*leaves), leaves[place], create_graph=True)
        for leaf in leaves:
            with pytest.raises(RuntimeError, match=AGAIN):
                torch.autograd.grad(grad.square().sum(), leaf, retain_graph=True)

    def inner(*tensors: Tensor, place: int = 0) -> Tensor:
        return torch.func.grad(case, place)(*tensors).square().sum()

    for place, other in itertools.product(range(len(tensors)), repeat=2):
        with pytest.raises(RuntimeError, match=AGAIN):
            torch.func.grad(partial(inner, place=place), other)(*tensors)
        leaves = list(tensors)
        (leaves[other],) = tracked([tensors[other]])
        with pytest.raises(RuntimeError, match=AGAIN):
            inner(*leaves, place=place).backward()
    with pytest.raises(RuntimeError, match=AGAIN):
        compiled(torch.func.grad(inner), "eager")(*tensors)

    def twice() -> None:
        leaves = tracked(tensors)
        grad, *_ = torch.autograd.grad(compiled(case)(*leaves), leaves, create_graph=True)
        torch.autograd.grad(grad.square().sum(), leaves)

    with pytest.raises(RuntimeError):  # torch has no second derivatives of compiled functions
        twice()


@each_case
def test_forward_mode_refuses(case: Case) -> None:
    tensors = tuple(case.tensors())
    for transform in (torch.func.jvp, lambda f, x, t: torch.func.jacfwd(f)(*x)):
        with pytest.raises(NotImplementedError, match="forward-mode"):
            transform(case, tensors, tensors)
    with forward_ad.dual_level(), pytest.raises(NotImplementedError, match="forward-mode"):
        case(*(forward_ad.make_dual(t, t) for t in tensors))
