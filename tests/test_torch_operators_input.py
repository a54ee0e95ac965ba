"""Functions of otcore.torch: what goes in, in which dtype and layout, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

import otcore
import otcore.torch as ot
from operator_cases import CASES, Case

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
pytestmark = pytest.mark.filterwarnings("ignore::otcore.ConvergenceWarning")

Check = tuple[Callable[..., Any], tuple[Any, ...]]


def costs(*shape: int, **options: Any) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), **options)


OPERATORS: dict[str, tuple[Any, ...]] = {
    "exact_costs": (costs(3, 5, 4), None, torch.full((4,), 0.25), None, None),
    "exact_points": (costs(5, 2), costs(4, 2), None, None, "sqeuclidean", 2.0, None, None),
    "plan_in_points": (
        *(costs(2), costs(2, 5, 2), costs(2, 4, 2)),
        *(torch.ones(2, 8, dtype=torch.int32) for _ in range(2)),
        *(costs(2, 8), "euclidean", 2.0),
    ),
    "ipot_costs": (costs(3, 5, 4), None, None, 0.0, None, 1, None, None),
    "ipot_in_costs": (
        *(costs(()), costs(5, 4), None, None),
        *(costs(5, dtype=torch.float64), costs(4, dtype=torch.float64)),
        costs((), dtype=torch.float64),
    ),
    "ipot_points": (costs(5, 2), costs(4, 2), None, None, "euclidean", 2.0, 0.0, None, 1, None, 1),
    "ipot_in_points": (
        *(costs(()), costs(5, 2), costs(4, 2), None, None),
        *(costs(5, dtype=torch.float64), costs(4, dtype=torch.float64)),
        *(costs((), dtype=torch.float64), "sqeuclidean", 2.0),
    ),
    "line_values": (costs(3, 5), costs(4), None, None, 1.5, None, True, True),
    "sliced_values": (
        *(costs(3, 5, 2), costs(3, 4, 2), None, None, costs(2, 6), 2.0, None),
        *(True, False, True, True),
    ),
    "best_direction": (costs(5, 2), costs(4, 2), None, None, costs(2, 6), 2.0, 200, 1e-9, None),
    "minibatch_value": (
        *(costs(5, 2), costs(4, 2), torch.tensor([[0, 1], [2, 3]]), torch.tensor([[0, 1]])),
        *(None, None, "sqeuclidean", 2.0, "bomb", None, "exact", None, None, None, None),
        *("uniform", False, None, True, True),
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_keep_torchs_rules(name: str) -> None:
    operator = getattr(torch.ops.otcore, name).default
    arguments = OPERATORS[name]
    torch.library.opcheck(operator, arguments)
    tracked = tuple(
        x.detach().requires_grad_() if isinstance(x, Tensor) and x.is_floating_point() else x
        for x in arguments
    )
    once = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(operator, tracked, test_utils=once)


# ---------------------------------------------------------------------------------------------
# dtypes and layouts


def dyadic(count: int) -> Tensor:
    """Weights of sum 1 in any dtype: 1/2, 1/4, ..., and the last one twice."""
    weights = 0.5 ** torch.arange(1, count + 1)
    weights[-1] *= 2
    return weights


@each_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_dtypes(case: Case, dtype: torch.dtype) -> None:
    """As otcore's own functions, which promote; also under autocast."""
    expected, tensors = (
        [
            dyadic(len(t)).to(dtype) if place in (case.weights, case.weights + 1) else t
            for place, t in enumerate(case.tensors(dtype=dtype))
        ]
        for _ in range(2)
    )
    for tensor in (*expected, *tensors):
        tensor.requires_grad_()
    result = case.peer(*expected)
    value = getattr(result, "value", result)
    value.backward()
    with torch.autocast("cpu", torch.bfloat16):
        found = case.function(*tensors)
        found.backward()
    assert torch.equal(found, value)
    assert found.dtype == torch.float64
    for one, other in zip(tensors, expected, strict=True):
        assert one.grad is not None
        assert one.grad.dtype == dtype
        assert torch.equal(one.grad, other.grad)


@each_case
def test_strided_and_expanded(case: Case) -> None:
    tensors = [t.requires_grad_() for t in case.tensors()]
    grads = torch.autograd.grad(case(*tensors), tensors)
    strided = [torch.stack([t.detach()] * 2, -1)[..., 0].requires_grad_() for t in tensors]
    transposed = [t.detach().mT.contiguous().mT if t.dim() == 2 else t for t in strided]
    for layout in (strided, [t.detach().requires_grad_() for t in transposed]):
        for one, other in zip(torch.autograd.grad(case(*layout), layout), grads, strict=True):
            assert torch.equal(one, other)
    if case.batches:
        shared = [
            t if place in case.shared else t.detach().expand(3, *t.shape).requires_grad_()
            for place, t in enumerate(tensors)
        ]
        case(*shared).sum().backward()
        for place, (one, other) in enumerate(zip(shared, grads, strict=True)):
            if place not in case.shared:
                assert torch.equal(one.grad, other.expand(3, *other.shape))


