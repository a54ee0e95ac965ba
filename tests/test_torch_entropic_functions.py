"""Entropic functions of tensors under autograd, torch.func, vmap and torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

import otcore
import otcore.torch as ot
from otcore.torch.operators import entropic, entropic_solve

# torch imports its own decompositions this way under vmap of jvp and of compiled gradients.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

RNG = np.random.default_rng(63)
N, K, D = 5, 4, 2
MODEL: dict[str, Any] = {"reg": 0.4, "tol": 1e-13}
INFINITE = float("inf")


@dataclass(frozen=True)
class Case:
    """A function of costs or points and of weights' logits, and what results say of the same."""

    function: Callable[..., Any]
    peer: Callable[[Any], Any]
    points: bool
    unbalanced: Any = None
    twice: bool = False  # differentiable
    divergence: bool = False

    def tensors(self, *batch: int) -> list[Tensor]:
        shapes = ((N, D), (K, D)) if self.points else ((N, K),)
        return [torch.as_tensor(RNG.normal(size=(*batch, *s))) for s in (*shapes, (N,), (K,))]

    def __call__(self, *tensors: Tensor) -> Any:
        return self.function(*self._weighted(tensors), **MODEL, unbalanced=self.unbalanced)

    def expected(self, *tensors: Tensor) -> Any:
        if self.divergence:
            solve: Any = otcore.entropic.sinkhorn_divergence
        elif self.points:
            solve = otcore.solve_sample if tensors[0].dim() == 2 else otcore.solve_sample_batch
        else:
            solve = otcore.solve if tensors[0].dim() == 2 else otcore.solve_batch
        return self.peer(solve(*self._weighted(tensors), **MODEL, unbalanced=self.unbalanced))

    def loss(self, *tensors: Tensor) -> Tensor:
        return total(self(*tensors))

    def _weighted(self, tensors: Any) -> list[Tensor]:
        *data, a, b = tensors
        return [*data, a.softmax(-1), b.softmax(-1)]


def total(found: Any) -> Tensor:
    parts = found if isinstance(found, tuple) else (found,)
    return torch.stack([part.sin().sum() for part in parts]).sum()


def value(result: Any) -> Any:
    return result.value


def plan(result: Any) -> Any:
    return result.plan


def potentials(result: Any) -> Any:
    return result.potentials


