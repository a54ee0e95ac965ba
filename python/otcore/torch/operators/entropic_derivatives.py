"""Derivatives of entropic transport as operators, which have no derivatives of their own.

The arguments are those of the operators that they are derivatives of, in `entropic`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...cost import Metric
from ..entropic_adjoint import adjoint
from ..entropic_plans import Plans, Solved
from ..entropic_pullback import pullback
from .registration import define

SOLVED = "Tensor first, Tensor? second, Tensor a, Tensor b, Tensor f, Tensor g"
SOLVED_AXES = (2, 2, 1, 1, 1, 1)
GROUND = "str metric, float p, float eps"
MODEL = f"{GROUND}, float rho_a, float rho_b"

_AGAIN = (
    "entropic plans and potentials are differentiable once, entropic values twice: expected no "
    "further derivative"
)


def _refuse(*_: Any) -> Sequence[Tensor | None]:
    raise RuntimeError(_AGAIN)


def metric_of(name: str, p: float) -> Metric | None:
    """That of points; None for cost matrices."""
    return Metric(name, p) if name else None


def empty(like: Tensor) -> Tensor:
    """A contiguous one of this shape."""
    return like.new_empty(like.shape)


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
    return empty(first), first.new_empty(len(first), 0) if second is None else empty(second)


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
        plans = Plans(solved, metric_of(metric, p), eps)
        parts.append(adjoint(plans, grad_f[part], grad_g[part], (rho_a, rho_b)))
    return _like(_joined(parts), first, second)


def _adjoint_fake(first: Tensor, second: Tensor | None, *rest: Any) -> tuple[Tensor, ...]:
    a, b = rest[:2]
    return *_empty_data(first, second), empty(a), empty(b)


entropic_adjoint = define(
    f"entropic_adjoint({SOLVED}, Tensor grad_f, Tensor grad_g, {MODEL})"
    " -> (Tensor first, Tensor second, Tensor a, Tensor b)",
    _adjoint,
    _adjoint_fake,
    axes=(*SOLVED_AXES, 1, 1, *[None] * 5),
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
        plans = Plans(solved, metric_of(metric, p), eps)
        parts.append(pullback(plans, kind, left[part], None if right is None else right[part]))
    return _like(_joined(parts), first, second)


def _pullback_fake(
    first: Tensor, second: Tensor | None, a: Tensor, b: Tensor, *_: Any
) -> tuple[Tensor, ...]:
    vectors = (empty(each) for each in (a, b, a, b))
    return *_empty_data(first, second), *vectors


entropic_pullback = define(
    f"entropic_pullback({SOLVED}, Tensor left, Tensor? right, str kind, {GROUND})"
    " -> (Tensor first, Tensor second, Tensor a, Tensor b, Tensor f, Tensor g)",
    _pullback,
    _pullback_fake,
    axes=(*SOLVED_AXES, 2, 2, *[None] * 4),
    backward=_refuse,
    differentiable=6,
)
