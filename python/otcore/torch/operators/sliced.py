"""Sliced transport as operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ... import _core
from ..._options import check_power, check_threads, positive_int
from ..._sliced_max import climb
from ..._slices import Sampling, check_slices
from .exact import centred, data_dtype, tensors_of
from .registration import check_tensors, define, per_source, refusing

# Directions are given to the operators, so there is nothing to draw.
_NOTHING_DRAWN = Sampling(1, "gaussian", None)


def sliced_wasserstein(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    projections: Tensor | None = None,
    n_projections: int = 50,
    p: float = 2,
    generator: torch.Generator | None = None,
    n_threads: int | None = None,
) -> Tensor:
    """The sliced Wasserstein cost, as the value of `otcore.sliced.sliced_wasserstein`.

    Works whole under `torch.compile`, `torch.func` and `vmap`; see `transport_cost`.

    Parameters
    ----------
    X : Tensor, shape (n, d) or (B, n, d)
        The first points.
    Y : Tensor, shape (m, d) or (B, m, d)
        The second points. All problems of a batch share the directions.
    a : Tensor, shape (n,) or (B, n), optional
        Masses of X; None is 1/n each.
    b : Tensor, shape (m,) or (B, m), optional
        Masses of Y.
    projections : Tensor, shape (d, L), optional
        The directions, as columns; taken as they are. None: `n_projections` independent ones,
        uniform on the sphere, drawn by torch (under ``vmap`` with ``randomness="same"`` or
        ``"different"``).
    n_projections
        How many directions to draw.
    p
        The power of the cost, a finite number >= 1.
    generator
        What draws; None is torch's global generator, the one that compiled functions can use.
    n_threads
        At most so many threads.

    Returns
    -------
    Tensor, shape () or (B,)
        The mean of W_p^p over the directions, float64. Once differentiable in X, Y, a, b and
        projections; the gradient in masses is centred.

    Raises
    ------
    ValueError, TypeError
        As `otcore.sliced.sliced_wasserstein`.
    RuntimeError
        A tensor that is not on the CPU.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch import sliced_wasserstein
    >>> X, axes = torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.eye(2)
    >>> sliced_wasserstein(X, X + torch.tensor([3.0, 4.0]), projections=axes)
    tensor(12.5000, dtype=torch.float64)
    """
    check_tensors(X=X, Y=Y, a=a, b=b, projections=projections)
    check_threads(n_threads)
    if projections is None:
        projections = _draw(X, n_projections, generator)
    no = (False,) * 4
    value: Tensor = sliced_values(X, Y, a, b, projections, check_power(p), n_threads, *no)[0]
    return value


def max_sliced_wasserstein(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    projections: Tensor | None = None,
    n_projections: int = 50,
    p: float = 2,
    max_iter: int = 200,
    tol: float = 1e-9,
    generator: torch.Generator | None = None,
    n_threads: int | None = None,
) -> Tensor:
    """The max-sliced Wasserstein cost, as the value of `otcore.sliced.max_sliced_wasserstein`.

    Parameters
    ----------
    X : Tensor, shape (n, d)
        The first points.
    Y : Tensor, shape (m, d)
        The second points.
    a : Tensor, shape (n,), optional
        Masses of X; None is 1/n each.
    b : Tensor, shape (m,), optional
        Masses of Y.
    projections, n_projections, p, generator, n_threads
        As in `sliced_wasserstein`; the best of the directions are followed uphill.
    max_iter
        At most so many steps.
    tol
        A direction is done when a step gains less than this part of its cost.

    Returns
    -------
    Tensor, shape ()
        W_p^p along the best direction found, float64. Once differentiable in X, Y, a and b with
        that direction held fixed, which is the gradient of the maximum.

    Raises
    ------
    ValueError, TypeError
        As `otcore.sliced.max_sliced_wasserstein`.
    RuntimeError
        A tensor that is not on the CPU.

    Warns
    -----
    ConvergenceWarning
        `max_iter` came first.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch import max_sliced_wasserstein
    >>> X = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    >>> shift = torch.tensor([3.0, 4.0], dtype=torch.float64)
    >>> max_sliced_wasserstein(X, X + shift, projections=torch.eye(2)).round(decimals=6)
    tensor(25., dtype=torch.float64)
    """
    check_tensors(X=X, Y=Y, a=a, b=b, projections=projections)
    check_threads(n_threads)
    power = check_power(p)
    if projections is None:
        projections = _draw(X, n_projections, generator)
    direction = best_direction(X, Y, a, b, projections, power, max_iter, tol, n_threads)
    no = (False,) * 4
    values = sliced_values(X, Y, a, b, direction[:, None], power, n_threads, *no)
    value: Tensor = values[0]
    return value


def _draw(X: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """(d, L) unit vectors, independent and uniform."""
    count = positive_int(count, "n_projections", most=2**31 - 1)
    dims = X.shape[-1] if X.dim() else 1
    dtype = torch.float64 if X.dtype == torch.float64 else torch.float32
    normal = torch.randn(dims, count, generator=generator, dtype=dtype)
    length: Tensor = torch.linalg.vector_norm(normal, dim=0)
    return normal / length


def _values(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    projections: Tensor,
    p: float,
    n_threads: int | None,
    with_x: bool,
    with_y: bool,
    with_directions: bool,
    with_potentials: bool,
) -> tuple[Tensor, ...]:
    """Values; slopes in X and in Y, potentials, slopes of the slices' costs in the directions, or
    nothing in place of each."""
    slices = check_slices(X, Y, a, b, projections, _NOTHING_DRAWN)
    values = _core.sliced_values(
        slices.x,
        slices.y,
        slices.a,
        slices.b,
        slices.directions,
        p,
        circles=False,
        mass_tolerance=slices.mass_tolerance,
        n_threads=n_threads or slices.library.n_threads(),
        with_x=with_x,
        with_y=with_y,
        with_directions=with_directions,
        with_potentials=with_potentials,
    )
    value = values.cost.mean(axis=1)
    nothing = np.empty((len(value), 0))
    slopes = (
        values.gradient_x,
        values.gradient_y,
        values.potential_a,
        values.potential_b,
        values.gradient_directions,
    )
    parts = value, *(nothing.copy() if part is None else part for part in slopes)
    return tensors_of(parts, batched=slices.batch is not None)


def _values_fake(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    projections: Tensor,
    p: float,
    n_threads: int | None,
    with_x: bool,
    with_y: bool,
    with_directions: bool,
    with_potentials: bool,
) -> tuple[Tensor, ...]:
    lead = X.shape[:-2]
    n, m = (points.shape[-2] if points.dim() > 1 else 1 for points in (X, Y))

    def empty(there: bool, *shape: int) -> Tensor:
        return X.new_empty((*lead, *(shape if there else (0,))), dtype=torch.float64)

    return (
        empty(True),
        empty(with_x, n, X.shape[-1]),
        empty(with_y, m, X.shape[-1]),
        empty(with_potentials, n),
        empty(with_potentials, m),
        empty(with_directions, projections.shape[-1], X.shape[-1]),
    )


def _backward(
    grads: tuple[Tensor], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], needed: Any
) -> list[Tensor | None]:
    sources = inputs[:5]
    (grad,) = grads
    gradients = (_in_points, _in_points, centred, centred, _in_projections)
    return [
        refusing(gradient, grad, part, source, sources=sources) if need else None
        for gradient, part, source, need in zip(
            gradients, outputs[1:], sources, needed[:5], strict=True
        )
    ]


def _in_points(grad: Tensor, slopes: Tensor, points: Tensor) -> Tensor:
    return per_source(grad[..., None, None] * slopes, points)


def _in_projections(grad: Tensor, rows: Tensor, projections: Tensor) -> Tensor:
    one = rows.dim() == 2
    total = grad * rows if one else torch.einsum("b,blk->lk", grad, rows)
    return per_source((total / rows.shape[-2]).transpose(-1, -2), projections)


sliced_values = define(
    "sliced_values(Tensor X, Tensor Y, Tensor? a, Tensor? b, Tensor projections, float p, "
    "int? n_threads, bool with_x, bool with_y, bool with_directions, bool with_potentials) -> "
    "(Tensor value, Tensor in_x, Tensor in_y, Tensor potential_a, Tensor potential_b, "
    "Tensor in_directions)",
    _values,
    _values_fake,
    axes=(2, 2, 1, 1, 2, *(None,) * 6),
    shared=(2, 3, 4),
    alone=(4,),
    backward=_backward,
    wants={7: (0,), 8: (1,), 9: (4,), 10: (2, 3)},
)


def _best(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    projections: Tensor,
    p: float,
    max_iter: int,
    tol: float,
    n_threads: int | None,
) -> Tensor:
    slices = check_slices(X, Y, a, b, projections, _NOTHING_DRAWN, batches=False)
    direction, *_ = climb(slices, p, max_iter, tol, n_threads)
    return torch.from_numpy(direction).to(torch.from_numpy(slices.x[:0]).dtype)


best_direction = define(
    "best_direction(Tensor X, Tensor Y, Tensor? a, Tensor? b, Tensor projections, float p, "
    "int max_iter, float tol, int? n_threads) -> Tensor",
    _best,
    lambda X, Y, *_: X.new_empty(X.shape[-1:], dtype=data_dtype(X, Y)),
    axes=(2, 2, 1, 1, 2, *(None,) * 4),
    alone=(0, 1, 2, 3, 4),
    backward=lambda *_: (),  # by the envelope theorem: the maximum does not see it move
    differentiable=0,
)