CASES = {
    "costs": Case(ot.transport_cost, value, False, twice=True),
    "costs, unbalanced": Case(ot.transport_cost, value, False, (0.5, INFINITE), twice=True),
    "points": Case(ot.transport_cost_sample, value, True, twice=True),
    "plan": Case(ot.transport_plan, plan, False),
    "plan of points": Case(ot.transport_plan_sample, plan, True, 1.0),
    "potentials": Case(ot.transport_potentials, potentials, False, 1.0),
    "potentials of points": Case(ot.transport_potentials_sample, potentials, True),
    "divergence": Case(ot.sinkhorn_divergence, value, True, twice=True, divergence=True),
    "divergence, unbalanced": Case(
        ot.sinkhorn_divergence, value, True, 0.5, twice=True, divergence=True
    ),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def tracked(tensors: list[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone().requires_grad_() for tensor in tensors]


def gradients(loss: Callable[..., Tensor], tensors: list[Tensor]) -> tuple[Tensor, ...]:
    leaves = tracked(tensors)
    return torch.autograd.grad(loss(*leaves), leaves)


def close(one: Any, other: Any) -> None:
    torch.testing.assert_close(tuple(one), tuple(other), rtol=1e-10, atol=1e-13)


@each_case
@pytest.mark.parametrize("batch", [(), (3,)])
def test_as_results(case: Case, batch: tuple[int, ...]) -> None:
    tensors = case.tensors(*batch)
    torch.testing.assert_close(case(*tensors), case.expected(*tensors), rtol=1e-13, atol=1e-15)
    close(gradients(case.loss, tensors), gradients(lambda *t: total(case.expected(*t)), tensors))


@each_case
def test_gradcheck(case: Case) -> None:
    leaves = tracked(case.tensors())
    assert gradcheck(case, leaves, check_batched_grad=True)
    if case.twice:
        assert gradgradcheck(case, leaves)


@each_case
def test_transforms(case: Case) -> None:
    """grad, vmap of it, and grad of vmap, beside a loop; shared arguments."""
    tensors, places = case.tensors(3), tuple(range(len(case.tensors())))
    grad = torch.func.grad(case.loss, places)
    one_by_one = [[t[i] for t in tensors] for i in range(3)]
    loop = [gradients(case.loss, one) for one in one_by_one]
    close(grad(*one_by_one[0]), loop[0])
    expected = [torch.stack(parts) for parts in zip(*loop, strict=True)]
    close(torch.vmap(grad)(*tensors), expected)
    close(torch.func.grad(lambda *t: torch.vmap(case.loss)(*t).sum(), places)(*tensors), expected)
    in_dims = (None, *[0] * (len(tensors) - 1))
    found = torch.vmap(grad, in_dims)(tensors[0][0], *tensors[1:])
    loop = [gradients(case.loss, [tensors[0][0], *one[1:]]) for one in one_by_one]
    close(found, [torch.stack(parts) for parts in zip(*loop, strict=True)])


@each_case
def test_nested_transforms(case: Case) -> None:
    """Second derivatives, or their refusal, and third ones'."""
    tensors = case.tensors()
    gradient = torch.func.grad(case.loss)
    if not case.twice:
        with pytest.raises(RuntimeError, match="no further derivative"):
            torch.func.jacrev(gradient)(*tensors)
        return

    def along(*t: Tensor) -> Tensor:
        return gradient(*t).cos().sum()

    leaves = tracked(tensors)
    (first,) = torch.autograd.grad(case.loss(*leaves), leaves[:1], create_graph=True)
    expected = torch.autograd.grad(first.cos().sum(), leaves)
    places = tuple(range(len(tensors)))
    close(torch.func.grad(along, places)(*tensors), expected)
    stacked = [torch.stack([t, t]) for t in tensors]
    close((part[1] for part in torch.vmap(torch.func.grad(along, places))(*stacked)), expected)
    with pytest.raises(RuntimeError, match="no further derivative"):
        torch.func.grad(lambda *t: torch.func.grad(along)(*t).sum())(*tensors)


@pytest.mark.parametrize("name", ["costs", "plan of points", "divergence, unbalanced"])
def test_compiled(name: str) -> None:
    case = CASES[name]
    tensors, places = case.tensors(3), tuple(range(len(case.tensors())))
    one = [t[0] for t in tensors]
    grad = torch.func.grad(case.loss, places)
    for function, arguments in (
        (lambda *t: gradients(case.loss, list(t)), one),
        (grad, one),
        (torch.vmap(grad), tensors),
    ):
        torch._dynamo.reset()
        if function is not grad and arguments is one:
            step = torch.compile(case.loss, fullgraph=True, backend="aot_eager")
            close(gradients(step, one), function(*arguments))
        else:
            step = torch.compile(function, fullgraph=True, backend="aot_eager")
            close(step(*arguments), function(*arguments))


def solved(of_points: bool) -> list[Any]:
    """The arguments that operators of solved problems begin with."""
    data = [RNG.random((2, N, D)), RNG.random((2, K, D))] if of_points else [RNG.random((2, N, K))]
    rest = [RNG.random((2, length)) for length in (N, K, N, K)]
    tensors: list[Any] = [torch.as_tensor(array).requires_grad_() for array in (*data, *rest)]
    return tensors if of_points else [tensors[0], None, *tensors[1:]]


@pytest.mark.parametrize("of_points", [False, True])
def test_opcheck(of_points: bool) -> None:
    parts = solved(of_points)
    ground = ("euclidean", 1.0, 0.4) if of_points else ("", 0.0, 0.4)
    rho = 0.5, INFINITE
    values = torch.as_tensor(RNG.random((2, K, 3))).requires_grad_()
    cost = torch.as_tensor(RNG.random(2)).requires_grad_()
    plain = [None if part is None else part.detach() for part in parts]
    calls: list[tuple[Any, tuple[Any, ...]]] = [
        (entropic.entropic_potentials, (*parts, *ground, *rho)),
        (entropic.entropic_plan, (*parts, *ground)),
        (entropic.entropic_product, (*parts, values, False, *ground)),
        (entropic.entropic_linear_cost, (*parts, cost, *ground)),
        (entropic.entropic_value, (*parts, cost, *ground, *rho)),
        (entropic.entropic_adjoint, (*plain, *plain[4:], *ground, *rho)),
        (entropic.entropic_pullback, (*plain, values.detach()[:, :1, :1], None, "cost", *ground)),
        (
            entropic_solve.entropic_solve,
            (*plain[:2], None, None, "sinkhorn", *ground, *rho, None, None, None),
        ),
    ]
    if of_points:
        calls.append((entropic.entropic_slopes, (*parts, *ground)))
    for operator, arguments in calls:
        torch.library.opcheck(operator, arguments)


def test_what_there_is_not() -> None:
    costs = torch.as_tensor(RNG.random((N, K)))
    for function in (ot.transport_plan, ot.transport_potentials):
        with pytest.raises(ValueError, match="reg: None, expected a positive number"):
            function(costs, reg=None)
        with pytest.raises(NotImplementedError, match="forward-mode"):
            torch.func.jvp(lambda M, f=function: f(M, reg=0.5), (costs,), (costs,))
    with pytest.raises(ValueError, match="one number for both sides"):
        ot.sinkhorn_divergence(costs, costs, reg=0.5, unbalanced=(1.0, 2.0))


def test_bad_input_is_found_where_it_runs() -> None:
    costs = torch.as_tensor(RNG.random((N, K)))
    with pytest.raises(TypeError, match="M: a ndarray, expected a torch tensor"):
        ot.transport_plan(costs.numpy(), reg=0.5)
    with pytest.raises(ValueError, match="M: shape"):
        ot.transport_plan(costs[0], reg=0.5)
    with pytest.raises(ValueError, match="a: shape"):
        ot.transport_plan(costs, costs[0], reg=0.5)
    costs[1, 2] = torch.nan
    with pytest.raises(ValueError, match=r"M\[1, 2\] is nan"):
        ot.transport_potentials(costs, reg=0.5)
    with pytest.raises(ValueError, match="is nan"):
        torch.compile(ot.transport_plan, fullgraph=True, backend="eager")(costs, reg=0.5)


def test_dtypes() -> None:
    points = torch.as_tensor(RNG.random((N, D)))
    for first, second, expected in (
        (torch.float32, torch.float32, torch.float32),
        (torch.float16, torch.float32, torch.float32),
        (torch.float32, torch.float64, torch.float64),
        (torch.int64, torch.float32, torch.float64),
    ):
        plan = ot.transport_plan_sample(points.to(first), points.to(second), reg=0.5)
        assert plan.dtype == expected
