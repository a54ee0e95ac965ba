"""Transport on the line as an operator."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ... import _core
from ..._lines import check_lines
from ..._options import check_power, check_threads
from .exact import centred, tensors_of
from .registration import check_tensors, define, per_source, refusing


def wasserstein_1d(
    x: Tensor,
    y: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    p: float = 2,
    n_threads: int | None = None,
) -> Tensor:
    """The transport cost between points of the line, as `otcore.oned.wasserstein`.

    Works whole under `torch.compile`, `torch.func` and `vmap`; see `transport_cost`.

    Parameters
    ----------
    x : Tensor, shape (n,) or (B, n)
        The first points.
    y : Tensor, shape (m,) or (B, m)
        The second points.
    a : Tensor, shape (n,) or (B, n), optional
        Masses of x; None is 1/n each.
    b : Tensor, shape (m,) or (B, m), optional
        Masses of y.
    p
        The power of the costs abs(x - y)^p, a finite number >= 1.
    n_threads
        At most so many threads.

    Returns
    -------
    Tensor, shape () or (B,)
        W_p^p for masses of sum 1, float64. Arguments of one axis beside others of two serve all
        problems. Once differentiable in x, y, a and b; the gradient in masses is centred.

    Raises
    ------
    ValueError, TypeError
        As `otcore.oned.wasserstein`.
    RuntimeError
        A tensor that is not on the CPU.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch import wasserstein_1d
    >>> x, y = torch.tensor([[0.0, 1.0, 3.0], [0.0, 0.0, 0.0]]), torch.tensor([5.0, 6.0, 8.0])
    >>> wasserstein_1d(x, y, p=1)
    tensor([5.0000, 6.3333], dtype=torch.float64)
    >>> torch.func.grad(lambda x: wasserstein_1d(x, y))(x[0])
    tensor([-3.3333, -3.3333, -3.3333])
    """
    check_tensors(x=x, y=y, a=a, b=b)
    check_threads(n_threads)
    value: Tensor = line_values(x, y, a, b, check_power(p), n_threads, False, False)[0]
    return value


def _values(
    x: Tensor,
    y: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    p: float,
    n_threads: int | None,
    with_slopes: bool,
    with_potentials: bool,
) -> tuple[Tensor, ...]:
    """Values; their slopes in x and in y, and the potentials, or nothing in place of each."""
    lines = check_lines(x, y, a, b)
    values = _core.line_values(
        lines.x,
        lines.y,
        lines.a,
        lines.b,
        p,
        mass_tolerance=lines.mass_tolerance,
        n_threads=n_threads or lines.library.n_threads(),
        with_gradients=with_slopes,
        with_potentials=with_potentials,
    )
    nothing = np.empty((len(values.value), 0))
    slopes = (values.gradient_x, values.gradient_y, values.potential_a, values.potential_b)
    parts = values.value, *(nothing.copy() if part is None else part for part in slopes)
    return tensors_of(parts, batched=lines.batch is not None)


def _values_fake(
    x: Tensor,
    y: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    p: float,
    n_threads: int | None,
    with_slopes: bool,
    with_potentials: bool,
) -> tuple[Tensor, ...]:
    batches = (t.shape[:1] for t in (x, y, a, b) if t is not None and t.dim() == 2)
    lead = next(batches, ())
    n, m = (t.shape[-1] if t.dim() else 1 for t in (x, y))
    sides = (n, m) if with_slopes else (0, 0)
    masses = (n, m) if with_potentials else (0, 0)
    shapes = (lead, *((*lead, size) for size in (*sides, *masses)))
    return tuple(x.new_empty(shape, dtype=torch.float64) for shape in shapes)


def _backward(
    grads: tuple[Tensor], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], needed: Any
) -> list[Tensor | None]:
    sources = inputs[:4]
    (grad,) = grads
    gradients = (_sloped, _sloped, centred, centred)
    return [
        refusing(gradient, grad, part, source, sources=sources) if need else None
        for gradient, part, source, need in zip(
            gradients, outputs[1:], sources, needed[:4], strict=True
        )
    ]


def _sloped(grad: Tensor, slopes: Tensor, points: Tensor) -> Tensor:
    return per_source(grad[..., None] * slopes, points)


line_values = define(
    "line_values(Tensor x, Tensor y, Tensor? a, Tensor? b, float p, int? n_threads, "
    "bool with_slopes, bool with_potentials) -> (Tensor value, Tensor in_x, Tensor in_y, "
    "Tensor potential_a, Tensor potential_b)",
    _values,
    _values_fake,
    axes=(1, 1, 1, 1, None, None, None, None),
    shared=(0, 1, 2, 3),
    backward=_backward,
    wants={6: (0, 1), 7: (2, 3)},
)