def test_changed_before_the_backward_pass() -> None:
    x = costs(5, 2).requires_grad_()
    value = ot.transport_cost_sample(x, costs(4, 2))
    with torch.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_traced_without_a_gradient() -> None:
    """Tracers see the operator, not the number that it gave."""
    graph = make_fx(lambda M: ot.transport_cost(M))(costs(4, 3))
    assert "exact_costs" in graph.code
    other = costs(4, 3).flip(0)
    assert torch.equal(graph(other), ot.transport_cost(other))


def test_directions_are_drawn_by_torch() -> None:
    x, y = costs(6, 3), costs(5, 3)
    draw = torch.compile(ot.sliced_wasserstein, fullgraph=True, backend="aot_eager")
    torch.manual_seed(3)
    value = ot.sliced_wasserstein(x, y, n_projections=7)
    torch.manual_seed(3)
    assert torch.equal(draw(x, y, n_projections=7), value)
    generator = torch.Generator().manual_seed(3)
    assert torch.equal(ot.sliced_wasserstein(x, y, n_projections=7, generator=generator), value)
    apart = torch.vmap(ot.sliced_wasserstein, (0, None), randomness="different")(x[None], y)
    assert apart.shape == (1,)


# ---------------------------------------------------------------------------------------------
# Bad input

INDEX = torch.tensor([[0, 1]])

# A function of tensors, the tensors, and the start of what it says.
BAD: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "shape": (ot.transport_cost, (costs(4),), r"M: shape \(4,\), expected \(n, m\)"),
    "axes": (ot.transport_cost, (costs(1, 2, 3, 4),), r"M: shape \(1, 2, 3, 4\)"),
    "weights": (ot.transport_cost, (costs(4, 3), costs(3)), r"a: shape \(3,\), expected \(4,\)"),
    "NaN": (ot.transport_cost, (costs(4, 3) * torch.nan,), r"M: M\[0, 0\] is nan"),
    "negative": (ot.transport_cost, (costs(2, 3), torch.tensor([2.0, -1.0])), r"a"),
    "points": (ot.transport_cost_sample, (costs(4, 3), costs(4, 2)), r"Y: shape \(4, 2\)"),
    "line": (ot.wasserstein_1d, (costs(4, 3), costs(2, 3)), r"y: shape \(2, 3\)"),
    "projections": (
        lambda x, y, way: ot.sliced_wasserstein(x, y, projections=way),
        (costs(4, 3), costs(2, 3), costs(2, 9)),
        r"projections: shape \(2, 9\), expected \(d, L\)",
    ),
    "batches": (ot.minibatch_cost, (costs(4, 2), costs(4, 2), INDEX[0], INDEX), "batches: shape"),
    "outside": (
        ot.minibatch_cost,
        (costs(4, 2), costs(4, 2), INDEX + 9, INDEX),
        "batches: index 10",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tensors(name: str) -> None:
    function, tensors, message = BAD[name]
    tracked = [t.requires_grad_() if t.is_floating_point() else t for t in tensors]
    torch._dynamo.reset()
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    for call in (function, compiled):
        with pytest.raises(ValueError, match=message):
            call(*tracked)
        with pytest.raises(ValueError, match=message), torch.no_grad():
            call(*tracked)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "simplex"}, "method: 'simplex'"),
        ({"reg": -1.0}, "reg: -1.0"),
        ({"max_iter": 0}, "max_iter: 0"),
        ({"n_threads": 0}, "n_threads: 0"),
        ({"method": "exact", "tol": 1.0}, "tol: 1.0"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    for M in (costs(3, 4), costs(3, 4).requires_grad_()):
        with pytest.raises(ValueError, match=message):
            ot.transport_cost(M, **options)
    compiled = torch.compile(ot.transport_cost, fullgraph=True, backend="eager")
    with pytest.raises(torch._dynamo.exc.Unsupported, match=message):
        compiled(costs(3, 4), **options)


def test_what_is_no_tensor_on_the_cpu() -> None:
    with pytest.raises(TypeError, match="M: a list, expected a torch tensor"):
        ot.transport_cost([[1.0]])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a: a ndarray"):
        ot.transport_cost(costs(1, 1), costs(1).numpy())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"X: layout torch.sparse_coo"):
        ot.transport_cost_sample(costs(2, 2).to_sparse(), costs(2, 2))
    with pytest.raises(TypeError, match=r"M: dtype torch.complex64, expected real numbers"):
        ot.transport_cost(costs(2, 2).to(torch.complex64).requires_grad_())
    with pytest.raises(RuntimeError, match="Y is a meta tensor, which has no data"):
        ot.sliced_wasserstein(costs(2, 2), costs(2, 2).to("meta"))
    with pytest.raises(ValueError, match=r"M: 1 axes under vmap, expected 2 or 3"):
        torch.vmap(ot.transport_cost)(costs(2, 2))
    with pytest.raises(ValueError, match=r"outer_reg: 1.0, expected None with method='m_ot'"):
        ot.minibatch_cost(costs(2, 2), costs(2, 2), INDEX, INDEX, method="m_ot", outer_reg=1.0)


def test_warnings_come_through() -> None:
    M = costs(9, 9).requires_grad_()
    weights = torch.arange(1.0, 10.0)
    for function in (ot.transport_cost, torch.compile(ot.transport_cost, backend="aot_eager")):
        with pytest.warns(otcore.ConvergenceWarning, match="stopped"):
            function(M, weights, weights.flip(0), max_iter=1)
