"""Entropic transport as operators.

Operators on solved problems take the data, weights and potentials that `Solved` describes, with an
axis for the batch in front, and the model: metric ("" for cost matrices), its p, eps and rho. All
but `entropic_potentials` hold f and g for inputs like the others; that one gives them their
derivatives in the data, so that what is made of its outputs has the whole derivative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...cost import Metric
from ..entropic_adjoint import adjoint
from ..entropic_plans import Plans, Solved, core_plan
from ..entropic_pullback import Gradients, pullback
from ..entropic_slopes import slopes
from .registration import Operator, define

_SOLVED = "Tensor first, Tensor? second, Tensor a, Tensor b, Tensor f, Tensor g"
_SOLVED_AXES = (2, 2, 1, 1, 1, 1)
_GROUND = "str metric, float p, float eps"
_MODEL = f"{_GROUND}, float rho_a, float rho_b"

_AGAIN = (
    "entropic plans and potentials are differentiable once, entropic values twice: expected no "
    "further derivative"
)


def _refuse(*_: Any) -> Sequence[Tensor | None]:
    raise RuntimeError(_AGAIN)


def _metric(name: str, p: float) -> Metric | None:
    return Metric(name, p) if name else None


def _like(gradients: Sequence[Tensor], first: Tensor, second: Tensor | None) -> tuple[Tensor, ...]:
    """Gradients of which the first two are in the data, in its dtype."""
    in_first, in_second, *rest = gradients
    other = first if second is None else second
    return in_first.to(first.dtype), in_second.to(other.dtype), *rest


def _joined(parts: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    """The results of groups of problems, as one."""
    if len(parts) == 1:
        return tuple(parts[0])
    return tuple(torch.cat(each) for each in zip(*parts, strict=True))


def _empty_data(first: Tensor, second: Tensor | None) -> tuple[Tensor, Tensor]:
    empty = first.new_empty(len(first), 0) if second is None else _empty(second)
    return _empty(first), empty


def _empty(like: Tensor) -> Tensor:
    return like.new_empty(like.shape)


def _copy(tensor: Tensor) -> Tensor:
    return tensor.clone(memory_format=torch.contiguous_format)


def _data_gradients(second: Tensor | None, in_first: Tensor, in_second: Tensor) -> list[Any]:
    return [in_first, None if second is None else in_second]


# ---------------------------------------------------------------------------------------------
# The derivatives that have none of their own


def _adjoint(
    first: Tensor,
    second: Tensor | None,
    a: Tensor,
    b: Tensor,
    f: Tensor,
    g: Tensor,
    grad_f: Tensor,
    grad_g: Tensor,
    metric: str,
    p: float,
    eps: float,
    rho_a: float,
    rho_b: float,
) -> tuple[Tensor, ...]:
    parts, done = [], 0
    for solved in Solved(first, second, a, b, f, g).groups():
        part = slice(done, done := done + len(solved.a))
        plans = Plans(solved, _metric(metric, p), eps)
        parts.append(adjoint(plans, grad_f[part], grad_g[part], (rho_a, rho_b)))
    return _like(_joined(parts), first, second)


def _adjoint_fake(first: Tensor, second: Tensor | None, *rest: Any) -> tuple[Tensor, ...]:
    a, b = rest[:2]
    return *_empty_data(first, second), _empty(a), _empty(b)


entropic_adjoint = define(
    f"entropic_adjoint({_SOLVED}, Tensor grad_f, Tensor grad_g, {_MODEL})"
    " -> (Tensor first, Tensor second, Tensor a, Tensor b)",
    _adjoint,
    _adjoint_fake,
    axes=(*_SOLVED_AXES, 1, 1, *[None] * 5),
    backward=_refuse,
    differentiable=4,
)


def _pullback(
    first: Tensor,
    second: Tensor | None,
    a: Tensor,
    b: Tensor,
    f: Tensor,
    g: Tensor,
    left: Tensor,
    right: Tensor | None,
    kind: str,
    metric: str,
    p: float,
    eps: float,
) -> tuple[Tensor, ...]:
    parts, done = [], 0
    for solved in Solved(first, second, a, b, f, g).groups():
        part = slice(done, done := done + len(solved.a))
        plans = Plans(solved, _metric(metric, p), eps)
        parts.append(pullback(plans, kind, left[part], None if right is None else right[part]))
    return _like(_joined(parts), first, second)


def _pullback_fake(
    first: Tensor, second: Tensor | None, a: Tensor, b: Tensor, *_: Any
) -> tuple[Tensor, ...]:
    vectors = (_empty(each) for each in (a, b, a, b))
    return *_empty_data(first, second), *vectors


entropic_pullback = define(
    f"entropic_pullback({_SOLVED}, Tensor left, Tensor? right, str kind, {_GROUND})"
    " -> (Tensor first, Tensor second, Tensor a, Tensor b, Tensor f, Tensor g)",
    _pullback,
    _pullback_fake,
    axes=(*_SOLVED_AXES, 2, 2, *[None] * 4),
    backward=_refuse,
    differentiable=6,
)


def _pulled_back(
    solved: tuple[Any, ...], left: Tensor, right: Tensor | None, kind: str, ground: tuple[Any, ...]
) -> list[Any]:
    """The gradients in what `Solved` has."""
    found = Gradients(*entropic_pullback(*solved, left, right, kind, *ground))
    return [*_data_gradients(solved[1], *found[:2]), *found[2:]]


# ---------------------------------------------------------------------------------------------
# Potentials


def _potentials(*inputs: Any) -> tuple[Tensor, Tensor]:
    f, g = inputs[4:6]
    return _copy(f), _copy(g)


def _potentials_backward(
    grads: tuple[Any, ...], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], needed: Any
) -> list[Tensor | None]:
    solved, model = inputs[:6], inputs[6:]
    both = (
        torch.zeros_like(of) if grad is None else grad
        for grad, of in zip(grads, outputs, strict=True)
    )
    in_first, in_second, *weights = entropic_adjoint(*solved, *both, *model)
    return [*_data_gradients(solved[1], in_first, in_second), *weights]


entropic_potentials = define(
    f"entropic_potentials({_SOLVED}, {_MODEL}) -> (Tensor f, Tensor g)",
    _potentials,
    _potentials,
    axes=(*_SOLVED_AXES, *[None] * 5),
    backward=_potentials_backward,
    differentiable=2,
)


# ---------------------------------------------------------------------------------------------
# The plan, and its products


def _plan(
    first: Tensor,
    second: Tensor | None,
    a: Tensor,
    b: Tensor,
    f: Tensor,
    g: Tensor,
    metric: str,
    p: float,
    eps: float,
) -> Tensor:
    solved = Solved(first, second, a, b, f, g)
    plans = first.new_empty(len(first), a.shape[1], b.shape[1])
    for k, plan in enumerate(plans):
        plan[...] = torch.from_numpy(core_plan(solved, k, _metric(metric, p), eps).dense())
    return plans


def _plan_fake(first: Tensor, second: Any, a: Tensor, b: Tensor, *_: Any) -> Tensor:
    return first.new_empty(len(first), a.shape[1], b.shape[1])


def _plan_backward(
    grads: tuple[Any, ...], inputs: tuple[Any, ...], outputs: Any, needed: Any
) -> list[Tensor | None]:
    return _pulled_back(inputs[:6], grads[0], None, "plan", inputs[6:])


entropic_plan = define(
    f"entropic_plan({_SOLVED}, {_GROUND}) -> Tensor",
    _plan,
    _plan_fake,
    axes=(*_SOLVED_AXES, *[None] * 3),
    backward=_plan_backward,
)


def _product(
    first: Tensor,
    second: Tensor | None,
    a: Tensor,
    b: Tensor,
    f: Tensor,
    g: Tensor,
    V: Tensor,
    transposed: bool,
    metric: str,
    p: float,
    eps: float,
) -> Tensor:
    solved = Solved(first, second, a, b, f, g)
    products = _product_fake(first, second, a, b, f, g, V, transposed)
    for k, image in enumerate(products):
        plan = core_plan(solved, k, _metric(metric, p), eps)
        values = V[k].double().contiguous().numpy()
        product = plan.apply_t(values) if transposed else plan.apply(values)
        image[...] = torch.from_numpy(product)
    return products


def _product_fake(
    first: Tensor,
    second: Any,
    a: Tensor,
    b: Tensor,
    f: Tensor,
    g: Tensor,
    V: Tensor,
    transposed: bool,
    *_: Any,
) -> Tensor:
    return V.new_empty(len(a), (b if transposed else a).shape[1], V.shape[2])


def _product_backward(
    grads: tuple[Any, ...], inputs: tuple[Any, ...], outputs: Any, needed: tuple[bool, ...]
) -> list[Tensor | None]:
    solved, (V, transposed), ground = inputs[:6], inputs[6:8], inputs[8:]
    found: list[Any] = [None] * 6
    if any(needed[:6]):
        left, right = (V, grads[0]) if transposed else (grads[0], V)
        found = _pulled_back(solved, left, right, "product", ground)
    back = entropic_product(*solved, grads[0], not transposed, *ground) if needed[6] else None
    return [*found, back]


entropic_product: Operator = define(
    f"entropic_product({_SOLVED}, Tensor V, bool transposed, {_GROUND}) -> Tensor",
    _product,
    _product_fake,
    axes=(*_SOLVED_AXES, 2, *[None] * 4),
    backward=_product_backward,
)


# ---------------------------------------------------------------------------------------------
# Sums over the plan of costs and of their gradients


def _linear_cost(*inputs: Any) -> Tensor:
    return _copy(inputs[6])


def _linear_cost_backward(
    grads: tuple[Any, ...], inputs: tuple[Any, ...], outputs: Any, needed: Any
) -> list[Tensor | None]:
    return _pulled_back(inputs[:6], grads[0][:, None, None], None, "cost", inputs[7:])


# <P, C>, which the caller has already.
entropic_linear_cost = define(
    f"entropic_linear_cost({_SOLVED}, Tensor cost, {_GROUND}) -> Tensor",
    _linear_cost,
    _linear_cost,
    axes=(*_SOLVED_AXES, 0, *[None] * 3),
    backward=_linear_cost_backward,
)


def _slopes(
    first: Tensor,
    second: Tensor,
    a: Tensor,
    b: Tensor,
    f: Tensor,
    g: Tensor,
    metric: str,
    p: float,
    eps: float,
) -> tuple[Tensor, Tensor]:
    solved, ground = Solved(first, second, a, b, f, g), Metric(metric, p)
    in_x, in_y = _empty(first), _empty(second)
    for k in range(len(first)):
        in_x[k], in_y[k] = slopes(solved, k, ground, eps)
    return in_x, in_y


def _slopes_fake(first: Tensor, second: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return _empty(first), _empty(second)


def _slopes_backward(
    grads: tuple[Any, ...], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], needed: Any
) -> list[Tensor | None]:
    left, right = (
        torch.zeros_like(of) if grad is None else grad
        for grad, of in zip(grads, outputs, strict=True)
    )
    return _pulled_back(inputs[:6], left, right, "slopes", inputs[6:])


entropic_slopes = define(
    "entropic_slopes(Tensor first, Tensor second, Tensor a, Tensor b, Tensor f, Tensor g, "
    f"{_GROUND}) -> (Tensor first, Tensor second)",
    _slopes,
    _slopes_fake,
    axes=(*_SOLVED_AXES, *[None] * 3),
    backward=_slopes_backward,
    differentiable=2,
)


# ---------------------------------------------------------------------------------------------
# The value


def _value(*inputs: Any) -> Tensor:
    return _copy(inputs[6])


def _value_backward(
    grads: tuple[Any, ...], inputs: tuple[Any, ...], outputs: Any, needed: tuple[bool, ...]
) -> list[Tensor | None]:
    """By the envelope theorem: the dual's partial derivatives, at fixed potentials.

    Of a balanced problem's weights, the potentials; the caller takes the share out of them that
    changes the masses.
    """
    (first, second, a, b), model = inputs[:4], inputs[7:]
    (grad,), (metric, p, eps, rho_a, rho_b) = grads, model
    f, g = entropic_potentials(*inputs[:6], *model)
    solved, ground = (first, second, a, b, f, g), (metric, p, eps)
    found: list[Tensor | None] = [None] * 4
    if second is None:
        if needed[0]:
            plan = entropic_plan(*solved, *ground)
            found[0] = grad[:, None, None].to(plan.dtype) * plan
    elif needed[0] or needed[1]:
        found[:2] = [
            grad[:, None, None].to(slope.dtype) * slope
            for slope in entropic_slopes(*solved, *ground)
        ]
    balanced = math.isinf(rho_a) and math.isinf(rho_b)
    for place, potential, rho, other in ((2, f, rho_a, b), (3, g, rho_b, a)):
        if needed[place]:
            pull = potential if balanced else _in_free_weights(potential, rho, eps, other)
            found[place] = grad[:, None] * pull
    return found


def _in_free_weights(potential: Tensor, rho: float, eps: float, other: Tensor) -> Tensor:
    share = other.sum(-1, keepdim=True)
    if math.isinf(rho):
        return potential - eps + eps * share
    mass = torch.exp(-potential / rho)  # (P 1)_i / a_i
    return -rho * torch.expm1(-potential / rho) - eps * mass + eps * share


# The objective's least value, which the caller has already.
entropic_value = define(
    f"entropic_value({_SOLVED}, Tensor value, {_MODEL}) -> Tensor",
    _value,
    _value,
    axes=(*_SOLVED_AXES, 0, *[None] * 5),
    backward=_value_backward,
)
